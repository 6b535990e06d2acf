use uuid::Uuid;

use super::bot_address::BotHosts;
use super::checks::check_entries;
use super::file::{AfterExchangeWord, BotLines, ConnectionLines, InvokeWord, StageFile, TenantWord, UserLines};
use super::problem::{PlanProblem, PlanReview};
use crate::dev::tenant::{
    BotEntry, ConnectionEntry, GRAPH_SCOPES, StageEntries, User, UserScenario, derive_id, graph_connection,
};

/// Reads a stage file. A list that it does not have is the stage's own; the connections of listed bots are then one
/// connection `graph` each.
///
/// # Errors
/// Every problem of the file; of unknown keys and values of a wrong type the first one.
pub fn read_stage_file(text: &str, hosts: BotHosts) -> Result<StageEntries, Vec<PlanProblem>> {
    let file = parse(text).map_err(|problem| vec![problem])?;
    let mut review = PlanReview::default();
    let mut entries = StageEntries::fixed();
    if let Some(bots) = file.bots {
        let built = bots.into_iter().enumerate().map(|(index, lines)| build_bot(index, lines, hosts, &mut review));
        entries.bots = built.collect();
        entries.connections = entries.bots.iter().map(graph_connection).collect();
    }
    if let Some(connections) = file.connections {
        let lines = connections.into_iter().enumerate();
        entries.connections =
            lines.filter_map(|(index, lines)| build_connection(index, lines, &entries.bots, &mut review)).collect();
    }
    if let Some(users) = file.users {
        let lines = users.into_iter().enumerate();
        entries.users = lines.map(|(index, lines)| build_user(index, lines, &mut review)).collect();
    }
    if entries.bots.is_empty() {
        review.report("bots".to_owned(), "has no bot: write a [[bots]] with a name, or leave the list out");
    }
    if entries.users.is_empty() {
        review.report("users".to_owned(), "has no user: write a [[users]] with a name, or leave the list out");
    }
    check_entries(&entries, &mut review);
    let problems = review.into_problems();
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// Makes a text of a plan live as long as the process, as a stage does: the directory's other texts are constants.
pub(super) fn keep(text: impl Into<String>) -> &'static str {
    text.into().leak()
}

fn parse(text: &str) -> Result<StageFile, PlanProblem> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let place = line.map_or_else(String::new, |line| format!("line {line}"));
        PlanProblem { place, message: format!("{} (this is not TOML)", error.message().replace('\n', ", ")) }
    })?;
    serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { place };
        PlanProblem { place, message: error.inner().message().trim().to_owned() }
    })
}

fn build_bot(index: usize, lines: BotLines, hosts: BotHosts, review: &mut PlanReview) -> BotEntry {
    let place = |key: &str| format!("bots[{index}].{key}");
    check_name(&lines.name, place("name"), review);
    if let Some(Err(message)) = lines.endpoint.as_ref().map(|endpoint| hosts.check(endpoint)) {
        review.report(place("endpoint"), message);
    }
    let app_id = lines.app_id.unwrap_or_else(|| derive_id(&["bot", &lines.name]));
    let secret = lines.app_secret.unwrap_or_else(|| format!("{}-app-secret-of-the-local-stage", lines.name));
    let sign_in_invokes: Vec<&'static str> = lines.sign_in_invokes.into_iter().map(InvokeWord::text).collect();
    BotEntry {
        name: keep(lines.name),
        app_id: keep(read_guid(app_id, place("app_id"), review)),
        app_secret: keep(secret),
        endpoint: lines.endpoint.map(keep),
        sdk: lines.sdk,
        after_exchange: lines.after_exchange.map(AfterExchangeWord::text),
        sign_in_invokes: sign_in_invokes.leak(),
    }
}

