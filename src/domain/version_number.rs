use std::cmp::Ordering;
use std::fmt;

/// Longest text that is read as a number, in bytes.
const MAX_BYTES: usize = 64;
/// Most digits that are kept. The number in the form of [`fmt::Display`] is then short enough to be read again.
const MAX_DIGITS: usize = 48;
/// Largest power of ten that is read, in either direction.
const MAX_EXPONENT: i32 = 9999;

/// The version of a state that a platform numbers, compared as an exact number however it is written: `4`, `4.0` and `4e0`
/// are one version. Versions may be larger than the numbers that a machine computes with exactly
/// (docs/protocols/agent-identity.md §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionNumber {
    is_negative: bool,
    /// The digits behind the point of `0.<digits>`, without a zero at the end; none for zero. The first is no zero.
    digits: String,
    /// The power of ten by which `0.<digits>` is multiplied.
    exponent: i32,
}

impl VersionNumber {
    /// Reads a number in the form of JSON. Zeros at the beginning do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !fraction.is_none_or(are_digits) || power.abs() > MAX_EXPONENT {
            return None;
        }
        let all = [whole, fraction.unwrap_or_default()].concat();
        let significant = all.trim_start_matches('0');
        let zeros = i32::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, exponent: 0 });
        }
        let exponent = i32::try_from(whole.len()).ok()? - zeros + power;
        let is_bounded = digits.len() <= MAX_DIGITS && exponent.abs() <= MAX_EXPONENT;
        is_bounded.then(|| Self { is_negative: text.starts_with('-'), digits, exponent })
    }

    /// The number, if it is whole, not negative and not too large.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        let zeros = usize::try_from(self.exponent).ok()?.checked_sub(self.digits.len())?;
        if self.is_negative || zeros > MAX_BYTES {
            return None;
        }
        format!("0{}{}", self.digits, "0".repeat(zeros)).parse().ok()
    }

    fn compare_sizes(&self, other: &Self) -> Ordering {
        let has_digits = |number: &Self| !number.digits.is_empty();
        // Digits behind a point are in the order of their text.
        has_digits(self)
            .cmp(&has_digits(other))
            .then(self.exponent.cmp(&other.exponent))
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

impl Ord for VersionNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_sizes(other),
            (true, true) => other.compare_sizes(self),
        }
    }
}

impl PartialOrd for VersionNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whole) = self.as_u64() {
            return write!(formatter, "{whole}");
        }
        let sign = if self.is_negative { "-" } else { "" };
        write!(formatter, "{sign}0.{}e{}", self.digits, self.exponent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn number(text: &str) -> VersionNumber {
        VersionNumber::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (one, other) in [
            ("4", "4.0"),
            ("4", "4e0"),
            ("4", "0.4E+1"),
            ("4", "004.000"),
            ("400", "4e2"),
            ("0.04", "4e-2"),
            ("-4", "-4.0"),
            ("0", "-0.0e7"),
        ] {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
    }

    #[test]
    fn numbers_are_in_their_order_at_any_size() {
        let ascending = [
            "-18446744073709551616",
            "-10",
            "-9.5",
            "-1",
            "-0.5",
            "0",
            "1e-9",
            "0.5",
            "1",
            "1.5",
            "2",
            "4",
            "5",
            "10",
            "100",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "123456789012345678901234567890123456789012345678",
            "1e100",
            "1e9998",
        ];
        for pair in ascending.windows(2) {
            let [smaller, larger] = pair else { return };
            assert!(number(smaller) < number(larger), "{smaller} {larger}");
            assert!(number(larger) > number(smaller), "{smaller} {larger}");
        }
        for text in ascending {
            assert_eq!(number(&number(text).to_string()), number(text), "{text}");
        }
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(number("5.0").as_u64(), Some(5));
        for none in ["-1", "0.5", "18446744073709551616", "1e999"] {
            assert_eq!(number(none).as_u64(), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        let (long, too_exact) = ("1".repeat(65), "1".repeat(49));
        for text in [
            "", "-", ".5", "5.", "1e", "e1", "1e9999", "4 ", " 4", "0x4", "four", "--4", "1.2.3", "NaN", &long,
            &too_exact,
        ] {
            assert_eq!(VersionNumber::parse(text), None, "{text}");
        }
    }
}
