//! The service's answers as text for a person.

use serde_json::Value;

/// A list of elements as a table: the title, the columns, and the member of an element that each column shows.
struct Table<'a> {
    title: &'a str,
    columns: &'a [Column],
}

/// A column and the JSON pointer of what it shows.
struct Column {
    head: &'static str,
    pointer: &'static str,
}

const fn column(head: &'static str, pointer: &'static str) -> Column {
    Column { head, pointer }
}

const TOKENS: Table<'_> = Table {
    title: "tokens",
    columns: &[
        column("ID", "/id"),
        column("HOLDER", "/account/holder"),
        column("CHANNEL", "/account/channel"),
        column("ACCOUNT", "/account/subject"),
        column("CONNECTION", "/connection"),
        column("RESOURCE", "/resource"),
        column("OBTAINED", "/obtainedAt"),
        column("EXPIRES", "/expiresAt"),
        column("REFRESHABLE", "/hasRefreshToken"),
        column("CURRENT", "/isCurrent"),
    ],
};

const SESSIONS: Table<'_> = Table {
    title: "sessions",
    columns: &[
        column("ID", "/id"),
        column("DIRECTORY", "/directory"),
        column("SIGNED IN BY", "/signedInBy"),
        column("BEGUN", "/begunAt"),
        column("LAST USED", "/lastUsedAt"),
        column("ENDS", "/endsAt"),
        column("BROWSER", "/browser"),
    ],
};

const PINS: Table<'_> = Table {
    title: "pins",
    columns: &[
        column("ID", "/id"),
        column("HOLDER", "/account/holder"),
        column("CHANNEL", "/account/channel"),
        column("PARENT", "/account/parent"),
        column("ACCOUNT", "/account/subject"),
        column("SINCE", "/pinnedAt"),
    ],
};

const OFFERS: Table<'_> = Table {
    title: "offers",
    columns: &[
        column("ID", "/id"),
        column("HOLDER", "/account/holder"),
        column("CHANNEL", "/account/channel"),
        column("ACCOUNT", "/account/subject"),
        column("CONNECTION", "/connection"),
        column("SINCE", "/begunAt"),
        column("ENDS", "/endsAt"),
    ],
};

const ACCOUNTS: Table<'_> = Table {
    title: "accounts",
    columns: &[
        column("HOLDER", "/account/holder"),
        column("CHANNEL", "/account/channel"),
        column("PARENT", "/account/parent"),
        column("ACCOUNT", "/account/subject"),
        column("USER KEYS", "/userKeys"),
    ],
};

/// What is kept of a person.
pub(super) fn show_person(answer: &Value) -> String {
    let mut text = cell(answer, "/userKey");
    let linked = cell(answer, "/linkedKeys");
    if linked != NOTHING {
        text = format!("{text}\nThe same person has other keys: {linked}");
    }
    for table in [TOKENS, SESSIONS, PINS, OFFERS] {
        text = format!("{text}\n\n{}", table.render(answer));
    }
    text
}

/// The persons of an account.
pub(super) fn show_accounts(answer: &Value) -> String {
    ACCOUNTS.render(answer)
}

/// How much is kept of all persons.
pub(super) fn show_counts(answer: &Value) -> String {
    let mut lines = vec![format!("counted at {}", cell(answer, "/countedAt"))];
    if answer.get("isComplete").and_then(Value::as_bool) == Some(false) {
        lines.push("The count goes on, and this is what it has met until now: call again for all.".to_owned());
    }
    let named = [
        column("users with tokens", "/usersWithTokens"),
        column("tokens", "/tokens"),
        column("sessions", "/sessions"),
        column("pins", "/pins"),
        column("offers", "/offers"),
        column("records that do not open", "/unopenedRecords"),
        column("bytes of the store", "/storeSizeBytes"),
    ];
    let mut rows: Vec<Vec<String>> =
        named.iter().map(|named| vec![named.head.to_owned(), cell(answer, named.pointer)]).collect();
    let kinds = answer.get("records").and_then(Value::as_object).into_iter().flatten();
    rows.extend(kinds.map(|(kind, count)| vec![format!("records of {}", printable(kind)), count.to_string()]));
    lines.extend(align(&rows));
    lines.join("\n")
}

