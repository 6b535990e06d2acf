use super::entries::{App, AppTokenVersion, BotEntry, ConnectionEntry, SkillEntry};
use super::fixed::{ASSISTANT, GRAPH_SCOPES, bot_app};

/// A demo skill, and the client of its connection.
struct FixedSkill {
    name: &'static str,
    app_id: &'static str,
    app_secret: &'static str,
    connection: &'static str,
    client_id: &'static str,
    client_secret: &'static str,
    needs_consent: bool,
}

const SKILLS: [FixedSkill; 2] = [
    FixedSkill {
        name: "weather",
        app_id: "b1d4a5c6-7e8f-4a01-9b23-c4d5e6f70811",
        app_secret: "weather-app-secret-of-the-local-stage",
        connection: "weather-graph",
        client_id: "b2e5b6d7-8f90-4b12-8c34-d5e6f7081922",
        client_secret: "weather-client-secret-of-the-local-stage",
        needs_consent: false,
    },
    FixedSkill {
        name: "calendar",
        app_id: "c3f6c7e8-90a1-4c23-9d45-e6f708192a33",
        app_secret: "calendar-app-secret-of-the-local-stage",
        connection: "calendar-graph",
        client_id: "c407d8f9-a1b2-4d34-8e56-f708192a3b44",
        client_secret: "calendar-client-secret-of-the-local-stage",
        needs_consent: true,
    },
];

/// The skills of the assistant, if that is among `bots`.
pub(super) fn skills(bots: &[BotEntry]) -> Vec<SkillEntry> {
    let parent = bots.iter().find(|bot| bot.name == ASSISTANT);
    parent.map(|parent| SKILLS.iter().map(|skill| entry(skill, parent.name)).collect()).unwrap_or_default()
}

/// The apps of the skills: of each one as a bot, and the client of its connection, which exposes the API that parents' tokens are
/// exchanged for.
pub(super) fn skill_apps(bots: &[BotEntry]) -> impl Iterator<Item = App> {
    skills(bots).into_iter().flat_map(|skill| [bot_app(&skill.bot), client_app(&skill)])
}

fn entry(skill: &FixedSkill, parent: &'static str) -> SkillEntry {
    // The Token Exchange URL of a skill's connection is a scope of the client's API.
    let uri = format!("api://{}/access_as_user", skill.client_id);
    SkillEntry {
        bot: BotEntry {
            name: skill.name,
            app_id: skill.app_id,
            app_secret: skill.app_secret,
            endpoint: None,
            sdk: None,
            after_exchange: Some("notify"),
            sign_in_invokes: &[],
        },
        parent,
        connection: ConnectionEntry {
            name: skill.connection,
            bot: skill.name,
            client_id: skill.client_id,
            client_secret: skill.client_secret,
            exchange_scope: uri.clone(),
            token_exchange_uri: uri,
            scopes: GRAPH_SCOPES,
            v1_tokens: false,
        },
        needs_consent: skill.needs_consent,
    }
}

fn client_app(skill: &SkillEntry) -> App {
    let connection = &skill.connection;
    App {
        client_id: connection.client_id,
        name: connection.name,
        secret: Some(connection.client_secret),
        identifier_uris: vec![format!("api://{}", connection.client_id)],
        token_version: AppTokenVersion::V2,
        blueprint: None,
        needs_consent: skill.needs_consent,
    }
}
