use super::current::{name_next_call, note};
use super::span::Attribute;
use crate::domain::{ExchangeEvent, ExchangeObserver, ExchangeStep};

/// Notes what happens to sign-ins in the current trace: names of calls, bots and connections, and reasons of refusals.
#[derive(Clone, Copy, Debug)]
pub struct TraceNotes;

impl ExchangeObserver for TraceNotes {
    fn observe(&self, event: &ExchangeEvent<'_>) {
        match &event.step {
            ExchangeStep::ProviderAsked { call } => {
                name_next_call(|| format!("identity provider {} {}", call.provider, call.grant));
            }
            ExchangeStep::BotAsked { bot, message } => name_next_call(|| format!("bot {bot} {}", message.name())),
            ExchangeStep::SkillAsked { skill, message } => {
                name_next_call(|| format!("skill {skill} {}", message.name()));
            }
            ExchangeStep::ActivityArrived { activity } => {
                note(|| Attribute::text("bot_sso.bot", activity.bot.to_owned()));
                if let Some(connection) = activity.connection {
                    note(|| Attribute::text("bot_sso.connection", connection.to_owned()));
                }
            }
            ExchangeStep::ExchangeRefused { reason, .. } => {
                note(|| Attribute::text("bot_sso.reason", reason.clone()));
            }
            ExchangeStep::CallerRefused { code, check, .. } => {
                note(|| Attribute::text("bot_sso.reason", *code));
                note(|| Attribute::text("bot_sso.check", *check));
            }
            ExchangeStep::ActivityAnswered { reason: Some(reason), .. } => {
                note(|| Attribute::text("bot_sso.reason", reason.clone()));
            }
            _ => {}
        }
    }

    fn wants_answers(&self) -> bool {
        false
    }
}
