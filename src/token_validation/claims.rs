use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{JsonShape, Timestamp, read_bounded_json};

/// The claims that some rule reads; all others are dropped while parsing.
const KNOWN_CLAIMS: [&str; 45] = [
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "tid",
    "oid",
    "sub",
    "ver",
    "azp",
    "appid",
    "azpacr",
    "appidacr",
    "scp",
    "roles",
    "idtyp",
    "upn",
    "preferred_username",
    "unique_name",
    "nonce",
    "acct",
    "acr",
    "amr",
    "acrs",
    "xms_cc",
    "idp",
    "sid",
    "uti",
    "name",
    "email",
    "given_name",
    "family_name",
    "auth_time",
    "xms_par_app_azp",
    "xms_act_fct",
    "xms_sub_fct",
    "jti",
    "scope",
    "client_id",
    "cnf",
    "typ",
    "at_hash",
    "c_hash",
    "gty",
    "events",
];
/// The channel's claim, spelled in lower case by the Bot Connector.
const SERVICE_URL: &str = "serviceurl";
/// How far clocks may differ (docs/protocols/bot-auth-and-skills.md §2 rules 12–13,
/// docs/protocols/entra-obo.md §1 rule 15).
pub(super) const MAX_CLOCK_SKEW: Duration = Duration::from_mins(5);
/// Managed-identity and continuous-access tokens live up to 28 h; nothing genuine lives longer than this.
const MAX_LIFETIME: Duration = Duration::from_hours(48);

/// The claims of a token. The type that holds them says whether they are verified.
///
/// A token has some twenty of them, so a list is searched faster than a tree, and takes a third of its memory.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<NamedClaim>);

#[derive(Debug)]
struct NamedClaim {
    name: &'static str,
    value: Claim,
}

/// How many of the known claims a token of Entra has.
const TYPICAL_CLAIMS: usize = 24;

/// The name of a claim, which is a part of the token's JSON unless it is written with escapes.
struct ClaimName<'de>(Cow<'de, str>);

/// The value of a claim.
#[derive(Debug)]
enum Claim {
    /// A text, a number, `true`, `false` or `null`.
    Scalar(Value),
    /// An array or an object, as JSON. Its parts would take many times its memory.
    Composite(String),
}

/// The lifetime of a token, after a check that its length is plausible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub(super) ends: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) issued: Option<Timestamp>,
}

