use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::bearer::bearer_of;
use super::caller_rates::{CallerRates, RateKey};
use super::local::{is_from_a_page, is_from_this_machine};
use super::peer::{Identity, Peer};
use super::problem::Problem;
use super::refusal::CallerRefusal;
use crate::domain::{Bot, Registrations};
use crate::protocol::Activity;
use crate::token_validation::{CallerTokenError, CallerTokenValidator, VerifiedCaller};

/// Whose bearers authenticate a bot at the Token Service.
#[derive(Clone, Debug)]
pub struct TokenServiceTrust {
    /// Acceptable audiences.
    pub audiences: Vec<String>,
    /// Tenants (lower-case GUIDs) that issue bots' tokens.
    pub tenants: Vec<String>,
}

/// What is the same for all callers, beside their tokens.
#[derive(Clone, Debug)]
pub struct CallerPolicy {
    /// Who may call the Token Service.
    pub token_service: TokenServiceTrust,
    /// What a bot is told as a channel's `callerId`; `None` where the cloud has none.
    pub channel_caller_id: Option<&'static str>,
    /// What a channel's key must be endorsed for beside the channel (bot-auth-and-skills §2 rule 19).
    pub required_endorsements: Vec<String>,
    /// Development mode only: the emulator on this machine may call without a token.
    pub anonymous: bool,
}

/// Authenticates callers: by their token first, then by what the token lets them say.
pub struct Callers {
    validator: CallerTokenValidator,
    registrations: Arc<Registrations>,
    policy: CallerPolicy,
    rates: CallerRates,
}

impl Callers {
    /// Callers of the bots in `registrations`.
    #[must_use]
    pub fn new(
        validator: CallerTokenValidator,
        registrations: Arc<Registrations>,
        policy: CallerPolicy,
        rates: CallerRates,
    ) -> Self {
        Self { validator, registrations, policy, rates }
    }

    /// Who calls, and which bot: the token's audience names it.
    ///
    /// # Errors
    /// 401, 403, 429 or 503 by the table of bot-auth-and-skills §2.
    pub async fn authenticate(&self, http: &HttpRequest) -> Result<Peer, CallerRefusal> {
        if self.policy.anonymous && !http.headers().contains_key(AUTHORIZATION) {
            return self.without_a_token(http);
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

    /// May this caller send this activity? Its channel and service URL must be the caller's to speak for.
    ///
    /// # Errors
    /// 400 if the activity has no service URL, else 403 (bot-auth-and-skills §2 rules 16 to 25).
    pub fn admit(&self, peer: &Peer, activity: &Activity<'_>) -> Result<(), CallerRefusal> {
        peer.admit(activity, &self.policy.required_endorsements)
    }

    /// Who sent an activity, in the words of its `callerId` (bot-auth-and-skills §2 rule 26). The emulator and who calls
    /// without a token are nobody.
    #[must_use]
    pub fn caller_id_of(&self, peer: &Peer, activity: &Activity<'_>) -> Option<Cow<'static, str>> {
        match &peer.identity {
            Identity::Channel(_) => self.policy.channel_caller_id.map(Cow::Borrowed),
            Identity::App(claims) if !activity.is_on_emulator() => {
                Some(Cow::Owned(format!("urn:botframework:aadappid:{}", claims.app_id)))
            }
            Identity::App(_) | Identity::Nobody => None,
        }
    }

    /// The bot that calls the Token Service: the one in its bearer (token-service-api rule 11).
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub async fn authenticate_bot(&self, headers: &HeaderMap) -> Result<Arc<Bot>, CallerRefusal> {
        let VerifiedCaller::App(claims) = self.verify(headers).await? else {
            return Err(CallerRefusal::new(Problem::CallerNotAllowed, "channel_token"));
        };
        let trust = &self.policy.token_service;
        if !trust.audiences.contains(&claims.audience) {
            return Err(CallerRefusal::new(Problem::AudienceNotTaken, "aud"));
        }
        // Parents' tenants are trusted for parents, not for whoever registers a bot's app there.
        if !trust.tenants.contains(&claims.tenant_id) {
            return Err(CallerRefusal::new(Problem::TenantNotTaken, "tid"));
        }
        let bot = self.registrations.find_bot_by_app_id(&claims.app_id).map(Arc::clone);
        let bot = bot.ok_or(CallerRefusal::new(Problem::NoBotOfOurs, "app_id"))?;
        self.rates.charge(&bot, RateKey::TokenService)?;
        Ok(bot)
    }

    /// In development mode: a program on this machine that shows no token, for the bot that the path names or the only one.
    fn without_a_token(&self, http: &HttpRequest) -> Result<Peer, CallerRefusal> {
        let refused = |check| Err(CallerRefusal::new(Problem::MissingAuthorization, check));
        if !is_from_this_machine(http) {
            return refused("anonymous_peer");
        }
        if is_from_a_page(http) {
            return refused("anonymous_page");
        }
        let bot = match http.match_info().get("bot") {
            Some(name) => self.registrations.find_bot(name),
            None => self.registrations.find_only_bot(),
        };
        let Some(bot) = bot else { return refused("anonymous_bot") };
        Ok(Peer { bot: Arc::clone(bot), identity: Identity::Nobody, is_local: true })
    }

    fn is_ours(&self, audience: &String) -> bool {
        self.registrations.find_bot_by_app_id(audience).is_some()
            || self.policy.token_service.audiences.contains(audience)
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<VerifiedCaller, CallerRefusal> {
        let token = bearer_of(headers).map_err(|problem| CallerRefusal::new(problem, "authorization"))?;
        self.validator.validate(token).await.map_err(|error| match error {
            CallerTokenError::Invalid { check } => CallerRefusal::new(Problem::InvalidToken, check),
            CallerTokenError::Expired => CallerRefusal::new(Problem::TokenExpired, "exp"),
            CallerTokenError::Delegated { check, audience } if self.is_ours(&audience) => {
                CallerRefusal::new(Problem::DelegatedTokenNotAllowed, check)
            }
            CallerTokenError::Delegated { .. } => CallerRefusal::new(Problem::InvalidToken, "aud"),
            CallerTokenError::KeysUnavailable => CallerRefusal::new(Problem::KeysUnavailable, "keys"),
        })
    }
}
