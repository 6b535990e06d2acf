//! Directories of the sample without bots, and what is wrong with it if a piece is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod administrators;
mod applications;
mod directory;
mod providers;
mod settings;

use crate::config::test_samples::{PUBLIC_KEY, directory as samples};
use crate::config::{Configuration, Environment, Problems, parse_in};

/// The sample with a directory alone.
const SAMPLE: &str = include_str!("../../../../fixtures/config/directory.toml");

/// The heads of its sections.
const DIRECTORY: &str = "[directories.market]\n";
const SHOP: &str = "[directories.market.applications.shop]\n";
const DESK: &str = "[directories.market.applications.desk]\n";
const SSO: &str = "sso = { is_active = true, logout_redirect_uris = [\"https://shop.example.com/\"] }\n";

/// The line of the administrators, and that of the shop's secrets.
fn line_of(start: &str) -> &'static str {
    SAMPLE.lines().find(|line| line.starts_with(start)).unwrap()
}

fn read(text: &str) -> Result<Configuration, Problems> {
    read_with(text, [])
}

fn read_with<const N: usize>(text: &str, variables: [(&str, &str); N]) -> Result<Configuration, Problems> {
    parse_in(samples().path(), text, &Environment::of(variables))
}

/// The sample with `from` replaced.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    SAMPLE.replace(from, to)
}

/// The sample with `lines` behind `head`.
#[track_caller]
fn with(head: &str, lines: &str) -> String {
    changed(head, &format!("{head}{lines}\n"))
}

/// The configuration of `text`, which has neither a problem nor a warning.
#[track_caller]
fn accepted(text: &str) -> Configuration {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    assert_eq!(configuration.warnings, [], "{text}");
    configuration
}

/// Checks that `text` has one problem at `place`, which says `what`.
#[track_caller]
fn expect(text: &str, place: &str, what: &str) {
    let problems = read(text).expect_err(text);
    assert_eq!(problems.0.len(), 1, "{text}\n{problems}");
    let problem = problems.to_string();
    assert!(problem.starts_with(&format!("{place}: ")) && problem.contains(what), "{text}\n{problem}");
}

/// Checks that `text` has one warning at `place`, which says `what`.
#[track_caller]
fn expect_warning(text: &str, place: &str, what: &str) {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    let [warning] = configuration.warnings.as_slice() else { panic!("{text}\n{:?}", configuration.warnings) };
    assert!(warning.path == place && warning.message.contains(what), "{text}\n{warning}");
}
