//! The command line: serve, dev, check, doctor, config, keys, store, admin, completions, man.
//!
//! Owns the arguments, the texts that are printed for a person, and the order in which a process is set up. It is the
//! only room that uses the stage, and deliberately knows nothing of what the application does once it runs.

mod admin;
mod configuration;
#[cfg(feature = "stage")]
mod development;
mod doctor;
mod manual;
mod process;
mod secret;
#[cfg(feature = "stage")]
mod stage_plan;
#[cfg(feature = "stage")]
mod stage_replicas;
mod store;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use self::admin::{AdminCommand, admin};
use self::configuration::{ConfigCommand, configuration};
#[cfg(feature = "stage")]
use self::development::{DEV_HELP, DevOptions, dev};
use self::doctor::{DOCTOR_HELP, DoctorOptions, doctor};
use self::manual::{COMPLETIONS_HELP, MAN_HELP, ManualOptions, print_completions, write_manual};
use self::process::{
    disable_core_files, print, start_audit, start_logging, survive_file_size_limit, system_clock_and_entropy,
};
use self::secret::draw_secret;
use self::store::{StoreCommand, store};
use crate::app::{self, BoundListeners};
use crate::config::{self, Configuration, Problems};
use crate::domain::{SystemClock, SystemEntropy};
use crate::sealing::KeyRing;

#[cfg(feature = "stage")]
const DEV_EXAMPLE: &str = "\
Try it without any configuration:
  bot-sso dev

";
#[cfg(not(feature = "stage"))]
const DEV_EXAMPLE: &str = "";

const SERVE_EXAMPLE: &str = "\
Run it:
  bot-sso keys create bot-sso.keys
  bot-sso check --config bot-sso.toml
  bot-sso serve --config bot-sso.toml

The commented sample configuration, with every key:  bot-sso config sample
The smallest one:  bot-sso config sample --minimal";

/// The version, and of which commit a release is built: `build.rs`.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BOT_SSO_BUILD"), ")");

const CHECK_HELP: &str = "\
Examples:
  bot-sso check --config bot-sso.toml && systemctl restart bot-sso
  bot-sso check --config bot-sso.toml --online";

const PREPARE_HELP: &str = "\
Example, with three replicas:
  bot-sso keys prepare bot-sso.keys   then copy the file to all replicas and send each SIGHUP
  bot-sso keys rotate bot-sso.keys    then copy it again, and send SIGHUP again";

/// Single sign-on for bots, self-hosted: signs users in silently in front of a Bot Framework bot.
#[derive(Debug, Parser)]
#[command(name = "bot-sso", version = VERSION, after_help = format!("{DEV_EXAMPLE}{SERVE_EXAMPLE}"))]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service until SIGTERM or Ctrl-C; requests under way are finished first.
    #[command(after_help = "Example:\n  bot-sso serve --config /etc/bot-sso/bot-sso.toml")]
    Serve(ConfigurationFile),
    /// Runs the gateway with a local tenant and demo bots on this machine, for development.
    #[cfg(feature = "stage")]
    #[command(after_help = DEV_HELP)]
    Dev(DevOptions),
    /// Checks a configuration and lists every problem in it. Exit code 0: no problems; 1: problems.
    #[command(after_help = CHECK_HELP)]
    Check(CheckOptions),
    /// Walks a sign-in from the manifest to the store, and says in each line what was seen and what to change.
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorOptions),
    /// Prints a sample of a configuration, or the effective configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Creates and rotates the keys that encrypt all stored records, and draws secrets for callers.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Copies stores, and backs up and restores a store in a file.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Calls the operator's listener of a running service.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Prints a script with which a shell completes the arguments of bot-sso.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page of bot-sso, or writes it and the page of each command into a folder.
    #[command(after_help = MAN_HELP)]
    Man(ManualOptions),
}

