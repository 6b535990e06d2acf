//! What a client's token says of itself, and which of the program's checks it passes.

use std::sync::Arc;

use super::{DoctorCheck, Finding};
use crate::config::ConnectionSection;
use crate::domain::{Clock, Connection, ExchangeableToken, Secret, SubjectIssuer, UserKey};
use crate::exchange::{Reason, Refusal, TokenValidators};
use crate::token_validation::SightedToken;

/// Microsoft's clients that users sign in with. Their ids are public, and the same in each tenant.
const KNOWN_CLIENTS: [(&str, &str); 8] = [
    ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Teams on desktops and phones"),
    ("5e3ce6c0-2b1f-4285-8d4b-75ee78787346", "Teams in a browser"),
    ("4765445b-32c6-49b0-83e6-1d93765276ca", "Microsoft 365 in a browser"),
    ("0ec893e0-5785-4de6-99da-4ed124e5296c", "Microsoft 365 on desktops"),
    ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft 365 on phones, Outlook on desktops"),
    ("bc59ab01-8403-45c6-8796-ac3ef710b3e3", "Outlook in a browser"),
    ("27922004-5251-4030-b22d-91ecd9a37ea4", "Outlook on phones"),
    ("ea5a67f6-b6f3-4338-b240-c655ddc3cc8e", "Office"),
];

/// The clients of Teams among them.
const CLIENTS_OF_TEAMS: [&str; 2] = ["1fec8e78-bce4-4aaf-ab1b-5451cc387264", "5e3ce6c0-2b1f-4285-8d4b-75ee78787346"];

/// One line about a token: which of its members the line shows, and the checks of
/// docs/protocols/entra-obo.md §1 that belong to it.
struct Line {
    check: DoctorCheck,
    what: &'static str,
    header: &'static [&'static str],
    claims: &'static [&'static str],
    refusals: &'static [&'static str],
}