/// `None` for a connection of an unknown bot, which is reported.
fn build_connection(
    index: usize,
    lines: ConnectionLines,
    bots: &[BotEntry],
    review: &mut PlanReview,
) -> Option<ConnectionEntry> {
    let place = |key: &str| format!("connections[{index}].{key}");
    check_name(&lines.name, place("name"), review);
    let Some(bot) = bots.iter().find(|bot| bot.name == lines.bot) else {
        let known = bots.iter().map(|bot| bot.name).collect::<Vec<_>>().join(", ");
        review.report(place("bot"), format!("there is no bot {:?}: write one of {known}", lines.bot));
        return None;
    };
    let client_id = match lines.client_id {
        Some(id) => keep(read_guid(id, place("client_id"), review)),
        None => bot.app_id,
    };
    let is_bots = client_id == bot.app_id;
    let client_secret = match lines.client_secret {
        Some(secret) if is_bots && secret != bot.app_secret => {
            review.report(
                place("client_secret"),
                "the client is the bot's app, which has another secret: leave the key out",
            );
            bot.app_secret
        }
        Some(secret) => keep(secret),
        None if is_bots => bot.app_secret,
        None => keep(format!("{}-app-secret-of-the-local-stage", lines.name)),
    };
    let prefix = if is_bots { "api://botid-" } else { "api://" };
    let uri = lines.token_exchange_uri.unwrap_or_else(|| format!("{prefix}{client_id}"));
    if !uri.starts_with("api://") || uri.ends_with('/') {
        review.report(
            place("token_exchange_uri"),
            format!("{uri:?} is no App ID URI: write one such as api://botid-{client_id}"),
        );
    }
    let scopes = lines.scopes.map(|scopes| &*scopes.into_iter().map(keep).collect::<Vec<_>>().leak());
    Some(ConnectionEntry {
        name: keep(lines.name),
        bot: bot.name,
        client_id,
        client_secret,
        exchange_scope: format!("{uri}/access_as_user"),
        token_exchange_uri: uri,
        scopes: scopes.unwrap_or(GRAPH_SCOPES),
        v1_tokens: lines.v1_tokens,
    })
}

fn build_user(index: usize, lines: UserLines, review: &mut PlanReview) -> User {
    let place = |key: &str| format!("users[{index}].{key}");
    check_name(&lines.name, place("name"), review);
    if lines.story == UserScenario::AgentUser {
        review.report(
            place("story"),
            "only agents have users of this kind, and they come with the bots: write another story",
        );
    }
    let is_personal = lines.tenant == TenantWord::Personal;
    if is_personal && lines.story == UserScenario::Guest || !is_personal && lines.story == UserScenario::PersonalAccount
    {
        let message = "a guest belongs to an organization, and a personal account to the tenant \"personal\"";
        review.report(place("story"), message);
    }
    let home = if lines.story == UserScenario::Guest { lines.tenant.other() } else { lines.tenant };
    let oid = lines.oid.unwrap_or_else(|| derive_id(&["user", &lines.name]));
    let principal_name = lines.principal_name.unwrap_or_else(|| format!("{}@{}", lines.name, home.domain()));
    User {
        display_name: keep(lines.display_name.unwrap_or_else(|| lines.name.clone())),
        principal_name: keep(principal_name),
        password: keep(lines.password.unwrap_or_else(|| format!("{}-password", lines.name))),
        name: keep(lines.name),
        oid: keep(read_guid(oid, place("oid"), review)),
        tid: lines.tenant.id(),
        home_tid: home.id(),
        scenario: lines.story,
    }
}

/// Names are segments of paths and words of shell commands.
fn check_name(name: &str, place: String, review: &mut PlanReview) {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !fits {
        review.report(place, format!("{name:?} is no name: write 1 to 64 letters, digits, - or _"));
    }
}

fn read_guid(text: String, place: String, review: &mut PlanReview) -> String {
    match Uuid::try_parse(&text) {
        Ok(id) if text.len() == 36 => id.hyphenated().to_string(),
        _ => {
            review
                .report(place, format!("{text:?} is no GUID: write one such as 9b17d2e4-3c58-4f60-8a91-2d4e6f80a1b3"));
            text
        }
    }
}
