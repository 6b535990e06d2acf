//! Writes out the right form of a value that has the wrong shape.

mod numbers;

#[cfg(test)]
mod tests;

use toml::Value;

use numbers::number;

/// The key of addresses that a listener binds; a number there is a port.
const LISTEN: &str = "listen";

/// What to write for `value` under `key`; `complaint` is the deserializer's message. `None` if the right form cannot be
/// told from the value.
pub(super) fn right_form(key: &str, value: &Value, complaint: &str) -> Option<String> {
    let expected = complaint.rsplit_once("expected ")?.1;
    match expected {
        "u64" | "u16" | "u32" | "usize" => number(key, value),
        "a boolean" => boolean(value),
        "a string" | "path string" => text(key, value),
        "a sequence" => list(key, value),
        "a table" | "a map" => table(value),
        _ if expected.starts_with("a word") => text(key, value),
        // The message about a value that is no word at all where one of several words is expected.
        _ if expected.contains("string") && !value.is_str() => text(key, value),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<String> {
    let word = match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Integer(number) => number.to_string(),
        Value::Array(list) => match list.as_slice() {
            [Value::Boolean(only)] => only.to_string(),
            [only] => return boolean(only),
            _ => return None,
        },
        _ => return None,
    };
    match word.as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" | "enabled" | "enable" => Some("true".to_owned()),
        "false" | "no" | "off" | "0" | "n" | "f" | "disabled" | "disable" => Some("false".to_owned()),
        _ => None,
    }
}

/// A list of several texts is one text with spaces between them, as OAuth writes scopes and prompts.
fn text(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Integer(port) if key == LISTEN => Some(format!("\"127.0.0.1:{port}\"")),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Some(format!("\"{value}\"")),
        Value::Datetime(time) => Some(format!("\"{time}\"")),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let texts = texts.filter(|texts| texts.len() == 1 || key == "prompt" && !texts.is_empty())?;
            Some(format!("{:?}", texts.join(" ")))
        }
        _ => None,
    }
}

/// Words that are separated by commas or spaces are the members of the list.
fn list(key: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Table(_) => {
            return Some("it as a list with one table: [{ … }], or with a head in double brackets".to_owned());
        }
        other => text(key, other)?.trim_matches('"').to_owned(),
    };
    let text = text.trim();
    // A variable of the environment may have brackets without quotes inside; an IPv6 address has them, too.
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = inner.filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_err()).unwrap_or(text);
    let words = inner.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
    let words = words.map(|word| word.trim_matches(['"', '\''])).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    (!words.is_empty()).then(|| format!("[{}]", words.join(", ")))
}

/// The content of a table is left out, because it may be a secret that was written out.
fn table(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) if matches!(list.as_slice(), [Value::Table(_)]) => {
            Some("it as one table: { … }, or with a head in single brackets".to_owned())
        }
        Value::String(text) => pairs(text),
        _ => None,
    }
}

/// `"a=b&c=d"` as a table of texts.
fn pairs(text: &str) -> Option<String> {
    let is_bare =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let members: Option<Vec<String>> = text
        .split(['&', ',', ';'])
        .map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let name = name.trim();
            is_bare(name).then(|| format!("{name} = {:?}", value.trim()))
        })
        .collect();
    Some(format!("{{ {} }}", members?.join(", ")))
}
