//! Authentication of the callers of the skill host: parent bots and skills. Methods of [`Callers`].

use std::sync::Arc;

use actix_web::HttpRequest;

use super::callers::Callers;
use super::limits::SkillRateKey;
use super::problem::Problem;
use super::refusal::{ANOTHER_SKILL, CallerRefusal};
use super::service_url::is_skill_host_url;
use crate::domain::{Bot, BotName, Skill};
use crate::observability::{confirm_caller, to_log_list};
use crate::token_validation::{AppClaims, VerifiedCaller};

/// A parent bot and a skill, of which one has been authenticated as the caller of the other.
#[derive(Clone, Debug)]
pub struct SkillPeer {
    /// The skill that the path names.
    pub skill: Arc<Skill>,
    /// The parent bot.
    pub parent: Arc<Bot>,
}

impl Callers {
    /// Authenticates the parent bot that calls the skill `name`. The token's audience is the skill, as the parent's SDK
    /// requests it (docs/protocols/bot-auth-and-skills.md §4.1).
    ///
    /// # Errors
    /// 401 if the token is not valid for the skill; 403 if the caller is none of the skill's parents; 404 if there is no
    /// such skill; 429, 503.
    pub async fn authenticate_parent(&self, http: &HttpRequest, name: &str) -> Result<SkillPeer, CallerRefusal> {
        let claims = self.verify_at_skill_host(http).await?;
        let is_meant = |skill: &&Arc<Skill>| skill.app_id.eq_ignore_ascii_case(&claims.audience);
        // A caller learns whether there is such a skill only after it has been authenticated as the parent of some skill.
        let meant = match self.registrations.find_skill(name) {
            Some(skill) => Some(skill).filter(is_meant),
            None => self.registrations.skills().find(is_meant),
        };
        let skill = meant.ok_or_else(|| {
            CallerRefusal::new(Problem::InvalidToken, "aud").in_case("aud:skill").comparing(&claims.audience, "")
        })?;
        let parent = self.find_parent(skill, &claims)?;
        if skill.name.as_str() != name {
            return Err(refuse_name(&parent, name));
        }
        self.rates.charge_at_skill_host(skill, SkillRateKey::Parent(&parent.name)).await?;
        confirm_caller();
        Ok(SkillPeer { skill: Arc::clone(skill), parent })
    }

    /// Authenticates the skill `name`, which calls the parent bot that the token's audience names.
    ///
    /// # Errors
    /// 401 if the token's audience is no parent of the skill; 403 if the caller is no skill, among others if it is the
    /// parent itself; 404 if it is another skill or there is no such skill; 429, 503.
    pub async fn authenticate_skill(&self, http: &HttpRequest, name: &str) -> Result<SkillPeer, CallerRefusal> {
        let claims = self.verify_at_skill_host(http).await?;
        let refuse_audience = || {
            CallerRefusal::new(Problem::InvalidToken, "aud").in_case("aud:skill_host").comparing(&claims.audience, "")
        };
        let parent = self.registrations.find_bot_by_app_id(&claims.audience).ok_or_else(refuse_audience)?;
        let refused = |check| Err(not_allowed(check).at_bot(parent.name.as_str()).comparing(&claims.app_id, ""));
        if claims.app_id.eq_ignore_ascii_case(&parent.app_id) {
            return refused("parents_own_token");
        }
        let is_caller = |skill: &&Arc<Skill>| skill.app_id.eq_ignore_ascii_case(&claims.app_id);
        let named = self.registrations.find_skill(name);
        if let Some(skill) = named.filter(is_caller) {
            if !skill.has_parent(&parent.name) {
                return Err(refuse_audience());
            }
            require_skill_tenant(skill, parent, &claims)?;
            self.rates.charge_at_skill_host(skill, SkillRateKey::Skill).await?;
            confirm_caller();
            return Ok(SkillPeer { skill: Arc::clone(skill), parent: Arc::clone(parent) });
        }
        let Some(other) = self.registrations.list_skills(&parent.name).find(is_caller) else {
            return refused("skill_app_id");
        };
        require_skill_tenant(other, parent, &claims)?;
        // What belongs to another skill answers as what does not exist.
        Err(match named {
            Some(_) => CallerRefusal::new(Problem::NotFound, ANOTHER_SKILL)
                .at_bot(parent.name.as_str())
                .comparing(other.name.as_str(), name),
            None => refuse_name(parent, name),
        })
    }

