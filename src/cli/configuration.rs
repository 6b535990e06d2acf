use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::process::print;
use super::{ConfigurationFile, configuration_error};
use crate::config;

const FULL: &str = include_str!("../../fixtures/config/full.toml");
const MINIMAL: &str = include_str!("../../fixtures/config/minimal.toml");

const SAMPLE_HELP: &str = "\
Examples:
  bot-sso config sample | less
  bot-sso config sample --minimal > bot-sso.toml";

const SHOW_HELP: &str = "\
The text is a configuration again. A line that begins with # has a default. A secret is shown as the reference to it.

Example:
  bot-sso config show --config /etc/bot-sso/bot-sso.toml";

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Prints a commented configuration with every key.
    #[command(after_help = SAMPLE_HELP)]
    Sample {
        /// Prints the smallest configuration instead.
        #[arg(long)]
        minimal: bool,
    },
    /// Prints what a configuration means: the file with the environment's variables in their places, and the defaults of
    /// what is left out. Exit code 1 if it has problems, which bot-sso check lists.
    #[command(after_help = SHOW_HELP)]
    Show(ConfigurationFile),
}

pub(super) fn configuration(command: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Sample { minimal } => print((if *minimal { MINIMAL } else { FULL }).trim_end())?,
        ConfigCommand::Show(file) => show(&file.config)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(file: &Path) -> anyhow::Result<()> {
    let text = config::show_effective(file).map_err(|problems| configuration_error(file, &problems))?;
    print(&format!(
        "# {} with the environment. Lines that begin with # are defaults.\n\n{}",
        file.display(),
        text.trim_end()
    ))
}
