use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::{AUTHORIZATION, ORIGIN};
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use url::Url;

use super::answers::answer_activity;
use super::bot_calls::BotServices;
use super::inboxes::Inboxes;
use super::turn::{BotTurn, Sender};
use crate::dev::admission::is_loopback_url;
use crate::dev::bot_slowness::BotSlowness;
use crate::dev::channel::ChannelIssuer;
use crate::dev::jwt::{bearer_token, text_member};
use crate::dev::tenant::{AGENT_365, BotEntry};

/// The demo bots of the directory. All of them run the same code.
pub(in crate::dev) struct DemoBots {
    pub(in crate::dev) services: BotServices,
    pub(in crate::dev) channel: Arc<ChannelIssuer>,
    pub(in crate::dev) inboxes: Inboxes,
    /// Whether the demo bots also accept activities without a token that the emulator on this machine sends.
    pub(in crate::dev) admits_anonymous: AtomicBool,
    pub(in crate::dev) slowness: Arc<BotSlowness>,
}

impl DemoBots {
    /// Demo bots that have received nothing yet and admit only callers with a token.
    pub(in crate::dev) fn new(services: BotServices, channel: Arc<ChannelIssuer>) -> Self {
        Self {
            services,
            channel,
            inboxes: Inboxes::default(),
            admits_anonymous: AtomicBool::new(false),
            slowness: Arc::default(),
        }
    }

    /// Whether the request has a channel token for this bot, and the token names the activity's service URL. The bot
    /// sends its own bearer token to that URL, so an activity must not be able to choose another one.
    fn is_from_channel(&self, request: &HttpRequest, bot: &BotEntry, activity: &Value) -> bool {
        let Some(claims) = bearer_token(request).and_then(|token| self.channel.verify(token, bot.app_id).ok()) else {
            return false;
        };
        let (claimed, named) = (text_member(&claims, "serviceurl"), text_member(activity, "serviceUrl"));
        claimed.is_some() && claimed.map(|url| url.trim_end_matches('/')) == named.map(|url| url.trim_end_matches('/'))
    }

    /// Whether the request has a token of the Agent 365 platform for this bot. The token names no service URL, so the
    /// activity must have the stage's own.
    fn is_from_platform(&self, request: &HttpRequest, bot: &BotEntry, activity: &Value) -> bool {
        let claims = bearer_token(request).and_then(|token| self.services.tokens.verify_for(token, bot.app_id).ok());
        let is_platforms = claims.is_some_and(|claims| text_member(&claims, "azp") == Some(AGENT_365.client_id));
        let own = self.services.addresses.service_url();
        let named = text_member(activity, "serviceUrl").map(|url| url.trim_end_matches('/'));
        is_platforms && named == Some(own.trim_end_matches('/'))
    }

    /// The parent bot whose token the request has, if the bot is a skill.
    fn find_parent(&self, request: &HttpRequest, bot: &BotEntry) -> Option<&BotEntry> {
        let directory = &self.services.directory;
        let parent = directory.find_bot(directory.find_skill(bot.name)?.parent)?;
        let claims = self.services.tokens.verify_for(bearer_token(request)?, bot.app_id).ok()?;
        let is_app = text_member(&claims, "idtyp") == Some("app");
        (is_app && text_member(&claims, "azp") == Some(parent.app_id)).then_some(parent)
    }

    /// Who has sent the activity; `None` if the bot must not accept it.
    fn find_sender(&self, request: &HttpRequest, bot: &BotEntry, activity: &Value) -> Option<Sender<'_>> {
        if let Some(parent) = self.find_parent(request, bot) {
            return Some(Sender::Parent(parent));
        }
        let is_admitted = self.is_from_channel(request, bot, activity)
            || self.is_from_platform(request, bot, activity)
            || self.may_be_from_emulator(request, activity);
        is_admitted.then_some(Sender::Channel)
    }

    /// Whether the request may come from the emulator. The bot sends its own bearer token to the service URL, so that
    /// URL must be on this machine. A request with an `Origin` header comes from a web page and is refused.
    fn may_be_from_emulator(&self, request: &HttpRequest, activity: &Value) -> bool {
        let is_bare = !request.headers().contains_key(AUTHORIZATION) && !request.headers().contains_key(ORIGIN);
        let service_url = text_member(activity, "serviceUrl").and_then(|url| Url::parse(url).ok());
        let is_answered_here = service_url.as_ref().is_some_and(is_loopback_url);
        let is_emulator = text_member(activity, "channelId") == Some("emulator");
        self.admits_anonymous.load(Ordering::SeqCst) && is_bare && is_answered_here && is_emulator
    }
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/demo-bots/{bot}/api/messages", web::post().to(receive_activity))
        .route("/demo-bots/{bot}/received", web::get().to(show_received));
}

/// The demo bot or the demo skill of this name. The stage does not run the bots that have endpoints of their own.
pub(super) fn find_demo_bot<'b>(bots: &'b DemoBots, name: &str) -> Option<&'b BotEntry> {
    bots.services.directory.bots_and_skills().find(|bot| bot.name == name && bot.endpoint.is_none())
}

async fn show_received(bot: Path<String>, bots: Data<DemoBots>) -> HttpResponse {
    match find_demo_bot(&bots, &bot) {
        Some(bot) => HttpResponse::Ok().json(bots.inboxes.activities(bot.name)),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn receive_activity(request: HttpRequest, bot: Path<String>, body: Bytes, bots: Data<DemoBots>) -> HttpResponse {
    let Some(bot) = find_demo_bot(&bots, &bot) else { return HttpResponse::NotFound().finish() };
    let activity: Value = match serde_json::from_slice(&body) {
        Ok(activity) => activity,
        Err(_) => return HttpResponse::BadRequest().finish(),
    };
    let Some(sender) = bots.find_sender(&request, bot, &activity) else {
        return HttpResponse::Unauthorized().finish();
    };
    bots.slowness.wait().await;
    bots.inboxes.record(bot.name, &activity);
    let turn = BotTurn { services: &bots.services, bot, activity: &activity, sender };
    match answer_activity(&turn).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(bot = bot.name, %error, "the demo bot could not answer an activity");
            HttpResponse::InternalServerError().finish()
        }
    }
}
