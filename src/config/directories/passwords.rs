use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::config::review::{Place, Review, Step};
use crate::domain::{LockoutPolicy, PasswordExpiration, PasswordPattern, PasswordPolicy};

/// The key of a regular expression.
const PATTERN: &str = "pattern";

/// The size limits of an expression and of its message, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// The most bytes of a compiled expression.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;

/// Whether `place` is that of a regular expression, which may have what would be a placeholder in another text.
pub(in crate::config) fn is_pattern(place: &Place) -> bool {
    matches!(place.steps(), [Step::Key(first), _, Step::Key(_), Step::Key(last)] if first == "directories" && last == PATTERN)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawPasswords {
    pattern: Option<String>,
    pattern_message: Option<String>,
    advanced: Option<bool>,
    reuse: Option<u64>,
    prevents_user_name: bool,
    expires_after_days: Option<u64>,
    lockout: Option<RawLockout>,
    min_hours_between_changes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawLockout {
    attempts: Option<u64>,
    seconds: Option<u64>,
}

impl RawPasswords {
    pub(super) fn validate(mut self, review: &mut Review<'_>, place: &Place) -> Option<PasswordPolicy> {
        let pattern = self.take_pattern(review, place);
        let has_rules = self.has_rules();
        if self.advanced == Some(false) && has_rules {
            let message = "switches off the rules beside it: leave it out, and the rules that are written hold";
            review.warn(&place.key("advanced"), message.to_owned());
        }
        let reuse = optional(self.reuse, PasswordPolicy::REUSE, review, &place.key("reuse"));
        let days = optional(
            self.expires_after_days,
            PasswordPolicy::EXPIRATION_DAYS,
            review,
            &place.key("expires_after_days"),
        );
        let at = place.key("min_hours_between_changes");
        let hours = optional(self.min_hours_between_changes, PasswordPolicy::HOURS_BETWEEN_CHANGES, review, &at);
        let lockout = self.lockout.map(|raw| raw.validate(review, &place.key("lockout")));
        Some(PasswordPolicy {
            pattern: pattern?,
            advanced: self.advanced.unwrap_or(has_rules),
            reuse: reuse?,
            prevents_user_name: self.prevents_user_name,
            expiration: days?.map(|days| PasswordExpiration { days }),
            lockout: lockout.map_or(Some(None), |valid| valid.map(Some))?,
            min_hours_between_changes: hours?,
        })
    }

    fn has_rules(&self) -> bool {
        self.reuse.is_some()
            || self.prevents_user_name
            || self.expires_after_days.is_some()
            || self.lockout.is_some()
            || self.min_hours_between_changes.is_some()
    }

    /// The pattern, if one is written. `None` if it has a problem.
    #[allow(clippy::option_option, reason = "a key with a problem, and one that is not written")]
    fn take_pattern(&mut self, review: &mut Review<'_>, place: &Place) -> Option<Option<PasswordPattern>> {
        let (at, message_at) = (place.key(PATTERN), place.key("pattern_message"));
        let message = self.pattern_message.take();
        if message.as_ref().is_some_and(|text| text.trim().is_empty() || text.len() > MAX_TEXT_BYTES) {
            let write = "what a user is told whose password does not match, as \"Use 12 characters or more.\"";
            review.report(&message_at, format!("is empty or longer than {MAX_TEXT_BYTES} bytes: write {write}"));
            return None;
        }
        let Some(regex) = self.pattern.take() else {
            if message.is_some() && !review.is_reported(&at) {
                review.report(&message_at, "has no effect without pattern: write it, or leave this out".to_owned());
            }
            return Some(None);
        };
        check_pattern(&regex, review, &at)?;
        Some(Some(PasswordPattern { regex, message }))
    }
}

impl RawLockout {
    fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<LockoutPolicy> {
        let attempts = optional(self.attempts, PasswordPolicy::LOCKOUT_ATTEMPTS, review, &place.key("attempts"));
        let seconds = optional(self.seconds, PasswordPolicy::LOCKOUT_SECONDS, review, &place.key("seconds"));
        let (attempts, seconds) = (attempts?, seconds?);
        let write = "how many wrong passwords in a row lock a user, from 1 to 10";
        let attempts = review.required(attempts, &place.key("attempts"), write);
        let seconds = review.required(seconds, &place.key("seconds"), "how long the user is locked, from 60 to 86400");
        Some(LockoutPolicy { attempts: attempts?, seconds: seconds? })
    }
}

/// The number at `place`, if one is written. `None` if it has a problem.
#[allow(clippy::option_option, reason = "a key with a problem, and one that is not written")]
fn optional<T: TryFrom<u64> + Into<u64> + Copy>(
    written: Option<u64>,
    range: std::ops::RangeInclusive<T>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Option<T>> {
    let Some(written) = written else { return Some(None) };
    let range = (*range.start()).into()..=(*range.end()).into();
    let number = review.number(Some(written), written, &range, place)?;
    T::try_from(number).ok().map(Some)
}

/// Reports an expression that cannot be compiled, alone or around the whole password.
fn check_pattern(regex: &str, review: &mut Review<'_>, place: &Place) -> Option<()> {
    let write = "an expression that the whole password must match, as \"[ -~]{12,}\"";
    if regex.is_empty() || regex.len() > MAX_TEXT_BYTES {
        review.report(place, format!("is empty or longer than {MAX_TEXT_BYTES} bytes: write {write}"));
        return None;
    }
    let compiled = Regex::new(regex)
        .and_then(|_| RegexBuilder::new(&format!(r"\A(?:{regex})\z")).size_limit(MAX_COMPILED_BYTES).build());
    let Err(error) = compiled else { return Some(()) };
    let text = error.to_string();
    let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    review.report(place, format!("is no regular expression ({cause}): write {write}"));
    None
}
