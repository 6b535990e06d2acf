//! What the doctor and `check --online` have found: one line each.

use std::fmt;

use serde::Serialize;

/// What a finding means for the sign-in of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as the service needs it.
    Ok,
    /// It works, and something about it is probably a mistake or ends soon.
    Warning,
    /// A sign-in fails because of it.
    Failed,
    /// It was not looked at, because something for it is missing.
    Skipped,
}

impl Verdict {
    /// The word of the lines for a person, and of `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Declares the things that are looked at, in the order in which the program meets them.
macro_rules! declare {
    ($($(#[$about:meta])* $check:ident $name:literal;)*) => {
        /// What a finding is about. The names are stable: programs read them in `--json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum DoctorCheck {
            $($(#[$about])* #[serde(rename = $name)] $check,)*
        }

        impl DoctorCheck {
            /// Everything that is looked at.
            pub const ALL: &[Self] = &[$(Self::$check),*];

            /// Its stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)*
                }
            }
        }
    };
}

declare! {
    /// The configuration itself.
    Configuration "configuration";
    /// `webApplicationInfo.id` of the manifest.
    ManifestId "manifest_id";
    /// `webApplicationInfo.resource` of the manifest.
    ManifestResource "manifest_resource";
    /// The scopes of an add-in's manifest.
    ManifestScopes "manifest_scopes";
    /// `validDomains` of the manifest.
    ManifestDomains "manifest_domains";
    /// The bots of the manifest.
    ManifestBot "manifest_bot";
    /// The URI in the card, for which clients get their token.
    ExchangeUri "exchange_uri";
    /// The scopes that a client's token must have, and those that are asked for.
    Scopes "scopes";
    /// The clients that may sign users in.
    AuthorizedClients "authorized_clients";
    /// The form and the header of the given token.
    TokenForm "token_form";
    /// The issuer of the given token.
    TokenIssuer "token_issuer";
    /// The version of the given token.
    TokenVersion "token_version";
    /// The tenant of the given token.
    TokenTenant "token_tenant";
    /// The signature of the given token.
    TokenSignature "token_signature";
    /// The audience of the given token.
    TokenAudience "token_audience";
    /// The lifetime of the given token.
    TokenLifetime "token_lifetime";
    /// The user of the given token.
    TokenUser "token_user";
    /// The scopes of the given token.
    TokenScopes "token_scopes";
    /// The client that got the given token.
    TokenClient "token_client";
    /// The exchange of the given token, which needs the user's consent.
    Consent "consent";
    /// The scopes that the exchange was granted.
    GrantedScopes "granted_scopes";
    /// Whether the provider takes a credential.
    Credential "credential";
    /// When a credential ends.
    CredentialEnd "credential_end";
    /// Whether the redirect URI is registered.
    RedirectUri "redirect_uri";
    /// The signing keys of a provider, and its metadata.
    Keys "keys";
    /// This machine's clock.
    Clock "clock";
    /// The signing keys of the channels, and their metadata.
    ChannelMetadata "channel_metadata";
    /// The endpoint of a bot.
    Bot "bot";
    /// The SDK of a bot, and how the bot goes on after an exchange.
    AfterExchange "after_exchange";
    /// The server for mail.
    Mail "mail";
    /// The store.
    Store "store";
    /// The ring of keys that seal the records of the store.
    KeyRing "key_ring";
    /// The running service's own checks.
    Service "service";
    /// The user, and what is kept of the user.
    User "user";
}

/// One line: what was looked at, what was seen, and what to change. It holds no token and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub check: DoctorCheck,
    /// What was looked at: mostly a place in the configuration.
    pub subject: String,
    /// What it means.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to change, and where; `None` if nothing has to change.
    pub advice: Option<String>,
}

impl Finding {
    /// It is as it has to be.
    #[must_use]
    pub fn ok(check: DoctorCheck, subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { check, subject: subject.into(), verdict: Verdict::Ok, seen: seen.into(), advice: None }
    }

    /// It was not looked at; `seen` says why.
    #[must_use]
    pub fn skipped(check: DoctorCheck, subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::ok(check, subject, seen) }
    }

    /// It is probably a mistake; say what to change with [`Finding::advise`].
    #[must_use]
    pub fn warning(check: DoctorCheck, subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::ok(check, subject, seen) }
    }

    /// A sign-in fails because of it; say what to change with [`Finding::advise`].
    #[must_use]
    pub fn failed(check: DoctorCheck, subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::ok(check, subject, seen) }
    }

    /// Says what to change, and where.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Whether a sign-in fails because of it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.verdict == Verdict::Failed
    }
}

/// The line of `check --online`: all of it in one.
impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.subject, self.seen)?;
        self.advice.iter().try_for_each(|advice| write!(formatter, ": {advice}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_a_row_for_each_check_and_no_other() {
        let guide = include_str!("../../../docs/troubleshooting.md");
        let (_, section) = guide.split_once("## Ask the doctor\n").unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")).filter(|row| !row.starts_with("--"));
        let named: Vec<&str> = rows
            .filter_map(|row| row.split(" |").next())
            .flat_map(|cell| cell.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect();
        assert_eq!(named, DoctorCheck::ALL.iter().map(|check| check.name()).collect::<Vec<_>>());
    }

    #[test]
    fn a_finding_is_one_line_and_an_object_with_stable_names() {
        let finding =
            Finding::failed(DoctorCheck::RedirectUri, "connections.graph", "not registered").advise("register it");
        assert_eq!(finding.to_string(), "connections.graph: not registered: register it");
        assert_eq!(
            serde_json::to_value(&finding).ok(),
            Some(serde_json::json!({
                "check": "redirect_uri", "subject": "connections.graph", "verdict": "failed",
                "seen": "not registered", "advice": "register it",
            }))
        );
    }
}
