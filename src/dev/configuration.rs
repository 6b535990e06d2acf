use std::path::Path;

use toml::{Table, Value, toml};

use super::directory::{BotEntry, ConnectionEntry};
use super::scopes::GRAPH;
use super::state::State;

const ADMIN_TOKEN_VARIABLE: &str = "STAGE_ADMIN_TOKEN";

/// A configuration for bot-sso that fits the stage. The only place that knows the file's syntax.
pub(super) fn configuration(state: &State, gateway: &str, listen: &str, data_directory: &Path) -> String {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut text = Table::new();
    text.insert("server".to_owned(), table([("public_url", gateway.into()), ("listen", vec![listen].into())]));
    text.insert("outbound".to_owned(), table([("ca_file", path(&state.ca_file).into())]));
    text.insert("channels".to_owned(), channels(state));
    text.insert("identity_providers".to_owned(), table([("entra", entra(state))]));
    let bots = state.directory.bots.iter().map(|entry| (entry.name.to_owned(), bot(state, entry)));
    text.insert("bots".to_owned(), Value::Table(bots.collect()));
    let connections = state.directory.connections.iter().map(|entry| (key_of(entry), connection(state, entry)));
    text.insert("connections".to_owned(), Value::Table(connections.collect()));
    text.insert("store".to_owned(), table([("path", path(&data_directory.join("bot-sso.db")).into())]));
    text.insert("keys".to_owned(), table([("file", path(&data_directory.join("bot-sso.keys")).into())]));
    if let Some(door) = state.find_operations() {
        let admin_token = table([("env", ADMIN_TOKEN_VARIABLE.into())]);
        let section = table([("listen", door.listen.into()), ("admin_token", admin_token)]);
        text.insert("operations".to_owned(), section);
    }
    text.insert("logging".to_owned(), toml! { format = "text" }.into());
    text.to_string()
}

/// The variables that the configuration's secrets are read from.
pub(super) fn secrets(state: &State) -> Vec<(String, String)> {
    let connections = state.directory.connections.iter();
    let admin_token = state.find_operations().map(|door| (ADMIN_TOKEN_VARIABLE.to_owned(), door.admin_token));
    connections.map(|entry| (secret_variable(entry), entry.client_secret.to_owned())).chain(admin_token).collect()
}

/// Two bots may have a connection of one name.
fn key_of(entry: &ConnectionEntry) -> String {
    format!("{}-{}", entry.bot, entry.name)
}

fn secret_variable(entry: &ConnectionEntry) -> String {
    format!("STAGE_SECRET_{}", key_of(entry))
}

fn channels(state: &State) -> Value {
    table([
        ("issuer", state.channel_issuer().into()),
        ("metadata_url", format!("{}/channel/v1/.well-known/openidconfiguration", state.https_base).into()),
    ])
}

fn entra(state: &State) -> Value {
    table([
        ("authority", state.https_base.clone().into()),
        // A browser would warn of the stage's certificate, which it cannot know.
        ("authorization_endpoint", format!("{}/{{tenant}}/oauth2/v2.0/authorize", state.http_base).into()),
        ("allow_insecure_http", true.into()),
        ("issuer", state.v2_issuer("{tenantid}").into()),
        ("v1_issuer", state.v1_issuer("{tenantid}").into()),
    ])
}

fn bot(state: &State, entry: &BotEntry) -> Value {
    table([
        ("app_id", entry.app_id.into()),
        ("tenant", state.directory.main_tenant_id().into()),
        ("endpoint", format!("{}/demo-bots/{}/api/messages", state.http_base, entry.name).into()),
        ("after_exchange", entry.after_exchange.into()),
    ])
}

fn connection(state: &State, entry: &ConnectionEntry) -> Value {
    let tenants: Vec<&str> = state.directory.tenants.iter().map(|tenant| tenant.id).collect();
    let scopes: Vec<&str> = entry.scopes.iter().copied().chain(["offline_access"]).collect();
    table([
        ("name", entry.name.into()),
        ("bot", entry.bot.into()),
        ("client_id", entry.client_id.into()),
        ("client_secret", table([("env", secret_variable(entry).into())])),
        ("scopes", scopes.into()),
        ("aad_resources", vec![GRAPH].into()),
        ("token_exchange_uri", entry.token_exchange_uri.clone().into()),
        ("tenants", tenants.into()),
        ("allow_v1", entry.v1_tokens.into()),
    ])
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Table(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
