use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::assets::has_asset;
use super::libraries::WebChatLibraries;
use crate::dev::addresses::Addresses;
use crate::dev::gateway_address::GatewayAddress;
use crate::dev::tenant::{Directory, UserScenario};

/// The file that shows in the page what happens.
const PANEL: &str = "panel.js";

/// What the page is built from.
pub(in crate::dev) struct PlaygroundFacts {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) gateway_address: Arc<GatewayAddress>,
}

impl PlaygroundFacts {
    /// The gateway's base URL without a slash at its end; empty while no gateway is attached.
    pub(super) fn gateway(&self) -> String {
        let url = self.gateway_address.find();
        url.map_or_else(String::new, |url| url.as_str().trim_end_matches('/').to_owned())
    }
}

/// Answers `GET /playground/settings.json`: what the page has to know of the stage.
pub(super) async fn show_settings(facts: Data<PlaygroundFacts>, libraries: Data<WebChatLibraries>) -> HttpResponse {
    let directory = &facts.directory;
    let users = directory.users.iter().filter(|user| user.scenario != UserScenario::AgentUser);
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({
        "directLine": facts.addresses.direct_line(),
        "tokenUrl": facts.addresses.web_chat_token_url(),
        "hasLibraries": libraries.are_loaded(),
        "hasPanel": has_asset(PANEL),
        "bots": directory.bots.iter().map(|bot| bot.name).collect::<Vec<_>>(),
        "users": users.map(|user| json!({
            "name": user.name,
            "displayName": user.display_name,
            "principalName": user.principal_name,
            "story": user.scenario,
        })).collect::<Vec<_>>(),
    }))
}
