use std::borrow::Cow;

use super::replies::Decline;

/// Longest `state` taken, in bytes.
const STATE_LIMIT: usize = 16 * 1024;
/// Longest other value taken, in bytes: ids and names (DESIGN §5.13).
const VALUE_LIMIT: usize = 512;

/// A query string as the Token Service's clients write them: names in any case, an empty value means none
/// (token-service-api rules 1 to 3).
pub(super) struct Query<'q> {
    values: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Reads a query by the rules of forms: `+` is a space. Of a repeated name the first counts.
    pub(super) fn parse(text: &'q str) -> Self {
        let fits = |name: &str, value: &str| {
            let limit = if name.eq_ignore_ascii_case("state") { STATE_LIMIT } else { VALUE_LIMIT };
            !value.is_empty() && value.len() <= limit
        };
        let parsed = url::form_urlencoded::parse(text.as_bytes());
        Self { values: parsed.filter(|(name, value)| fits(name, value)).collect() }
    }

    /// The value of `name`, in whatever case.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The same of a `name` that must be there.
    pub(super) fn get(&self, name: &'static str) -> Result<&str, Decline> {
        self.find(name).ok_or(Decline::Missing(name))
    }
}
