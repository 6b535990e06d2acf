use std::borrow::Cow;

use super::replies::Decline;

/// Longest `state` taken, in bytes.
const STATE_LIMIT: usize = 16 * 1024;
/// Longest `claims` taken, in bytes. A challenge of more than 8 KiB is none, and that is said, not passed over.
const CLAIMS_LIMIT: usize = 64 * 1024;
/// Longest other value taken, in bytes: ids and names (DESIGN §5.13).
const VALUE_LIMIT: usize = 512;

/// A query string as the Token Service's clients write them: names in any case, an empty value means none
/// (token-service-api rules 1 to 3).
pub struct Query<'q> {
    values: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Reads a query by the rules of forms: `+` is a space. Of a repeated name the first counts.
    #[must_use]
    pub fn parse(text: &'q str) -> Self {
        let fits = |name: &str, value: &str| {
            let limits = [("state", STATE_LIMIT), ("claims", CLAIMS_LIMIT)];
            let own = limits.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            let limit = own.map_or(VALUE_LIMIT, |(_, limit)| *limit);
            !value.is_empty() && value.len() <= limit
        };
        let parsed = url::form_urlencoded::parse(text.as_bytes());
        Self { values: parsed.filter(|(name, value)| fits(name, value)).collect() }
    }

    /// The value of `name`, in whatever case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The same of a `name` that must be there.
    pub(super) fn get(&self, name: &'static str) -> Result<&str, Decline> {
        self.find(name).ok_or(Decline::Missing(name))
    }
}
