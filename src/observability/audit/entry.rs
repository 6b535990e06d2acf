use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::AuditEvent;
use super::stream;
use crate::domain::{Account, Clock, SystemClock, TenantId, TokenSlot, UserKey};
use crate::observability::concealed_user::conceal;

const TIME: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// One line of the audit stream that is being composed. Its fields are the whole vocabulary: it has no place for a token,
/// and names a person by the user key only (docs/operating.md §Audit stream).
#[derive(Clone, Debug)]
#[must_use = "an entry is written by `write`"]
pub struct AuditEntry<'a> {
    event: AuditEvent,
    fields: Fields<'a>,
}

/// The fields that a line may have beside time and event.
#[derive(Clone, Debug, Default, Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    bot: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    administrator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<BTreeMap<&'static str, usize>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreached: Vec<&'static str>,
}

/// A whole line.
#[derive(Serialize)]
struct Line<'a> {
    stream: &'static str,
    timestamp: String,
    event: &'static str,
    security: bool,
    #[serde(flatten)]
    fields: &'a Fields<'a>,
}

impl<'a> AuditEntry<'a> {
    /// The names of the fields of a line, in their order.
    pub const FIELDS: [&'static str; 17] = [
        "stream",
        "timestamp",
        "event",
        "security",
        "bot",
        "channel",
        "connection",
        "tenant",
        "application",
        "user",
        "correlation_id",
        "administrator",
        "client",
        "detail",
        "count",
        "ended",
        "unreached",
    ];

    /// An entry that says `event` and nothing else yet.
    pub fn new(event: AuditEvent) -> Self {
        Self { event, fields: Fields::default() }
    }

    /// Adds the bot, by its name in the configuration.
    pub fn bot(mut self, bot: &'a str) -> Self {
        self.fields.bot = Some(bot);
        self
    }

    /// Adds the connection, by its name in the configuration.
    pub fn connection(mut self, connection: &'a str) -> Self {
        self.fields.connection = Some(connection);
        self
    }

    /// Adds the bot and the channel of an account. The account's user id is left out.
    pub fn account(mut self, account: &'a Account) -> Self {
        self.fields.bot = Some(account.holder.as_str());
        self.fields.channel = account.channel_name();
        self
    }

    /// Adds the bot, the channel and the connection of a slot.
    pub fn slot(self, slot: &'a TokenSlot) -> Self {
        self.account(&slot.account).connection(slot.connection.as_str())
    }

    /// Adds the tenant id of a directory.
    pub fn tenant(mut self, tenant: &'a TenantId) -> Self {
        self.fields.tenant = Some(tenant.as_str());
        self
    }

    /// Adds an application of a directory, by its client id. The caller has found it in the directory's settings.
    pub fn application(mut self, client_id: &'a str) -> Self {
        self.fields.application = Some(client_id);
        self
    }

    /// Adds the administrator of a directory who asked, by the name in the configuration; `operator` for the operator.
    pub fn administrator(mut self, name: &'a str) -> Self {
        self.fields.administrator = Some(name);
        self
    }

    /// Adds the person that the event happened to. A stream on standard error names the person as the log does.
    pub fn user(mut self, user: &UserKey) -> Self {
        let name = if stream::is_in_log() { conceal(user).to_string() } else { user.to_string() };
        self.fields.user = Some(name);
        self
    }

    /// Adds the id under which the log has lines of the same request.
    pub fn correlation_id(mut self, correlation_id: &'a str) -> Self {
        self.fields.correlation_id = Some(correlation_id);
        self
    }

    /// Adds the address of the client that made the request, if it is known.
    pub fn client(mut self, client: Option<IpAddr>) -> Self {
        self.fields.client = client;
        self
    }

    /// Adds a word of the program or of the configuration; never text from outside.
    pub fn detail(mut self, detail: &'a str) -> Self {
        self.fields.detail = Some(detail);
        self
    }

    /// Adds a number of things that the event happened to.
    pub fn count(mut self, count: usize) -> Self {
        self.fields.count = Some(count);
        self
    }

    /// Adds what has ended, and how many of each.
    pub fn ended(mut self, ended: BTreeMap<&'static str, usize>) -> Self {
        self.fields.ended = Some(ended);
        self
    }

    /// Adds the names of what could not be ended.
    pub fn unreached(mut self, names: Vec<&'static str>) -> Self {
        self.fields.unreached = names;
        self
    }

    /// Writes the line, if there is an audit stream. It is written within a tenth of a second; if its output blocks or
    /// fails, it is left out and counted.
    pub fn write(self) {
        if stream::is_open() {
            stream::write(&self.to_line());
        }
    }

    fn to_line(&self) -> Vec<u8> {
        let now = SystemClock.now();
        let time = OffsetDateTime::from_unix_timestamp(now.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let time = time + time::Duration::milliseconds(now.unix_millis().rem_euclid(1000));
        let line = Line {
            stream: "audit",
            // Every component of the format is part of a date, so it cannot fail.
            timestamp: time.format(TIME).unwrap_or_else(|_| String::new()),
            event: self.event.name(),
            security: self.event.is_security(),
            fields: &self.fields,
        };
        // Strings and numbers cannot fail to serialise.
        let mut text = serde_json::to_vec(&line).unwrap_or_else(|_| Vec::new());
        text.push(b'\n');
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::{AuditEntry, AuditEvent, UserKey};

    #[test]
    fn a_line_is_one_flat_json_object_with_the_declared_fields_in_their_order() {
        let user = UserKey::from_parts("https://issuer.example", "so\"me\none");
        let entry = AuditEntry::new(AuditEvent::IdentityMismatch).bot("demo").connection("graph").user(&user);
        let whole = entry.correlation_id("1-2").client("192.0.2.1".parse().ok()).detail("pin").count(3);
        let tenant = crate::domain::TenantId::new("market");
        let mut whole = whole.tenant(&tenant).application("shop").administrator("ops");
        whole = whole.ended(std::collections::BTreeMap::from([("tokens", 2)])).unreached(vec!["sessions"]);
        whole.fields.channel = Some("msteams");
        let text = String::from_utf8(whole.to_line()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["event"], "identity_mismatch");
        assert_eq!(line["user"], "so\"me\none@https://issuer.example");
        assert_eq!((&line["ended"]["tokens"], &line["unreached"][0]), (&2.into(), &"sessions".into()));
        assert_eq!((&line["security"], &line["count"]), (&true.into(), &3.into()));
        assert!(line["timestamp"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')));
        let places: Vec<usize> =
            AuditEntry::FIELDS.iter().map(|field| text.find(&format!("\"{field}\":")).unwrap()).collect();
        assert!(places.is_sorted());
        assert_eq!(line.as_object().unwrap().len(), AuditEntry::FIELDS.len());
        let short = String::from_utf8(AuditEntry::new(AuditEvent::Started).to_line()).unwrap();
        assert!(short.ends_with("\"event\":\"started\",\"security\":false}\n"), "{short}");
    }
}
