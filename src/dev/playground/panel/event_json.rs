use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::dev::masking::mask_tokens;
use crate::domain::{ArrivedActivity, ExchangeStep, ProviderCall};

/// Names and ids of clients are cut to this many characters.
const MAX_TEXT: usize = 200;

/// The members of a step: `kind`, and what it has. Absent values are left out.
pub(super) fn step_members(step: &ExchangeStep<'_>) -> Map<String, Value> {
    let (kind, mut members) = (kind_of(step), details_of(step));
    members.extend(took_of(step).map(|took| ("took_ms".to_owned(), json!(milliseconds(took)))));
    members.insert("kind".to_owned(), json!(kind));
    members.retain(|_, member| !member.is_null());
    members.values_mut().for_each(tidy);
    members
}

const fn kind_of(step: &ExchangeStep<'_>) -> &'static str {
    match step {
        ExchangeStep::ActivityArrived { .. } => "activity_arrived",
        ExchangeStep::CallerRefused { .. } => "caller_refused",
        ExchangeStep::ProviderAsked { .. } => "provider_asked",
        ExchangeStep::ProviderAnswered { .. } => "provider_answered",
        ExchangeStep::ExchangeRefused { .. } => "exchange_refused",
        ExchangeStep::BotAsked { .. } => "bot_asked",
        ExchangeStep::BotAnswered { .. } => "bot_answered",
        ExchangeStep::SkillAsked { .. } => "skill_asked",
        ExchangeStep::SkillAnswered { .. } => "skill_answered",
        ExchangeStep::SkillCard { .. } => "skill_card",
        ExchangeStep::ActivityAnswered { .. } => "activity_answered",
        ExchangeStep::OperationAnswered { .. } => "operation_answered",
        ExchangeStep::SignedOut { .. } => "signed_out",
    }
}

const fn took_of(step: &ExchangeStep<'_>) -> Option<Duration> {
    match step {
        ExchangeStep::ProviderAnswered { took, .. }
        | ExchangeStep::BotAnswered { took, .. }
        | ExchangeStep::SkillAnswered { took, .. }
        | ExchangeStep::ActivityAnswered { took, .. }
        | ExchangeStep::OperationAnswered { took, .. } => Some(*took),
        _ => None,
    }
}

fn details_of(step: &ExchangeStep<'_>) -> Map<String, Value> {
    let details = match step {
        ExchangeStep::ActivityArrived { activity } => activity_details(activity),
        ExchangeStep::CallerRefused { status, code, check, hint } => {
            json!({"status": status, "reason": code, "check": check, "hint": hint})
        }
        ExchangeStep::ProviderAsked { call } => call_details(call),
        ExchangeStep::ProviderAnswered { call, status, error, number, .. } => {
            let ProviderCall { provider, grant } = call;
            json!({"provider": provider, "grant": grant, "status": status, "error": error, "error_number": number})
        }
        ExchangeStep::ExchangeRefused { connection, reason, hint } => {
            json!({"connection": connection, "reason": reason, "hint": hint})
        }
        ExchangeStep::BotAsked { bot, message } => json!({"bot": bot, "message": message.name()}),
        ExchangeStep::BotAnswered { bot, message, status, .. } => {
            json!({"bot": bot, "message": message.name(), "status": status})
        }
        ExchangeStep::SkillAsked { skill, message } => json!({"skill": skill, "message": message.name()}),
        ExchangeStep::SkillAnswered { skill, message, status, .. } => {
            json!({"skill": skill, "message": message.name(), "status": status})
        }
        ExchangeStep::SkillCard { skill, connection, outcome } => {
            json!({"skill": skill, "connection": connection, "outcome": outcome.name(), "reason": outcome.reason()})
        }
        ExchangeStep::ActivityAnswered { status, reason, is_shared, .. } => {
            json!({"status": status, "reason": reason, "shared": is_shared})
        }
        ExchangeStep::OperationAnswered { door, operation, connection, status, .. } => {
            json!({"door": door, "operation": operation, "connection": connection, "status": status})
        }
        ExchangeStep::SignedOut { bot, connection, tokens_removed } => {
            json!({"bot": bot, "connection": connection, "everywhere": bot.is_none(), "tokens_removed": tokens_removed})
        }
    };
    match details {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn activity_details(activity: &ArrivedActivity<'_>) -> Value {
    let ArrivedActivity { caller, bot, channel, conversation, activity_id, name, connection } = activity;
    json!({
        "caller": caller,
        "bot": bot,
        "channel": channel,
        "conversation": conversation,
        "activity_id": activity_id,
        "name": name,
        "connection": connection,
    })
}

fn call_details(call: &ProviderCall<'_>) -> Value {
    json!({"provider": call.provider, "grant": call.grant})
}

/// With one digit after the point.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// Cuts a text of a client, which may have put anything there, and masks what looks like a token.
fn tidy(member: &mut Value) {
    mask_tokens(member);
    if let Value::String(text) = member
        && text.chars().count() > MAX_TEXT
    {
        *text = text.chars().take(MAX_TEXT).collect();
    }
}
