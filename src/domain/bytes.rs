/// Whether `flag` is not 0 for at least one of the bytes.
///
/// Every byte is looked at, also after one was flagged: without an early exit the compiler tests many bytes at a time.
/// `flag` therefore adds its conditions up with `|` and has no branches.
#[inline]
pub fn any_byte(bytes: &[u8], flag: impl Fn(u8) -> u8) -> bool {
    bytes.iter().fold(0, |found, &byte| found | flag(byte)) != 0
}

#[cfg(test)]
mod tests {
    use super::any_byte;

    #[test]
    fn a_flagged_byte_is_found_at_every_place() {
        let is_comma = |byte: u8| u8::from(byte == b',');
        for text in [",", ",ab", "ab,", "a,b", ",,"] {
            assert!(any_byte(text.as_bytes(), is_comma), "{text}");
        }
        assert!(!any_byte(b"", is_comma) && !any_byte(b"abc", is_comma));
    }
}
