use std::collections::HashMap;

use super::replies::Decline;

/// Longest `state` taken, in bytes.
const STATE_LIMIT: usize = 16 * 1024;
/// Longest `claims` taken, in bytes. A challenge of more than 8 KiB is none, and that is said, not passed over.
const CLAIMS_LIMIT: usize = 64 * 1024;
/// Longest other value taken, in bytes: ids and names (DESIGN §5.13).
const VALUE_LIMIT: usize = 512;

/// A query string as the Token Service's clients write them: names in any case, an empty value means none
/// (token-service-api rules 1 to 3).
pub struct Query {
    values: HashMap<String, String>,
}

impl Query {
    /// Reads a query by the rules of forms: `+` is a space. Of a repeated name the first counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut values = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let name = name.to_ascii_lowercase();
            let limit = match name.as_str() {
                "state" => STATE_LIMIT,
                "claims" => CLAIMS_LIMIT,
                _ => VALUE_LIMIT,
            };
            if !value.is_empty() && value.len() <= limit {
                values.entry(name).or_insert_with(|| value.into_owned());
            }
        }
        Self { values }
    }

    /// The value of `name`, which is given in lower case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The same of `name` as it is documented; it must be there.
    pub(super) fn get(&self, name: &'static str) -> Result<&str, Decline> {
        self.find(&name.to_ascii_lowercase()).ok_or(Decline::Missing(name))
    }
}