impl Claims {
    // Inlined, so that a literal name is compared in place: most names have three letters, and calls would cost more.
    #[inline]
    fn find(&self, name: &str) -> Option<&Claim> {
        self.0.iter().find(|claim| claim.name == name).map(|claim| &claim.value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !matches!(self.find(name), None | Some(Claim::Scalar(Value::Null)))
    }

    /// The claim, if it is a non-empty string.
    #[inline]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.scalar(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The claim as a list, whether it is one string or an array of strings; `None` if it holds anything else.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.find(name)? {
            Claim::Scalar(Value::String(text)) => Some(vec![text.clone()]),
            Claim::Scalar(_) => None,
            Claim::Composite(json) => read_bounded_json(json.as_bytes()).ok(),
        }
    }

    /// The claim as canonical text, whatever its type; arrays are sorted, because their order has no meaning.
    pub(super) fn canonical(&self, name: &str) -> Option<String> {
        match self.find(name)? {
            Claim::Scalar(Value::Null) => None,
            Claim::Scalar(value) => Some(value.to_string()),
            Claim::Composite(json) => match read_bounded_json(json.as_bytes()) {
                Ok(Value::Array(items)) => {
                    let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
                    items.sort();
                    Some(items.join(","))
                }
                Ok(other) => Some(other.to_string()),
                // More values than any issuer writes: the text as it is.
                Err(_) => Some(json.clone()),
            },
        }
    }

    /// The claim as text, where some issuers write a number and others a string (`azpacr`). Empty if it is of any other
    /// type.
    pub(super) fn string_or_number(&self, name: &str) -> Option<String> {
        match self.find(name)? {
            Claim::Scalar(Value::String(text)) => Some(text.clone()),
            Claim::Scalar(Value::Number(number)) => Some(number.to_string()),
            Claim::Scalar(_) | Claim::Composite(_) => Some(String::new()),
        }
    }

    /// Whether `events` has the member `event`, whose value is an object (RFC 8417 §2.2).
    pub(super) fn has_event(&self, event: &str) -> bool {
        let Some(Claim::Composite(json)) = self.find("events") else { return false };
        let events: Option<Value> = read_bounded_json(json.as_bytes()).ok();
        events.is_some_and(|events| events.get(event).is_some_and(Value::is_object))
    }

    /// Whether `scp` lists `scope` as a whole element.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        let lists_scope = |scopes: &str| {
            // Bytes are split more cheaply than characters.
            scopes.as_bytes().split(|byte| *byte == b' ').any(|element| element == scope.as_bytes())
        };
        self.text("scp").is_some_and(lists_scope)
    }

    /// Whether the claim `name` lists `facet`. Facets are numbers with spaces between them, in any order. A word that is
    /// no number makes the whole claim empty (docs/protocols/agent-identity.md §3).
    pub(super) fn has_facet(&self, name: &str, facet: u32) -> bool {
        let Some(listed) = self.string_or_number(name) else { return false };
        let words = || listed.split(' ').filter(|word| !word.is_empty());
        let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?;
        words().all(|word| number(word).is_some()) && words().any(|word| number(word) == Some(facet))
    }

    /// `exp`, `nbf` and `iat`; the error names the claim that is missing or implausible. Floats are accepted, because some
    /// libraries write them.
    pub(super) fn lifetime(&self) -> Result<Lifetime, &'static str> {
        let ends = self.moment("exp")?.ok_or("exp")?;
        let not_before = self.moment("nbf")?;
        let issued = self.moment("iat")?;
        let begun = [not_before, issued].into_iter().flatten().min();
        if begun.is_some_and(|begun| begun.until(ends) > MAX_LIFETIME) {
            return Err("exp");
        }
        Ok(Lifetime { ends, not_before, issued })
    }

    #[inline]
    fn scalar(&self, name: &str) -> Option<&Value> {
        match self.find(name) {
            Some(Claim::Scalar(value)) => Some(value),
            _ => None,
        }
    }

    /// The claim, if it is a point in time.
    pub(super) fn time(&self, name: &'static str) -> Option<Timestamp> {
        self.moment(name).ok().flatten()
    }

    /// `None` if absent; an error if it is no point in time.
    fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, &'static str> {
        if !self.has(name) {
            return Ok(None);
        }
        let since_epoch = self
            .scalar(name)
            .and_then(Value::as_f64)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or(name)?;
        Ok(Some(Timestamp::from_unix_millis(0).plus(since_epoch)))
    }
}

impl Lifetime {
    /// The claim that puts the token further into the future than clocks may differ, if there is one.
    pub(super) fn find_future_claim(&self, now: Timestamp) -> Option<&'static str> {
        let latest = now.plus(MAX_CLOCK_SKEW);
        if self.not_before.is_some_and(|begins| begins > latest) {
            return Some("nbf");
        }
        if self.issued.is_some_and(|issued| issued > latest) {
            return Some("iat");
        }
        // The maximum lifetime also holds for a token without `nbf` and `iat`.
        (self.ends > latest.plus(MAX_LIFETIME)).then_some("exp")
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

impl<'de> Deserialize<'de> for ClaimName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ClaimNameVisitor)
    }
}

struct ClaimNameVisitor;

impl<'de> Visitor<'de> for ClaimNameVisitor {
    type Value = ClaimName<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a claim")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(ClaimName(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(ClaimName(Cow::Owned(name.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        if json.starts_with(['[', '{']) {
            // Skipped text is not checked as strictly as text that is read.
            serde_json::from_str::<JsonShape>(json).map_err(D::Error::custom)?;
            return Ok(Self::Composite(json.to_owned()));
        }
        serde_json::from_str(json).map(Self::Scalar).map_err(D::Error::custom)
    }
}

/// Refuses an object in which a claim that we read occurs twice, or once more in another case: two readers of such a
/// token may see two different tenants (docs/protocols/entra-obo.md §1 rule 10).
struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut seen: Vec<&'static str> = Vec::with_capacity(TYPICAL_CLAIMS);
        let mut claims = Vec::with_capacity(TYPICAL_CLAIMS);
        while let Some(ClaimName(name)) = map.next_key()? {
            let alike = |read: &str| name.eq_ignore_ascii_case(read);
            let read = KNOWN_CLAIMS.iter().chain([&SERVICE_URL]).find(|read| alike(read));
            let Some(read) = read else {
                map.next_value::<JsonShape>()?;
                continue;
            };
            let value: Claim = map.next_value()?;
            if seen.contains(read) {
                return Err(A::Error::custom("a claim occurs twice"));
            }
            seen.push(read);
            if name == *read {
                claims.push(NamedClaim { name: read, value });
            }
        }
        claims.shrink_to_fit();
        Ok(Claims(claims))
    }
}
