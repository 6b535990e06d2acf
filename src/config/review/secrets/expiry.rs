//! The end of a secret, as the operator writes it.

use serde::Deserialize;
use time::Date;
use time::macros::format_description;
use toml::Value;

use crate::config::review::{Place, Proposal, Review};
use crate::domain::{Clock as _, CredentialEnd, SystemClock, Timestamp};

/// `expires` beside a secret: a date of TOML, or a text in the same form, as variables of the environment have it. What it
/// is shows when it is validated, so that the problem is at its own place.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct WrittenExpiry(Value);

impl From<Value> for WrittenExpiry {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl WrittenExpiry {
    /// The beginning of the day in UTC: a provider states the day, and the secret ends within it.
    fn read(&self) -> Option<Timestamp> {
        Some(Timestamp::from_unix_seconds(read_date(&self.0)?.midnight().assume_utc().unix_timestamp()))
    }

    /// The value to write instead, if one is meant: a list of one date.
    fn right(&self, place: &Place) -> Option<Proposal> {
        let [one] = self.0.as_array()?.as_slice() else { return None };
        read_date(one)
            .and_then(|date| date.to_string().parse().ok())
            .map(|date| Proposal::value(place, Value::Datetime(date)))
    }
}

fn read_date(value: &Value) -> Option<Date> {
    let text = match value {
        Value::Datetime(moment) => moment.date?.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    Date::parse(&text, format_description!("[year]-[month]-[day]")).ok()
}

impl Review<'_> {
    /// Notes that the credential at `credential` ends as `written` at `place` says, and warns if that is soon.
    pub(in crate::config) fn expiry(&mut self, written: &WrittenExpiry, credential: &Place, place: &Place) {
        let Some(ends) = written.read() else {
            let write = "the day on which the secret ends, as 2027-01-31";
            self.propose_or(place, "is no date", written.right(place), write);
            return;
        };
        self.note_end(credential, ends);
        let end = CredentialEnd { place: credential.as_str().to_owned(), ends };
        if let Some(warning) = end.find_warning(SystemClock.now()) {
            self.warn(place, warning);
        }
    }
}
