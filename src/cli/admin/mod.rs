//! `bot-sso admin …`: calls the operator's listener of a running service (docs/operating.md §One person).

mod listener;
mod reload;
mod tables;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use self::listener::ServiceOptions;
pub(super) use self::listener::{Call, OperatorListener};
use self::tables::{show_accounts, show_counts, show_ended, show_person};
use super::process::print;
use crate::domain::UserKey;

const USER_HELP: &str = "\
A user key is one of
  <object id>@<tenant id>          of Entra
  <subject>@<https issuer>         of another identity provider
  cloud_directory:<tenant>/<id>    of a directory

Example:
  bot-sso admin user show --config bot-sso.toml cloud_directory:market/5f0c7c0e-2f3b-4a53-9f7e-0d8f4f6f4b11";

const ELEMENT_HELP: &str = "\
The ids of a person's tokens, sessions, pins and offers are those that bot-sso admin user show prints.

Example:
  bot-sso admin token end --config bot-sso.toml KEY ID";

const ACCOUNT_HELP: &str = "\
Example:
  bot-sso admin account find --config bot-sso.toml msteams 29:1nP…";

const RELOAD_HELP: &str = "\
The exit status is 1 if nothing of the configuration is applied.

Example:
  bot-sso admin reload --config bot-sso.toml";

/// What the operator does with a running service.
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// What is kept of one user: show, export, erase, sign out.
    #[command(subcommand, after_help = USER_HELP)]
    User(UserCommand),
    /// One token of a user.
    #[command(subcommand, after_help = ELEMENT_HELP)]
    Token(TokenCommand),
    /// One session of a directory's user.
    #[command(subcommand, after_help = ELEMENT_HELP)]
    Session(SessionCommand),
    /// One account that belongs to a user.
    #[command(subcommand, after_help = ELEMENT_HELP)]
    Pin(PinCommand),
    /// One sign-in offer that is out.
    #[command(subcommand, after_help = ELEMENT_HELP)]
    Offer(OfferCommand),
    /// The accounts of a channel.
    #[command(subcommand, after_help = ACCOUNT_HELP)]
    Account(AccountCommand),
    /// Prints how much is kept of all users: users, tokens, sessions, pins, offers, records, size.
    #[command(after_help = "Example:\n  bot-sso admin counts --config bot-sso.toml")]
    Counts(CountsOptions),
    /// Lets the service read its configuration file again and apply it, as a whole or not at all, and prints what differs.
    #[command(after_help = RELOAD_HELP)]
    Reload(ReloadOptions),
}

/// What is done with what is kept of a user.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Prints the user's tokens, sessions, pins and sign-in offers, each with its id.
    #[command(after_help = USER_HELP)]
    Show(UserOptions),
    /// Prints everything that is kept under a user key as JSON, without tokens and secrets.
    #[command(after_help = USER_HELP)]
    Export(UserOptions),
    /// Signs the user out everywhere and removes everything that is kept under the key. A user of a directory is deleted.
    #[command(after_help = USER_HELP)]
    Erase(EraseOptions),
    /// Signs the user out everywhere: sessions, refresh tokens, and the tokens of all bots, apps and back ends.
    #[command(after_help = USER_HELP)]
    SignOut(UserOptions),
}

/// What is done with a token.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Ends the token: its account is signed out of the connection. Other tokens of the user stay.
    #[command(after_help = ELEMENT_HELP)]
    End(ElementOptions),
}

/// What is done with a session.
#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Ends the session, and tells the applications that have a grant of it.
    #[command(after_help = ELEMENT_HELP)]
    End(ElementOptions),
}

/// What is done with a pin.
#[derive(Debug, Subcommand)]
pub(super) enum PinCommand {
    /// Lets the account belong to the next person who signs in there, and signs it out now.
    #[command(after_help = ELEMENT_HELP)]
    Forget(ElementOptions),
}

/// What is done with an offer.
#[derive(Debug, Subcommand)]
pub(super) enum OfferCommand {
    /// Ends the offer: its card cannot be answered any more. Tokens stay.
    #[command(after_help = ELEMENT_HELP)]
    End(ElementOptions),
}

/// What is done with the accounts of a channel.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Prints the keys of the users who own an account, at each bot.
    #[command(after_help = ACCOUNT_HELP)]
    Find(AccountOptions),
}

#[derive(Debug, Args)]
pub(super) struct UserOptions {
    #[command(flatten)]
    service: ServiceOptions,
    /// The user key.
    #[arg(value_name = "KEY")]
    key: String,
}

#[derive(Debug, Args)]
pub(super) struct EraseOptions {
    #[command(flatten)]
    user: UserOptions,
    /// Erases without a question.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ElementOptions {
    #[command(flatten)]
    user: UserOptions,
    /// The id, as bot-sso admin user show prints it.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct AccountOptions {
    #[command(flatten)]
    service: ServiceOptions,
    /// The channel: msteams, directline, webchat …
    #[arg(value_name = "CHANNEL")]
    channel: String,
    /// The account's id in the channel: from.id of its activities.
    #[arg(value_name = "ACCOUNT")]
    account: String,
}

