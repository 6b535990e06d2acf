//! The sections of the gateway's configuration for the callers that are no bots.

use toml::Value;

use super::back_ends::{USER_DATA_PATH, login_origins};
use super::facts::StageFacts;
use super::section::Section;
use crate::dev::tenant::{
    AddInEntry, BackEndCredential, BackEndEntry, ExchangeEntry, GRAPH_AUDIENCE, GRAPH_SCOPES, ServiceRoleEntry,
    SharedConnectionEntry,
};
use crate::domain::SecretHash;

/// The paths of the stage's Graph that add-ins may call. It has others, too.
const DOWNSTREAM_PATHS: [&str; 2] = ["/me", "/me/drive/*"];

pub(super) fn add_in_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    facts.directory.add_ins.iter().map(|entry| (entry.name.to_owned(), add_in_section(facts, entry).into()))
}

pub(super) fn back_end_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    facts.directory.back_ends.iter().map(|entry| (entry.name.to_owned(), back_end_section(facts, entry).into()))
}

pub(super) fn app_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    facts.directory.service_role_apps.iter().map(|entry| (entry.app_id.to_owned(), app_section(facts, entry).into()))
}

/// The connections without a bot.
pub(super) fn shared_connection_sections(facts: &StageFacts) -> impl Iterator<Item = (String, Value)> {
    let connections = facts.directory.shared_connections.iter();
    connections.map(|entry| (entry.name.to_owned(), connection_section(facts, entry).into()))
}

/// The environment variables for the secrets of these sections, with their values.
pub(super) fn secrets_of_back_ends(facts: &StageFacts) -> impl Iterator<Item = (String, String)> {
    let directory = &facts.directory;
    let add_ins = directory.add_ins.iter().map(|entry| (secret_variable(entry.name), entry.client_secret));
    let connections = directory.shared_connections.iter();
    let connections = connections.map(|entry| (secret_variable(entry.name), entry.client_secret));
    add_ins.chain(connections).map(|(name, secret)| (name, secret.to_owned()))
}

fn secret_variable(name: &str) -> String {
    format!("STAGE_CLIENT_SECRET_{name}")
}

pub(super) fn client_secret(name: &str) -> Section {
    Section::default().with("env", secret_variable(name))
}

fn hashes(secret: &str) -> Vec<String> {
    vec![SecretHash::of(secret).to_text()]
}

fn add_in_section(facts: &StageFacts, entry: &AddInEntry) -> Section {
    let downstream = Section::default()
        .with("url", format!("{}/graph/v1.0", facts.addresses.http_base))
        .with("paths", DOWNSTREAM_PATHS.to_vec())
        .with("methods", vec!["GET"]);
    let user_data = Section::default().with("path", USER_DATA_PATH).with("downstream", "/me").with("errors", "inline");
    let caller =
        Section::default().with("client_id", entry.caller.client_id).with("secret_sha256", hashes(entry.caller.secret));
    Section::default()
        .with("client_id", entry.client_id)
        .with("client_secret", client_secret(entry.name))
        .with("resource", entry.resource)
        .with("tenants", "any_account")
        .with("scopes", GRAPH_SCOPES.to_vec())
        .with("downstream", downstream)
        .with("user_data", user_data)
        .with("origins", origins(facts))
        .with("callers", vec![Value::from(caller)])
}

/// The page's origin by address and by name: Office wants the host of the page in the add-in's `resource`.
fn origins(facts: &StageFacts) -> Vec<String> {
    let by_address = facts.addresses.http_base.clone();
    let by_name = by_address.replace("127.0.0.1", "localhost");
    vec![by_address, by_name]
}

fn back_end_section(facts: &StageFacts, entry: &BackEndEntry) -> Section {
    let exchange = match entry.exchange {
        ExchangeEntry::AddIn(name) => Section::default().with("add_in", name),
        ExchangeEntry::Connection(name) => Section::default().with("connection", name),
    };
    let exchange = exchange.with("scopes", entry.scopes.to_vec()).with("audiences", vec![GRAPH_AUDIENCE]);
    let app_token = Section::default()
        .with("scopes", vec![format!("{GRAPH_AUDIENCE}/.default")])
        .with("tenant", facts.directory.main_tenant_id());
    let section = Section::default()
        .with("client_id", entry.client_id)
        .with("exchange", exchange)
        .with_some("app_token", entry.has_app_token.then_some(app_token));
    match entry.credential {
        BackEndCredential::Secret(secret) => section.with("secret_sha256", hashes(secret)),
        BackEndCredential::PrivateKey => {
            section.with("jwks_file", facts.back_end_key.key_set_file.to_string_lossy().into_owned())
        }
    }
}

fn app_section(facts: &StageFacts, entry: &ServiceRoleEntry) -> Section {
    Section::default()
        .with("service_token_sha256", hashes(entry.service_token))
        .with("connection", entry.connection)
        .with("login_origins", login_origins(facts))
        .with("redirect_token", "query")
}

/// Refresh tokens and ID tokens come with it: apps read both kinds of tokens for as long as the user is signed in.
fn connection_section(facts: &StageFacts, entry: &SharedConnectionEntry) -> Section {
    let tenants: Vec<&str> = facts.directory.tenants.iter().map(|tenant| tenant.id).collect();
    let scopes: Vec<&str> = entry.scopes.iter().copied().chain(["openid", "profile", "offline_access"]).collect();
    Section::default()
        .with("client_id", entry.client_id)
        .with("client_secret", client_secret(entry.name))
        .with("scopes", scopes)
        .with("token_exchange_uri", entry.token_exchange_uri())
        .with("tenants", tenants)
}
