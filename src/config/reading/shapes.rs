//! Writes out the right form of a value that has the wrong shape.

use toml::Value;

/// A unit of a number, with the names that operators give it.
struct Unit {
    names: &'static [&'static str],
    /// How many of the smallest unit of its kind it is: milliseconds or bytes.
    size: u64,
}

const TIMES: &[Unit] = &[
    Unit { names: &["ms", "msec", "millis", "milliseconds", "millisecond"], size: 1 },
    Unit { names: &["s", "sec", "secs", "second", "seconds"], size: 1000 },
    Unit { names: &["m", "min", "mins", "minute", "minutes"], size: 60_000 },
    Unit { names: &["h", "hr", "hour", "hours"], size: 3_600_000 },
    Unit { names: &["d", "day", "days"], size: 86_400_000 },
];

const SIZES: &[Unit] = &[
    Unit { names: &["b", "byte", "bytes"], size: 1 },
    Unit { names: &["k", "kb", "kib"], size: 1 << 10 },
    Unit { names: &["m", "mb", "mib"], size: 1 << 20 },
    Unit { names: &["g", "gb", "gib"], size: 1 << 30 },
];

/// The unit in which a key holds its number, by the end of its name.
const UNITS_OF_KEYS: &[(&str, &[Unit], u64)] = &[
    ("_ms", TIMES, 1),
    ("_seconds", TIMES, 1000),
    ("_secs", TIMES, 1000),
    ("_minutes", TIMES, 60_000),
    ("_hours", TIMES, 3_600_000),
    ("_days", TIMES, 86_400_000),
    ("_bytes", SIZES, 1),
];

/// What to write for `value` under `key`; `complaint` is the deserializer's message. `None` if the right form cannot be
/// told from the value.
pub(super) fn right_form(key: &str, value: &Value, complaint: &str) -> Option<String> {
    let expected = complaint.rsplit_once("expected ")?.1;
    match expected {
        "u64" | "u16" | "u32" | "usize" => number(key, value),
        "a boolean" => boolean(value),
        "a string" | "path string" => text(value),
        "a sequence" => list(value),
        _ => None,
    }
}

fn number(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(written) => number_in_text(key, written),
        Value::Float(written) if written.fract() == 0.0 && *written >= 0.0 => Some(format!("{written:.0}")),
        Value::Array(list) => list.first().filter(|_| list.len() == 1).and_then(|only| match only {
            Value::Integer(number) => Some(number.to_string()),
            other => number(key, other),
        }),
        _ => None,
    }
}

/// `"15s"` for a key in milliseconds is 15000. A text without a unit is the number itself.
fn number_in_text(key: &str, written: &str) -> Option<String> {
    let written = written.trim();
    let end = written.find(|character: char| !(character.is_ascii_digit() || "_.".contains(character)));
    let (digits, unit) = written.split_at(end.unwrap_or(written.len()));
    let digits = digits.replace('_', "");
    let unit = unit.trim().to_ascii_lowercase();
    if unit.is_empty() {
        return digits.parse::<u64>().ok().map(|number| number.to_string());
    }
    let (_, units, unit_of_key) = UNITS_OF_KEYS.iter().find(|(end, ..)| key.ends_with(end))?;
    let size = units.iter().find(|known| known.names.contains(&unit.as_str()))?.size;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = format!("{whole}{fraction}").parse::<u64>().ok()?.checked_mul(size)? / scale;
    Some(scaled.div_ceil(*unit_of_key).to_string())
}

fn boolean(value: &Value) -> Option<String> {
    let word = match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Integer(number) => number.to_string(),
        _ => return None,
    };
    match word.as_str() {
        "true" | "yes" | "on" | "1" => Some("true".to_owned()),
        "false" | "no" | "off" | "0" => Some("false".to_owned()),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Some(format!("\"{value}\"")),
        Value::Datetime(time) => Some(format!("\"{time}\"")),
        Value::Array(list) => match list.as_slice() {
            [Value::String(only)] => Some(format!("{only:?}")),
            _ => None,
        },
        _ => None,
    }
}

/// Words that are separated by commas or spaces are the members of the list.
fn list(value: &Value) -> Option<String> {
    let Value::String(text) = value else { return None };
    let words = text.split([',', ' ', ';']).filter(|word| !word.is_empty());
    Some(format!("[{}]", words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_wrong_shape_has_its_right_form_written_out() {
        let number = "invalid type: string, expected u64";
        for (key, value, complaint, right) in [
            ("bot_timeout_ms", "\"15s\"", number, Some("15000")),
            ("bot_timeout_ms", "\"1.5 s\"", number, Some("1500")),
            ("bot_timeout_ms", "\"2m\"", number, Some("120000")),
            ("bot_timeout_ms", "\"15000\"", number, Some("15000")),
            ("bot_timeout_ms", "\"15_000ms\"", number, Some("15000")),
            ("bot_timeout_ms", "15000.0", number, Some("15000")),
            ("bot_timeout_ms", "[15000]", number, Some("15000")),
            ("pause_seconds", "\"2m\"", number, Some("120")),
            ("pause_seconds", "\"500ms\"", number, Some("1")),
            ("pause_minutes", "\"2 hours\"", number, Some("120")),
            ("l1_bytes", "\"64MB\"", number, Some("67108864")),
            ("l1_bytes", "\"64m\"", number, Some("67108864")),
            ("workers", "\"4\"", number, Some("4")),
            ("workers", "\"many\"", number, None),
            ("workers", "\"4s\"", number, None),
            ("bot_timeout_ms", "\"-1\"", number, None),
            ("allow_v1", "\"True\"", "invalid type: string, expected a boolean", Some("true")),
            ("allow_v1", "\"no\"", "invalid type: string, expected a boolean", Some("false")),
            ("allow_v1", "1", "invalid type: integer, expected a boolean", Some("true")),
            ("allow_v1", "\"maybe\"", "invalid type: string, expected a boolean", None),
            ("app_id", "5", "invalid type: integer, expected a string", Some("\"5\"")),
            ("file", "[\"a\"]", "invalid type: sequence, expected path string", Some("\"a\"")),
            ("scopes", "\"User.Read, Mail.Read\"", "expected a sequence", Some("[\"User.Read\", \"Mail.Read\"]")),
        ] {
            let table: toml::Table = format!("value = {value}").parse().unwrap_or_default();
            let found = table.get("value").and_then(|value| right_form(key, value, complaint));
            assert_eq!(found.as_deref(), right, "{key} = {value}");
        }
    }
}
