use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::process::print_bytes;

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  bot-sso completions bash > /etc/bash_completion.d/bot-sso
  bot-sso completions zsh > ~/.zfunc/_bot-sso
  bot-sso completions fish > ~/.config/fish/completions/bot-sso.fish";

pub(super) const MAN_HELP: &str = "\
Examples:
  bot-sso man | man --local-file -
  bot-sso man --to /usr/local/share/man/man1";

#[derive(Debug, Args)]
pub(super) struct ManualOptions {
    /// The folder into which one page for each command is written: bot-sso.1, bot-sso-serve.1 and so on.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

pub(super) fn print_completions(shell: Shell, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "bot-sso", &mut script);
    print_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn write_manual(options: &ManualOptions, command: Command) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &options.to {
        let place = || folder.display().to_string();
        std::fs::create_dir_all(folder).with_context(place)?;
        clap_mangen::generate_to(command, folder).with_context(place)?;
    } else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).context("the page cannot be written")?;
        print_bytes(&page)?;
    }
    Ok(ExitCode::SUCCESS)
}
