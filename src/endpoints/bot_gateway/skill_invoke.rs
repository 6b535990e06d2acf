//! Users' invokes that answer a card of a skill: they go to the skill, addressed as the parent bot addresses it
//! (docs/skills.md).

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use bytes::Bytes;
use tokio::time::Instant;

use super::BotGateway;
use super::action_replies::refuse_action;
use super::admitted::Inbound;
use super::forward::{relay_skill, to_problem};
use super::replies::{InvokeReply, RefusedExchange};
use crate::bot_connector::{ForwardedRequest, PlaceRule, SkillCall, SkillConversation};
use crate::domain::{Secret, Skill, SkillMessage};
use crate::exchange::{Reason, Refusal};
use crate::protocol::deadlines::{ACTION_BUDGET, ANSWER_BUDGET};
use crate::protocol::{ActionFamily, SkillAddress, TokenExchangeInvokeRequest, readdress_user_invoke};

/// A user's invoke that names a connection of a skill.
pub(super) struct InvokeForSkill<'g> {
    skill: &'g Arc<Skill>,
    kind: SkillInvokeKind,
    /// The body that is readdressed to the skill.
    body: Bytes,
}

/// Which kind of invoke it is. The time limit and the form of a refusal depend on it.
enum SkillInvokeKind {
    TokenExchange {
        /// The `id` in the invoke's `value`.
        id: Option<String>,
        connection_name: String,
    },
    Action(ActionFamily),
}

impl<'g> InvokeForSkill<'g> {
    /// The token exchange `request` for `skill`, with a body in the spelling that SDKs compare with.
    pub(super) fn of_token_exchange(
        skill: &'g Arc<Skill>,
        request: &TokenExchangeInvokeRequest<'_>,
        body: Bytes,
    ) -> Self {
        let kind = SkillInvokeKind::TokenExchange {
            id: request.id.map(str::to_owned),
            connection_name: request.connection_name.to_owned(),
        };
        Self { skill, kind, body }
    }

    /// An action of `family` for `skill`.
    pub(super) fn of_action(skill: &'g Arc<Skill>, family: ActionFamily, body: &Bytes) -> Self {
        Self { skill, kind: SkillInvokeKind::Action(family), body: body.clone() }
    }

    /// The time for the whole answer, from the arrival of the invoke.
    const fn budget(&self) -> Duration {
        match self.kind {
            SkillInvokeKind::TokenExchange { .. } => ANSWER_BUDGET,
            SkillInvokeKind::Action(_) => ACTION_BUDGET,
        }
    }

    const fn is_token_exchange(&self) -> bool {
        matches!(self.kind, SkillInvokeKind::TokenExchange { .. })
    }
}

/// Passes the invoke on to its skill, whose answer is the user's. `None`: the invoke is the parent bot's, because bot-sso
/// knows no conversation of this user with the skill or cannot speak for the parent.
pub(super) async fn answer(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    invoke: &InvokeForSkill<'_>,
) -> Option<HttpResponse> {
    let (skill, skills) = (invoke.skill, &gateway.skills);
    if let Some(reason) = find_obstacle(gateway, inbound) {
        log_fallback(inbound, skill, reason);
        return None;
    }
    let account = inbound.channel_account();
    let rule = if inbound.bot.has_verified_id(&account) { PlaceRule::Any } else { PlaceRule::Exact };
    let found = skills.conversations.find_of_user(&skill.name, &account, &inbound.conversation(), rule).await;
    let conversation = match found.map(|found| found.filter(|found| found.parent == inbound.bot.name)) {
        Ok(Some(conversation)) => conversation,
        Ok(None) => {
            log_fallback(inbound, skill, "the bot has opened no conversation with the skill for this user here");
            return None;
        }
        Err(error) => {
            log_failure(inbound, skill, &error, "the user's conversation with the skill cannot be read");
            let refusal = Refusal::fault("the store failed, so it is not known in which conversation the skill speaks");
            return Some(refuse(gateway, inbound, invoke, &refusal).respond(inbound));
        }
    };
    Some(match readdress(gateway, inbound, invoke, &conversation).await {
        Ok(request) => send(gateway, inbound, invoke, request).await,
        Err(refusal) => refuse(gateway, inbound, invoke, &refusal).respond(inbound),
    })
}

