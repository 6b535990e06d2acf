//! `bot-sso doctor`: the arguments, what is read for it, and the lines that are printed.

mod service;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::process::{disable_core_files, print, system_clock_and_entropy};
use super::{ConfigurationFile, check_key_file};
use crate::app::{self, DoctorCheck, DoctorError, DoctorRequest, Finding, GivenManifest, Verdict};
use crate::config::{self, Configuration, Problems};
use crate::domain::{Secret, UserKey};

/// The exit code where nothing could be looked at: the arguments or the configuration are wrong.
const NOTHING_EXAMINED: u8 = 2;
/// A longer manifest is another file.
const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// The only place that a token is read from.
const STANDARD_INPUT: &str = "-";
/// A longer token is none that any check takes.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

pub(super) const DOCTOR_HELP: &str = "\
Examples:
  bot-sso doctor --config bot-sso.toml
  bot-sso doctor --config bot-sso.toml --bot help-desk --manifest manifest.json
  bot-sso doctor --config bot-sso.toml --connection graph --token - < token.txt
  bot-sso doctor --config bot-sso.toml --user 3d6a…@22222222-… --json

Exit code 0: nothing failed; 1: something failed; 2: nothing was looked at, because an argument or the configuration is
wrong. No token and no secret is printed.";

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    file: ConfigurationFile,
    /// Looks at one bot only.
    #[arg(long, value_name = "NAME")]
    bot: Option<String>,
    /// Looks at one connection only: its key in the configuration, or its name.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Compares a manifest with the configuration: manifest.json of a Teams app, or the XML of an Office add-in.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Reads a client's token (the one in value.token of signin/tokenExchange) from standard input, checks it as the service does,
    /// and really tries its exchange. What the provider answers is dropped.
    // Whatever is written is taken at first: the parser's message about a wrong value would repeat a token.
    #[arg(long, value_name = "-")]
    token: Option<Secret>,
    /// The user whose sign-in fails: compares the token's user, and asks the running service what it keeps of the user.
    #[arg(long, value_name = "KEY", value_parser = parse_user)]
    user: Option<UserKey>,
    /// Prints the findings as a JSON array.
    #[arg(long)]
    json: bool,
}

fn parse_user(text: &str) -> Result<UserKey, String> {
    let hint = "write <object id>@<tenant id>, <subject>@<https issuer> or cloud_directory:<tenant>/<id>";
    UserKey::parse(text).ok_or_else(|| hint.to_owned())
}

/// Walks the sign-in, and prints what was found.
pub(super) fn doctor(options: &DoctorOptions) -> anyhow::Result<ExitCode> {
    disable_core_files();
    let configuration = match config::load_with_keys(&options.file.config, check_key_file) {
        Ok(configuration) => configuration,
        Err(problems) => return refuse(&list_problems(&problems), options.json),
    };
    let refuse_arguments =
        |problem: String| refuse(&[Finding::failed(DoctorCheck::Configuration, "arguments", problem)], options.json);
    let request = match read_request(options) {
        Ok(request) => request,
        Err(error) => return refuse_arguments(format!("{error:#}")),
    };
    match actix_web::rt::System::new().block_on(examine(&configuration, &request)) {
        Ok(findings) => {
            report(&findings, options.json)?;
            Ok(if findings.iter().any(Finding::has_failed) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Err(error) => refuse_arguments(error.to_string()),
    }
}

/// Reads what the arguments name.
fn read_request(options: &DoctorOptions) -> anyhow::Result<DoctorRequest> {
    let is_standard_input = |place: &Secret| place.expose() == STANDARD_INPUT;
    anyhow::ensure!(
        options.token.as_ref().is_none_or(is_standard_input),
        "--token: every process of this machine can read arguments: write --token - and send the token on standard input"
    );
    Ok(DoctorRequest {
        bot: options.bot.clone(),
        connection: options.connection.clone(),
        manifest: options.manifest.as_deref().map(read_manifest).transpose()?,
        token: options.token.as_ref().map(|_| read_token()).transpose()?,
        user: options.user.clone(),
    })
}

async fn examine(configuration: &Configuration, request: &DoctorRequest) -> Result<Vec<Finding>, DoctorError> {
    let mut findings = app::examine(configuration, request, &system_clock_and_entropy()).await?;
    findings.extend(service::ask(configuration, request.user.as_ref()).await);
    findings.sort_by_key(|finding| finding.check);
    Ok(findings)
}

fn list_problems(problems: &Problems) -> Vec<Finding> {
    let place = |path: &str| if path.is_empty() { "configuration".to_owned() } else { path.to_owned() };
    let warnings = problems.warnings().iter();
    let warnings = warnings.map(|it| Finding::warning(DoctorCheck::Configuration, place(&it.path), it.message.clone()));
    let found = problems.0.iter();
    let found = found.map(|it| Finding::failed(DoctorCheck::Configuration, place(&it.path), it.message.clone()));
    warnings.chain(found).collect()
}

/// Prints why nothing was looked at.
fn refuse(findings: &[Finding], as_json: bool) -> anyhow::Result<ExitCode> {
    report(findings, as_json)?;
    Ok(ExitCode::from(NOTHING_EXAMINED))
}

fn report(findings: &[Finding], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print(&serde_json::to_string_pretty(findings)?);
    }
    for finding in findings {
        let Finding { subject, verdict, seen, advice, .. } = finding;
        print(&format!("{:<8} {subject}: {seen}", verdict.name()))?;
        if let Some(advice) = advice {
            print(&format!("{:<8} -> {advice}", ""))?;
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let counts = [Verdict::Ok, Verdict::Warning, Verdict::Failed, Verdict::Skipped];
    let counts: Vec<String> =
        counts.into_iter().map(|verdict| format!("{} {}", count(verdict), verdict.name())).collect();
    print(&counts.join(", "))
}

fn read_manifest(path: &Path) -> anyhow::Result<GivenManifest> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let read = std::fs::File::open(path).and_then(|file| read_bounded(file, MAX_MANIFEST_BYTES));
    let bytes = read.with_context(|| format!("--manifest: {} cannot be read", path.display()))?;
    // A package is no text, and is told as what it is.
    Ok(GivenManifest { name, text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Reads the token as it is copied: alone, in quotes, or behind `Bearer`.
fn read_token() -> anyhow::Result<Secret> {
    let bytes = read_bounded(std::io::stdin().lock(), MAX_TOKEN_BYTES).context("--token: standard input")?;
    let text =
        Secret::new(String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("--token: standard input is no text"))?);
    let token = text.expose().trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim().trim_matches('"');
    anyhow::ensure!(!token.is_empty(), "--token: standard input is empty: send the token there");
    Ok(Secret::from(token))
}

fn read_bounded(source: impl std::io::Read, limit_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}
