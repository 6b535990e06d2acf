//! Secrets are references to files and variables, and are never shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::config::test_samples::{
    MINIMAL, SECRET_LINE, changed, directory, expect_problem, problem_of, read, secret_of,
};
use crate::config::{Configuration, Environment, parse_in};
use crate::domain::{Clock as _, CredentialEnd, SystemClock, Timestamp};

#[test]
fn a_secret_is_a_reference_and_is_never_shown() {
    for wrong in [
        "\"hunter2\"",
        "12345678",
        "[\"hunter2\"]",
        "{ value = \"hunter2\" }",
        "{ env = \"A\", file = \"hunter2\" }",
        "{ env = 12345678 }",
        "{}",
    ] {
        let problem = problem_of(&changed(SECRET_LINE, &format!("client_secret = {wrong}")));
        assert!(problem.starts_with("connections.graph.client_secret: "), "{problem}");
        assert!(!problem.contains("hunter2") && !problem.contains("12345678"), "{problem}");
    }
    let configuration = read(MINIMAL).unwrap();
    assert_eq!(secret_of(&configuration.connections[0]), "hunter2", "the line end is trimmed");
    assert!(!format!("{configuration:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_cannot_be_read_is_a_problem() {
    expect_problem(
        "GRAPH_CLIENT_SECRET",
        "NOWHERE",
        "connections.graph.client_secret: the environment variable NOWHERE",
    );
    expect_problem(SECRET_LINE, "client_secret = { file = \"no\" }", "connections.graph.client_secret: ");
    let empty = parse_in(directory().path(), MINIMAL, &Environment::of([("GRAPH_CLIENT_SECRET", "\n")]));
    assert_eq!(
        empty.unwrap_err().to_string(),
        "connections.graph.client_secret: leads to an empty secret: set its value"
    );
}

#[test]
fn files_that_others_can_read_are_refused_with_the_command_to_run() {
    let directory = directory();
    let keys = directory.path().join("bot-sso.keys");
    std::fs::set_permissions(&keys, Permissions::from_mode(0o660)).unwrap();
    let secret = directory.path().join("calendar.secret");
    std::fs::set_permissions(&secret, Permissions::from_mode(0o604)).unwrap();
    let text = changed(SECRET_LINE, "client_secret = { file = \"calendar.secret\" }");
    let problems = parse_in(directory.path(), &text, &Environment::default()).unwrap_err().to_string();
    assert!(
        problems.contains(&format!("keys.file: {0} can be read by others: run chmod 600 {0}", keys.display())),
        "{problems}"
    );
    assert!(problems.contains(&format!("run chmod 600 {}", secret.display())), "{problems}");
}

/// The day in so many days from now, as it is written.
fn day_in(days: i64) -> String {
    let ends = Timestamp::from_unix_seconds(SystemClock.now().unix_seconds() + days * 86_400);
    CredentialEnd { place: String::new(), ends }.day()
}

/// The places and days of all ends.
fn ends_of(configuration: &Configuration) -> Vec<String> {
    configuration.credential_ends.iter().map(|end| format!("{} {}", end.place, end.day())).collect()
}

#[test]
fn the_end_of_a_secret_is_a_date_in_its_table_or_beside_it_in_the_list() {
    for written in [
        "client_secret = { env = \"GRAPH_CLIENT_SECRET\", expires = 2999-01-31 }",
        "client_secret = { env = \"GRAPH_CLIENT_SECRET\", expires = \"2999-01-31\" }",
    ] {
        let configuration = read(&changed(SECRET_LINE, written)).unwrap();
        assert_eq!(ends_of(&configuration), ["connections.graph.client_secret 2999-01-31"], "{written}");
        assert!(configuration.warnings.is_empty(), "{:?}", configuration.warnings);
    }
    let listed = "credentials = [{ secret = { env = \"GRAPH_CLIENT_SECRET\" }, expires = 2999-01-31 }]";
    let configuration = read(&changed(SECRET_LINE, listed)).unwrap();
    assert_eq!(ends_of(&configuration), ["connections.graph.credentials[0].secret 2999-01-31"]);
    let by_variable = Environment::of([
        ("GRAPH_CLIENT_SECRET", "hunter2"),
        ("BOT_SSO_CONNECTIONS__GRAPH__CLIENT_SECRET__EXPIRES", "2999-01-31"),
    ]);
    let configuration = parse_in(directory().path(), MINIMAL, &by_variable).unwrap();
    assert_eq!(ends_of(&configuration), ["connections.graph.client_secret 2999-01-31"]);
}

#[test]
fn an_end_that_is_no_date_or_belongs_to_no_secret_is_a_problem() {
    for wrong in ["\"31.01.2027\"", "\"2027-02-30\"", "20270131", "true", "12:30:00"] {
        let line = format!("client_secret = {{ env = \"GRAPH_CLIENT_SECRET\", expires = {wrong} }}");
        let problem = problem_of(&changed(SECRET_LINE, &line));
        assert!(problem.starts_with("connections.graph.client_secret.expires: is no date: write "), "{problem}");
    }
    expect_problem(
        SECRET_LINE,
        "credentials = [{ assertion_file = \"assertion.jwt\", expires = 2027-01-31 }]",
        "connections.graph.credentials[0].expires: belongs beside a secret",
    );
}

#[test]
fn an_end_within_thirty_days_is_a_warning() {
    for (days, expected) in [(-2, Some("has ended on ")), (20, Some("ends in ")), (29, Some("ends in ")), (33, None)] {
        let day = day_in(days);
        let line = format!("client_secret = {{ env = \"GRAPH_CLIENT_SECRET\", expires = {day} }}");
        let configuration = read(&changed(SECRET_LINE, &line)).unwrap();
        let warnings: Vec<String> = configuration.warnings.iter().map(ToString::to_string).collect();
        match expected {
            None => assert!(warnings.is_empty(), "{warnings:?}"),
            Some(text) => {
                let start = format!("connections.graph.client_secret.expires: {text}");
                assert!(warnings[0].starts_with(&start) && warnings[0].contains(&day), "{warnings:?}");
            }
        }
    }
}
