use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Value, json};

use super::assets::has_asset;
use super::libraries::WebChatLibraries;
use crate::dev::addresses::{Addresses, SINGLE_SIGN_ON_MODULE};
use crate::dev::gateway_address::GatewayAddress;
use crate::dev::tenant::{BotEntry, Directory, User, UserScenario};

/// The path of the page to which the tenant leads a browser back.
pub(super) const REDIRECT_PATH: &str = "/playground/redirect.html";
/// The file that shows in the page what happens.
const PANEL: &str = "panel.js";

/// What the page is built from.
pub(in crate::dev) struct PlaygroundFacts {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) directory: Arc<Directory>,
    pub(in crate::dev) gateway_address: Arc<GatewayAddress>,
    /// Differs for each start of the stage: a page must not go on with a conversation of an earlier one.
    pub(in crate::dev) stage_id: String,
}

impl PlaygroundFacts {
    /// The gateway's base URL without a slash at its end; empty while no gateway is attached.
    pub(super) fn gateway(&self) -> String {
        let url = self.gateway_address.find();
        url.map_or_else(String::new, |url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// The address of the site owner's module.
    fn module_url(&self) -> String {
        format!("{}{SINGLE_SIGN_ON_MODULE}", self.gateway())
    }

    /// The scopes with which a page gets a token that `bot` can exchange: those of its first connection.
    fn exchange_scopes(&self, bot: &BotEntry) -> Vec<&str> {
        let connection = self.directory.connections.iter().find(|connection| connection.bot == bot.name);
        connection.map(|connection| connection.exchange_scope.as_str()).into_iter().collect()
    }

    /// A tenant's id, and what MSAL has to know of it. MSAL takes no authority with plain http, so the authority is the https
    /// listener; its metadata names the endpoints of the plain listener, because a browser does not trust the stage's
    /// certificate.
    fn tenant(&self, id: &'static str) -> (&'static str, Value) {
        let (https, http) = (&self.addresses.https_base, &self.addresses.http_base);
        let settings = json!({
            "authority": format!("{https}/{id}"),
            "knownAuthority": https.trim_start_matches("https://"),
            "metadata": {
                "issuer": self.addresses.v2_issuer(id),
                "authorization_endpoint": format!("{http}/{id}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{http}/{id}/oauth2/v2.0/token"),
                "jwks_uri": format!("{http}/{id}/discovery/v2.0/keys"),
            },
        });
        (id, settings)
    }
}

/// Answers `GET /playground/settings.json`: what the page has to know of the stage.
pub(super) async fn show_settings(facts: Data<PlaygroundFacts>, libraries: Data<WebChatLibraries>) -> HttpResponse {
    let directory = &facts.directory;
    let talks_to_bots = |user: &&User| user.scenario != UserScenario::AgentUser && directory.is_of_organization(user);
    let users = directory.users.iter().filter(talks_to_bots);
    let connections = directory.all_connections();
    let scopes: BTreeMap<_, _> =
        connections.map(|entry| (&entry.token_exchange_uri, [&entry.exchange_scope])).collect();
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(json!({
        "stage": facts.stage_id,
        "directLine": facts.addresses.direct_line(),
        "tokenUrl": facts.addresses.web_chat_token_url(),
        "module": facts.module_url(),
        "clientId": directory.web_chat_client_id(),
        "redirectUri": format!("{}{REDIRECT_PATH}", facts.addresses.http_base),
        "libraries": libraries.addresses(),
        "hasPanel": has_asset(PANEL),
        "bots": directory.bots.iter().map(|bot| json!({
            "name": bot.name,
            "scopes": facts.exchange_scopes(bot),
            "isDemo": bot.endpoint.is_none(),
            "afterExchange": bot.after_exchange,
            "skills": directory.skills_of(bot.name).map(|skill| skill.bot.name).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "users": users.map(|user| json!({
            "name": user.name,
            "displayName": user.display_name,
            "principalName": user.principal_name,
            "story": user.scenario,
            "tenant": user.tid,
        })).collect::<Vec<_>>(),
        "tenants": directory.tenants.iter().map(|tenant| facts.tenant(tenant.id)).collect::<BTreeMap<_, _>>(),
        "scopes": scopes,
    }))
}
