//! How other readers compare names.

use std::ops::RangeInclusive;

/// The bytes of the longest character that some reader folds to an ASCII letter: the Kelvin sign has three.
const MOST_FOLDED_BYTES: usize = 3;

/// Whether `text` equals `name`, which is ASCII, for some reader that ignores letter case. Readers that fold all of
/// Unicode also take the Kelvin sign for a K, and the long s for an S.
pub(super) fn is_read_as(text: &str, name: &str) -> bool {
    // The long s has an upper case only, and the Kelvin sign a lower case only.
    let folds_to = || text.to_uppercase().to_lowercase().eq_ignore_ascii_case(name);
    read_lengths(name).contains(&text.len()) && (text.eq_ignore_ascii_case(name) || !text.is_ascii() && folds_to())
}

/// The lengths, in bytes, of texts that may be read as `name`. No character is folded to more ASCII letters than it has
/// bytes, so a shorter text cannot be read as the name.
pub(super) const fn read_lengths(name: &str) -> RangeInclusive<usize> {
    name.len()..=MOST_FOLDED_BYTES * name.len()
}
