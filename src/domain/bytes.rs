/// Whether `flag` returns a value other than 0 for at least one of the bytes.
///
/// The function reads every byte, even after a match: a loop without an early exit lets the compiler test many bytes at
/// a time. For the same reason `flag` should combine its conditions with `|` and contain no branches.
#[inline]
pub fn any_byte(bytes: &[u8], flag: impl Fn(u8) -> u8) -> bool {
    bytes.iter().fold(0, |found, &byte| found | flag(byte)) != 0
}

#[cfg(test)]
mod tests {
    use super::any_byte;

    #[test]
    fn any_byte_finds_a_flagged_byte_at_every_position() {
        let is_comma = |byte: u8| u8::from(byte == b',');
        for text in [",", ",ab", "ab,", "a,b", ",,"] {
            assert!(any_byte(text.as_bytes(), is_comma), "{text}");
        }
        assert!(!any_byte(b"", is_comma) && !any_byte(b"abc", is_comma));
    }
}
