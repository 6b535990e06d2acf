use serde_json::{Value, json};

use super::facts::StageFacts;
use crate::dev::directories::{
    DIRECTORIES, DirectoryAppEntry, DirectoryEntry, app_address, callback_address, management_address, oauth_address,
    outbox_address, overview_address, signed_out_address,
};

/// The member of the manifest with the directories. A user whom the gateway does not have yet is left out.
pub(super) fn directory_member(facts: &StageFacts, gateway: &str) -> (String, Value) {
    ("directories".to_owned(), DIRECTORIES.iter().map(|entry| directory(facts, entry, gateway)).collect())
}

fn directory(facts: &StageFacts, entry: &DirectoryEntry, gateway: &str) -> Value {
    let user = |user| {
        let id = facts.directory_user_ids.find(entry, user)?;
        Some(json!({"id": id, "username": user.username, "password": user.password}))
    };
    json!({
        "name": entry.name,
        "tenant_id": entry.tenant_id,
        "oauth_server_url": oauth_address(gateway, entry),
        "management_url": management_address(gateway, entry),
        "management_token": entry.management_token,
        "logout_redirect_uris": logout_redirect_uris(facts, entry),
        "outbox_url": outbox_address(&facts.addresses, entry),
        "apps": entry.apps.iter().map(|app| json!({
            "name": app.name,
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uris": redirect_uris(facts, entry, app),
            "url": app_address(&facts.addresses, entry, app),
        })).collect::<Vec<_>>(),
        "users": entry.users.iter().filter_map(user).collect::<Vec<_>>(),
    })
}

/// The addresses to which a user of an app may be sent with a code, the app's own first.
pub(super) fn redirect_uris(facts: &StageFacts, directory: &DirectoryEntry, app: &DirectoryAppEntry) -> Vec<String> {
    vec![callback_address(&facts.addresses, directory, app)]
}

/// The addresses to which a logout may lead: those of the apps, and the page with all apps.
pub(super) fn logout_redirect_uris(facts: &StageFacts, entry: &DirectoryEntry) -> Vec<String> {
    let of_apps = entry.apps.iter().map(|app| signed_out_address(&facts.addresses, entry, app));
    of_apps.chain([overview_address(&facts.addresses)]).collect()
}

/// The page that lists the apps of all directories.
pub(super) fn apps_page(facts: &StageFacts) -> String {
    overview_address(&facts.addresses)
}
