//! The bot's side door: channels and parent bots post activities here, and most of them go on to the bot untouched.
//!
//! Owns the decision what is ours (the sign-in invokes) and what is not, and the status table of their answers. It
//! deliberately knows nothing of tokens beyond handing them to the exchange.

mod client_failure;
mod description;
mod disposition;
mod forward;
mod replies;
mod token_exchange;
mod tokens_response;
mod verify_state;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use self::disposition::Disposition;
use crate::bot_connector::{BotClient, ContinuationDelivery, ForwardedRequest};
use crate::cards::PendingSignIns;
use crate::domain::{Account, Bot, ChannelId, Registrations, SharedEntropy};
use crate::exchange::{CurrentTokens, ExchangeEngine, ExchangeNames, TokenValidators, UserRates};
use crate::inbound::{
    BodyLimits, CallerRefusal, Callers, Door, LetterCase, Method, Operation, Peer, Problem, RequestId, read_body,
    require_plain_utf8,
};
use crate::observability::Counters;
use crate::protocol::deadlines::PROVIDER_BUDGET;
use crate::protocol::{Activity, ActivityError};
use crate::sign_in::CodeRedemption;

pub use self::replies::{InvokeReply, StatusOverrides};

/// What this door works with; built once, shared by all workers.
pub struct BotGateway {
    callers: Arc<Callers>,
    registrations: Arc<Registrations>,
    limits: BodyLimits,
    entropy: SharedEntropy,
    validators: Arc<TokenValidators>,
    engine: Arc<ExchangeEngine<InvokeReply>>,
    tokens: CurrentTokens,
    cards: Arc<PendingSignIns>,
    codes: CodeRedemption,
    rates: Arc<UserRates>,
    exchange_names: ExchangeNames,
    bots: BotClient,
    delivery: ContinuationDelivery,
    bot_timeout: Duration,
    counters: Arc<Counters>,
    statuses: HashMap<ChannelId, StatusOverrides>,
}

/// Who may call, for which bots, and how much they may send.
pub struct GatewayCallers {
    /// Authenticates channels and parent bots.
    pub callers: Arc<Callers>,
    /// Bots and connections.
    pub registrations: Arc<Registrations>,
    /// How much callers may send.
    pub limits: BodyLimits,
    /// Draws request ids.
    pub entropy: SharedEntropy,
}

/// What exchanges the tokens that invokes bring.
pub struct GatewayExchange {
    /// Validates exchangeable tokens.
    pub validators: Arc<TokenValidators>,
    /// Runs exchanges.
    pub engine: Arc<ExchangeEngine<InvokeReply>>,
    /// Says whether a token is still kept.
    pub tokens: CurrentTokens,
}

/// The interactive sign-ins that a chat ends.
pub struct GatewaySignIns {
    /// Which cards are out.
    pub cards: Arc<PendingSignIns>,
    /// Redeems magic codes.
    pub codes: CodeRedemption,
    /// How often a user may try one.
    pub rates: Arc<UserRates>,
}

/// The bots behind the gateway.
pub struct GatewayBots {
    /// Calls them.
    pub client: BotClient,
    /// Delivers `tokens/response` events to them.
    pub delivery: ContinuationDelivery,
    /// Names what an event continues.
    pub exchange_names: ExchangeNames,
    /// How long a bot may take for an activity that is no invoke.
    pub timeout: Duration,
}

/// How outcomes are counted and answered.
pub struct GatewayAnswers {
    /// Counts.
    pub counters: Arc<Counters>,
    /// Other numbers for the status table, by channel.
    pub statuses: HashMap<ChannelId, StatusOverrides>,
}

impl BotGateway {
    /// The gateway of these callers and bots.
    #[must_use]
    pub fn new(
        callers: GatewayCallers,
        exchange: GatewayExchange,
        sign_ins: GatewaySignIns,
        bots: GatewayBots,
        answers: GatewayAnswers,
    ) -> Self {
        let GatewayCallers { callers, registrations, limits, entropy } = callers;
        let GatewayExchange { validators, engine, tokens } = exchange;
        let GatewaySignIns { cards, codes, rates } = sign_ins;
        let GatewayBots { client: bots, delivery, exchange_names, timeout: bot_timeout } = bots;
        let GatewayAnswers { counters, statuses } = answers;
        Self {
            callers,
            registrations,
            limits,
            entropy,
            validators,
            engine,
            tokens,
            cards,
            codes,
            rates,
            exchange_names,
            bots,
            delivery,
            bot_timeout,
            counters,
            statuses,
        }
    }
}

/// An authenticated request for one bot.
struct Inbound<'a> {
    bot: Arc<Bot>,
    peer: &'a Peer,
    activity: Activity<'a>,
    body: &'a Bytes,
    http: &'a HttpRequest,
    correlation_id: String,
    begun: Instant,
}

