#![allow(clippy::unwrap_used)]
use super::*;
use crate::app::metrics::build_metrics;
use crate::config::{BotCredentialsSection, CredentialSection, Environment, parse};
use crate::domain::{ExchangeObservation, Skill, SkillName, SystemClock, SystemEntropy};
use crate::records::testing::throwaway_records;
use crate::sealing::KeyRing;

/// Reads the smallest configuration, with a key file in `folder`.
fn configuration(folder: &std::path::Path) -> Configuration {
    configuration_with(folder, "")
}

/// The same with `more` sections.
pub(super) fn configuration_with(folder: &std::path::Path, more: &str) -> Configuration {
    let keys = folder.join("bot-sso.keys");
    KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
    let minimal = include_str!("../../../fixtures/config/minimal.toml");
    let text = format!("{minimal}\n{more}[keys]\nfile = {keys:?}\n");
    parse(&text, &Environment::of([("GRAPH_CLIENT_SECRET", "secret")])).unwrap()
}

#[tokio::test]
async fn a_bot_with_credentials_gets_tokens_for_skills_if_it_calls_any() {
    let (beneath, folder) = (throwaway_records(), tempfile::tempdir().unwrap());
    let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let bot = BotName::new("help-desk");
    let mut config = configuration(folder.path());
    config.bot_credentials.push(BotCredentialsSection {
        bot: bot.clone(),
        identity_provider: config.identity_providers.keys().next().unwrap().clone(),
        tenant: Some("22222222-2222-4222-8222-222222222222".to_owned()),
        credentials: vec![CredentialSection::Secret("secret".into())],
    });
    let build = |config: &Configuration| {
        let metrics = build_metrics(config, ambient.clock.as_ref(), ExchangeObservation::default());
        build_services(config, ambient.clone(), without_directories(&beneath.records), metrics, false).unwrap()
    };
    let without = build(&config);
    assert!(!without.skills.tokens.has_credentials(&bot));
    config.skills.push(Skill {
        name: SkillName::new("weather"),
        app_id: "33333333-3333-4333-8333-333333333333".to_owned(),
        tenant_id: "22222222-2222-4222-8222-222222222222".to_owned(),
        endpoint: "https://weather.example.com/api/messages".parse().unwrap(),
        connections: Vec::new(),
        exchange_uris: Vec::new(),
        parents: vec![bot.clone()],
    });
    let with = build(&config);
    assert!(with.skills.tokens.has_credentials(&bot));
    assert_eq!(with.credentials.len(), without.credentials.len() + 1, "SIGHUP renews them");
}

fn without_directories(records: &Records) -> OpenedCollections<'_> {
    OpenedCollections { records, directories: None }
}
