//! The shape of the secrets that [`draw_256_bits`](crate::domain::draw_256_bits) draws.

/// Whether `text` may be a drawn secret: 64 lower-case hexadecimal digits. Any other text is refused without a look into the store.
pub(super) fn has_its_shape(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