#[derive(Debug, Args)]
struct ConfigurationFile {
    /// The configuration (TOML). Environment variables `BOT_SSO_SECTION__KEY` override it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct CheckOptions {
    #[command(flatten)]
    file: ConfigurationFile,
    /// Also asks the identity providers about every credential of every connection and bot, fetches the keys of the
    /// channels and providers, and calls each bot's endpoint. Prints a line for each, and the verdict at the end. Exit
    /// code 1 if anything failed.
    #[arg(long)]
    online: bool,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Writes a new key file. Never overwrites a file: records sealed with lost keys are lost.
    #[command(after_help = "Example:\n  bot-sso keys create bot-sso.keys")]
    Create {
        /// The file to create; only its owner will be able to read it.
        file: PathBuf,
    },
    /// Adds a key that only opens until the next `keys rotate` lets it seal. With several replicas over one store, each has to have it
    /// before one seals with it.
    #[command(after_help = PREPARE_HELP)]
    Prepare {
        /// The file to change.
        file: PathBuf,
    },
    /// Lets the prepared key seal from now on, or a new one if none is prepared. Older keys still open what they sealed.
    #[command(after_help = "Example:\n  bot-sso keys rotate bot-sso.keys && systemctl kill -s HUP bot-sso")]
    Rotate {
        /// The file to change.
        file: PathBuf,
    },
    /// Draws a secret for a caller: of an add-in, a back end or an app. Prints it once, with its hash for the configuration.
    #[command(after_help = "Example:\n  bot-sso keys secret")]
    Secret,
}

/// Runs the command that the arguments name.
///
/// # Errors
/// The failure, as a text for a person.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Serve(file) => serve(&file.config),
        #[cfg(feature = "stage")]
        Command::Dev(options) => actix_web::rt::System::new().block_on(dev(options)),
        Command::Check(options) => check(&options),
        Command::Doctor(options) => doctor(&options),
        Command::Keys(KeysCommand::Create { file }) => create_keys(&file),
        Command::Keys(KeysCommand::Prepare { file }) => prepare_key(&file),
        Command::Keys(KeysCommand::Rotate { file }) => rotate_keys(&file),
        Command::Keys(KeysCommand::Secret) => print_secret(),
        Command::Store(command) => store(command),
        Command::Admin(command) => admin(command),
        Command::Config(command) => configuration(&command),
        Command::Completions { shell } => print_completions(shell, Arguments::command()),
        Command::Man(options) => write_manual(&options, Arguments::command()),
    }
}

