//! Secrets are references to files and variables, and are never shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::config::test_samples::{
    MINIMAL, SECRET_LINE, changed, directory, expect_problem, problem_of, read, secret_of,
};
use crate::config::{Environment, parse_in};

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