/// What has ended.
pub(super) fn show_ended(answer: &Value) -> String {
    let user = cell(answer, "/userKey");
    let said = [
        column("token", "has ended: the account is signed out of the connection"),
        column("session", "has ended"),
        column("pin", "is forgotten: the account is signed out, and may belong to another person next"),
        column("offer", "has ended: its card cannot be answered any more"),
    ];
    for said in &said {
        let Some(element) = answer.get(said.head) else { continue };
        let what = ["/account/holder", "/account/channel", "/account/subject", "/connection", "/directory", "/browser"];
        let what: Vec<String> = what.iter().map(|at| cell(element, at)).filter(|text| text != NOTHING).collect();
        return format!("The {} of {user} ({}) {}.", said.head, what.join(" "), said.pointer);
    }
    user
}

/// What a cell without a value has.
const NOTHING: &str = "-";

impl Table<'_> {
    /// The list `title` of the answer.
    fn render(&self, answer: &Value) -> String {
        let elements = answer.get(self.title).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let title = format!("{} ({})", self.title, elements.len());
        if elements.is_empty() {
            return title;
        }
        let head = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let row = |element| self.columns.iter().map(|column| cell(element, column.pointer)).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(elements.iter().map(row)).collect();
        std::iter::once(title).chain(align(&rows)).collect::<Vec<_>>().join("\n")
    }
}

/// The rows as lines, whose columns begin at the same places.
fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The value at `pointer`, for a terminal.
fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => printable(text),
        Some(Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(texts)) if !texts.is_empty() => {
            texts.iter().filter_map(Value::as_str).map(printable).collect::<Vec<_>>().join(", ")
        }
        _ => NOTHING.to_owned(),
    }
}

/// A text from outside without characters that a terminal acts on.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_is_shown_in_aligned_columns_and_no_text_commands_the_terminal() {
        let account = json!({ "holder": "demo", "channel": "msteams", "subject": "29:\u{1b}[2Jada" });
        let person = json!({
            "userKey": "a@t", "linkedKeys": ["cloud_directory:m/1"], "tokens": [], "sessions": [],
            "pins": [{ "id": "P", "account": account, "pinnedAt": "2026-01-31T12:00:00Z" }],
            "offers": [],
        });
        let text = show_person(&person);
        assert_eq!(
            text,
            "a@t\nThe same person has other keys: cloud_directory:m/1\n\ntokens (0)\n\nsessions (0)\n\npins (1)\n  \
             ID  HOLDER  CHANNEL  PARENT  ACCOUNT     SINCE\n  \
             P   demo    msteams  -       29:\u{fffd}[2Jada  2026-01-31T12:00:00Z\n\noffers (0)"
        );
    }

    #[test]
    fn counts_say_whether_they_are_complete() {
        let counts =
            json!({ "countedAt": "t", "isComplete": false, "usersWithTokens": 3, "records": { "vault.token": 4 } });
        let text = show_counts(&counts);
        assert!(text.contains("call again for all") && text.contains("users with tokens         3"), "{text}");
        assert!(text.contains("records of vault.token    4"), "{text}");
        assert!(!show_counts(&json!({ "isComplete": true })).contains("call again"));
    }

    #[test]
    fn what_has_ended_is_named() {
        let account = json!({ "holder": "demo", "channel": "msteams", "subject": "29:ada" });
        let ended = json!({ "userKey": "a@t", "token": { "account": account, "connection": "graph" } });
        assert_eq!(
            show_ended(&ended),
            "The token of a@t (demo msteams 29:ada graph) has ended: the account is signed out of the connection."
        );
    }
}
