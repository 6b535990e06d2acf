#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::sample_tests::environment;
use crate::config::test_samples::{FULL, MINIMAL, SECRET, changed, directory};
use crate::config::{Configuration, Environment, parse_in};

use super::describe;

const ADD_IN: &str = include_str!("../../../fixtures/config/add_in.toml");
const DIRECTORY: &str = include_str!("../../../fixtures/config/directory.toml");

/// The lines of the debug text, sorted, because the order of a hash map differs each time.
fn lines_of(configuration: &Configuration) -> Vec<String> {
    let mut lines: Vec<String> = format!("{configuration:#?}").lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn the_shown_configuration_is_read_as_the_same_one() {
    let (directory, environment) = (directory(), environment());
    for text in [FULL, MINIMAL, ADD_IN, DIRECTORY] {
        let original = parse_in(directory.path(), text, &environment).unwrap();
        let shown = describe(directory.path(), text, &environment).unwrap();
        let again = parse_in(directory.path(), &shown, &environment).unwrap();
        assert!(lines_of(&again) == lines_of(&original), "{shown}");
        assert_eq!(describe(directory.path(), &shown, &environment).unwrap(), shown);
    }
}

#[test]
fn defaults_are_comments_and_are_read_as_the_same_configuration_when_they_are_none() {
    let (directory, environment) = (directory(), environment());
    let shown = describe(directory.path(), MINIMAL, &environment).unwrap();
    for line in [
        "# listen = [\"127.0.0.1:3978\"]",
        "# body_limit_bytes = 524288",
        "# [identity_providers.entra]",
        "# after_exchange = \"notify\"",
        "# client_id = \"11111111-1111-4111-8111-111111111111\"",
        "# user_exchanges_per_minute = 120",
        "# path = \"bot-sso.db\"",
        "# file = \"bot-sso.keys\"",
        "# level = \"info\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let written_out = shown.replace("\n# ", "\n");
    let configuration = parse_in(directory.path(), &written_out, &environment).unwrap();
    let original = parse_in(directory.path(), MINIMAL, &environment).unwrap();
    assert_eq!(format!("{:?}", configuration.server), format!("{:?}", original.server));
    assert_eq!(format!("{:?}", configuration.bots), format!("{:?}", original.bots));
    assert_eq!(format!("{:?}", configuration.connections), format!("{:?}", original.connections));
    assert_eq!(format!("{:?}", configuration.store), format!("{:?}", original.store));
}

#[test]
fn variables_replace_what_the_file_says_and_have_the_types_of_their_keys() {
    let environment = Environment::of([
        SECRET,
        ("BOT_SSO_SERVER__BODY_LIMIT_BYTES", "4096"),
        ("BOT_SSO_BOTS__HELP_DESK__ENDPOINT", "http://127.0.0.1:4000/api/messages"),
        ("BOT_SSO_LOGGING__LEVEL", "debug"),
    ]);
    let shown = describe(directory().path(), MINIMAL, &environment).unwrap();
    for line in ["body_limit_bytes = 4096", "endpoint = \"http://127.0.0.1:4000/api/messages\"", "level = \"debug\""] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
}

#[test]
fn a_secret_is_shown_as_the_reference_to_it() {
    let shown = describe(directory().path(), MINIMAL, &Environment::of([SECRET])).unwrap();
    assert!(shown.lines().any(|line| line == "client_secret = { env = \"GRAPH_CLIENT_SECRET\" }"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = describe(directory().path(), FULL, &environment()).unwrap();
    for secret in ["from the environment", "0123456789abcdef", "from a file", "PRIVATE KEY"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_configuration_with_a_problem_is_not_shown() {
    let wrong = changed("app_id", "app_ids");
    let problems = describe(directory().path(), &wrong, &Environment::of([SECRET])).unwrap_err();
    assert!(problems.to_string().contains("bots.help-desk.app_ids: "), "{problems}");
}
