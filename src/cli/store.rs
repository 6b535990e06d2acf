use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::process::{print, system_clock_and_entropy};
use crate::app::{self, CopiedRecords};
use crate::config::{self, StorePlace};

const COPY_HELP: &str = "\
A store is named by the configuration file that configures it (its name ends in .toml), by the address of a Redis server
without a password, or by its database file. Stop every service that uses one of the two first: the command refuses a store
that is in use. Keep the key file: the records are copied as they are sealed.

Examples:
  bot-sso store copy --from bot-sso.db --to redis://127.0.0.1:6379
  bot-sso store copy --from /etc/bot-sso/old.toml --to /etc/bot-sso/bot-sso.toml";

const BACKUP_HELP: &str = "\
The service may go on meanwhile. Back up the key file once, to another place: without it no record can be read.

Example:
  bot-sso store backup --config /etc/bot-sso/bot-sso.toml /var/backups/bot-sso.db";

const RESTORE_HELP: &str = "\
Stop the service first. Users who were signed out or erased after the backup are signed in again: repeat that.

Example:
  bot-sso store restore --config /etc/bot-sso/bot-sso.toml /var/backups/bot-sso.db";

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copies all records that have not expired from one store to another, and checks that they are all there.
    #[command(after_help = COPY_HELP)]
    Copy(CopyOptions),
    /// Writes a copy of a store in a file into a new file.
    #[command(after_help = BACKUP_HELP)]
    Backup {
        #[command(flatten)]
        store: StoreOption,
        /// The file to write; it must not exist.
        file: PathBuf,
    },
    /// Replaces a store in a file by a backup.
    #[command(after_help = RESTORE_HELP)]
    Restore {
        #[command(flatten)]
        store: StoreOption,
        /// The backup.
        file: PathBuf,
        /// Replaces a store that exists.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct CopyOptions {
    /// The store to copy.
    #[arg(long, value_name = "STORE")]
    from: String,
    /// The store to copy to.
    #[arg(long, value_name = "STORE")]
    to: String,
    /// Copies to a store that has records already. They stay, and those that it lacks are added.
    #[arg(long)]
    merge: bool,
}

#[derive(Debug, Args)]
pub(super) struct StoreOption {
    /// The configuration, or the database file itself.
    #[arg(long, value_name = "FILE")]
    config: String,
}

pub(super) fn store(command: StoreCommand) -> anyhow::Result<ExitCode> {
    match command {
        StoreCommand::Copy(options) => copy(&options),
        StoreCommand::Backup { store, file } => {
            app::back_up_store(&place_of(&store.config)?, &file)?;
            print(&format!(
                "{} has been written. Without the key file, none of its records can be read.",
                file.display()
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        StoreCommand::Restore { store, file, force } => {
            app::restore_store(&place_of(&store.config)?, &file, force)?;
            print(&format!("The store has been replaced by {}.", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn copy(options: &CopyOptions) -> anyhow::Result<ExitCode> {
    let (from, to) = (place_of(&options.from)?, place_of(&options.to)?);
    let clock = system_clock_and_entropy().clock;
    let copied = actix_web::rt::System::new().block_on(app::copy_store(&from, &to, options.merge, clock))?;
    print(&report(&copied))?;
    Ok(ExitCode::SUCCESS)
}

fn place_of(text: &str) -> anyhow::Result<StorePlace> {
    config::find_store(text).map_err(|problems| anyhow!("{text} names no store that can be used:\n{problems}"))
}

/// The counts, in total and by the key that seals the records.
fn report(copied: &CopiedRecords) -> String {
    let CopiedRecords { written, present, by_key, .. } = copied;
    let mut lines = vec![format!("{written} records were copied, {present} were there already; all are there")];
    lines.extend(by_key.iter().map(|(key, records)| match key {
        Some(id) => format!("  sealed with key {id}: {records}"),
        None => format!("  without a key's mark: {records}"),
    }));
    lines.join("\n")
}
