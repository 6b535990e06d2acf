//! Numbers that are written as text: with a unit, with several, or as ISO 8601 writes a duration.

use toml::Value;

/// A unit of a number, with the names that operators give it.
struct Unit {
    names: &'static [&'static str],
    /// How many of the smallest unit of its kind it is: milliseconds or bytes.
    size: u64,
}

const TIMES: &[Unit] = &[
    Unit { names: &["ms", "msec", "msecs", "millis", "milliseconds", "millisecond"], size: 1 },
    Unit { names: &["s", "sec", "secs", "second", "seconds"], size: 1000 },
    Unit { names: &["m", "min", "mins", "minute", "minutes"], size: 60_000 },
    Unit { names: &["h", "hr", "hrs", "hour", "hours"], size: 3_600_000 },
    Unit { names: &["d", "day", "days"], size: 86_400_000 },
];

const SIZES: &[Unit] = &[
    Unit { names: &["b", "byte", "bytes"], size: 1 },
    Unit { names: &["k", "kb", "kib"], size: 1 << 10 },
    Unit { names: &["m", "mb", "mib"], size: 1 << 20 },
    Unit { names: &["g", "gb", "gib"], size: 1 << 30 },
    Unit { names: &["t", "tb", "tib"], size: 1 << 40 },
];

/// The unit in which a key holds its number, by the end of its name.
const UNITS_OF_KEYS: &[(&str, &[Unit], u64)] = &[
    ("_ms", TIMES, 1),
    ("seconds", TIMES, 1000),
    ("_secs", TIMES, 1000),
    ("_minutes", TIMES, 60_000),
    ("_hours", TIMES, 3_600_000),
    ("_days", TIMES, 86_400_000),
    ("_bytes", SIZES, 1),
];

/// What is written behind a rate, by the end of the key that has it as part of its name.
const RATES: &[(&str, &[&str])] = &[
    ("_per_second", &["/s", "/sec", "/second", "per second", "a second", "rps"]),
    ("_per_minute", &["/m", "/min", "/minute", "per minute", "a minute", "rpm"]),
];

/// The number that `value` means under `key`.
pub(super) fn number(key: &str, value: &Value) -> Option<Value> {
    let number = match value {
        Value::String(written) => number_in_text(key, written)?,
        Value::Float(written) if written.fract() == 0.0 && *written >= 0.0 => format!("{written:.0}").parse().ok()?,
        Value::Array(list) => {
            let only = list.first().filter(|_| list.len() == 1)?;
            return if only.is_integer() { Some(only.clone()) } else { number(key, only) };
        }
        _ => return None,
    };
    i64::try_from(number).ok().map(Value::Integer)
}

/// The share that `value` means: a number in a text or a list, perhaps in percent.
pub(super) fn share(value: &Value) -> Option<Value> {
    match value {
        Value::String(written) => {
            let text = written.trim().replace(',', ".");
            let percent = text.strip_suffix('%').map(str::trim_end);
            let number: f64 = percent.unwrap_or(&text).parse().ok()?;
            let share = if percent.is_some() { number / 100.0 } else { number };
            (0.0..=1.0).contains(&share).then_some(Value::Float(share))
        }
        Value::Array(list) => match list.as_slice() {
            [only @ (Value::Float(_) | Value::Integer(_))] => Some(only.clone()),
            [only] => share(only),
            _ => None,
        },
        _ => None,
    }
}

/// `"15s"`, `"15 seconds"` and `"PT15S"` for a key in milliseconds are 15000, and `"1m 30s"` is 90000. A text without a
/// unit is the number itself.
fn number_in_text(key: &str, written: &str) -> Option<u64> {
    let text = written.trim().to_ascii_lowercase();
    let rates = RATES.iter().find(|(end, _)| key.ends_with(end)).map_or(&[][..], |(_, names)| names);
    let text = rates.iter().find_map(|name| text.strip_suffix(name)).unwrap_or(&text).trim();
    if let Some(number) = plain_number(text) {
        return Some(number);
    }
    let (_, units, unit_of_key) = UNITS_OF_KEYS.iter().find(|(end, ..)| key.ends_with(end))?;
    let sum = match clock_time(text).filter(|_| units.iter().any(|unit| unit.names.contains(&"ms"))) {
        Some(milliseconds) => milliseconds,
        None => sum_of_parts(text, units)?,
    };
    Some(sum.div_ceil(*unit_of_key))
}

/// The sum of several numbers with units, in the smallest unit. ISO 8601 writes `P` before a duration and `T` before its
/// hours.
fn sum_of_parts(text: &str, units: &[Unit]) -> Option<u64> {
    let iso = text.strip_prefix('p').map(|text| text.replacen('t', "", 1));
    let mut rest = iso.as_deref().unwrap_or(text);
    let mut sum = None::<u64>;
    while !rest.is_empty() {
        let unit_at = rest.find(|letter: char| !(letter.is_ascii_digit() || "_.,".contains(letter)))?;
        let (digits, tail) = rest.split_at_checked(unit_at)?;
        let tail = tail.trim_start();
        let end = tail.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(end)?;
        let size = units.iter().find(|known| known.names.contains(&unit))?.size;
        sum = Some(sum.unwrap_or_default().checked_add(scaled(digits, size)?)?);
        rest = after.trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
    sum
}

/// The milliseconds of `00:01:30`, as .NET writes a span of time.
fn clock_time(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    let parts = [(hours, 3_600_000), (minutes, 60_000), (seconds, 1000)];
    parts.iter().try_fold(0_u64, |sum, (digits, size)| sum.checked_add(scaled(digits, *size)?))
}

/// A whole number, perhaps with separators between its thousands, or with a fraction of zero.
fn plain_number(text: &str) -> Option<u64> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let fits = text.split(',').skip(1).all(|group| group.len() == 3);
    text.replace(['_', ','], "").parse().ok().filter(|_| fits)
}

/// `digits`, which may have a fraction behind a point or a comma, times `size`. Three digits behind a comma are
/// thousands.
fn scaled(digits: &str, size: u64) -> Option<u64> {
    let digits = digits.replace('_', "");
    let digits = match digits.split_once(',') {
        Some((whole, fraction)) if fraction.len() != 3 && !fraction.contains(['.', ',']) => {
            format!("{whole}.{fraction}")
        }
        _ => digits.replace(',', ""),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(format!("{whole}{fraction}").parse::<u64>().ok()?.checked_mul(size)? / scale)
}
