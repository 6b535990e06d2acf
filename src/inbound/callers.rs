use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};

use super::bearer::find_bearer;
use super::client::{is_from_this_machine, is_from_web_page};
use super::limits::{CallerRates, RateKey};
use super::peer::{AdmittedCaller, Identity, Peer};
use super::problem::Problem;
use super::refusal::CallerRefusal;
use super::request_record::CallingAgent;
use crate::domain::{Bot, Registrations};
use crate::observability::{confirm_caller, to_log_list};
use crate::protocol::Activity;
use crate::token_validation::{AppClaims, CallerTokenError, CallerTokenValidator, VerifiedCaller};

/// The tokens that authenticate a bot at the Token Service.
#[derive(Clone, Debug)]
pub struct TokenServiceTrust {
    /// Accepted audiences.
    pub audiences: Vec<String>,
    /// Accepted tenants (lower-case GUIDs): those that issue the tokens of our bots.
    pub tenants: Vec<String>,
    /// The audiences that are accepted in an agent's token in addition. SDKs of agents call the Token Service with the
    /// token for the Bot API (docs/protocols/agent-identity.md §5).
    pub agent_audiences: Vec<String>,
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
    /// The app ids (lower-case GUIDs) of the cloud's Agent 365 platforms.
    pub agent_platforms: Vec<String>,
    /// Development mode only: the Bot Framework Emulator on this machine may call without a token.
    pub anonymous: bool,
}

/// Authenticates callers by their token, then checks that the token entitles them to send the activity.
pub struct Callers {
    validator: CallerTokenValidator,
    pub(super) registrations: Arc<Registrations>,
    pub(super) policy: CallerPolicy,
    pub(super) rates: CallerRates,
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

