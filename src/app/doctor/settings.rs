//! What the configuration alone says of a sign-in.

use super::selection::Selection;
use super::token::check_clients;
use super::{DoctorCheck, Finding};
use crate::config::{Configuration, ConnectionSection, CredentialSection};
use crate::domain::{Bot, Clock, Connection, CredentialEnd};

/// The configuration's own warnings, without those of ends, which have lines of their own.
pub(super) fn list_warnings(config: &Configuration) -> Vec<Finding> {
    let is_of_end = |path: &str| {
        config.credential_ends.iter().any(|end| path.starts_with(&end.place)) || path.ends_with(".expires")
    };
    let warnings = config.warnings.iter().filter(|warning| !is_of_end(&warning.path));
    let mut findings = vec![Finding::ok(DoctorCheck::Configuration, "configuration", "can be used")];
    findings
        .extend(warnings.map(|warning| {
            Finding::warning(DoctorCheck::Configuration, warning.path.clone(), warning.message.clone())
        }));
    findings
}

/// The exchange URI, the scopes and the clients of each connection that exchanges tokens of clients.
pub(super) fn check(selection: &Selection<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for section in &selection.connections {
        let bot = selection.bot_of(section);
        if let Some(bot) = bot {
            findings.push(check_exchange_uri(section, bot));
        }
        findings.push(describe_scopes(section));
        if section.connection.exchange.subject.is_some() {
            findings.push(check_clients(section, bot.is_some()));
        }
    }
    findings
}

fn check_exchange_uri(section: &ConnectionSection, bot: &Bot) -> Finding {
    let connection = &section.connection;
    let subject = format!("{}.token_exchange_uri", section.place());
    let Some(uri) = &connection.token_exchange_uri else {
        let seen = "is not set, so the card offers no silent sign-in and each user has to press its button";
        let advice = if connection.exchange.entra_provider().is_some() {
            format!(
                "write the App ID URI of the app registration, as \"api://<host>/botid-{}\", if users are to be signed in \
                 silently",
                connection.client_id
            )
        } else {
            "write it with token_exchange, if users are to be signed in silently".to_owned()
        };
        return Finding::warning(DoctorCheck::ExchangeUri, subject, seen).advise(advice);
    };
    let names_client = [&connection.client_id, &bot.app_id].iter().any(|id| contains(uri, id));
    if connection.exchange.entra_provider().is_some() && !names_client {
        let seen = format!("{uri} names neither the connection's client_id nor the bot's app id");
        return Finding::warning(DoctorCheck::ExchangeUri, subject, seen).advise(format!(
            "Teams gives tokens for api://<host>/botid-{} and its like: compare it with the App ID URI of the app \
             registration (Expose an API)",
            connection.client_id
        ));
    }
    Finding::ok(DoctorCheck::ExchangeUri, subject, uri.clone())
}

fn contains(uri: &str, id: &str) -> bool {
    uri.to_ascii_lowercase().contains(&id.to_ascii_lowercase())
}

fn describe_scopes(section: &ConnectionSection) -> Finding {
    let connection = &section.connection;
    let subject = format!("{} scopes", section.place());
    let asked = if connection.scopes.is_empty() { "nothing".to_owned() } else { connection.scopes.join(" ") };
    let seen = match connection.exchange.required_scopes.join(" ") {
        required if required.is_empty() => format!("the provider is asked for {asked}"),
        required => format!("a client's token must have {required}; the provider is asked for {asked}"),
    };
    if connection.scopes.is_empty() || connection.keeps_refresh_token() || !is_of_bots(section) {
        return Finding::ok(DoctorCheck::Scopes, subject, seen);
    }
    let finding = Finding::warning(DoctorCheck::Scopes, subject, format!("{seen}: no refresh token is asked for"));
    finding.advise(refresh_advice(connection))
}

fn is_of_bots(section: &ConnectionSection) -> bool {
    section.table == "connections"
}

