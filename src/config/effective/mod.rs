//! The effective configuration as a text: what the file and the environment say, and the defaults of what they leave out
//! (docs/running.md §Configuration).

mod defaults;
mod text;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::reading::{Environment, Source};
use super::review::{Problems, Review};
use super::{parse_in, read_file};

/// The configuration of the file at `path` with the variables of the process's environment in their places, in TOML. A
/// default is a comment, so the text is a configuration that is equal to this one. A secret is the reference to it, as in
/// the file.
///
/// # Errors
/// All problems of the configuration.
pub fn show(path: &Path) -> Result<String, Problems> {
    describe(path.parent().unwrap_or(Path::new("")), &read_file(path)?, &Environment::of_process())
}

fn describe(base: &Path, text: &str, environment: &Environment) -> Result<String, Problems> {
    let configuration = parse_in(base, text, environment)?;
    let mut review = Review::new(environment.variables(), base);
    let Some(mut source) = Source::parse(text, environment, &mut review) else {
        return Err(review.into_problems(&|_| Vec::new()));
    };
    // The raw sections are not needed: the reading gives the texts of variables the types of their keys.
    source.read(&mut review);
    let written = source.into_table();
    let defaults = defaults::find(&written, &configuration, base);
    Ok(text::write(&written, &defaults))
}
