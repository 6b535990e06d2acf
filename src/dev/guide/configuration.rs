use std::path::Path;

use toml::Table;

use super::back_end_sections::{
    add_in_sections, app_sections, back_end_sections, secrets_of_back_ends, shared_connection_sections,
};
use super::directory_sections::{
    directory_connection_sections, directory_sections, mail_section, password_hashes_section,
};
use super::facts::{IDENTITY_PROVIDER, StageFacts};
use super::section::Section;
use crate::dev::plan::is_remote_plain_http;
use crate::dev::tenant::{BotEntry, ConnectionEntry, GRAPH_AUDIENCE, SkillEntry};
use crate::domain::Sdk;

const ADMIN_TOKEN_VARIABLE: &str = "STAGE_ADMIN_TOKEN";

/// The addresses on this machine, to which skills may answer: any program here may play the assistant.
const SKILL_HOSTS: [&str; 2] = ["http://127.0.0.1:*/", "http://localhost:*/"];

/// Builds the text of a bot-sso configuration file with the stage's bots, connections and addresses.
pub(in crate::dev) fn configuration(facts: &StageFacts, gateway: &str, listen: &str, data_directory: &Path) -> String {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let directory = &facts.directory;
    let bots = directory.bots_and_skills().map(|entry| (entry.name.to_owned(), bot_section(facts, entry).into()));
    let skills = directory.skills.iter().map(|skill| (skill.bot.name.to_owned(), skill_section(facts, skill).into()));
    let connections = directory.all_connections();
    let connections = connections.map(|entry| (entry.section_key(), connection_section(facts, entry).into()));
    let connections = connections.chain(directory_connection_sections(facts));
    let mut file = Section::default()
        .with("server", Section::default().with("public_url", gateway).with("listen", vec![listen]))
        .with("outbound", Section::default().with("ca_file", path(&facts.ca_file)))
        .with("channels", channels_section(facts))
        .with("identity_providers", Section::default().with(IDENTITY_PROVIDER, entra_section(facts)))
        .with("bots", bots.collect::<Table>())
        .with("connections", connections.chain(shared_connection_sections(facts)).collect::<Table>())
        .with("skills", skills.collect::<Table>())
        .with("add_ins", add_in_sections(facts).collect::<Table>())
        .with("back_ends", back_end_sections(facts).collect::<Table>())
        .with("apps", app_sections(facts).collect::<Table>())
        .with("directories", directory_sections(facts).collect::<Table>())
        .with("password_hashes", password_hashes_section())
        .with("mail", mail_section(facts))
        .with("store", store_section(facts, path(&data_directory.join("bot-sso.db"))))
        .with("keys", Section::default().with("file", path(&data_directory.join("bot-sso.keys"))));
    if let Some(listener) = facts.find_operator_listener() {
        let admin_token = Section::default().with("env", ADMIN_TOKEN_VARIABLE);
        let section = Section::default().with("listen", listener.address).with("admin_token", admin_token);
        file = file.with("operations", section);
    }
    file.with("logging", Section::default().with("format", "text")).0.to_string()
}

/// A file of the gateway alone, or the store that its replicas share.
fn store_section(facts: &StageFacts, file: String) -> Section {
    match facts.replicas().store_url {
        url if url.is_empty() => Section::default().with("path", file),
        url => Section::default().with("url", url),
    }
}

/// The environment variables to which the configuration refers for secrets, with their values.
pub(in crate::dev) fn secrets(facts: &StageFacts) -> Vec<(String, String)> {
    let connections = facts.directory.all_connections();
    let connections = connections.map(|entry| (secret_variable(entry), entry.client_secret.to_owned()));
    let parents = facts.directory.bots.iter().filter(|bot| has_skills(facts, bot));
    let parents = parents.map(|bot| (app_secret_variable(bot), bot.app_secret.to_owned()));
    let admin_token =
        facts.find_operator_listener().map(|listener| (ADMIN_TOKEN_VARIABLE.to_owned(), listener.admin_token));
    connections.chain(parents).chain(admin_token).chain(secrets_of_back_ends(facts)).collect()
}

fn secret_variable(entry: &ConnectionEntry) -> String {
    format!("STAGE_SECRET_{}", entry.section_key())
}

fn app_secret_variable(bot: &BotEntry) -> String {
    format!("STAGE_APP_SECRET_{}", bot.name)
}

