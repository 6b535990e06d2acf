/// Finds the blank lines in a stream of bytes that arrives in pieces. The head of an HTTP request ends with a blank
/// line, so a piece without one completes no request (RFC 9112 §2.1).
///
/// A line may end with LF alone, since the framework's parser accepts that too (RFC 9112 §2.2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BlankLines {
    last: LineEnd,
}

/// What the bytes seen last were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LineEnd {
    /// A byte inside of a line.
    #[default]
    Inside,
    /// The LF that ends a line.
    Lf,
    /// The LF that ends a line, and a CR.
    LfCr,
}

impl BlankLines {
    /// The length of the part of `bytes` that ends with the first blank line; `None` if `bytes` completes no blank
    /// line. Only the returned part, or all of `bytes`, counts as seen.
    pub(super) fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            // A blank line begins directly after a line end, so between line ends only line ends are searched for.
            if self.last == LineEnd::Inside {
                let at = memchr::memchr(b'\n', rest)?;
                self.last = LineEnd::Lf;
                from += at + 1;
                continue;
            }
            let &byte = rest.first()?;
            from += 1;
            match byte {
                b'\n' => {
                    self.last = LineEnd::Lf;
                    return Some(from);
                }
                b'\r' if self.last == LineEnd::Lf => self.last = LineEnd::LfCr,
                _ => self.last = LineEnd::Inside,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::BlankLines;

    /// The ends of all blank lines, of bytes that arrive in pieces of the length `piece`.
    fn find_all(bytes: &[u8], piece: usize) -> Vec<usize> {
        let (mut found, mut ends, mut offset) = (BlankLines::default(), Vec::new(), 0);
        for part in bytes.chunks(piece) {
            let mut seen = 0;
            while let Some(end) = found.find_end(&part[seen..]) {
                seen += end;
                ends.push(offset + seen);
            }
            offset += part.len();
        }
        ends
    }

    #[test]
    fn a_blank_line_is_found_with_either_line_end() {
        assert_eq!(find_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 100), [27]);
        assert_eq!(find_all(b"GET / HTTP/1.1\nhost: a\n\nGET / HTTP/1.1\n\n", 100), [24, 40]);
        assert_eq!(find_all(b"a\r\n\n", 100), [4]);
        assert_eq!(find_all(b"a\n\r\nb", 100), [4]);
        assert_eq!(find_all(b"a\n\rb\n\r\r\n", 100), [0; 0]);
        assert_eq!(find_all(b"{\"text\":\"two\\n\\nlines\"}", 100), [0; 0]);
    }

    proptest! {
        #[test]
        fn the_same_blank_lines_are_found_in_whatever_pieces_the_bytes_arrive(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..60),
            piece in 1usize..8,
        ) {
            prop_assert_eq!(find_all(&bytes, piece), find_all(&bytes, 1000));
        }
    }
}
