use actix_web::{HttpResponse, web};

use super::forward::forward_to_bot;
use super::{BotGateway, Inbound};
use crate::domain::{UserKey, VersionNumber};
use crate::inbound::{AdmittedCaller, Problem};
use crate::protocol::AgentLifecycleEvent;
use crate::sign_out::{LifecycleEvent, LifecycleOrder};

/// Handles an event in the life of an agent user: signs a user who was disabled or deleted out everywhere, and passes the
/// event on to the bot. An event that is older than one before it is dropped
/// (docs/protocols/agent-identity.md §6 rule 3).
///
/// If the sign-out cannot be completed, the answer is 503 and the bot is not told, so that the platform repeats the event.
pub(super) async fn answer(
    gateway: &web::Data<BotGateway>,
    inbound: &Inbound<'_>,
    event: &AgentLifecycleEvent,
) -> HttpResponse {
    let Some(user) = find_agent_user(inbound, event) else {
        if event.ends_access {
            tracing::warn!(
                security = true,
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                "the access of an agent user has ended, but the event does not name the user: sign the user out by hand"
            );
        }
        return forward_to_bot(gateway, inbound).await;
    };
    let applied = LifecycleEvent {
        version: event.version.as_ref(),
        ends_access: event.ends_access,
        correlation_id: &inbound.correlation_id,
    };
    let applied = gateway.agents.apply(&inbound.bot.name, &user, applied).await;
    match applied {
        Ok(LifecycleOrder::Next) => forward_to_bot(gateway, inbound).await,
        Ok(LifecycleOrder::Outdated) => {
            tracing::info!(
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                %user,
                version = event.version.as_ref().and_then(VersionNumber::as_u64),
                "an outdated agentLifecycle event was dropped"
            );
            HttpResponse::Ok().finish()
        }
        Err(error) => {
            tracing::error!(
                correlation_id = inbound.correlation_id,
                bot = inbound.bot.name.as_str(),
                %user,
                %error,
                "an agentLifecycle event could not be applied: the platform has to repeat it"
            );
            Problem::ServiceUnavailable.respond()
        }
    }
}

/// The agent user that the event is about, in the tenant of the platform's token.
fn find_agent_user(inbound: &Inbound<'_>, event: &AgentLifecycleEvent) -> Option<UserKey> {
    let AdmittedCaller::Platform { tenant_id } = inbound.caller else { return None };
    // The same text as of a user of this tenant who signs in: two GUIDs.
    UserKey::parse(&format!("{}@{tenant_id}", event.agent_user_id.as_deref()?))
}
