//! Finds the right form of a value that has the wrong shape.

mod numbers;

#[cfg(test)]
mod tests;

use toml::{Table, Value};

use crate::config::back_ends::is_hash;
use crate::config::review::{entries_of, without_repetitions};

use numbers::{number, share};

/// The key of addresses that a listener binds; a number there is a port.
const LISTEN: &str = "listen";

/// The key whose words are separated by spaces.
pub(super) const PROMPT: &str = "prompt";

/// The key of a table whose values are any texts.
pub(super) const PARAMETERS: &str = "authorize_params";

/// A value of the right shape.
#[derive(Debug)]
pub(super) struct RightForm {
    pub(super) value: Value,
    /// What messages say instead of the value, which may hold a secret that was written out.
    pub(super) description: Option<&'static str>,
}

impl From<Value> for RightForm {
    fn from(value: Value) -> Self {
        Self { value, description: None }
    }
}

/// What to write for `value` under `key`; `complaint` is the deserializer's message. `None` if the right form cannot be
/// told from the value.
pub(super) fn right_form(key: &str, value: &Value, complaint: &str) -> Option<RightForm> {
    let expected = complaint.rsplit_once("expected ")?.1;
    let is_name = matches!(expected, "a string" | "path string" | "a sequence") || expected.starts_with("a word");
    // A switch is no name of anything, and no number is a prompt.
    if value.is_bool() && is_name && key != PARAMETERS || key == PROMPT && !value.is_array() {
        return None;
    }
    match expected {
        "u64" | "u16" | "u32" | "usize" => number(key, value).map(RightForm::from),
        "f64" => share(value).map(RightForm::from),
        "a boolean" => boolean(value).map(|right| Value::Boolean(right).into()),
        "a string" | "path string" => text(key, value).map(RightForm::from),
        "a sequence" => list(key, value),
        "a table" | "a map" => table(value),
        _ if expected.starts_with("a word") => text(key, value).map(RightForm::from),
        // The message about a value that is no word at all where one of several words is expected.
        _ if expected.contains("string") && !value.is_str() => text(key, value).map(RightForm::from),
        _ => None,
    }
}

/// Whether `value` is a text of hashes alone, so that a message may repeat it.
pub(super) fn is_hash_alone(value: &Value) -> bool {
    value.as_str().is_some_and(|text| entries_of(text).iter().all(|entry| is_hash(entry)))
}

fn boolean(value: &Value) -> Option<bool> {
    let word = match value {
        Value::Boolean(right) => return Some(*right),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Integer(number) => number.to_string(),
        Value::Array(list) => match list.as_slice() {
            [only] => return boolean(only),
            _ => return None,
        },
        _ => return None,
    };
    match word.as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" | "enabled" | "enable" => Some(true),
        "false" | "no" | "off" | "0" | "n" | "f" | "disabled" | "disable" => Some(false),
        _ => None,
    }
}

/// A list of several texts is one text with spaces between them, as OAuth writes scopes and prompts.
fn text(key: &str, value: &Value) -> Option<Value> {
    let right = match value {
        Value::Integer(port) if key == LISTEN || key.ends_with("_listen") => format!("127.0.0.1:{port}"),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => value.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let texts = texts.filter(|texts| texts.len() == 1 || key == PROMPT && !texts.is_empty())?;
            texts.join(" ")
        }
        _ => return None,
    };
    Some(Value::String(right))
}

/// Words that are separated by commas or spaces are the members of the list.
fn list(key: &str, value: &Value) -> Option<RightForm> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Table(_) => {
            let description = Some("it as a list with one table: [{ … }], or with a head in double brackets");
            return Some(RightForm { value: Value::Array(vec![value.clone()]), description });
        }
        other => text(key, other)?.as_str()?.to_owned(),
    };
    let text = text.trim();
    // A variable of the environment may have brackets without quotes inside; an IPv6 address has them, too.
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_err()).unwrap_or(text);
    let words = inner.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
    let words = words.map(|word| word.trim_matches(['"', '\''])).filter(|word| !word.is_empty());
    let words = without_repetitions(words.map(str::to_owned).collect());
    let words: Vec<Value> = words.into_iter().map(Value::String).collect();
    (!words.is_empty()).then(|| Value::Array(words).into())
}

/// The content of a table is left out, because it may be a secret that was written out.
fn table(value: &Value) -> Option<RightForm> {
    match value {
        Value::Array(list) => {
            let [only @ Value::Table(_)] = list.as_slice() else { return None };
            let description = Some("it as one table: { … }, or with a head in single brackets");
            Some(RightForm { value: only.clone(), description })
        }
        Value::String(text) => pairs(text).map(|table| Value::Table(table).into()),
        _ => None,
    }
}

/// `"a=b&c=d"` as a table of texts.
fn pairs(text: &str) -> Option<Table> {
    let is_bare =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    text.split(['&', ',', ';'])
        .map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let name = name.trim();
            is_bare(name).then(|| (name.to_owned(), Value::String(value.trim().to_owned())))
        })
        .collect()
}
