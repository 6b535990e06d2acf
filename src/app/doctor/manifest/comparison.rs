//! Compares a manifest with the configuration.

use url::Url;

use super::{Manifest, ManifestApplication};
use crate::app::doctor::selection::{Selection, add_in_of};
use crate::app::doctor::{DoctorCheck, Finding, Verdict};
use crate::config::{Configuration, ConnectionSection};
use crate::domain::{Bot, Connection};

/// The scopes without which Office gives no token to an add-in's page.
const SCOPES_OF_OFFICE: [&str; 2] = ["openid", "profile"];

/// What was read from `name`, compared with the connections and bots of `selection`.
pub(in crate::app::doctor) fn compare(
    manifest: &Manifest,
    name: &str,
    config: &Configuration,
    selection: &Selection<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &manifest.application {
        None => findings.push(report_no_application(manifest, name, selection)),
        Some(application) => findings.extend(compare_application(application, name, config, selection)),
    }
    if let Some(domains) = &manifest.valid_domains {
        let is_for_bot = !manifest.bot_ids.is_empty() || config.add_ins.is_empty();
        findings.extend(is_for_bot.then(|| compare_domains(domains, name, &config.server.public_url)));
    }
    findings.extend((!manifest.bot_ids.is_empty()).then(|| compare_bots(&manifest.bot_ids, name, selection)));
    findings
}

fn report_no_application(manifest: &Manifest, name: &str, selection: &Selection<'_>) -> Finding {
    let (member, form) = if manifest.is_of_office {
        (
            "WebApplicationInfo",
            "<WebApplicationInfo> with Id, Resource and Scopes as the last element of VersionOverrides",
        )
    } else {
        (
            "webApplicationInfo",
            "\"webApplicationInfo\": {\"id\": \"<client_id>\", \"resource\": \"<token_exchange_uri>\"}",
        )
    };
    let right = selection.connections.iter().find(|section| section.connection.token_exchange_uri.is_some());
    let form = match right {
        Some(section) if !manifest.is_of_office => form
            .replace("<client_id>", &section.connection.client_id)
            .replace("<token_exchange_uri>", section.connection.token_exchange_uri.as_deref().unwrap_or_default()),
        _ => form.to_owned(),
    };
    // Without an exchange URI, users sign in by the card, and need no token of the client.
    let finding = if right.is_some() || manifest.is_of_office { Finding::failed } else { Finding::warning };
    finding(DoctorCheck::ManifestId, format!("{name} {member}"), "is missing, so clients get no token for the app")
        .advise(format!("add {form} to the manifest"))
}

fn compare_application(
    application: &ManifestApplication,
    name: &str,
    config: &Configuration,
    selection: &Selection<'_>,
) -> Vec<Finding> {
    let subject = format!("{name} webApplicationInfo.id");
    let Some(id) = &application.id else {
        let clients = list_clients(selection);
        return vec![
            Finding::failed(DoctorCheck::ManifestId, subject, "is missing")
                .advise(format!("write the client id of the connection's app registration: {clients}")),
        ];
    };
    let fits = |section: &&&ConnectionSection| section.connection.client_id.eq_ignore_ascii_case(id);
    let fitting: Vec<&&ConnectionSection> = selection.connections.iter().filter(fits).collect();
    let Some(first) = fitting.first() else {
        let seen = format!("{id} is the client id of no connection that was looked at");
        let advice = format!(
            "write one of {} there, or that id as client_id of the connection whose tokens the app gets",
            list_clients(selection)
        );
        return vec![Finding::failed(DoctorCheck::ManifestId, subject, seen).advise(advice)];
    };
    let mut findings =
        vec![Finding::ok(DoctorCheck::ManifestId, subject, format!("{id} is the client id of {}", first.place()))];
    let resources = fitting.into_iter().map(|section| match add_in_of(config, section) {
        Some(add_in) => compare_add_in(application, name, section, &add_in.add_in.resource),
        None => compare_resource(application, name, section),
    });
    findings.extend(soften_failures(resources.collect()));
    findings.extend(application.scopes.as_deref().map(|scopes| compare_scopes(scopes, name)));
    findings
}

/// A manifest has one resource. Where it is that of one connection, another connection of the same client may be meant for
/// other channels, such as Web Chat, so that a resource that differs there is a warning.
fn soften_failures(mut resources: Vec<Finding>) -> Vec<Finding> {
    if resources.iter().any(|finding| finding.verdict == Verdict::Ok) {
        for finding in resources.iter_mut().filter(|finding| finding.has_failed()) {
            finding.verdict = Verdict::Warning;
        }
    }
    resources
}