/// The text that a person reads about `error`: the whole chain of causes, each text once, since some errors repeat the
/// text of their cause.
#[must_use]
pub fn explain(error: &anyhow::Error) -> String {
    let mut text = String::from("bot-sso");
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn serve(file: &Path) -> anyhow::Result<ExitCode> {
    let configuration = config::load(file).map_err(|problems| configuration_error(file, &problems))?;
    let _logging = start_logging(configuration.logging)?;
    let _audit = start_audit(configuration.audit.as_ref())?;
    disable_core_files();
    for warning in &configuration.warnings {
        tracing::warn!(path = warning.path, "{}", warning.message);
    }
    actix_web::rt::System::new().block_on(async {
        survive_file_size_limit()?;
        let application =
            app::build(configuration, system_clock_and_entropy(), BoundListeners::default(), None).await?;
        let operations = application.operations_address().map(tracing::field::display);
        let token_service = application.token_service_addresses();
        let health = application.health_address().map(tracing::field::display);
        tracing::info!(addresses = ?application.addresses(), ?token_service, operations, health, "listening");
        application.run().await.context("the listeners failed")?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

fn check(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    match config::load_with_keys(&options.file.config, check_key_file) {
        Ok(configuration) => {
            for warning in &configuration.warnings {
                print(&format!("warning: {warning}"))?;
            }
            if let Some(problem) = app::find_store_problem(&configuration) {
                print(&format!("store.url: {problem}"))?;
                return Ok(ExitCode::FAILURE);
            }
            if options.online {
                return check_online(&configuration);
            }
            print(&format!("ok\n{}", summary(&configuration)))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for warning in problems.warnings() {
                print(&format!("warning: {warning}"))?;
            }
            print(&problems.to_string())?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Says why the file at `path` is no key ring.
fn check_key_file(path: &Path) -> Result<(), String> {
    let hint = "write the file that bot-sso keys create made for this store";
    KeyRing::load(path).map(drop).map_err(|error| format!("{error}: {hint}"))
}

/// Prints one line for each question, and the verdict at the end.
fn check_online(configuration: &Configuration) -> anyhow::Result<ExitCode> {
    print(&summary(configuration))?;
    let checks = actix_web::rt::System::new()
        .block_on(app::check_online(configuration, &system_clock_and_entropy()))
        .context("online")?;
    for check in &checks {
        print(&check.to_string())?;
    }
    let failed = checks.iter().filter(|check| check.has_failed()).count();
    if failed == 0 {
        print("ok")?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("failed: {failed} of {} online checks", checks.len()))?;
    Ok(ExitCode::FAILURE)
}

fn create_keys(file: &Path) -> anyhow::Result<ExitCode> {
    KeyRing::generate(&SystemClock, &SystemEntropy).create_file(file)?;
    print(&format!(
        "{} has been written. Keep a copy in a safe place: without it, no stored record can be read.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn prepare_key(file: &Path) -> anyhow::Result<ExitCode> {
    KeyRing::load(file)?.with_prepared_key(&SystemClock, &SystemEntropy).replace_file(file)?;
    print(&format!(
        "{} has a prepared key. Copy the file to every replica and send each SIGHUP; then run bot-sso keys rotate.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn rotate_keys(file: &Path) -> anyhow::Result<ExitCode> {
    KeyRing::load(file)?.rotated(&SystemClock, &SystemEntropy).replace_file(file)?;
    print(&format!(
        "{} has a new key. A running service uses it after SIGHUP, a stopped service when it starts.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn print_secret() -> anyhow::Result<ExitCode> {
    print(&draw_secret(&SystemEntropy).to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn configuration_error(file: &Path, problems: &Problems) -> anyhow::Error {
    let mut text = format!("{} cannot be used:\n{problems}", file.display());
    for warning in problems.warnings() {
        text.push_str("\nwarning: ");
        text.push_str(&warning.to_string());
    }
    anyhow!(text)
}

fn summary(configuration: &Configuration) -> String {
    let listen: Vec<String> = configuration.server.listen.iter().map(ToString::to_string).collect();
    let mut lines =
        vec![format!("  listens on   {}, public URL {}", listen.join(", "), configuration.server.public_url)];
    let connections = configuration.connections.iter().filter(|section| section.table == "connections");
    let named: [(&str, Vec<&str>); 6] = [
        ("bots", configuration.bots.iter().map(|bot| bot.name.as_str()).collect()),
        ("connections", connections.map(|section| section.key.as_str()).collect()),
        ("skills", configuration.skills.iter().map(|skill| skill.name.as_str()).collect()),
        ("add-ins", configuration.add_ins.iter().map(|section| section.add_in.name.as_str()).collect()),
        ("back ends", configuration.back_ends.iter().map(|section| section.back_end.name.as_str()).collect()),
        ("apps", configuration.apps.iter().map(|section| section.app.id.as_str()).collect()),
    ];
    for (what, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
        lines.push(format!("  {what:<11}  {}", names.join(", ")));
    }
    if let Some(operations) = &configuration.operations {
        lines.push(format!("  operations   {}", operations.listen));
        lines.extend(operations.health_listen.map(|address| format!("  health       {address}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn the_arguments_are_consistent_and_the_help_shows_how_to_begin() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        for line in ["bot-sso keys create", "bot-sso check --config", "bot-sso serve --config"] {
            assert!(help.contains(line), "{help}");
        }
        assert_eq!(help.contains("bot-sso dev"), cfg!(feature = "stage"), "{help}");
    }

    #[cfg(feature = "stage")]
    #[test]
    fn dev_needs_no_arguments() {
        use clap::Parser as _;

        use super::Command;
        let Command::Dev(options) = Arguments::try_parse_from(["bot-sso", "dev"]).unwrap().command else { panic!() };
        assert_eq!(options.port, 3978);
    }
}
