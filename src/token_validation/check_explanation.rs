use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::claims::Claims;
use crate::domain::{TenantPolicy, Timestamp};
use crate::observability::{to_log_list, to_log_text};

/// At most this many characters of a value from outside are logged.
const MAX_SEEN_CHARS: usize = 200;
/// Longer tokens are not looked at again.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What the operator's log says about a check that refused a token: never sent to a client, and without any secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckExplanation {
    /// What the check compares, and which setting decides. No two checks share a hint.
    pub hint: &'static str,
    /// What came, cut and printable; `None` if the check compares no single value.
    pub seen: Option<String>,
    /// What would have been accepted.
    pub expected: Option<String>,
}

/// A check, or a case of a check, and its hint.
#[derive(Clone, Copy, Debug)]
pub(super) struct HintRow {
    pub(super) case: &'static str,
    pub(super) hint: &'static str,
}

/// A row of a table of hints.
pub(super) const fn row(case: &'static str, hint: &'static str) -> HintRow {
    HintRow { case, hint }
}

/// A token, read for the log or for the operator without any check of its own. Its values are the sender's words.
#[derive(Debug, Default)]
pub struct SightedToken {
    header: Map<String, Value>,
    pub(super) claims: Claims,
    length: usize,
}

impl SightedToken {
    /// Reads what can be read of `raw`.
    #[must_use]
    pub fn read(raw: &str) -> Self {
        let mut sighted = Self { length: raw.len(), ..Self::default() };
        let mut parts = raw.split('.').filter(|_| raw.len() <= MAX_TOKEN_BYTES);
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        if let Some(header) = parts.next().and_then(decode).and_then(|json| serde_json::from_slice(&json).ok()) {
            sighted.header = header;
        }
        if let Some(claims) = parts.next().and_then(decode).and_then(|json| serde_json::from_slice(&json).ok()) {
            sighted.claims = claims;
        }
        sighted
    }

    /// The named members of the header and claims, as `name=value` in one line; absent ones as `name absent`.
    #[must_use]
    pub fn show(&self, header: &[&str], claims: &[&str]) -> Option<String> {
        let in_header = header.iter().map(|name| (name, self.header.get(*name).map(show_json)));
        let in_claims = claims.iter().map(|name| {
            let text = self.claims.text(name).map(str::to_owned);
            (name, text.or_else(|| self.claims.canonical(name)))
        });
        let shown = in_header.chain(in_claims).map(|(name, value)| match value {
            Some(value) => format!("{name}={}", to_log_text(&value, MAX_SEEN_CHARS)),
            None => format!("{name} absent"),
        });
        Some(shown.collect::<Vec<_>>().join(", ")).filter(|shown| !shown.is_empty())
    }

    /// Whether the header has a member of this name.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.header.contains_key(name)
    }

    /// Whether there is a claim of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.claims.has(name)
    }

    /// The claim `name`, if it is a text that is not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.text(name)
    }

    /// When the token ends, as it says.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        self.claims.time("exp")
    }

    /// How long the token is.
    pub(super) fn show_length(&self) -> String {
        format!("{} bytes", self.length)
    }
}

/// Finds the hint of a case; a table without the case is a fault that a test finds.
pub(super) fn find_hint(table: &[HintRow], case: &str) -> &'static str {
    table.iter().find(|row| row.case == case).map_or("the check has no hint: report a bug", |row| row.hint)
}

/// What a connection's `tenants` accept.
pub(super) fn show_tenants(tenants: &TenantPolicy) -> String {
    match tenants {
        TenantPolicy::Listed(tenants) => to_log_list(tenants),
        TenantPolicy::AnyAccount => "any_account".to_owned(),
        TenantPolicy::AnyOrganization => "any_organization".to_owned(),
    }
}

/// Every check of a token, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    use super::{caller, exchangeable_token, id_token};

    let tables: [(&str, &[HintRow]); 6] = [
        ("exchangeable token", &exchangeable_token::HINTS),
        ("exchangeable token", &exchangeable_token::OTHER_HINTS),
        ("provider's token", &exchangeable_token::PROVIDER_TOKEN_HINTS),
        ("provider's token", &exchangeable_token::OTHER_PROVIDER_TOKEN_HINTS),
        ("ID token", &id_token::HINTS),
        ("caller", &caller::HINTS),
    ];
    let rows = tables.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
    rows.map(|(name, row)| (format!("{name}: {}", row.case), row.hint)).collect()
}

fn show_json(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_validation::{caller, exchangeable_token, id_token};

    /// The names of checks are string literals, so the test reads the sources: a new check needs a row.
    #[test]
    fn each_check_in_the_sources_has_a_row() {
        let of_all = concat!(include_str!("unverified.rs"), include_str!("verifier.rs"), include_str!("issuer.rs"));
        let mut exchangeable: Vec<HintRow> = exchangeable_token::HINTS.to_vec();
        exchangeable.extend(exchangeable_token::OTHER_HINTS);
        let mut of_provider: Vec<HintRow> = exchangeable_token::PROVIDER_TOKEN_HINTS.to_vec();
        // The shared sources also have the checks of issuers that Entra alone has.
        of_provider.extend(exchangeable_token::HINTS);
        for (source, table) in [
            (include_str!("exchangeable_token/mod.rs"), exchangeable),
            (include_str!("exchangeable_token/provider_token.rs"), of_provider),
            (include_str!("id_token/mod.rs"), id_token::HINTS.to_vec()),
            (include_str!("caller/mod.rs"), caller::HINTS.to_vec()),
        ] {
            for before in ["rejected(\"", "invalid(\"", "Err(\"", "ok_or(\"", "Refused(\""] {
                let tests = of_all.find("mod tests {").unwrap_or(of_all.len());
                let shared = of_all.get(..tests).unwrap_or_default();
                for found in source.split(before).skip(1).chain(shared.split(before).skip(1)) {
                    let check = found.split('"').next().unwrap_or_default();
                    assert!(table.iter().any(|row| row.case == check), "{check} has no row");
                }
            }
        }
    }

    #[test]
    fn what_a_token_says_is_shown_on_one_line_without_its_secrets() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let raw = format!(
            "{}.{}.c2ln",
            encode(r#"{"alg":"HS256"}"#),
            encode("{\"aud\":\"api://x\\n\u{202e}y\",\"roles\":[\"b\",\"a\"]}")
        );
        let token = SightedToken::read(&raw);
        assert_eq!(
            token.show(&["alg", "kid"], &["aud", "roles", "tid"]).as_deref(),
            Some("alg=HS256, kid absent, aud=api://x y, roles=\"a\",\"b\", tid absent")
        );
        assert_eq!(SightedToken::read("no token").show(&["alg"], &["aud"]).as_deref(), Some("alg absent, aud absent"));
    }
}