fn list_clients(selection: &Selection<'_>) -> String {
    let one = |section: &&ConnectionSection| format!("{} ({})", section.connection.client_id, section.place());
    selection.connections.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A client compares the URI of the card with the manifest's resource (docs/protocols/invoke-protocol.md): Teams reports
/// `resourcematchfailed` where they differ.
fn compare_resource(application: &ManifestApplication, name: &str, section: &ConnectionSection) -> Finding {
    let subject = format!("{name} webApplicationInfo.resource");
    let (place, connection) = (section.place(), &section.connection);
    let Some(resource) = &application.resource else {
        let uri = connection.token_exchange_uri.as_deref().unwrap_or("the App ID URI of the app registration");
        return Finding::failed(DoctorCheck::ManifestResource, subject, "is missing")
            .advise(format!("write {uri} there"));
    };
    let Some(uri) = &connection.token_exchange_uri else {
        return Finding::failed(
            DoctorCheck::ManifestResource,
            subject,
            format!("{resource}, and {place} has no exchange URI"),
        )
        .advise(format!("write token_exchange_uri = {resource:?} in {place}"));
    };
    if resource == uri {
        return Finding::ok(
            DoctorCheck::ManifestResource,
            subject,
            format!("{resource} is {place}.token_exchange_uri"),
        );
    }
    if is_scope_of(uri, resource, connection) {
        let seen = format!("{resource}, and {place}.token_exchange_uri has a scope behind it: {uri}");
        return Finding::warning(DoctorCheck::ManifestResource, subject, seen).advise(
            "for Teams, write the same URI in both: without the scope; with it, only Web Chat pages and skills need it",
        );
    }
    let seen = format!("{resource} is not {place}.token_exchange_uri, which is {uri}");
    let advice = format!(
        "Teams reports resourcematchfailed: write the App ID URI of the app registration (Expose an API) in both, here \
         and in {place}.token_exchange_uri"
    );
    Finding::failed(DoctorCheck::ManifestResource, subject, seen).advise(advice)
}

/// Whether `uri` is a required scope of the resource.
fn is_scope_of(uri: &str, resource: &str, connection: &Connection) -> bool {
    let scope = uri.strip_prefix(resource).and_then(|rest| rest.strip_prefix('/'));
    scope.is_some_and(|scope| connection.exchange.required_scopes.iter().any(|required| required == scope))
}

fn compare_add_in(
    application: &ManifestApplication,
    name: &str,
    section: &ConnectionSection,
    expected: &str,
) -> Finding {
    let subject = format!("{name} WebApplicationInfo.Resource");
    let place = section.place();
    match &application.resource {
        Some(resource) if resource == expected => {
            Finding::ok(DoctorCheck::ManifestResource, subject, format!("{resource} is {place}.resource"))
        }
        Some(resource) => Finding::failed(
            DoctorCheck::ManifestResource,
            subject,
            format!("{resource} is not {place}.resource, {expected}"),
        )
        .advise(format!(
            "write the App ID URI of the app registration in both; its host is that of the add-in's pages (Office \
                     reports 13004 otherwise). Here: {place}.resource"
        )),
        None => Finding::failed(DoctorCheck::ManifestResource, subject, "is missing")
            .advise(format!("write {expected} there")),
    }
}

fn compare_scopes(scopes: &[String], name: &str) -> Finding {
    let subject = format!("{name} WebApplicationInfo.Scopes");
    let missing: Vec<&str> =
        SCOPES_OF_OFFICE.into_iter().filter(|scope| !scopes.iter().any(|written| written == scope)).collect();
    let seen = if scopes.is_empty() { "none".to_owned() } else { scopes.join(" ") };
    if missing.is_empty() {
        return Finding::ok(DoctorCheck::ManifestScopes, subject, seen);
    }
    Finding::failed(DoctorCheck::ManifestScopes, subject, seen)
        .advise(format!("add {}: Office gives a page no token without it", missing.join(" and ")))
}

/// The button of a card opens a page of this program only if its host is listed.
fn compare_domains(domains: &[String], name: &str, public_url: &Url) -> Finding {
    let subject = format!("{name} validDomains");
    let host = public_url.host_str().unwrap_or_default();
    let written = if domains.is_empty() { "empty".to_owned() } else { domains.join(", ") };
    if domains.iter().any(|domain| covers(domain, host)) {
        return Finding::ok(DoctorCheck::ManifestDomains, subject, format!("{host} is among them"));
    }
    Finding::failed(
        DoctorCheck::ManifestDomains,
        subject,
        format!("{host}, the host of server.public_url, is not listed: {written}"),
    )
    .advise(format!("add {host:?} to validDomains: the button of the sign-in card does nothing without it"))
}

/// A first label `*` stands for one label or several, and not for none. A port may be written.
fn covers(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches("https://").trim_end_matches('/');
    let domain = domain.split(':').next().unwrap_or_default();
    let is_below = |parent: &str| {
        let host = host.to_ascii_lowercase();
        host.strip_suffix(&parent.to_ascii_lowercase()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    domain.eq_ignore_ascii_case(host) || domain.strip_prefix("*.").is_some_and(is_below)
}

fn compare_bots(bot_ids: &[String], name: &str, selection: &Selection<'_>) -> Finding {
    let subject = format!("{name} bots.botId");
    let fits = |bot: &&&Bot| bot_ids.iter().any(|id| id.eq_ignore_ascii_case(&bot.app_id));
    let written = bot_ids.join(", ");
    if let Some(bot) = selection.bots.iter().find(fits) {
        return Finding::ok(
            DoctorCheck::ManifestBot,
            subject,
            format!("{} is the app id of bots.{}", bot.app_id, bot.name),
        );
    }
    let known: Vec<String> = selection.bots.iter().map(|bot| format!("{} (bots.{})", bot.app_id, bot.name)).collect();
    Finding::failed(DoctorCheck::ManifestBot, subject, format!("{written} is the app id of no bot that was looked at"))
        .advise(format!("write the bot's app id: {}", known.join(", ")))
}
