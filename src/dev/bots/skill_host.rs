//! The skill host of a demo assistant: the part of the Bot Connector's API by which its skills speak to the user.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::bot_calls::{BotCall, BotCallAnswer, BotCallError, BotServices, CALL_TIMEOUT, activities_url};
use super::demo_bot::{DemoBots, find_demo_bot};
use super::hosted::{HostedConversation, id_of_member};
use crate::dev::jwt::{bearer_token, text_member};
use crate::dev::tenant::{BotEntry, Resource};

#[derive(Deserialize)]
struct HostPath {
    bot: String,
    conversation: String,
    /// The activity that is answered, changed or deleted.
    activity: Option<String>,
}

/// The routes. All others of the API are not found, because a demo skill uses no others.
pub(super) fn routes(config: &mut ServiceConfig) {
    let all = "/demo-bots/{bot}/skill-host/v3/conversations/{conversation}/activities";
    let one = web::resource(format!("{all}/{{activity}}"))
        .route(web::post().to(receive_from_skill))
        .route(web::put().to(receive_from_skill))
        .route(web::delete().to(receive_from_skill));
    config.route(all, web::post().to(receive_from_skill)).service(one);
}

/// Handles what a skill sends to the user: the message goes to the user's conversation in the assistant's name.
async fn receive_from_skill(
    request: HttpRequest,
    path: Path<HostPath>,
    body: Bytes,
    bots: Data<DemoBots>,
) -> HttpResponse {
    let Some(bot) = find_demo_bot(&bots, &path.bot) else { return HttpResponse::NotFound().finish() };
    let Some(skill) = find_calling_skill(&request, bot, &bots.services) else {
        return HttpResponse::Unauthorized().finish();
    };
    let hosted = bots.services.hosted.find(bot.name, &path.conversation).filter(|hosted| hosted.skill == skill);
    let Some(hosted) = hosted else { return HttpResponse::NotFound().finish() };
    let activity = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
    let Ok(activity) = activity else { return HttpResponse::BadRequest().finish() };
    if !activity.is_null() {
        bots.inboxes.record(bot.name, &activity);
    }
    if matches!(text_member(&activity, "type"), Some("event" | "endOfConversation")) {
        // Such an activity is for the assistant, and this one does nothing with it.
        return HttpResponse::Ok().json(json!({ "id": bots.services.hosted.new_activity_id() }));
    }
    let relay = Relay { services: &bots.services, bot, hosted: &hosted };
    match relay.send(request.method(), path.activity.as_deref(), activity).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            HttpResponse::build(status).json(answer.body)
        }
        Err(error) => {
            tracing::warn!(bot = bot.name, skill, %error, "the demo assistant could not pass on what a skill said");
            HttpResponse::BadGateway().finish()
        }
    }
}

/// The name of the skill of `bot` whose token the request has.
fn find_calling_skill<'a>(request: &HttpRequest, bot: &BotEntry, services: &'a BotServices) -> Option<&'a str> {
    let claims = services.tokens.verify_for(bearer_token(request)?, bot.app_id).ok()?;
    let caller = text_member(&claims, "azp").filter(|_| text_member(&claims, "idtyp") == Some("app"))?;
    let mut skills = services.directory.skills.iter().filter(|skill| skill.parent == bot.name);
    skills.find(|skill| skill.bot.app_id == caller).map(|skill| skill.bot.name)
}

/// The way from a skill to the user.
struct Relay<'a> {
    services: &'a BotServices,
    bot: &'a BotEntry,
    hosted: &'a HostedConversation,
}

impl Relay<'_> {
    /// Sends `activity` to the user by the same method. A new one is an answer to what the user said last; a changed or a
    /// deleted one is named by the id that the channel gave to it.
    async fn send(&self, method: &Method, id: Option<&str>, activity: Value) -> Result<BotCallAnswer, BotCallError> {
        let asked = &self.hosted.activity;
        let id = id.filter(|_| method != Method::POST);
        let message = readdress(activity, asked);
        let service_url = text_member(asked, "serviceUrl").unwrap_or_default();
        let call = BotCall {
            method: method.as_str(),
            url: activities_url(service_url, id_of_member(asked, "conversation"), id)?,
            token: &self.services.app_token(self.bot, Resource::BotFramework)?,
            conversation: None,
            body: (method != Method::DELETE).then_some(&message),
            timeout: CALL_TIMEOUT,
        };
        self.services.call(call).await
    }
}

/// The skill's activity as one of the assistant's: an answer to `asked`.
fn readdress(activity: Value, asked: &Value) -> Value {
    let mut members = match activity {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let address = [
        ("from", "recipient"),
        ("recipient", "from"),
        ("conversation", "conversation"),
        ("channelId", "channelId"),
        ("serviceUrl", "serviceUrl"),
        ("replyToId", "id"),
    ];
    for (member, of_asked) in address {
        members.insert(member.to_owned(), asked.get(of_asked).cloned().unwrap_or_default());
    }
    Value::Object(members)
}