fn has_skills(facts: &StageFacts, bot: &BotEntry) -> bool {
    facts.directory.skills_of(bot.name).next().is_some()
}

fn channels_section(facts: &StageFacts) -> Section {
    let addresses = &facts.addresses;
    Section::default()
        .with("issuer", addresses.channel_issuer())
        .with("metadata_url", format!("{}/channel/v1/.well-known/openidconfiguration", addresses.https_base))
}

fn entra_section(facts: &StageFacts) -> Section {
    let addresses = &facts.addresses;
    Section::default()
        .with("authority", addresses.https_base.clone())
        // The address is plain http, because a browser does not trust the stage's certificate and would show a warning.
        .with("authorization_endpoint", format!("{}/{{tenant}}/oauth2/v2.0/authorize", addresses.http_base))
        .with("allow_insecure_http", true)
        .with("issuer", addresses.v2_issuer("{tenantid}"))
        .with("v1_issuer", addresses.v1_issuer("{tenantid}"))
}

fn bot_section(facts: &StageFacts, entry: &BotEntry) -> Section {
    let demo = || facts.addresses.demo_bot(entry.name);
    let endpoint = entry.endpoint.map_or_else(demo, str::to_owned);
    let proof = || Section::default().with("secret", Section::default().with("env", app_secret_variable(entry)));
    let credentials = has_skills(facts, entry).then(|| vec![proof()]);
    let skill_hosts = has_skills(facts, entry).then(|| SKILL_HOSTS.to_vec());
    let is_plain = entry.endpoint.is_some_and(is_remote_plain_http);
    Section::default()
        .with("app_id", entry.app_id)
        .with("tenant", facts.directory.main_tenant_id())
        .with("endpoint", endpoint)
        .with_some("allow_insecure_http", is_plain.then_some(true))
        .with_some("sdk", entry.sdk.map(Sdk::name))
        .with_some("after_exchange", entry.after_exchange)
        .with_some("sign_in_invokes", (!entry.sign_in_invokes.is_empty()).then(|| entry.sign_in_invokes.to_vec()))
        .with_some("credentials", credentials)
        .with_some("skill_host_urls", skill_hosts)
        .with_some("agent_365", agents_section(facts, entry))
}

/// A skill takes what its parent passes on at its own address, as a bot in the cloud does: not through the gateway.
fn skill_section(facts: &StageFacts, skill: &SkillEntry) -> Section {
    Section::default()
        .with("app_id", skill.bot.app_id)
        .with("tenant", facts.directory.main_tenant_id())
        .with("endpoint", facts.addresses.demo_bot(skill.bot.name))
        .with("connections", vec![skill.connection.name])
        .with("exchange_uris", vec![skill.connection.token_exchange_uri.clone()])
        .with("bots", vec![skill.parent])
}

/// The agents whose blueprint is the app of `entry`: the first of them is listed, the others are not.
fn agents_section(facts: &StageFacts, entry: &BotEntry) -> Option<Section> {
    let agent = facts.directory.agents.iter().find(|agent| agent.bot == entry.name)?;
    let section = Section::default()
        .with("tenants", vec![agent.tenant])
        .with("service_urls", vec![facts.addresses.service_url()])
        .with("agents", vec![agent.agent_app_id]);
    Some(section)
}

fn connection_section(facts: &StageFacts, entry: &ConnectionEntry) -> Section {
    let tenants: Vec<&str> = facts.directory.tenants.iter().map(|tenant| tenant.id).collect();
    let scopes: Vec<&str> = entry.scopes.iter().copied().chain(["offline_access"]).collect();
    let skills = facts.directory.skills_of(entry.bot).map(|skill| skill.connection.token_exchange_uri.clone());
    let skills: Vec<String> = skills.collect();
    Section::default()
        .with("name", entry.name)
        .with("bot", entry.bot)
        .with("client_id", entry.client_id)
        .with("client_secret", Section::default().with("env", secret_variable(entry)))
        .with("scopes", scopes)
        .with("aad_resources", vec![GRAPH_AUDIENCE])
        .with_some("exchange_uris", (!skills.is_empty()).then_some(skills))
        .with("token_exchange_uri", entry.token_exchange_uri.clone())
        .with("tenants", tenants)
        .with("allow_v1", entry.v1_tokens)
}
