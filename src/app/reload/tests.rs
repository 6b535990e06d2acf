#![allow(clippy::unwrap_used)]
use super::find_restarts;
use crate::config::{Configuration, Environment, parse};
use crate::domain::{SystemClock, SystemEntropy};
use crate::sealing::KeyRing;

/// Beside the smallest configuration, in every case.
const OPERATIONS: &str = "[operations]\nadmin_token = { env = \"FIRST\" }\n";

/// The smallest configuration, with `sections`.
fn configuration(sections: &str) -> Configuration {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("bot-sso.keys");
    KeyRing::generate(&SystemClock, &SystemEntropy).create_file(&keys).unwrap();
    let minimal = include_str!("../../../fixtures/config/minimal.toml");
    let mut table: toml::Table = format!("{minimal}\n{sections}").parse().unwrap();
    // The path differs in each case, and is no setting of the case.
    let section: toml::Table = format!("file = {keys:?}").parse().unwrap();
    table.insert("keys".to_owned(), section.into());
    let token = "0123456789abcdef-of-the-operator";
    let environment = [
        ("GRAPH_CLIENT_SECRET", "secret"),
        ("FIRST", token),
        ("SECOND", token),
        ("READER", "0123456789abcdef-of-a-reader"),
    ];
    parse(&table.to_string(), &Environment::of(environment)).unwrap()
}

/// The places that need a restart when `before` becomes `after`.
fn restarts(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (configuration(before), configuration(after));
    let mut differences = before.list_differences(&after);
    differences.retain(|difference| difference.section != "keys");
    find_restarts(&differences, &before, &after).into_iter().map(|problem| problem.path).collect()
}

#[test]
fn bots_connections_and_rates_are_reloaded() {
    let bot = "[bots.other]\napp_id = \"33333333-3333-4333-8333-333333333333\"\n\
               endpoint = \"http://127.0.0.1:3980/api/messages\"\n";
    let limits = "[limits]\nuser_exchanges_per_minute = 7\n";
    let audiences = "[token_service]\naudiences = [\"https://api.example.com\"]\n";
    for section in [bot, limits, audiences, "[outbound]\nbot_timeout_ms = 9000\n", "[statuses.msteams]\ndenied = 403\n"]
    {
        assert_eq!(restarts("", section), Vec::<String>::new(), "{section}");
        assert_eq!(restarts(section, ""), Vec::<String>::new(), "{section}");
    }
}

#[test]
fn what_is_bound_opened_or_started_once_needs_a_restart() {
    for (section, place) in [
        ("[store]\nl1_bytes = 1048576\n", "store"),
        ("[logging]\nlevel = \"warn\"\n", "logging"),
        ("[audit]\noutput = \"stderr\"\n", "audit"),
        ("[limits]\nuser_exchanges_per_minute = 7\nconnections = 50\n", "limits.connections"),
        ("[token_service]\nlisten = [\"127.0.0.1:3990\"]\n", "token_service.listen"),
        ("[outbound]\nconnect_timeout_ms = 3000\n", "outbound.connect_timeout_ms"),
        (OPERATIONS, "operations"),
    ] {
        assert_eq!(restarts("", section), [place], "{section}");
        assert_eq!(restarts(section, ""), [place], "{section}");
    }
}

#[test]
fn the_operators_tokens_are_replaced_and_neither_added_nor_removed() {
    let second = "[operations]\nadmin_token = { env = \"SECOND\" }\n";
    assert_eq!(restarts(OPERATIONS, second), Vec::<String>::new());
    let with_metrics = format!("{OPERATIONS}metrics_token = {{ env = \"SECOND\" }}\n");
    assert_eq!(restarts(OPERATIONS, &with_metrics), ["operations.metrics_token"]);
    assert_eq!(restarts(&with_metrics, OPERATIONS), ["operations.metrics_token"]);
    let with_reader = format!("{OPERATIONS}read_token = {{ env = \"READER\" }}\n");
    assert_eq!(restarts(OPERATIONS, &with_reader), Vec::<String>::new(), "a read-only token comes and goes");
    assert_eq!(restarts(OPERATIONS, &format!("{OPERATIONS}listen = \"127.0.0.1:3999\"\n")), ["operations.listen"]);
}
