//! Add-ins, back ends and apps of the sample without bots, and what is wrong with it if a piece is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod add_ins;
mod apps;
mod back_ends;
mod hashes;
mod sample;

use crate::config::test_samples::{SECRET, read_with};
use crate::config::{Configuration, Environment, Problems};

/// The sample without bots.
const SAMPLE: &str = include_str!("../../../../fixtures/config/add_in.toml");

fn read(text: &str) -> Result<Configuration, Problems> {
    read_with(text, &Environment::of([SECRET, ("FILES_SECRET", "of the add-in")]))
}

/// The sample with an add-in that gets no tokens.
fn without_tokens_of_add_in() -> String {
    let (add_in, others) = SAMPLE.split_once("[back_ends.orders]").unwrap();
    let is_of_tokens =
        |line: &str| ["scopes", "downstream", "user_data", "callers"].iter().any(|key| line.starts_with(key));
    let add_in: Vec<&str> = add_in.lines().filter(|line| !is_of_tokens(line)).collect();
    format!("{}\n[back_ends.orders]{others}", add_in.join("\n"))
}

/// The sample with `from` replaced.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    SAMPLE.replace(from, to)
}

/// The sample with `from` replaced, which has neither a problem nor a warning.
#[track_caller]
fn accepted(from: &str, to: &str) -> Configuration {
    let configuration = read(&changed(from, to)).unwrap_or_else(|problems| panic!("{to}\n{problems}"));
    assert_eq!(configuration.warnings, [], "{to}");
    configuration
}

/// Checks that the sample with `from` replaced has one problem at `place`, which says `what`.
#[track_caller]
fn expect(from: &str, to: &str, place: &str, what: &str) {
    let problems = read(&changed(from, to)).expect_err(to);
    assert_eq!(problems.0.len(), 1, "{to}\n{problems}");
    let problem = problems.to_string();
    assert!(problem.starts_with(&format!("{place}: ")) && problem.contains(what), "{to}\n{problem}");
}

/// Checks that the sample with `from` replaced has one warning at `place`, which says `what`.
#[track_caller]
fn expect_warning(from: &str, to: &str, place: &str, what: &str) {
    let configuration = read(&changed(from, to)).unwrap_or_else(|problems| panic!("{to}\n{problems}"));
    let [warning] = configuration.warnings.as_slice() else { panic!("{to}\n{:?}", configuration.warnings) };
    assert!(warning.path == place && warning.message.contains(what), "{to}\n{warning}");
}
