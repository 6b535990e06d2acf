//! The Agent 365 platform, which writes activities for the agents of a blueprint. Its token has no service URL and its key
//! no endorsements, so the activity is compared with the token's tenant and with the bot's settings
//! (docs/protocols/agent-identity.md §6 rule 1).

use super::problem::Problem;
use super::refusal::CallerRefusal;
use super::service_url::fits_pattern;
use crate::domain::{Agent365, Bot, ChannelKind};
use crate::observability::to_log_list;
use crate::protocol::AgentAddress;
use crate::token_validation::AppClaims;

/// Checks an activity for an agent, which the platform with the token `claims` sends on the channel `base`.
pub(super) fn admit_platform(
    bot: &Bot,
    settings: &Agent365,
    claims: &AppClaims,
    address: &AgentAddress<'_>,
    place: SentFrom<'_>,
) -> Result<(), CallerRefusal> {
    let not_allowed = |check| CallerRefusal::new(Problem::CallerNotAllowed, check);
    if !settings.serves_tenant(&claims.tenant_id) {
        return Err(not_allowed("agent_365_tenant").comparing(&claims.tenant_id, to_log_list(&settings.tenants)));
    }
    if !matches!(ChannelKind::from_name(place.channel), ChannelKind::Teams | ChannelKind::Agents) {
        let refusal = CallerRefusal::new(Problem::ChannelNotEndorsed, "agent_365_channel");
        return Err(refusal.comparing(place.channel, "msteams, agents"));
    }
    if let Some(other) = find_other_tenant(address, &claims.tenant_id) {
        return Err(not_allowed("agent_activity_tenant").comparing(other, claims.tenant_id.clone()));
    }
    let blueprints = [address.blueprint_id, address.lifecycle_blueprint_id];
    if let Some(other) = blueprints.into_iter().flatten().find(|id| !id.eq_ignore_ascii_case(&bot.app_id)) {
        return Err(not_allowed("agent_activity_blueprint").comparing(other, bot.app_id.clone()));
    }
    // An event in an agent's life need not name the agent's app.
    let is_named = !address.is_lifecycle || address.agent_app_id.is_some();
    if is_named && !settings.admits_activities_for(address.agent_app_id) {
        let listed = settings.agents.as_deref().unwrap_or_default().join(", ");
        return Err(not_allowed("agent_activity_agent").comparing(address.agent_app_id.unwrap_or("absent"), listed));
    }
    if !settings.service_urls.iter().any(|pattern| fits_pattern(place.service_url, pattern)) {
        let refusal = CallerRefusal::new(Problem::ServiceUrlNotAllowed, "agent_365_service_url");
        return Err(refusal.comparing(place.service_url, settings.service_urls.join(", ")));
    }
    Ok(())
}

/// Where an activity comes from, in its own words.
#[derive(Clone, Copy)]
pub(super) struct SentFrom<'a> {
    /// The base channel.
    pub(super) channel: &'a str,
    pub(super) service_url: &'a str,
}

/// The first tenant in `address` that is not `tenant_id`. The recipient and the conversation have to name it, and an
/// event in an agent's life names it in its value; any other may be absent.
fn find_other_tenant<'a>(address: &AgentAddress<'a>, tenant_id: &str) -> Option<&'a str> {
    let (required, optional) = if address.is_lifecycle {
        (vec![address.lifecycle_tenant], vec![address.recipient_tenant, address.conversation_tenant])
    } else {
        (vec![address.recipient_tenant, address.conversation_tenant], Vec::new())
    };
    let stated = required.into_iter().map(|tenant| tenant.unwrap_or("absent"));
    let others = optional.into_iter().chain([address.channel_tenant]).flatten();
    stated.chain(others).find(|tenant| !tenant.eq_ignore_ascii_case(tenant_id))
}
