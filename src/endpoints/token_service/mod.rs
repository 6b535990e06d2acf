//! The Bot Framework Token Service API, for bots with unmodified SDKs.
//!
//! Owns the operations' paths, spellings and exact answers. It deliberately reads the bot from the bearer only, and
//! knows nothing of activities.

mod begin_sign_in;
mod description;
mod exchange;
mod exchange_call;
mod exchange_token;
mod get_aad_tokens;
mod get_token;
mod get_token_or_sign_in_resource;
mod get_token_status;
mod query;
mod replies;
mod sdk_advice;
mod sdk_recognition;
mod sign_in_offers;
mod sign_out;

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use url::Url;

use crate::bot_connector::RunningActions;
use crate::cards::PendingSignIns;
use crate::domain::{Account, Bot, ChannelId, ChannelKind, Connection, NamedConnection, Registrations, SharedEntropy};
use crate::exchange::{
    ChannelStatements, CurrentTokens, ExchangeEngine, ExchangeReply, Outage, ResourceTokens, Speakers, TokenValidators,
    UserRates,
};
use crate::inbound::{BodyLimits, Callers, Door, LetterCase, Method, Operation, RequestId};
use crate::observability::Counters;
use crate::sign_in::CodeRedemption;
use crate::sign_out::SignOut;

pub use self::query::Query;

use self::replies::Decline;
use self::sdk_advice::SdkAdvice;

/// The state of this door; built once, shared by all workers.
pub struct TokenService {
    callers: Arc<Callers>,
    registrations: Arc<Registrations>,
    limits: BodyLimits,
    entropy: SharedEntropy,
    tokens: CurrentTokens,
    speakers: Speakers,
    resources: ResourceTokens,
    sign_out: SignOut,
    codes: CodeRedemption,
    rates: Arc<UserRates>,
    engine: Arc<ExchangeEngine<ExchangeReply>>,
    validators: Arc<TokenValidators>,
    counters: Arc<Counters>,
    statements: Arc<ChannelStatements>,
    cards: Arc<PendingSignIns>,
    running_actions: RunningActions,
    public_url: Url,
    final_redirects: Vec<Url>,
    sdk_advice: SdkAdvice,
}

/// Which bots may call, and the limits on their requests.
pub struct ServiceCallers {
    /// Authenticates bots.
    pub callers: Arc<Callers>,
    /// The configured bots and connections.
    pub registrations: Arc<Registrations>,
    /// The limits on request bodies.
    pub limits: BodyLimits,
    /// Generates request ids.
    pub entropy: SharedEntropy,
}

/// What returns users' tokens and removes them.
pub struct ServiceTokens {
    /// Returns tokens for a connection itself.
    pub current: CurrentTokens,
    /// Knows under which account a bot finds a user's tokens.
    pub speakers: Speakers,
    /// Returns tokens for other resources.
    pub resources: ResourceTokens,
    /// Removes tokens.
    pub sign_out: SignOut,
    /// Redeems magic codes.
    pub codes: CodeRedemption,
    /// Limits how often each user may cause an exchange or try a code.
    pub rates: Arc<UserRates>,
}

/// What validates and exchanges the tokens that bots send.
pub struct ServiceExchange {
    /// Runs exchanges.
    pub engine: Arc<ExchangeEngine<ExchangeReply>>,
    /// Validates the tokens.
    pub validators: Arc<TokenValidators>,
    /// What channels have stated about users: evidence for an exchange without a card.
    pub statements: Arc<ChannelStatements>,
    /// The counters of the process.
    pub counters: Arc<Counters>,
}

/// What sign-in cards are built from.
pub struct SignInOffers {
    /// The cards that users can still answer.
    pub cards: Arc<PendingSignIns>,
    /// The actions in Teams channels that bots work on: their answers can offer silent sign-in.
    pub running_actions: RunningActions,
    /// The address at which browsers reach this service.
    pub public_url: Url,
    /// The addresses below which a `finalRedirect` may lie.
    pub final_redirects: Vec<Url>,
}

impl TokenService {
    /// A Token Service for these callers.
    #[must_use]
    pub fn new(
        callers: ServiceCallers,
        tokens: ServiceTokens,
        exchange: ServiceExchange,
        offers: SignInOffers,
    ) -> Self {
        let ServiceCallers { callers, registrations, limits, entropy } = callers;
        let ServiceTokens { current: tokens, speakers, resources, sign_out, codes, rates } = tokens;
        let ServiceExchange { engine, validators, statements, counters } = exchange;
        let SignInOffers { cards, running_actions, public_url, final_redirects } = offers;
        Self {
            sdk_advice: SdkAdvice::new(&registrations),
            callers,
            registrations,
            limits,
            entropy,
            tokens,
            speakers,
            resources,
            sign_out,
            codes,
            rates,
            engine,
            validators,
            counters,
            statements,
            cards,
            running_actions,
            public_url,
            final_redirects,
        }
    }
}

