use std::borrow::Cow;

use super::replies::Decline;

/// Longest `state` taken, in bytes.
const STATE_LIMIT: usize = 16 * 1024;
/// Longest `claims` taken, in bytes. A challenge of more than 8 KiB is none, and that is said, not passed over.
const CLAIMS_LIMIT: usize = 64 * 1024;
/// Longest `finalRedirect`, list of connections and text for a card taken, in bytes.
const LONG_LIMIT: usize = 2048;
/// Longest other value taken, in bytes: ids and names (DESIGN §5.13).
pub(super) const VALUE_LIMIT: usize = 512;

/// The parameters that operations look at.
const KNOWN: [&str; 11] = [
    "userId",
    "connectionName",
    "channelId",
    "code",
    "state",
    "claims",
    "include",
    "finalRedirect",
    "text",
    "title",
    "resourceUrls",
];

/// A query string as the Token Service's clients write them: names in any case, an empty value means none
/// (token-service-api rules 1 to 3).
pub struct Query<'q> {
    values: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    /// A parameter whose value is not found because it is too long.
    overlong: Option<&'static str>,
}

impl<'q> Query<'q> {
    /// Reads a query by the rules of forms: `+` is a space. Of a repeated name the first counts.
    #[must_use]
    pub fn parse(text: &'q str) -> Self {
        let fits = |name: &str, value: &str| {
            let limits = [
                ("state", STATE_LIMIT),
                ("claims", CLAIMS_LIMIT),
                ("finalRedirect", LONG_LIMIT),
                ("include", LONG_LIMIT),
                ("text", LONG_LIMIT),
                // Whatever is typed into a chat may come as a code: a long text is a wrong one.
                ("code", usize::MAX),
            ];
            let own = limits.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            let limit = own.map_or(VALUE_LIMIT, |(_, limit)| *limit);
            value.len() <= limit
        };
        let known = |name: &str| KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(without_index(name)));
        let parsed = url::form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty());
        let mut overlong = None;
        let fitting = parsed.filter(|(name, value)| {
            let fits = fits(name, value);
            if !fits {
                overlong = overlong.or(known(name));
            }
            fits
        });
        Self { values: fitting.collect(), overlong }
    }

    /// Refuses a query of which something that counts is too long: it must not pass for one that does not say it.
    pub(super) fn require_bounded(self) -> Result<Self, Decline> {
        match self.overlong {
            Some(name) => Err(Decline::TooLong(name)),
            None => Ok(self),
        }
    }

    /// The value of `name`, in whatever case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// All values of `name`: repeated, or with an index, `name[0]`.
    pub(super) fn list<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let named = self.values.iter().filter(move |(other, _)| without_index(other).eq_ignore_ascii_case(name));
        named.map(|(_, value)| &**value)
    }

    /// The same of a `name` that must be there.
    pub(super) fn get(&self, name: &'static str) -> Result<&str, Decline> {
        self.find(name).ok_or(Decline::Missing(name))
    }
}

/// `name` for `name[0]` and `name[]`.
fn without_index(name: &str) -> &str {
    let indexed = name.strip_suffix(']').and_then(|open| open.rsplit_once('['));
    indexed.filter(|(_, index)| index.bytes().all(|byte| byte.is_ascii_digit())).map_or(name, |(name, _)| name)
}
