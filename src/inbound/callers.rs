use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::bearer::read_bearer;
use super::caller_rates::{CallerRates, RateKey};
use super::local::{is_from_this_machine, is_from_web_page};
use super::peer::{Identity, Peer};
use super::problem::Problem;
use super::refusal::CallerRefusal;
use crate::domain::{Bot, Registrations};
use crate::protocol::Activity;
use crate::token_validation::{CallerTokenError, CallerTokenValidator, VerifiedCaller};

/// The tokens that authenticate a bot at the Token Service.
#[derive(Clone, Debug)]
pub struct TokenServiceTrust {
    /// Accepted audiences.
    pub audiences: Vec<String>,
    /// Accepted tenants (lower-case GUIDs): those that issue the tokens of our bots.
    pub tenants: Vec<String>,
}

/// The rules that apply to all callers beside the validation of their tokens.
#[derive(Clone, Debug)]
pub struct CallerPolicy {
    /// Which tokens the Token Service accepts.
    pub token_service: TokenServiceTrust,
    /// The `callerId` that a bot gets for a channel's activity; `None` where the cloud defines none.
    pub channel_caller_id: Option<&'static str>,
    /// The endorsements that a channel's signing key needs in addition to the channel's own
    /// (docs/protocols/bot-auth-and-skills.md §2 rule 19).
    pub required_endorsements: Vec<String>,
    /// Development mode only: the Bot Framework Emulator on this machine may call without a token.
    pub anonymous: bool,
}

/// Authenticates callers by their token, then checks that the token entitles them to send the activity.
pub struct Callers {
    validator: CallerTokenValidator,
    registrations: Arc<Registrations>,
    policy: CallerPolicy,
    rates: CallerRates,
}

impl Callers {
    /// Authenticates the callers of the bots in `registrations`.
    #[must_use]
    pub fn new(
        validator: CallerTokenValidator,
        registrations: Arc<Registrations>,
        policy: CallerPolicy,
        rates: CallerRates,
    ) -> Self {
        Self { validator, registrations, policy, rates }
    }

    /// Authenticates the caller of a bot. The token's audience names the bot.
    ///
    /// # Errors
    /// 401, 403, 429 or 503 by the table of docs/protocols/bot-auth-and-skills.md §2.
    pub async fn authenticate(&self, http: &HttpRequest) -> Result<Peer, CallerRefusal> {
        if self.policy.anonymous && !http.headers().contains_key(AUTHORIZATION) {
            return self.authenticate_anonymous(http);
        }
        let claims = self.verify(http.headers()).await?;
        let audience = match &claims {
            VerifiedCaller::Channel(claims) => &claims.audience,
            VerifiedCaller::App(claims) => &claims.audience,
        };
        let bot = self.registrations.find_bot_by_app_id(audience).map(Arc::clone);
        let bot = bot.ok_or(CallerRefusal::new(Problem::InvalidToken, "aud"))?;
        let key = match &claims {
            VerifiedCaller::Channel(_) => RateKey::Channels,
            VerifiedCaller::App(claims) => RateKey::Parent(&claims.app_id),
        };
        self.rates.charge(&bot, key)?;
        let identity = match claims {
            VerifiedCaller::Channel(claims) => Identity::Channel(claims),
            VerifiedCaller::App(claims) => Identity::App(claims),
        };
        Ok(Peer { bot, identity, is_local: is_from_this_machine(http) })
    }

    /// Checks that this caller may send this activity: the token must entitle the caller to the activity's channel and
    /// service URL.
    ///
    /// # Errors
    /// 400 if the activity has no service URL, else 403 (docs/protocols/bot-auth-and-skills.md §2 rules 16 to 25).
    pub fn admit(&self, peer: &Peer, activity: &Activity<'_>) -> Result<(), CallerRefusal> {
        peer.admit(activity, &self.policy.required_endorsements)
    }