impl Inbound<'_> {
    /// What of this request goes on to a bot, with `body` in place of its own.
    fn forwarded(&self, body: Bytes) -> ForwardedRequest {
        let headers = self.http.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        ForwardedRequest::new(headers, body)
    }

    /// Whether the answer has to be an `expectReplies` envelope: parents may ask for that, channels may not.
    fn wants_envelope(&self) -> bool {
        self.peer.parent().is_some() && self.activity.expects_replies()
    }

    /// The activity's user as the channel knows them: the account that the bot names.
    fn channel_account(&self) -> Account {
        Account::of_channel(&self.bot.name, self.channel(), self.activity.from_id())
    }

    /// The activity's user as the caller speaks for them.
    fn account(&self) -> Account {
        let account = self.channel_account();
        match self.peer.parent() {
            Some(app_id) => account.as_parent_account(app_id),
            None => account,
        }
    }

    fn channel(&self) -> ChannelId {
        ChannelId::base_of(self.activity.channel_id())
    }
}

/// What this door answers.
pub const DOOR: Door = Door {
    name: "Bot gateway",
    description: "Channels and parent bots post activities here, instead of at the bot.",
    bearer: "Of a channel or a parent bot: the token with which it would call the bot itself.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/api/messages",
        route: |route| route.to(receive),
        description: || description::posted("PostActivity", "Takes an activity for the bot that the bearer is for."),
    },
    Operation {
        method: Method::Post,
        path: "/bots/{bot}/api/messages",
        route: |route| route.to(receive),
        description: || {
            description::posted("PostActivityToBot", "Takes an activity for the named bot.")
                .path_parameter("bot", "The bot's name in the configuration; the bearer must be for that bot.")
        },
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, gateway: web::Data<BotGateway>) {
    config.app_data(gateway);
    DOOR.add_routes(config);
}

async fn receive(http: HttpRequest, payload: web::Payload, gateway: web::Data<BotGateway>) -> HttpResponse {
    let begun = Instant::now();
    match admitted(&http, payload, &gateway, begun).await {
        Ok(response) => response,
        Err(problem) => problem.respond(),
    }
}

/// Authenticate the caller, read the body once, admit the activity, decide, act.
async fn admitted(
    http: &HttpRequest,
    payload: web::Payload,
    gateway: &web::Data<BotGateway>,
    begun: Instant,
) -> Result<HttpResponse, Problem> {
    let peer = authenticated(http, gateway, begun).await?;
    let refused_body = |problem| CallerRefusal::new(problem, "body").logged(http);
    require_plain_utf8(http.headers()).map_err(refused_body)?;
    let body = read_body(payload, gateway.limits).await.map_err(refused_body)?;
    let correlation_id = RequestId::of(http, &gateway.entropy);
    let mut activity = Activity::parse(&body).map_err(|error| refused_activity(&error, &peer, &correlation_id))?;
    gateway.callers.admit(&peer, &activity).map_err(|refusal| refusal.logged(http))?;
    let caller_id = gateway.callers.caller_id_of(&peer, &activity);
    let body = activity.recompute_caller_id(&body, caller_id.as_deref());
    let bot = Arc::clone(&peer.bot);
    let inbound = Inbound { bot, peer: &peer, activity, body: &body, http, correlation_id, begun };
    Ok(act(gateway, &inbound).await)
}

fn refused_activity(error: &ActivityError, peer: &Peer, correlation_id: &str) -> Problem {
    let (problem, check) = match error {
        ActivityError::Missing(name) => (Problem::MissingProperty, *name),
        ActivityError::TooLong(name) => (Problem::BadArgument, *name),
        ActivityError::Json(_) => (Problem::BadArgument, "json"),
    };
    let (bot, code) = (peer.bot.name.as_str(), problem.code());
    tracing::warn!(correlation_id, bot, code, check, %error, "an activity was refused");
    problem
}

/// The caller, and that it calls the bot that the path names. Who is not authenticated learns no bot's name.
async fn authenticated(http: &HttpRequest, gateway: &BotGateway, begun: Instant) -> Result<Peer, Problem> {
    let authenticating = timeout_at(begun + PROVIDER_BUDGET, gateway.callers.authenticate(http));
    let too_slow = |_| Err(CallerRefusal::new(Problem::KeysUnavailable, "keys_in_time"));
    let peer = authenticating.await.unwrap_or_else(too_slow).map_err(|refusal| refusal.logged(http))?;
    match http.match_info().get("bot") {
        Some(name) if gateway.registrations.find_bot(name).is_none() => Err(Problem::NotFound),
        Some(name) if name != peer.bot.name.as_str() => {
            Err(CallerRefusal::new(Problem::InvalidToken, "aud_of_another_bot").logged(http))
        }
        _ => Ok(peer),
    }
}

async fn act(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) -> HttpResponse {
    match disposition::decide(gateway, inbound) {
        Disposition::Exchange { connection, request } => {
            let reply = token_exchange::exchange(gateway, inbound, connection, request).await;
            reply.respond(inbound)
        }
        Disposition::Refuse(reply) => reply.respond(inbound),
        Disposition::VerifyState => verify_state::answer(gateway, inbound).await,
        Disposition::ClientFailure => client_failure::answer(gateway, inbound).await.respond(inbound),
        Disposition::Drop => HttpResponse::Ok().finish(),
        Disposition::PassOn => forward::forward_to_bot(gateway, inbound).await,
    }
}
