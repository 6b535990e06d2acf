//! What the gateway is built from. The gateway takes the services out of these groups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::replies::{InvokeReply, StatusOverrides};
use crate::bot_connector::{
    BotClient, ContinuationDelivery, ParentTokens, ReportedFailures, SkillClient, SkillConversations,
};
use crate::cards::PendingSignIns;
use crate::domain::{ChannelId, Registrations, SharedEntropy};
use crate::exchange::{
    ChannelStatements, CurrentTokens, ExchangeEngine, ExchangeNames, ExchangeReply, Speakers, TokenValidators,
    UserRates,
};
use crate::inbound::{BodyLimits, Callers};
use crate::observability::Counters;
use crate::sign_in::CodeRedemption;
use crate::sign_out::AgentLifecycle;

/// Which callers may call which bots, and the limits on their requests.
pub struct GatewayCallers {
    /// Authenticates channels and parent bots.
    pub callers: Arc<Callers>,
    /// The configured bots and connections.
    pub registrations: Arc<Registrations>,
    /// The limits on request bodies.
    pub limits: BodyLimits,
    /// Generates request ids.
    pub entropy: SharedEntropy,
}

/// What validates, exchanges and ends the tokens of users.
pub struct GatewayExchange {
    /// Validates exchangeable tokens.
    pub validators: Arc<TokenValidators>,
    /// Runs the exchanges of `signin/tokenExchange`, whose duplicates share one answer.
    pub engine: Arc<ExchangeEngine<InvokeReply>>,
    /// Runs the exchanges of users' actions. The actions share the exchange, and each has an answer of its own.
    pub action_engine: Arc<ExchangeEngine<ExchangeReply>>,
    /// Checks whether a token is still stored.
    pub tokens: CurrentTokens,
    /// Notes which account speaks.
    pub speakers: Speakers,
    /// Ends what is kept for agent users.
    pub agents: AgentLifecycle,
    /// Notes what channels state about the users whose activities are passed on.
    pub statements: Arc<ChannelStatements>,
}

/// What completes an interactive sign-in with a code from the chat.
pub struct GatewaySignIns {
    /// The cards that users can still answer.
    pub cards: Arc<PendingSignIns>,
    /// Redeems magic codes.
    pub codes: CodeRedemption,
    /// Limits how often a user may try a code.
    pub rates: Arc<UserRates>,
}

/// What reaches the bots behind the gateway.
pub struct GatewayBots {
    /// Forwards activities to the bots.
    pub client: BotClient,
    /// Delivers `tokens/response` events to the bots.
    pub delivery: ContinuationDelivery,
    /// The reports of clients that bots were told of.
    pub reported_failures: ReportedFailures,
    /// Derives the id of the exchange that an event continues.
    pub exchange_names: ExchangeNames,
    /// The time limit for a bot's answer to an activity that is only passed on.
    pub timeout: Duration,
    /// Reaches the skills of the bots.
    pub skills: GatewaySkills,
}

/// What passes users' invokes on to skills, addressed as the parent bot addresses them (docs/skills.md).
pub struct GatewaySkills {
    /// The conversations that parent bots have opened with skills.
    pub conversations: SkillConversations,
    /// Calls the skills.
    pub client: SkillClient,
    /// The app tokens of parent bots, with which skills are called.
    pub parent_tokens: ParentTokens,
    /// The address of bot-sso, below which skills answer.
    pub public_url: Url,
}

/// How outcomes are counted and answered.
pub struct GatewayAnswers {
    /// The counters of the process.
    pub counters: Arc<Counters>,
    /// Configured statuses that replace those of the status table, by channel.
    pub statuses: HashMap<ChannelId, StatusOverrides>,
}