/// This door's operations. Paths are read in any letter case, since clients disagree about it
/// (docs/protocols/token-service-api.md §1 rule 1).
pub const DOOR: Door = Door {
    name: "Token Service",
    description: "The Bot Framework Token Service API, for bots and their SDKs. The bearer names the bot. Paths and names \
                  of query parameters are read in any letter case. A query is decoded as a form, an empty value counts \
                  as absent, and unknown parameters are ignored.",
    bearer: "A bot's: an app-only token for the Token Service of the configured cloud (public: `https://api.botframework.com`), or for one of `token_service.audiences`. Or that of an agent that `agent_365.agents` of its bot lists.",
    operations: OPERATIONS,
    letter_case: LetterCase::Any,
    answers_head: false,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/api/usertoken/GetToken",
        route: |route| route.to(get_token::answer),
        description: description::get_token,
    },
    Operation {
        method: Method::Post,
        path: "/api/usertoken/exchange",
        route: |route| route.to(exchange::answer),
        description: description::exchange,
    },
    Operation {
        method: Method::Delete,
        path: "/api/usertoken/SignOut",
        route: |route| route.to(sign_out::answer),
        description: description::sign_out,
    },
    Operation {
        method: Method::Get,
        path: "/api/usertoken/GetTokenStatus",
        route: |route| route.to(get_token_status::answer),
        description: description::get_token_status,
    },
    Operation {
        method: Method::Post,
        path: "/api/usertoken/GetAadTokens",
        route: |route| route.to(get_aad_tokens::answer),
        description: description::get_aad_tokens,
    },
    Operation {
        method: Method::Get,
        path: "/api/usertoken/GetTokenOrSignInResource",
        route: |route| route.to(get_token_or_sign_in_resource::answer),
        description: description::get_token_or_sign_in_resource,
    },
    Operation {
        method: Method::Get,
        path: "/api/botsignin/GetSignInResource",
        route: |route| route.to(sign_in_offers::get_sign_in_resource),
        description: description::get_sign_in_resource,
    },
    Operation {
        method: Method::Get,
        path: "/api/botsignin/GetSignInUrl",
        route: |route| route.to(sign_in_offers::get_sign_in_url),
        description: description::get_sign_in_url,
    },
    Operation {
        method: Method::Get,
        path: "/api/agentsignin/getSignInUrl",
        route: |route| route.to(sign_in_offers::get_raw_sign_in_url),
        description: description::get_raw_sign_in_url,
    },
    Operation {
        method: Method::Get,
        path: "/api/botsignin/GetOAuthCard",
        route: |route| route.to(sign_in_offers::get_oauth_card),
        description: description::get_oauth_card,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, service: web::Data<TokenService>) {
    config.app_data(service);
    DOOR.add_routes(config);
}

/// Authenticates the bot and reads the query, which every operation does first.
async fn admit<'q>(service: &TokenService, http: &'q HttpRequest) -> Result<(Arc<Bot>, Query<'q>), Decline> {
    let bot = service.callers.authenticate_bot(http).await.map_err(|refusal| refusal.logged(http))?;
    service.sdk_advice.consider(&bot, http);
    Ok((bot, Query::parse(http.query_string()).require_bounded()?))
}

/// The bot's connection with this name.
fn get_connection<'s>(service: &'s TokenService, bot: &Bot, name: &str) -> Result<&'s Arc<Connection>, Decline> {
    if let NamedConnection::Exact(connection) = service.registrations.find_connection(bot.name.as_str(), name) {
        return Ok(connection);
    }
    log_unknown_connection(service, bot);
    Err(Decline::UnknownConnection(name.to_owned()))
}

/// Logs the names that the bot could have used; letter case counts.
fn log_unknown_connection(service: &TokenService, bot: &Bot) {
    let known: Vec<_> =
        service.registrations.list_connections(bot.name.as_str()).iter().map(|known| known.name.as_str()).collect();
    tracing::warn!(bot = bot.name.as_str(), known = known.join(", "), "a bot names a connection that it does not have");
}

/// The account of the query's user. The channel defaults to Teams, since the one client that names no channel works on
/// Teams only (docs/protocols/token-service-api.md §4.1).
fn channel_account(bot: &Bot, user_id: &str, channel_id: Option<&str>) -> Account {
    Account::of_channel(&bot.name, ChannelId::new(channel_id.unwrap_or(ChannelKind::TEAMS)), user_id)
}

/// Finds the account whose tokens the bot gets for the user id of the channel's `account`: the one that spoke last under
/// it. `None` if no token may be given at the moment (docs/security.md §Parent bots).
async fn find_account_in_use(
    service: &TokenService,
    http: &HttpRequest,
    bot: &Bot,
    account: Account,
) -> Result<Option<Account>, Decline> {
    let correlation_id = || RequestId::get_or_draw(http, &service.entropy);
    let found = service.speakers.find_account_in_use(bot, account, correlation_id).await;
    found.map_err(|error| {
        tracing::error!(%error, "which account spoke last cannot be read");
        Decline::Unavailable(Outage::FAULT)
    })
}
