use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage, HttpRequest};

use super::bearer::bearer_of;
use super::problem::Problem;
use super::request_record::RequestId;
use super::service_url::{are_same, is_within};
use crate::domain::{Bot, ChannelId, Directory};
use crate::protocol::Activity;
use crate::token_validation::{AppClaims, CallerTokenError, CallerTokenValidator, ChannelClaims, VerifiedCaller};

/// Channels that no token speaks for here (bot-auth-and-skills §2 rules 24 and 25).
const REFUSED_CHANNELS: [&str; 2] = ["AseChannel", "emulator"];

/// Whose bearers authenticate a bot at the Token Service.
#[derive(Clone, Debug)]
pub struct TokenServiceTrust {
    /// Acceptable audiences.
    pub audiences: Vec<String>,
    /// Tenants (lower-case GUIDs) that issue bots' tokens.
    pub tenants: Vec<String>,
}

/// Authenticates callers: by their token first, then by what the token lets them say.
pub struct Callers {
    validator: CallerTokenValidator,
    directory: Arc<Directory>,
    token_service: TokenServiceTrust,
}

/// Why a caller was refused: the answer for the caller, the check for the operator's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerRefusal {
    /// The answer.
    pub problem: Problem,
    /// The check that failed.
    pub check: &'static str,
}

/// A caller of a bot whose token has been verified, before its activity was looked at.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The bot it may call.
    pub bot: Arc<Bot>,
    claims: VerifiedCaller,
}

impl Callers {
    /// Callers of the bots in `directory`.
    #[must_use]
    pub fn new(validator: CallerTokenValidator, directory: Arc<Directory>, token_service: TokenServiceTrust) -> Self {
        Self { validator, directory, token_service }
    }

    /// Who calls, and which bot: the token's audience names it.
    ///
    /// # Errors
    /// 401, 403 or 503 by the table of bot-auth-and-skills §2.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Peer, CallerRefusal> {
        let claims = self.verify(headers).await?;
        let audience = match &claims {
            VerifiedCaller::Channel(claims) => &claims.audience,
            VerifiedCaller::App(claims) => &claims.audience,
        };
        match self.directory.find_bot_by_app_id(audience) {
            Some(bot) => Ok(Peer { bot: Arc::clone(bot), claims }),
            None => Err(refused("aud", Problem::InvalidToken)),
        }
    }

    /// The bot that calls the Token Service: the one in its bearer (token-service-api rule 11).
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub async fn authenticate_bot(&self, headers: &HeaderMap) -> Result<Arc<Bot>, CallerRefusal> {
        let VerifiedCaller::App(claims) = self.verify(headers).await? else {
            return Err(refused("channel_token", Problem::CallerNotAllowed));
        };
        if !self.token_service.audiences.contains(&claims.audience) {
            return Err(refused("aud", Problem::InvalidToken));
        }
        // Parents' tenants are trusted for parents, not for whoever registers a bot's app there.
        if !self.token_service.tenants.contains(&claims.tenant_id) {
            return Err(refused("tid", Problem::InvalidToken));
        }
        let bot = self
            .directory
            .find_bot_by_app_id(&claims.app_id)
            .ok_or_else(|| refused("app_id", Problem::CallerNotAllowed))?;
        Ok(Arc::clone(bot))
    }

    fn is_ours(&self, audience: &String) -> bool {
        self.directory.find_bot_by_app_id(audience).is_some() || self.token_service.audiences.contains(audience)
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<VerifiedCaller, CallerRefusal> {
        let token = bearer_of(headers).map_err(|problem| refused("authorization", problem))?;
        self.validator.validate(token).await.map_err(|error| match error {
            CallerTokenError::Invalid { check } => refused(check, Problem::InvalidToken),
            CallerTokenError::Expired => refused("exp", Problem::TokenExpired),
            CallerTokenError::Delegated { check, audience } if self.is_ours(&audience) => {
                refused(check, Problem::DelegatedTokenNotAllowed)
            }
            CallerTokenError::Delegated { .. } => refused("aud", Problem::InvalidToken),
            CallerTokenError::KeysUnavailable => refused("keys", Problem::KeysUnavailable),
        })
    }
}

impl Peer {
    /// The parent bot's app id, if a parent calls and not a channel.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        match &self.claims {
            VerifiedCaller::Channel(_) => None,
            VerifiedCaller::App(claims) => Some(&claims.app_id),
        }
    }

    /// May this caller send this activity? Its channel and service URL must be the caller's to speak for.
    ///
    /// # Errors
    /// 400 if the activity has no service URL, else 403 (bot-auth-and-skills §2 rules 16 to 25).
    pub fn admit(&self, activity: &Activity<'_>) -> Result<(), CallerRefusal> {
        let service_url =
            activity.service_url().ok_or_else(|| refused("service_url_absent", Problem::MissingProperty))?;
        let channel = activity.channel_id();
        if REFUSED_CHANNELS.iter().any(|refused| refused.eq_ignore_ascii_case(channel)) {
            return Err(refused("channel", Problem::ChannelNotEndorsed));
        }
        match &self.claims {
            VerifiedCaller::Channel(claims) => admit_channel(claims, channel, service_url),
            VerifiedCaller::App(claims) => self.admit_parent(claims, channel, service_url),
        }
    }

    fn admit_parent(&self, claims: &AppClaims, channel: &str, service_url: &str) -> Result<(), CallerRefusal> {
        let entry = self.bot.callers.iter().find(|entry| entry.app_id.eq_ignore_ascii_case(&claims.app_id));
        let entry = entry.ok_or_else(|| refused("caller_list", Problem::CallerNotAllowed))?;
        if !entry.tenant_id.eq_ignore_ascii_case(&claims.tenant_id) {
            return Err(refused("caller_tenant", Problem::CallerNotAllowed));
        }
        let base = ChannelId::base_of(channel);
        if !entry.channels.iter().any(|allowed| allowed == base.as_str()) {
            return Err(refused("caller_channel", Problem::ChannelNotEndorsed));
        }
        if !entry.service_url_prefixes.iter().any(|prefix| is_within(service_url, prefix)) {
            return Err(refused("caller_service_url", Problem::ServiceUrlNotAllowed));
        }
        Ok(())
    }
}

fn admit_channel(claims: &ChannelClaims, channel: &str, service_url: &str) -> Result<(), CallerRefusal> {
    if !are_same(service_url, &claims.service_url) {
        return Err(refused("service_url", Problem::ServiceUrlMismatch));
    }
    // `a:b` is a sub-channel of `a`; everything else is compared exactly.
    let base = channel.split_once(':').map_or(channel, |(base, _)| base);
    if !claims.endorsements.iter().any(|endorsed| endorsed == base) {
        return Err(refused("endorsements", Problem::ChannelNotEndorsed));
    }
    Ok(())
}

fn refused(check: &'static str, problem: Problem) -> CallerRefusal {
    CallerRefusal { problem, check }
}

impl CallerRefusal {
    /// Writes down which check refused the caller; who calls learns the code only.
    #[must_use]
    pub fn logged(self, http: &HttpRequest) -> Problem {
        let extensions = http.extensions();
        let correlation_id = extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
        let (code, check) = (self.problem.code(), self.check);
        // A user's token that somebody presents as a caller's was taken from where it belongs.
        let security = self.problem == Problem::DelegatedTokenNotAllowed;
        tracing::warn!(correlation_id, code, check, security, "a caller was refused");
        self.problem
    }
}
