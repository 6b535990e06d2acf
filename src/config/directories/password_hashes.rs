use serde::Deserialize;

use crate::config::review::{Place, Review};

use super::section::PasswordHashesSection;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawPasswordHashes {
    memory_kib: Option<u64>,
    passes: Option<u64>,
}

impl RawPasswordHashes {
    /// `is_used`: whether there is a directory.
    pub(in crate::config) fn validate(self, is_used: bool, review: &mut Review<'_>) -> Option<PasswordHashesSection> {
        let place = Place::section("password_hashes");
        if !is_used && (self.memory_kib.is_some() || self.passes.is_some()) {
            let message = "has no effect without a directory: write [directories.<name>], or leave this out";
            review.warn(&place, message.to_owned());
        }
        let memory = review.number(self.memory_kib, 19_456, &(8192..=1_048_576), &place.key("memory_kib"));
        let passes = review.number(self.passes, 2, &(1..=10), &place.key("passes"));
        Some(PasswordHashesSection { memory_kib: u32::try_from(memory?).ok()?, passes: u32::try_from(passes?).ok()? })
    }
}