    /// Derives the `callerId` of an activity (docs/protocols/bot-auth-and-skills.md §2 rule 26). The Emulator and
    /// anonymous callers have none.
    #[must_use]
    pub fn derive_caller_id(&self, peer: &Peer, activity: &Activity<'_>) -> Option<Cow<'static, str>> {
        match &peer.identity {
            Identity::Channel(_) => self.policy.channel_caller_id.map(Cow::Borrowed),
            Identity::App(claims) if !activity.is_on_emulator() => {
                Some(Cow::Owned(format!("urn:botframework:aadappid:{}", claims.app_id)))
            }
            Identity::App(_) | Identity::Anonymous => None,
        }
    }

    /// Authenticates the bot that calls the Token Service: the bot whose app id is in the bearer
    /// (docs/protocols/token-service-api.md §1 rule 11).
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub async fn authenticate_bot(&self, headers: &HeaderMap) -> Result<Arc<Bot>, CallerRefusal> {
        let VerifiedCaller::App(claims) = self.verify(headers).await? else {
            return Err(CallerRefusal::new(Problem::CallerNotAllowed, "channel_token"));
        };
        let trust = &self.policy.token_service;
        if !trust.audiences.contains(&claims.audience) {
            return Err(CallerRefusal::new(Problem::AudienceNotAccepted, "aud"));
        }
        // The tenants of parent bots are trusted for calls of parents only: another app that is registered there must
        // not act as one of our bots.
        if !trust.tenants.contains(&claims.tenant_id) {
            return Err(CallerRefusal::new(Problem::TenantNotAccepted, "tid"));
        }
        let bot = self.registrations.find_bot_by_app_id(&claims.app_id).map(Arc::clone);
        let bot = bot.ok_or(CallerRefusal::new(Problem::UnknownBot, "app_id"))?;
        self.rates.charge(&bot, RateKey::TokenService)?;
        Ok(bot)
    }

    /// Authenticates, in development mode, a program on this machine that sends no token. It may call the bot that the
    /// path names, or the only configured bot.
    fn authenticate_anonymous(&self, http: &HttpRequest) -> Result<Peer, CallerRefusal> {
        let refused = |check| Err(CallerRefusal::new(Problem::MissingAuthorization, check));
        if !is_from_this_machine(http) {
            return refused("anonymous_peer");
        }
        if is_from_web_page(http) {
            return refused("anonymous_page");
        }
        let bot = match http.match_info().get("bot") {
            Some(name) => self.registrations.find_bot(name),
            None => self.registrations.find_only_bot(),
        };
        let Some(bot) = bot else { return refused("anonymous_bot") };
        Ok(Peer { bot: Arc::clone(bot), identity: Identity::Anonymous, is_local: true })
    }

    fn is_known_audience(&self, audience: &String) -> bool {
        self.registrations.find_bot_by_app_id(audience).is_some()
            || self.policy.token_service.audiences.contains(audience)
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<VerifiedCaller, CallerRefusal> {
        let token = read_bearer(headers).map_err(|problem| CallerRefusal::new(problem, "authorization"))?;
        self.validator.validate(token).await.map_err(|error| match error {
            CallerTokenError::Invalid { check } => CallerRefusal::new(Problem::InvalidToken, check),
            CallerTokenError::Expired => CallerRefusal::new(Problem::TokenExpired, "exp"),
            CallerTokenError::Delegated { check, audience } if self.is_known_audience(&audience) => {
                CallerRefusal::new(Problem::DelegatedTokenNotAllowed, check)
            }
            CallerTokenError::Delegated { .. } => CallerRefusal::new(Problem::InvalidToken, "aud"),
            CallerTokenError::KeysUnavailable => CallerRefusal::new(Problem::KeysUnavailable, "keys"),
            CallerTokenError::KeyNotKnownYet => CallerRefusal::new(Problem::KeysUnavailable, "key_not_known_yet"),
        })
    }
}
