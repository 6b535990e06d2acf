//! What an assistant does beside what every demo bot does: it passes messages on to its skills, as the parent bots of the SDKs do.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::bot_calls::{BotCall, BotCallError};
use super::turn::BotTurn;
use crate::dev::jwt::text_member;
use crate::dev::tenant::SkillEntry;

/// The time limit for a skill's turn. A channel waits 15 seconds for the assistant.
const SKILL_TIMEOUT: Duration = Duration::from_secs(12);

/// The skill whose name the text contains, in any letter case.
pub(super) fn find_named_skill<'a>(turn: &BotTurn<'a>, text: &str) -> Option<&'a SkillEntry> {
    let text = text.to_lowercase();
    turn.services.directory.skills_of(turn.bot.name).find(|skill| text.contains(&skill.bot.name.to_lowercase()))
}

/// The skill to which the user spoke last in this conversation. A code that the user sends is for this skill.
pub(super) fn find_last_skill<'a>(turn: &BotTurn<'a>) -> Option<&'a SkillEntry> {
    let name = turn.services.hosted.find_last_skill(turn.bot.name, turn.activity)?;
    turn.services.directory.find_skill(name)
}

/// Passes the activity on to `skill` through the gateway, in the form of the SDKs (docs/protocols/bot-auth-and-skills.md
/// §4.1). The skill's messages come to the assistant's skill host.
pub(super) async fn pass_on(turn: &BotTurn<'_>, skill: &SkillEntry) -> Result<HttpResponse, BotCallError> {
    let services = turn.services;
    let conversation = services.hosted.open(turn.bot.name, skill.bot.name, turn.activity);
    let passed = readdress(turn.activity, &conversation, &services.addresses.skill_host(turn.bot.name));
    let call = BotCall {
        method: "POST",
        url: services.gateway_url(&format!("/api/skills/{}/messages", skill.bot.name))?,
        token: &services.app_token(turn.bot, services.audience_of(&skill.bot)?)?,
        conversation: Some(&conversation),
        body: Some(&passed),
        timeout: SKILL_TIMEOUT,
    };
    let answer = services.call(call).await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    if text_member(turn.activity, "type") == Some("invoke") {
        return Ok(match answer.body {
            Value::Null => HttpResponse::build(status).finish(),
            body => HttpResponse::build(status).json(body),
        });
    }
    if !answer.is_success() {
        turn.send_text(&format!("The skill {} cannot be reached ({status}).", skill.bot.name)).await?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// The activity as it goes to a skill: in the conversation with the skill, answered to `skill_host`.
fn readdress(activity: &Value, conversation: &str, skill_host: &str) -> Value {
    let mut passed = activity.clone();
    let relates_to = json!({
        "activityId": activity.get("id"),
        "bot": null,
        "channelId": activity.get("channelId"),
        "conversation": activity.get("conversation"),
        "locale": activity.get("locale"),
        "serviceUrl": activity.get("serviceUrl"),
    });
    if let Value::Object(members) = &mut passed {
        members.insert("serviceUrl".to_owned(), json!(skill_host));
        members.insert("relatesTo".to_owned(), relates_to);
        set_member(members, "conversation", "id", conversation);
        set_member(members, "recipient", "role", "skill");
    }
    passed
}

/// Sets the member `name` of the object `parent` of an activity, which is created if it is absent.
fn set_member(activity: &mut Map<String, Value>, parent: &str, name: &str, text: &str) {
    let object = activity.entry(parent).or_insert_with(|| json!({}));
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), json!(text));
    }
}