/// Why bot-sso cannot pass an invoke on in the parent's name, whichever conversation it is in.
fn find_obstacle(gateway: &BotGateway, inbound: &Inbound<'_>) -> Option<&'static str> {
    if inbound.wants_envelope() {
        return Some("the caller is a parent bot that expects the replies in the answer");
    }
    if inbound.account() != inbound.channel_account() {
        return Some("the caller is a parent bot, whose users are not the channel's");
    }
    let has_credentials = gateway.skills.parent_tokens.has_credentials(&inbound.bot.name);
    (!has_credentials).then_some("the bot has no credentials in the configuration, so no token for the skill")
}

/// The request as the parent bot would send it to the skill. The caller's bearer is replaced: it is valid for the parent
/// only.
async fn readdress(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    invoke: &InvokeForSkill<'_>,
    conversation: &SkillConversation,
) -> Result<ForwardedRequest, Refusal> {
    let service_url = invoke.skill.host_url(&gateway.skills.public_url);
    let address = SkillAddress { conversation_id: &conversation.id, service_url: &service_url };
    let body = readdress_user_invoke(&invoke.body, address, &conversation.addressing);
    let body = body.map_err(|error| {
        log_failure(inbound, invoke.skill, &error, "an invoke cannot be readdressed to the skill");
        Refusal::local(
            Reason::BadRequest,
            "the invoke for a skill has members that readers may understand in several ways",
        )
    })?;
    let token = obtain_token(gateway, inbound, invoke).await?;
    Ok(inbound.forwarded(body).authorized_by(&token).in_conversation(&conversation.id))
}

/// The parent's own app token for the skill, in time for the skill's answer.
async fn obtain_token(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    invoke: &InvokeForSkill<'_>,
) -> Result<Secret, Refusal> {
    let (tokens, by) = (&gateway.skills.parent_tokens, deadline(gateway, inbound, invoke));
    let token = tokens.get(&inbound.bot.name, invoke.skill, &inbound.correlation_id, by).await;
    token.map_err(|error| {
        log_failure(inbound, invoke.skill, &error, "no app token of the bot for the skill");
        Refusal::fault("the bot's credentials give no app token for the skill: the line before says why")
    })
}

/// Posts `request` to the skill and sends its answer back.
async fn send(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    invoke: &InvokeForSkill<'_>,
    request: ForwardedRequest,
) -> HttpResponse {
    let (skill, by) = (invoke.skill, deadline(gateway, inbound, invoke));
    if invoke.is_token_exchange() {
        // The turn in which the skill has sent its card is a part of the parent's.
        gateway.bots.turns().wait_until_idle(&inbound.bot, &inbound.conversation_id, by).await;
    }
    let call = SkillCall { correlation_id: &inbound.correlation_id, message: SkillMessage::Invoke, deadline: by };
    match gateway.skills.client.post_to_skill(skill, request, call).await {
        Ok(answer) => relay_skill(answer, skill, by, inbound),
        Err(error) => {
            log_failure(
                inbound,
                skill,
                &error,
                "the invoke could not be sent to the skill: check the skill's endpoint",
            );
            let response = to_problem(&error).respond();
            inbound.tell_answer(response.status().as_u16(), None, false);
            response
        }
    }
}

/// When the answer has to have left. The operator's time for bots is that for skills, too.
fn deadline(gateway: &BotGateway, inbound: &Inbound<'_>, invoke: &InvokeForSkill<'_>) -> Instant {
    inbound.begun + invoke.budget().min(gateway.bot_timeout)
}

/// Refuses the invoke in the form of its kind.
fn refuse(gateway: &BotGateway, inbound: &Inbound<'_>, invoke: &InvokeForSkill<'_>, refusal: &Refusal) -> InvokeReply {
    refusal.report(&gateway.counters, inbound.bot.name.as_str(), None, &inbound.correlation_id);
    let (id, connection_name) = match &invoke.kind {
        SkillInvokeKind::Action(family) => return refuse_action(gateway, inbound, *family, refusal.reason),
        SkillInvokeKind::TokenExchange { id, connection_name } => (id.as_deref(), Some(connection_name.as_str())),
    };
    let channel = inbound.channel();
    let refused =
        RefusedExchange { id, connection_name, channel: Some(&channel), correlation_id: &inbound.correlation_id };
    refused.reply(gateway, refusal.reason)
}

/// Logs that the invoke goes to the parent bot, for `reason`.
fn log_fallback(inbound: &Inbound<'_>, skill: &Skill, reason: &'static str) {
    tracing::info!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        skill = skill.name.as_str(),
        reason,
        "an invoke for a skill's connection goes to the parent bot"
    );
}

fn log_failure(inbound: &Inbound<'_>, skill: &Skill, error: &dyn Display, message: &'static str) {
    let (bot, skill) = (inbound.bot.name.as_str(), skill.name.as_str());
    tracing::error!(correlation_id = inbound.correlation_id, bot, skill, %error, "{message}");
}