#[derive(Debug, Args)]
pub(super) struct CountsOptions {
    #[command(flatten)]
    service: ServiceOptions,
}

#[derive(Debug, Args)]
pub(super) struct ReloadOptions {
    #[command(flatten)]
    service: ServiceOptions,
}

/// Runs the command.
pub(super) fn admin(command: AdminCommand) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::User(command) => user(command),
        AdminCommand::Token(TokenCommand::End(options)) => end(&options, "tokens"),
        AdminCommand::Session(SessionCommand::End(options)) => end(&options, "sessions"),
        AdminCommand::Pin(PinCommand::Forget(options)) => end(&options, "pins"),
        AdminCommand::Offer(OfferCommand::End(options)) => end(&options, "offers"),
        AdminCommand::Account(AccountCommand::Find(options)) => {
            let path = ["admin", "accounts", &options.channel, &options.account];
            read(&options.service, &path, show_accounts)
        }
        AdminCommand::Counts(options) => read(&options.service, &["admin", "counts"], show_counts),
        AdminCommand::Reload(options) => reload::reload(&options.service),
    }
}

fn user(command: UserCommand) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Show(options) => {
            let key = read_key(&options.key)?.to_string();
            return read(&options.service, &["admin", "users", &key], show_person);
        }
        UserCommand::Export(options) => {
            let answer = call_user("GET", &options, "export")?;
            print(&serde_json::to_string_pretty(&answer)?)?;
        }
        UserCommand::Erase(EraseOptions { user, yes }) => {
            let key = read_key(&user.key)?;
            if !yes && !is_confirmed(&key)? {
                print("Nothing was erased.")?;
                return Ok(ExitCode::FAILURE);
            }
            let answer = call_user("POST", &user, "erase")?;
            if user.service.json {
                return print_json(&answer);
            }
            print(&format!("{key} is erased: {}", describe(&answer, &["ended", "removed"])))?;
            if let Some(linked) = list_linked_keys(&answer) {
                print(&format!("The same person has other keys, which are erased by calls of their own: {linked}"))?;
            }
        }
        UserCommand::SignOut(options) => {
            let key = read_key(&options.key)?;
            let answer = call_user("POST", &options, "sign-out")?;
            if options.service.json {
                return print_json(&answer);
            }
            print(&format!("{key} is signed out everywhere: {}", describe(&answer, &["ended"])))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads what is at `path`, and prints it as JSON or as `show` writes it.
fn read(options: &ServiceOptions, path: &[&str], show: fn(&Value) -> String) -> anyhow::Result<ExitCode> {
    let answer = call(options, &Call { method: "GET", path })?;
    if options.json {
        return print_json(&answer);
    }
    print(&show(&answer))?;
    Ok(ExitCode::SUCCESS)
}

/// Ends one of the `kind` of a user.
fn end(options: &ElementOptions, kind: &str) -> anyhow::Result<ExitCode> {
    let service = &options.user.service;
    let key = read_key(&options.user.key)?.to_string();
    let answer = call(service, &Call { method: "DELETE", path: &["admin", "users", &key, kind, &options.id] })?;
    if service.json {
        return print_json(&answer);
    }
    print(&show_ended(&answer))?;
    Ok(ExitCode::SUCCESS)
}

/// Calls `/admin/users/{key}/{act}`.
fn call_user(method: &str, options: &UserOptions, act: &str) -> anyhow::Result<Value> {
    let key = read_key(&options.key)?.to_string();
    call(&options.service, &Call { method, path: &["admin", "users", &key, act] })
}

fn call(options: &ServiceOptions, call: &Call<'_>) -> anyhow::Result<Value> {
    let listener = OperatorListener::find(options)?;
    actix_web::rt::System::new().block_on(listener.call(call))
}

fn print_json(answer: &Value) -> anyhow::Result<ExitCode> {
    print(&serde_json::to_string_pretty(answer)?)?;
    Ok(ExitCode::SUCCESS)
}

fn read_key(text: &str) -> anyhow::Result<UserKey> {
    UserKey::parse(text).ok_or_else(|| anyhow!("{text:?} is no user key.\n{USER_HELP}"))
}

/// Asks on the terminal whether everything is to be erased.
fn is_confirmed(key: &UserKey) -> anyhow::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("erase asks on a terminal, and there is none: add --yes to erase without a question");
    }
    print(&format!("Everything that is kept of {key} will be removed. This cannot be undone. Type yes to go on:"))?;
    std::io::stdout().flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

/// Counts of the members `names` of an answer: `tokens 2, sessions 1`.
fn describe(answer: &Value, names: &[&str]) -> String {
    let counts = names.iter().filter_map(|name| answer.get(name)?.as_object()).flat_map(Map::iter);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { "nothing was kept".to_owned() } else { counts.join(", ") }
}

fn list_linked_keys(answer: &Value) -> Option<String> {
    let keys: Vec<&str> = answer.get("linkedKeys")?.as_array()?.iter().filter_map(Value::as_str).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}