const fn line(check: DoctorCheck, what: &'static str, refusals: &'static [&'static str]) -> Line {
    Line { check, what, header: &[], claims: &[], refusals }
}

/// In the order in which the validators check.
const LINES: [Line; 10] = [
    Line { header: &["alg", "typ"], ..line(DoctorCheck::TokenForm, "form", &["form", "alg", "crit", "typ", "kid"]) },
    Line { claims: &["iss"], ..line(DoctorCheck::TokenIssuer, "issuer", &["iss"]) },
    Line { claims: &["ver"], ..line(DoctorCheck::TokenVersion, "version", &["ver"]) },
    Line { claims: &["tid"], ..line(DoctorCheck::TokenTenant, "tenant", &["tid"]) },
    Line { header: &["kid"], ..line(DoctorCheck::TokenSignature, "signature", &["signature", "keys"]) },
    Line { claims: &["aud"], ..line(DoctorCheck::TokenAudience, "audience", &["aud"]) },
    line(DoctorCheck::TokenLifetime, "lifetime", &["time"]),
    Line { claims: &["oid", "idtyp"], ..line(DoctorCheck::TokenUser, "user", &["app_only", "oid", "sub", "cnf"]) },
    Line { claims: &["scp"], ..line(DoctorCheck::TokenScopes, "scopes", &["scp"]) },
    Line { claims: &["azp", "appid"], ..line(DoctorCheck::TokenClient, "client", &["azp"]) },
];

/// What was found about a token, and the token, if each check took it.
pub(super) struct ExaminedToken {
    pub(super) findings: Vec<Finding>,
    pub(super) token: Option<ExchangeableToken>,
}

/// Has the program's own validators judge `raw` for the connection, and shows what each line of the token says. Values of a
/// token that is not proven are its sender's words.
pub(super) async fn examine(
    section: &ConnectionSection,
    raw: &Secret,
    validators: &TokenValidators,
    clock: &dyn Clock,
) -> ExaminedToken {
    let sighted = SightedToken::read(raw.expose());
    let connection = &section.connection;
    let judged = validators.validate(connection, raw).await;
    let refusal = judged.as_ref().err();
    if refusal.is_some_and(|refusal| refusal.reason == Reason::Misconfigured) {
        let seen = "the connection exchanges no tokens of clients: its users sign in with the card";
        return ExaminedToken {
            findings: vec![Finding::skipped(DoctorCheck::TokenForm, subject_of(section, "form"), seen)],
            token: None,
        };
    }
    let stop = refusal.map(|refusal| Stop::of(refusal, &sighted, connection));
    let lines = LINES.iter().enumerate().filter(|(_, line)| concerns(line, connection));
    let findings = lines.map(|(index, line)| {
        let seen = show(line, &sighted, clock);
        let subject = subject_of(section, line.what);
        match &stop {
            Some(stop) if index == stop.at => stop.describe(line.check, subject, &seen),
            Some(stop) if index >= stop.proven => Finding::skipped(
                line.check,
                subject,
                format!("{seen}; not checked, since another check refuses the token"),
            ),
            _ => Finding::ok(line.check, subject, seen),
        }
    });
    ExaminedToken { findings: findings.collect(), token: judged.ok() }
}

fn subject_of(section: &ConnectionSection, what: &str) -> String {
    format!("token {what}, for {}", section.place())
}

/// Whether tokens of the connection's issuer have what the line is about: versions and tenants are Entra's.
fn concerns(line: &Line, connection: &Connection) -> bool {
    let is_own = matches!(connection.exchange.subject, Some(SubjectIssuer::Own { .. }));
    !(is_own && matches!(line.check, DoctorCheck::TokenVersion | DoctorCheck::TokenTenant))
}

fn show(line: &Line, sighted: &SightedToken, clock: &dyn Clock) -> String {
    match line.check {
        DoctorCheck::TokenLifetime => show_lifetime(sighted, clock),
        DoctorCheck::TokenScopes => {
            present(sighted, &["scp", "scope", "roles"]).unwrap_or_else(|| "scp absent".to_owned())
        }
        DoctorCheck::TokenUser => present(sighted, &["oid", "sub", "idtyp"]).unwrap_or_else(|| "oid absent".to_owned()),
        DoctorCheck::TokenClient => {
            let shown = present(sighted, &["azp", "appid", "client_id"]).unwrap_or_else(|| "azp absent".to_owned());
            let client = sighted.text("azp").or_else(|| sighted.text("appid"));
            let known = client.and_then(|client| KNOWN_CLIENTS.iter().find(|(id, _)| id.eq_ignore_ascii_case(client)));
            match known {
                Some((_, name)) => format!("{shown} ({name})"),
                None => shown,
            }
        }
        _ => sighted.show(line.header, line.claims).unwrap_or_default(),
    }
}

/// The claims among `names` that the token has.
fn present(sighted: &SightedToken, names: &[&str]) -> Option<String> {
    let names: Vec<&str> = names.iter().copied().filter(|name| sighted.has(name)).collect();
    sighted.show(&[], &names)
}

fn show_lifetime(sighted: &SightedToken, clock: &dyn Clock) -> String {
    let Some(ends) = sighted.ends() else { return "exp absent, or no time".to_owned() };
    let seconds = ends.unix_seconds() - clock.now().unix_seconds();
    if seconds >= 0 {
        format!("ends in {} minutes", seconds / 60)
    } else {
        format!("ended {} minutes ago", -seconds / 60)
    }
}

/// Where the validation has stopped.
struct Stop<'a> {
    refusal: &'a Refusal,
    /// The line that refuses.
    at: usize,
    /// The lines before this one are proven.
    proven: usize,
}

