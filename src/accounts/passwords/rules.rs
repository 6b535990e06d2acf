//! What a new password must be like (docs/directory.md §Users and passwords).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use crate::domain::{PasswordPattern, PasswordPolicy};

/// The least characters of a password, where the directory has no pattern.
const LEAST_CHARACTERS: usize = 8;
/// The most characters of a password, where the directory has no pattern.
const MOST_CHARACTERS: usize = 128;
/// The most bytes of a password that a pattern allows.
const MOST_BYTES: usize = 1024;
/// The most bytes of a compiled pattern.
const MOST_COMPILED_BYTES: usize = 1024 * 1024;
/// Compiled patterns that are kept. One directory has one; older ones are of changed settings.
const KEPT_PATTERNS: usize = 64;

/// Why a new password is refused. Its text is for people; pages have their own words for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// It is too short or too long.
    #[error("A password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters.")]
    Length,
    /// It is empty, or longer than any that is checked against a pattern.
    #[error("A password has 1 to {MOST_BYTES} bytes.")]
    Size,
    /// It does not match the directory's pattern, whose message for this is the operator's.
    #[error("{}", .0.as_deref().unwrap_or("The password does not match the rules."))]
    Pattern(Option<String>),
    /// It contains a name of the user.
    #[error("The password contains the user name or the e-mail address.")]
    ContainsName,
    /// It is one of the user's last so many passwords.
    #[error("The password is one of the last {0}.")]
    Reused(u8),
}

/// Checks new passwords. Clones share the compiled patterns.
#[derive(Clone, Default)]
pub(in crate::accounts) struct PasswordRules {
    /// By their text. `None`: the text cannot be compiled.
    compiled: Arc<Mutex<HashMap<String, Option<Regex>>>>,
}

/// Whether `text` is a regular expression that can be a pattern of passwords: neither malformed nor too large. The expressions
/// have no look-around and no back references.
#[must_use]
pub fn is_password_pattern(text: &str) -> bool {
    compile(text).is_some()
}

impl PasswordRules {
    /// Checks `password` of a user who has these names: the user name and the e-mail addresses, in lower case.
    ///
    /// # Errors
    /// The first rule that the password breaks.
    pub(in crate::accounts) fn check(
        &self,
        policy: &PasswordPolicy,
        password: &str,
        names: &[&str],
    ) -> Result<(), PasswordFault> {
        match &policy.pattern {
            None => {
                if !(LEAST_CHARACTERS..=MOST_CHARACTERS).contains(&password.chars().count()) {
                    return Err(PasswordFault::Length);
                }
            }
            Some(pattern) => self.check_pattern(pattern, password)?,
        }
        let lower = password.to_lowercase();
        if policy.advanced && policy.prevents_user_name && names.iter().any(|name| lower.contains(name)) {
            return Err(PasswordFault::ContainsName);
        }
        Ok(())
    }

    fn check_pattern(&self, pattern: &PasswordPattern, password: &str) -> Result<(), PasswordFault> {
        if password.is_empty() || password.len() > MOST_BYTES {
            return Err(PasswordFault::Size);
        }
        let is_match = self.find(&pattern.regex).is_some_and(|regex| regex.is_match(password));
        is_match.then_some(()).ok_or_else(|| PasswordFault::Pattern(pattern.message.clone()))
    }

    #[cfg(test)]
    pub(super) fn kept_patterns(&self) -> usize {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn find(&self, text: &str) -> Option<Regex> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(text) {
            return known.clone();
        }
        if compiled.len() >= KEPT_PATTERNS {
            compiled.clear();
        }
        let regex = compile(text);
        if regex.is_none() {
            tracing::error!("a directory's pattern for passwords cannot be compiled, so that no password matches");
        }
        compiled.insert(text.to_owned(), regex.clone());
        regex
    }
}

/// Compiles a pattern that matches whole texts.
fn compile(text: &str) -> Option<Regex> {
    // A pattern that is valid only inside of the group, such as `a)|(b`, would match parts of a text.
    Regex::new(text).ok()?;
    RegexBuilder::new(&format!(r"\A(?:{text})\z")).size_limit(MOST_COMPILED_BYTES).build().ok()
}