fn refresh_advice(connection: &Connection) -> String {
    let how =
        if connection.exchange.entra_provider().is_some() { "add \"offline_access\" to scopes" } else { "ask for one" };
    format!("{how}, or users have to be signed in again when their token ends, after an hour or so")
}

/// When each credential ends: those that say so, and the secrets that do not.
pub(super) fn list_ends(config: &Configuration, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings: Vec<Finding> = config.credential_ends.iter().map(|end| judge_end(end, clock)).collect();
    for identity in config.connections_by_client() {
        findings.extend(list_endless(&identity.client_place(), &identity.credentials, &config.credential_ends));
    }
    for section in &config.bot_credentials {
        let place = format!("bots.{}", section.bot);
        findings.extend(list_endless(&place, &section.credentials, &config.credential_ends));
    }
    findings
}

fn judge_end(end: &CredentialEnd, clock: &dyn Clock) -> Finding {
    let (now, subject) = (clock.now(), format!("{} end", end.place));
    let left = end.days_left(now);
    match end.find_warning(now) {
        None => Finding::ok(DoctorCheck::CredentialEnd, subject, format!("ends on {}, in {left} days", end.day())),
        Some(warning) => {
            let (seen, advice) = warning.split_once(": ").unwrap_or((&warning, ""));
            // Not a failure: whether the provider still takes the credential is another line.
            Finding::warning(DoctorCheck::CredentialEnd, subject, seen.to_owned()).advise(advice)
        }
    }
}

/// The secrets at `place` whose end is not stated.
fn list_endless(place: &str, credentials: &[CredentialSection], ends: &[CredentialEnd]) -> Vec<Finding> {
    let is_stated = |index: usize| {
        let (short, listed) = (format!("{place}.client_secret"), format!("{place}.credentials[{index}]."));
        ends.iter().any(|end| end.place == short || end.place.starts_with(&listed))
    };
    let secrets = credentials.iter().enumerate().filter(|(_, one)| matches!(one, CredentialSection::Secret(_)));
    let endless = secrets.filter(|(index, _)| !is_stated(*index));
    endless
        .map(|(index, _)| {
            let subject = format!("{place} credentials[{index}] (secret) end");
            Finding::skipped(DoctorCheck::CredentialEnd, subject, "is not stated")
                .advise("write the day beside the secret, as expires = 2027-01-31, to be warned 30 days ahead")
        })
        .collect()
}

/// Whether the bot goes on after an exchange, which depends on its SDK.
pub(super) fn check_after_exchange(bot: &Bot) -> Finding {
    let subject = format!("bots.{}.after_exchange", bot.name);
    let (mode, style) = (bot.continuation.name(), bot.refusal_style.name());
    let Some(sdk) = bot.sdk else {
        let seen = format!("{mode}, with refusal_style {style}; the bot's SDK is not stated");
        return Finding::warning(DoctorCheck::AfterExchange, subject, seen).advise(format!(
            "write sdk in bots.{}: if the mode does not fit the SDK, users are signed in and the bot says nothing more \
             (docs/point-your-bot-at-it.md)",
            bot.name
        ));
    };
    let seen = format!("{mode}, with refusal_style {style}, for sdk = {:?}", sdk.name());
    if !sdk.fits_continuation(bot.continuation) {
        return Finding::failed(DoctorCheck::AfterExchange, subject, seen).advise(format!(
            "the bot would not go on after a sign-in: write after_exchange = {:?}, or leave it out",
            sdk.preset_continuation().name()
        ));
    }
    if !sdk.fits_refusal_style(bot.refusal_style) {
        return Finding::failed(DoctorCheck::AfterExchange, subject, seen).advise(format!(
            "the SDK fails on a refusal in this form: write refusal_style = {:?}, or leave it out",
            sdk.preset_refusal_style().name()
        ));
    }
    Finding::ok(DoctorCheck::AfterExchange, subject, seen)
}
