use serde::Deserialize;

use super::{Manifest, ManifestApplication};

/// The members that a sign-in depends on. A manifest has many others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TeamsManifest {
    web_application_info: Option<WebApplicationInfo>,
    #[serde(default)]
    valid_domains: Vec<String>,
    #[serde(default)]
    bots: Vec<BotEntry>,
    #[serde(default)]
    compose_extensions: Vec<BotEntry>,
}

#[derive(Deserialize)]
struct WebApplicationInfo {
    id: Option<String>,
    resource: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BotEntry {
    bot_id: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Manifest, String> {
    let manifest: TeamsManifest =
        serde_json::from_str(text).map_err(|error| format!("is no manifest of a Teams app: {error}"))?;
    let entries = manifest.bots.into_iter().chain(manifest.compose_extensions);
    let mut bot_ids: Vec<String> = entries.filter_map(|entry| entry.bot_id).collect();
    bot_ids.dedup();
    let application =
        |info: WebApplicationInfo| ManifestApplication { id: info.id, resource: info.resource, scopes: None };
    Ok(Manifest {
        application: manifest.web_application_info.map(application),
        valid_domains: Some(manifest.valid_domains),
        bot_ids,
        is_of_office: false,
    })
}
