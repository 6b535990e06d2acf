//! Add-ins, back ends and apps of the sample without bots, and what is wrong with it if a piece is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod sample;

use crate::config::test_samples::{SECRET, read_with};
use crate::config::{Configuration, Environment, Problems};

/// The sample without bots.
const SAMPLE: &str = include_str!("../../../../fixtures/config/add_in.toml");

fn read(text: &str) -> Result<Configuration, Problems> {
    read_with(text, &Environment::of([SECRET, ("FILES_SECRET", "of the add-in")]))
}
