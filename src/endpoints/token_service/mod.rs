//! The bot's other side door: the Bot Framework Token Service API, for unmodified SDKs.
//!
//! Owns the operations' paths, spellings and exact answers. It deliberately takes the bot from the bearer and from
//! nowhere else, and knows nothing of activities.

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
mod sign_in_offers;
mod sign_out;

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use url::Url;

use crate::cards::PendingSignIns;
use crate::domain::{Account, Bot, ChannelId, ChannelKind, Connection, NamedConnection, Registrations, SharedEntropy};
use crate::exchange::{CurrentTokens, ExchangeEngine, ResourceTokens, TokenValidators, UserRates};
use crate::inbound::{BodyLimits, Callers, Door, LetterCase, Method, Operation};
use crate::observability::Counters;
use crate::sign_in::CodeRedemption;
use crate::sign_out::SignOut;

pub use self::exchange_token::ExchangeReply;
pub use self::query::Query;

use self::replies::Decline;

/// What this door works with; built once, shared by all workers.
pub struct TokenService {
    callers: Arc<Callers>,
    registrations: Arc<Registrations>,
    limits: BodyLimits,
    entropy: SharedEntropy,
    tokens: CurrentTokens,
    resources: ResourceTokens,
    sign_out: SignOut,
    codes: CodeRedemption,
    rates: Arc<UserRates>,
    engine: Arc<ExchangeEngine<ExchangeReply>>,
    validators: Arc<TokenValidators>,
    counters: Arc<Counters>,
    cards: Arc<PendingSignIns>,
    public_url: Url,
    final_redirects: Vec<Url>,
}

/// Which bots may call, and how much they may send.
pub struct ServiceCallers {
    /// Authenticates bots.
    pub callers: Arc<Callers>,
    /// Bots and connections.
    pub registrations: Arc<Registrations>,
    /// How much callers may send.
    pub limits: BodyLimits,
    /// Draws request ids.
    pub entropy: SharedEntropy,
}

/// What gives out the tokens of users and ends them.
pub struct ServiceTokens {
    /// Gives out a connection's own tokens.
    pub current: CurrentTokens,
    /// Gives out those for other resources.
    pub resources: ResourceTokens,
    /// Ends them.
    pub sign_out: SignOut,
    /// Redeems magic codes.
    pub codes: CodeRedemption,
    /// How much each user may cause.
    pub rates: Arc<UserRates>,
}

/// What exchanges the tokens that bots hand in.
pub struct ServiceExchange {
    /// Runs exchanges.
    pub engine: Arc<ExchangeEngine<ExchangeReply>>,
    /// Validates the tokens.
    pub validators: Arc<TokenValidators>,
    /// Counts.
    pub counters: Arc<Counters>,
}

/// What bots offer their users in order to sign in.
pub struct SignInOffers {
    /// Which cards are out.
    pub cards: Arc<PendingSignIns>,
    /// Where browsers reach us.
    pub public_url: Url,
    /// Where browsers may be sent at the end of a sign-in.
    pub final_redirects: Vec<Url>,
}

impl TokenService {
    /// The Token Service of these callers.
    #[must_use]
    pub fn new(
        callers: ServiceCallers,
        tokens: ServiceTokens,
        exchange: ServiceExchange,
        offers: SignInOffers,
    ) -> Self {
        let ServiceCallers { callers, registrations, limits, entropy } = callers;
        let ServiceTokens { current: tokens, resources, sign_out, codes, rates } = tokens;
        let ServiceExchange { engine, validators, counters } = exchange;
        let SignInOffers { cards, public_url, final_redirects } = offers;
        Self {
            callers,
            registrations,
            limits,
            entropy,
            tokens,
            resources,
            sign_out,
            codes,
            rates,
            engine,
            validators,
            counters,
            cards,
            public_url,
            final_redirects,
        }
    }
}

/// What this door answers, in any letter case: clients disagree about it (token-service-api rule 1).
pub const DOOR: Door = Door {
    name: "Token Service",
    description: "The Bot Framework Token Service API, for bots and their SDKs. The bot is the one in the bearer. Paths and \
                  names of query parameters are read in any letter case; a query is read as a form, an empty value \
                  means none, and a parameter that is not named here is passed over.",
    bearer: "Of a bot: an app-only token for `https://api.botframework.com`, or for one of `token_service.audiences`.",
    operations: OPERATIONS,
    letter_case: LetterCase::Any,
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
async fn admitted<'q>(service: &TokenService, http: &'q HttpRequest) -> Result<(Arc<Bot>, Query<'q>), Decline> {
    let bot = service.callers.authenticate_bot(http.headers()).await.map_err(|refusal| refusal.logged(http))?;
    Ok((bot, Query::parse(http.query_string()).require_bounded()?))
}

/// The bot's connection of this name.
fn connection_named<'s>(service: &'s TokenService, bot: &Bot, name: &str) -> Result<&'s Arc<Connection>, Decline> {
    if let NamedConnection::Exact(connection) = service.registrations.find_connection(bot.name.as_str(), name) {
        return Ok(connection);
    }
    log_unknown_connection(service, bot);
    Err(Decline::UnknownConnection(name.to_owned()))
}

/// What the bot could have named; letter case counts.
fn log_unknown_connection(service: &TokenService, bot: &Bot) {
    let known: Vec<_> =
        service.registrations.list_connections(bot.name.as_str()).iter().map(|known| known.name.as_str()).collect();
    tracing::warn!(bot = bot.name.as_str(), known = known.join(", "), "a bot names a connection that it does not have");
}

/// The user the query is about. The one client that names no channel knows no other than Teams (token-service-api §4.1).
fn account(bot: &Bot, user_id: &str, channel_id: Option<&str>) -> Account {
    Account::of_channel(&bot.name, ChannelId::base_of(channel_id.unwrap_or(ChannelKind::TEAMS)), user_id)
}
