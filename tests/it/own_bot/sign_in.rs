//! Users sign in to a bot that was started with the printed settings.

use serde_json::json;

use super::fixture::{Fixture, Talk, has_card, said};
use crate::harness::peers::Program;

const BOTBUILDER: Program = Program { peer: "botbuilder", script: "bot.mjs" };
const TEAMS_PYTHON: Program = Program { peer: "teams-python", script: "bot.py" };
/// Bots on further SDKs, with the SDK's name in `bots.*.sdk`.
const ON_FURTHER_SDKS: [(&str, Program); 3] = [
    ("agents-js", Program { peer: "agents-js", script: "bot.mjs" }),
    ("teams-ai", Program { peer: "teams-ai", script: "bot.mjs" }),
    ("botbuilder-python", Program { peer: "botbuilder-python", script: "bot.py" }),
];

#[tokio::test]
async fn a_user_of_an_own_bot_signs_in_silently_and_another_one_through_the_card() {
    let own = Fixture::start("botbuilder", &BOTBUILDER).await;
    let ada = Talk { user: "ada", channel: "webchat", transport: "websocket", say: "hello", exchange: true };
    let events = own.talk(&ada).await;
    assert!(has_card(&events), "{events:#?}");
    assert_eq!(said(&events), ["Signed in as Ada Lovelace (#1)"], "{events:#?}");

    let cleo = Talk { user: "cleo", transport: "polling", ..ada };
    let events = own.talk(&cleo).await;
    assert!(events.iter().any(|event| event["event"] == "invoke" && event["id"] == "retry"), "{events:#?}");
    let code = own.code_of_last_card("cleo").await;
    let events = own.talk(&Talk { say: &code, exchange: false, ..cleo }).await;
    assert_eq!(said(&events), ["Signed in as Cleo Patra (#2)"], "{events:#?}");
    assert!(!own.development.log().contains("eyJ"), "no token is in the log");
}

#[tokio::test]
async fn a_user_of_an_own_bot_in_python_signs_in_silently_in_teams() {
    let own = Fixture::start("teams", &TEAMS_PYTHON).await;
    let ada = Talk { user: "ada", channel: "msteams", transport: "polling", say: "hello", exchange: true };
    let events = own.talk(&ada).await;
    assert!(has_card(&events), "{events:#?}");
    assert_eq!(said(&events), ["Signed in as Ada Lovelace (#1)"], "{events:#?}");
}

#[tokio::test]
async fn a_user_signs_in_silently_to_an_own_bot_on_each_further_sdk() {
    for (sdk, program) in &ON_FURTHER_SDKS {
        let own = Fixture::start(sdk, program).await;
        let ada = Talk { user: "ada", channel: "msteams", transport: "polling", say: "hello", exchange: true };
        let events = own.talk(&ada).await;
        assert!(has_card(&events), "{sdk}: {events:#?}");
        assert_eq!(said(&events), ["Signed in as Ada Lovelace (#1)"], "{sdk}: {events:#?}");
    }
}

#[tokio::test]
async fn the_manifest_has_the_own_bot_and_its_connection_beside_the_stages_own() {
    let own = Fixture::start("botbuilder", &BOTBUILDER).await;
    let manifest = &own.manifest;
    let bots = manifest["bots"].as_array().unwrap();
    let added = bots.last().unwrap();
    assert_eq!((bots.len(), &added["name"]), (5, &json!("own-bot")));
    let gateway = manifest["gateway"].as_str().unwrap();
    assert_eq!(added["messages_url"], format!("{gateway}/bots/own-bot/api/messages"));
    assert_eq!(added["app_id"], "9b17d2e4-3c58-4f60-8a91-2d4e6f80a1b3");
    assert!(added["app_secret"].as_str().unwrap().ends_with("secret-of-the-local-stage"));
    let connections = manifest["connections"].as_array().unwrap();
    let of_own: Vec<_> = connections.iter().filter(|connection| connection["bot"] == "own-bot").collect();
    assert_eq!((connections.len(), of_own.len(), &of_own[0]["name"]), (10, 1, &json!("graph")));
    assert_eq!(
        own.development.printed[0],
        format!("{}/?bot=own-bot", own.development.address("the same, plain http").rsplit_once('/').unwrap().0)
    );
}