    /// The rate limits of these callers.
    #[must_use]
    pub const fn rates(&self) -> &CallerRates {
        &self.rates
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
            VerifiedCaller::App(claims) | VerifiedCaller::AgentUser(claims) => &claims.audience,
        };
        let bot = self.registrations.find_bot_by_app_id(audience).map(Arc::clone);
        let bot = bot.ok_or_else(|| self.refuse_unknown_audience(audience))?;
        let identity = match claims {
            VerifiedCaller::Channel(claims) => Identity::Channel(claims),
            VerifiedCaller::App(claims) if self.is_platform_of(&bot, &claims) => Identity::Platform(claims),
            VerifiedCaller::App(claims) => Identity::App(claims),
            VerifiedCaller::AgentUser(claims) => {
                let refusal = CallerRefusal::new(Problem::DelegatedTokenNotAllowed, "agent_user_at_gateway");
                return Err(refusal.at_bot(bot.name.as_str()).comparing(&claims.app_id, ""));
            }
        };
        let key = match &identity {
            Identity::Channel(_) | Identity::Platform(_) | Identity::Anonymous => RateKey::Channels,
            Identity::App(claims) => RateKey::Parent(&claims.app_id),
        };
        self.rates.charge(&bot, key).await?;
        // Only the Emulator has to be on this machine, so other bots need no look at the headers.
        let is_local = !bot.emulator_tenants.is_empty() && is_from_this_machine(http);
        Ok(Peer { bot, identity, is_local })
    }

    /// Checks that this caller may send this activity: the token must entitle the caller to the activity's channel and
    /// service URL. Returns what the caller is to the bot.
    ///
    /// # Errors
    /// 400 if the activity has no service URL, else 403 (docs/protocols/bot-auth-and-skills.md §2 rules 16 to 25).
    pub fn admit<'p>(&self, peer: &'p Peer, activity: &Activity<'_>) -> Result<AdmittedCaller<'p>, CallerRefusal> {
        let admitted = peer.admit(activity, &self.policy.required_endorsements)?;
        confirm_caller();
        Ok(admitted)
    }

    /// Derives the `callerId` of an activity (docs/protocols/bot-auth-and-skills.md §2 rule 26). The Emulator and
    /// anonymous callers have none.
    #[must_use]
    pub fn derive_caller_id(&self, caller: AdmittedCaller<'_>, activity: &Activity<'_>) -> Option<Cow<'static, str>> {
        match caller {
            AdmittedCaller::Channel | AdmittedCaller::Platform { .. } => {
                self.policy.channel_caller_id.map(Cow::Borrowed)
            }
            AdmittedCaller::Parent { app_id } if !activity.is_on_emulator() => {
                Some(Cow::Owned(format!("urn:botframework:aadappid:{app_id}")))
            }
            AdmittedCaller::Parent { .. } | AdmittedCaller::Anonymous => None,
        }
    }

    /// Authenticates the bot that calls the Token Service: the bot whose app id is in the bearer
    /// (docs/protocols/token-service-api.md §1 rule 11), or the bot of the agent whose token the bearer is.
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub async fn authenticate_bot(&self, http: &HttpRequest) -> Result<Arc<Bot>, CallerRefusal> {
        let claims = match self.verify(http.headers()).await? {
            VerifiedCaller::App(claims) if self.is_agent(&claims) => {
                return self.authenticate_agent(http, claims).await;
            }
            VerifiedCaller::App(claims) => claims,
            VerifiedCaller::AgentUser(claims) => return self.authenticate_agent(http, claims).await,
            VerifiedCaller::Channel(claims) => {
                let refusal = CallerRefusal::new(Problem::CallerNotAllowed, "channel_token");
                return Err(refusal.comparing(&claims.audience, trust_list(&self.policy.token_service.audiences)));
            }
        };
        let trust = &self.policy.token_service;
        if !trust.audiences.contains(&claims.audience) {
            let refusal = CallerRefusal::new(Problem::AudienceNotAccepted, "aud").in_case("aud:token_service");
            return Err(refusal.comparing(&claims.audience, trust_list(&trust.audiences)));
        }
        // The tenants of parent bots are trusted for calls of parents only: another app that is registered there must
        // not act as one of our bots.
        if !trust.tenants.contains(&claims.tenant_id) {
            let refusal = CallerRefusal::new(Problem::TenantNotAccepted, "tid").in_case("tid:token_service");
            return Err(refusal.comparing(&claims.tenant_id, trust_list(&trust.tenants)));
        }
        let bot = self.registrations.find_bot_by_app_id(&claims.app_id).map(Arc::clone);
        let bot = bot.ok_or_else(|| {
            CallerRefusal::new(Problem::UnknownBot, "app_id").comparing(&claims.app_id, self.list_app_ids())
        })?;
        self.rates.charge(&bot, RateKey::TokenService).await?;
        confirm_caller();
        Ok(bot)
    }

    /// Whether the app token `claims` is an agent's. A configured bot is a bot, whatever else it is.
    fn is_agent(&self, claims: &AppClaims) -> bool {
        claims.blueprint_id.is_some() && self.registrations.find_bot_by_app_id(&claims.app_id).is_none()
    }

    fn is_platform_of(&self, bot: &Bot, claims: &AppClaims) -> bool {
        bot.agent_365.is_some() && self.policy.agent_platforms.contains(&claims.app_id)
    }

    /// Authenticates an agent that calls the Token Service: it acts as the bot whose app is its blueprint. The blueprint
    /// alone is not enough, since it is that of every other agent as well (docs/protocols/agent-identity.md §6 rule 2).
    async fn authenticate_agent(&self, http: &HttpRequest, claims: Arc<AppClaims>) -> Result<Arc<Bot>, CallerRefusal> {
        let trust = &self.policy.token_service;
        let is_for_agents = || trust.agent_audiences.iter().any(|known| known.eq_ignore_ascii_case(&claims.audience));
        if !trust.audiences.contains(&claims.audience) && !is_for_agents() {
            let refusal = CallerRefusal::new(Problem::AudienceNotAccepted, "aud").in_case("aud:agent");
            return Err(
                refusal.comparing(&claims.audience, trust_list(&[&*trust.audiences, &*trust.agent_audiences].concat()))
            );
        }
        let not_allowed = |check| CallerRefusal::new(Problem::CallerNotAllowed, check);
        let blueprint = claims.blueprint_id.as_deref().unwrap_or("absent");
        let bot = self.registrations.find_bot_by_app_id(blueprint).map(Arc::clone);
        let bot = bot.ok_or_else(|| not_allowed("agent_blueprint").comparing(blueprint, self.list_app_ids()))?;
        let at_bot = |refusal: CallerRefusal| refusal.at_bot(bot.name.as_str());
        let Some(settings) = &bot.agent_365 else { return Err(at_bot(not_allowed("agent_365_absent"))) };
        if !settings.serves_tenant(&claims.tenant_id) {
            return Err(at_bot(
                not_allowed("agent_tenant").comparing(&claims.tenant_id, trust_list(&settings.tenants)),
            ));
        }
        if !settings.lists(&claims.app_id) {
            let listed = trust_list(settings.agents.as_deref().unwrap_or_default());
            return Err(at_bot(not_allowed("agent_list").comparing(&claims.app_id, listed)));
        }
        self.rates.charge(&bot, RateKey::TokenService).await?;
        confirm_caller();
        http.extensions_mut().insert(CallingAgent(claims.app_id.clone()));
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

    fn is_known_audience(&self, audience: &str) -> bool {
        let trust = &self.policy.token_service;
        self.registrations.find_bot_by_app_id(audience).is_some()
            || trust.audiences.iter().any(|known| known == audience)
            || trust.agent_audiences.iter().any(|known| known.eq_ignore_ascii_case(audience))
    }

    /// Whether `error` is about a token that is meant for the door; `is_known` says which audiences are.
    fn is_ours(&self, error: &CallerTokenError, is_known: impl Fn(&str) -> bool) -> bool {
        match error {
            CallerTokenError::Delegated { audience, .. } => is_known(audience),
            CallerTokenError::UnlistedPlatformTenant { audience } => {
                self.registrations.find_bot_by_app_id(audience).is_some_and(|bot| bot.agent_365.is_some())
            }
            _ => false,
        }
    }

    async fn verify(&self, headers: &HeaderMap) -> Result<VerifiedCaller, CallerRefusal> {
        self.verify_for(headers, |audience| self.is_known_audience(audience)).await
    }

    /// Verifies the bearer. `is_known` says which audiences are the door's: a user's token for one of them is refused with
    /// 403, and one for another audience is not valid here.
    pub(super) async fn verify_for(
        &self,
        headers: &HeaderMap,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<VerifiedCaller, CallerRefusal> {
        let refused = |problem| CallerRefusal::new(problem, "authorization");
        let bearer = find_bearer(headers).map_err(refused)?;
        let validated = match self.validator.validate_known(bearer.bytes()) {
            // The same bytes have passed the check of their form before.
            Ok(validated) => validated,
            Err(unknown) => {
                let token = bearer.check().map_err(refused)?;
                // Boxed, so that it adds nothing to the state of a request whose caller is known.
                Box::pin(self.validator.validate_unknown(token, unknown)).await
            }
        };
        validated.map_err(|error| {
            let token = bearer.check().unwrap_or_default();
            let ours = self.is_ours(&error, is_known);
            let explanation = self.validator.explain(token, &error, ours);
            let (problem, check) = match error {
                CallerTokenError::Invalid { check } => (Problem::InvalidToken, check),
                CallerTokenError::Expired => (Problem::TokenExpired, "exp"),
                CallerTokenError::Delegated { check, .. } if ours => (Problem::DelegatedTokenNotAllowed, check),
                CallerTokenError::Delegated { .. } => (Problem::InvalidToken, "aud"),
                CallerTokenError::UnlistedPlatformTenant { .. } if ours => (Problem::CallerNotAllowed, "tid"),
                CallerTokenError::UnlistedPlatformTenant { .. } => (Problem::InvalidToken, "tid"),
                CallerTokenError::KeysUnavailable => (Problem::KeysUnavailable, "keys"),
                CallerTokenError::KeyNotKnownYet => (Problem::KeysUnavailable, "key_not_known_yet"),
            };
            CallerRefusal::of_token(problem, check, explanation)
        })
    }

    fn refuse_unknown_audience(&self, audience: &str) -> CallerRefusal {
        let refusal = CallerRefusal::new(Problem::InvalidToken, "aud").in_case("aud:bot");
        refusal.comparing(audience, self.list_app_ids())
    }

    /// The app ids of all bots, for the log.
    fn list_app_ids(&self) -> String {
        let mut app_ids: Vec<String> =
            self.registrations.bots().map(|bot| format!("{} ({})", bot.app_id, bot.name.as_str())).collect();
        app_ids.sort_unstable();
        trust_list(&app_ids)
    }
}

/// What a list of the configuration accepts, for the log.
fn trust_list(accepted: &[String]) -> String {
    to_log_list(accepted)
}
