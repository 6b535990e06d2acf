use crate::domain::any_byte;

/// Appends `text` as a JSON string. A text without characters to escape, such as a token, is copied whole; the library
/// would examine it byte by byte.
pub fn write_string_literal(to: &mut Vec<u8>, text: &str) {
    let is_escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if any_byte(text.as_bytes(), is_escaped) {
        // Writing to memory cannot fail.
        drop(serde_json::to_writer(to, text));
    } else {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::write_string_literal;

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_json_writes_it(text in any::<String>()) {
            let mut bytes = Vec::new();
            write_string_literal(&mut bytes, &text);
            prop_assert_eq!(bytes, serde_json::to_vec(&text).unwrap());
        }
    }
}