impl<'a> Stop<'a> {
    fn of(refusal: &'a Refusal, sighted: &SightedToken, connection: &Connection) -> Self {
        let check = match refusal.reason {
            Reason::AssertionRejected(check) => check,
            Reason::AssertionExpired => "time",
            _ => "keys",
        };
        let at = LINES.iter().position(|line| line.refusals.contains(&check)).unwrap_or_default();
        // The audience of a token of version 1.0, which is not taken, decides before the tenant; and a token with a nonce in
        // its header is Microsoft Graph's, which is known before anything else.
        let of_graph = sighted.has_header("nonce");
        let is_early = check == "aud" && sighted.text("ver") == Some("1.0") && !connection.exchange.allow_v1;
        let proven = match check {
            "aud" if of_graph => 0,
            "aud" if is_early => 2,
            _ => at,
        };
        Self { refusal, at, proven }
    }

    fn describe(&self, check: DoctorCheck, subject: String, seen: &str) -> Finding {
        let diagnostics = &self.refusal.diagnostics;
        let seen = diagnostics.seen.as_deref().unwrap_or(seen);
        let expected = diagnostics.expected.as_deref().filter(|expected| !expected.is_empty());
        let seen = match expected {
            Some(expected) => format!("{seen}; taken would be {expected}"),
            None => seen.to_owned(),
        };
        Finding::failed(check, subject, seen).advise(diagnostics.hint)
    }
}

/// Whether the token is the user's whose key was given.
pub(super) fn compare_user(token: &ExchangeableToken, user: &UserKey) -> Finding {
    let subject = format!("user {user}");
    if token.user == *user {
        return Finding::ok(DoctorCheck::User, subject, "is the user of the token");
    }
    Finding::failed(DoctorCheck::User, subject, format!("the token is of another user: {}", token.user)).advise(
        "let this user's client get the token; if it did, the user is signed in there with another account or as a guest",
    )
}

/// Whether the clients that may sign users in include those of Teams, if only listed ones may.
pub(super) fn check_clients(section: &ConnectionSection, is_of_bot: bool) -> Finding {
    let subject = format!("{}.authorized_clients", section.place());
    let listed = &section.connection.exchange.authorized_clients;
    if listed.is_empty() {
        return Finding::ok(
            DoctorCheck::AuthorizedClients,
            subject,
            "any client may hand in tokens for the connection",
        );
    }
    let names = listed.iter().map(|id| {
        let known = KNOWN_CLIENTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id));
        known.map_or_else(|| id.clone(), |(_, name)| format!("{id} ({name})"))
    });
    let seen = names.collect::<Vec<_>>().join(", ");
    let lacks = |client: &&&str| !listed.iter().any(|id| id.eq_ignore_ascii_case(client));
    let missing: Vec<&str> = CLIENTS_OF_TEAMS.iter().filter(lacks).copied().collect();
    let is_of_entra = section.connection.exchange.entra_provider().is_some();
    if missing.is_empty() || !is_of_bot || !is_of_entra {
        return Finding::ok(DoctorCheck::AuthorizedClients, subject, seen);
    }
    Finding::warning(
        DoctorCheck::AuthorizedClients,
        subject,
        format!("{seen}: not all clients of Teams are among them"),
    )
    .advise(format!("add {} if the bot's users are in Teams", missing.join(" and ")))
}

/// The connections among `sections` that the token may be for, by its audience; all of them if the audience fits none.
pub(super) fn choose<'a>(
    sections: &[&'a ConnectionSection],
    raw: &Secret,
    validators: &TokenValidators,
) -> Vec<&'a ConnectionSection> {
    let connections: Vec<Arc<Connection>> =
        sections.iter().map(|section| Arc::new(section.connection.clone())).collect();
    let fitting: Vec<&Arc<Connection>> = validators.find_by_audience(&connections, raw.expose()).collect();
    let fits = |section: &&&ConnectionSection| {
        fitting.iter().any(|it| it.holder == section.connection.holder && it.name == section.connection.name)
    };
    let chosen: Vec<&ConnectionSection> = sections.iter().filter(fits).copied().collect();
    if chosen.is_empty() { sections.to_vec() } else { chosen }
}