    /// The app-only token of a caller of the skill host.
    async fn verify_at_skill_host(&self, http: &HttpRequest) -> Result<Arc<AppClaims>, CallerRefusal> {
        let is_ours = |audience: &str| self.is_audience_of_skill_host(audience);
        let (problem, check, audience) = match self.verify_for(http.headers(), is_ours).await? {
            VerifiedCaller::App(claims) => return Ok(claims),
            VerifiedCaller::Channel(claims) => {
                (Problem::CallerNotAllowed, "channel_at_skill_host", claims.audience.clone())
            }
            VerifiedCaller::AgentUser(claims) => {
                (Problem::DelegatedTokenNotAllowed, "agent_user_at_skill_host", claims.audience.clone())
            }
        };
        if is_ours(&audience) {
            return Err(CallerRefusal::new(problem, check));
        }
        Err(CallerRefusal::new(Problem::InvalidToken, "aud").in_case("aud:skill_host_foreign").comparing(&audience, ""))
    }

    /// Whether a token for `audience` is meant for one of the bots or skills.
    fn is_audience_of_skill_host(&self, audience: &str) -> bool {
        self.registrations.find_bot_by_app_id(audience).is_some()
            || self.registrations.skills().any(|skill| skill.app_id.eq_ignore_ascii_case(audience))
    }

    /// The parent of `skill` whose token has `claims`.
    fn find_parent(&self, skill: &Skill, claims: &AppClaims) -> Result<Arc<Bot>, CallerRefusal> {
        let bot = self.registrations.find_bot_by_app_id(&claims.app_id);
        let parent = bot.filter(|bot| skill.has_parent(&bot.name)).ok_or_else(|| {
            let listed = to_log_list(skill.parents.iter().map(BotName::as_str));
            not_allowed("skill_parent").comparing(&claims.app_id, listed)
        })?;
        let tenants = &self.policy.token_service.tenants;
        if !tenants.contains(&claims.tenant_id) {
            let refusal = not_allowed("skill_parent_tenant").at_bot(parent.name.as_str());
            return Err(refusal.comparing(&claims.tenant_id, to_log_list(tenants)));
        }
        Ok(Arc::clone(parent))
    }
}

impl SkillPeer {
    /// Checks that the parent's activities may have this `serviceUrl`: what the skill answers goes there, with the skill's
    /// token.
    ///
    /// # Errors
    /// 400 if it is absent; 403 if it begins with none of the parent's `skill_host_urls`.
    pub fn admit_service_url(&self, service_url: Option<&str>) -> Result<(), CallerRefusal> {
        let at_parent = |refusal: CallerRefusal| refusal.at_bot(self.parent.name.as_str());
        let absent = || at_parent(CallerRefusal::new(Problem::MissingProperty, "service_url_absent"));
        let service_url = service_url.ok_or_else(absent)?;
        if is_skill_host_url(&self.parent, service_url) {
            return Ok(());
        }
        let refusal = CallerRefusal::new(Problem::ServiceUrlNotAllowed, "skill_host_url");
        Err(at_parent(refusal.comparing(service_url, to_log_list(&self.parent.skill_host_urls))))
    }
}

fn require_skill_tenant(skill: &Skill, parent: &Bot, claims: &AppClaims) -> Result<(), CallerRefusal> {
    if claims.tenant_id.eq_ignore_ascii_case(&skill.tenant_id) {
        return Ok(());
    }
    let refusal = not_allowed("skill_tenant").at_bot(parent.name.as_str());
    Err(refusal.comparing(&claims.tenant_id, skill.tenant_id.clone()))
}

fn not_allowed(check: &'static str) -> CallerRefusal {
    CallerRefusal::new(Problem::CallerNotAllowed, check)
}

fn refuse_name(parent: &Bot, name: &str) -> CallerRefusal {
    CallerRefusal::new(Problem::NotFound, "skill_name").at_bot(parent.name.as_str()).comparing(name, "")
}
