//! The bot's other side door: the Bot Framework Token Service API, for unmodified SDKs.
//!
//! Owns the operations' paths, spellings and exact answers. It deliberately takes the bot from the bearer and from
//! nowhere else, and knows nothing of activities.

mod exchange;
mod get_sign_in_resource;
mod get_token;
mod query;
mod replies;
mod sign_out;

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use url::Url;

use crate::domain::{Bot, ChannelAccount, ChannelId, ChannelUserId, Directory, SharedEntropy};
use crate::exchange::{CurrentTokens, SignOut, TokenValidators, UserRates};
use crate::inbound::{BodyLimits, Callers, Problem};
use crate::pending::PendingSignIns;
use crate::sign_in::CodeRedemption;

pub use self::query::Query;

use self::replies::Decline;

/// What this door works with; built once, shared by all workers.
pub struct TokenService {
    /// Who may call.
    pub callers: Arc<Callers>,
    /// Bots and connections.
    pub directory: Arc<Directory>,
    /// Gives out tokens.
    pub tokens: CurrentTokens,
    /// Ends them.
    pub sign_out: SignOut,
    /// Redeems magic codes.
    pub codes: CodeRedemption,
    /// How much each user may cause.
    pub rates: Arc<UserRates>,
    /// Validates the tokens that bots hand in.
    pub validators: Arc<TokenValidators>,
    /// Which cards are out.
    pub pending: Arc<PendingSignIns>,
    /// Where browsers reach us.
    pub public_url: Url,
    /// How much callers may send.
    pub limits: BodyLimits,
    /// Randomness.
    pub entropy: SharedEntropy,
}

/// Adds this door's paths. Clients disagree about their letter case (token-service-api rule 1); the spelling of the
/// published SDKs is compared as it stands, since a pattern costs as much as all else about a request.
pub fn configure(config: &mut web::ServiceConfig, service: web::Data<TokenService>) {
    let wrong_method = |allow: &'static str| web::to(move || async move { Problem::MethodNotAllowed(allow).respond() });
    config.app_data(service);
    for path in [as_published, in_any_case] {
        config.service(
            web::resource(path("usertoken", "GetToken"))
                .route(web::get().to(get_token::answer))
                .default_service(wrong_method("GET")),
        );
        config.service(
            web::resource(path("usertoken", "exchange"))
                .route(web::post().to(exchange::answer))
                .default_service(wrong_method("POST")),
        );
        config.service(
            web::resource(path("usertoken", "SignOut"))
                .route(web::delete().to(sign_out::answer))
                .default_service(wrong_method("DELETE")),
        );
        config.service(
            web::resource(path("botsignin", "GetSignInResource"))
                .route(web::get().to(get_sign_in_resource::answer))
                .default_service(wrong_method("GET")),
        );
    }
}

fn as_published(room: &str, operation: &str) -> String {
    format!("/api/{room}/{operation}")
}

fn in_any_case(room: &str, operation: &str) -> String {
    format!("/{{api:(?i:api)}}/{{room:(?i:{room})}}/{{operation:(?i:{operation})}}")
}

/// Authenticates the bot and reads the query, which every operation does first.
async fn admitted<'q>(service: &TokenService, http: &'q HttpRequest) -> Result<(Arc<Bot>, Query<'q>), Decline> {
    let bot = service.callers.authenticate_bot(http.headers()).await.map_err(|refusal| refusal.logged(http))?;
    Ok((bot, Query::parse(http.query_string()).require_bounded()?))
}

/// The user the query is about.
fn account(bot: &Bot, user_id: &str, channel_id: Option<&str>) -> ChannelAccount {
    ChannelAccount {
        bot: bot.name.clone(),
        channel: ChannelId::base_of(channel_id.unwrap_or("")),
        user: ChannelUserId::new(user_id),
    }
}
