use std::borrow::Cow;

use bytes::Bytes;
use memchr::{memchr, memchr2};

/// The names of the fields that the HTML standard knows, besides that of data; the empty name is a comment's.
const OTHER_FIELDS: [&[u8]; 4] = [b"", b"event", b"id", b"retry"];
const DATA: &[u8] = b"data";

/// An event of a stream, with its blank line.
///
/// Readers differ: the Agents SDK for .NET reads every line of data as an activity of its own, keeps the name of one event
/// for the next, and compares names of fields so that invisible characters do not count. So no decision should depend on
/// the name, data that is no JSON object should not be passed on, and [`StreamEvent::bytes`] holds nothing but what all
/// readers find alike.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    raw: Bytes,
    /// Where the lines begin: after a byte-order mark, or after a line feed that belongs to the event before.
    lines_start: usize,
}

/// A line of an event.
#[derive(Clone, Copy)]
struct Line<'e> {
    /// What is before the first colon; empty in a comment and in a blank line.
    field: &'e [u8],
    /// The colon, and the space behind it, if there is one.
    separator: &'e [u8],
    /// What is behind the separator.
    value: &'e [u8],
    /// `\r\n`, `\n`, `\r`, or nothing at the end of the stream.
    end: &'e [u8],
    /// The line with its end.
    whole: &'e [u8],
}

impl StreamEvent {
    /// An event whose lines begin at `lines_start` in `raw`.
    pub(super) const fn new(raw: Bytes, lines_start: usize) -> Self {
        Self { raw, lines_start }
    }

    /// The event as it came.
    #[cfg(test)]
    pub(super) const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The event's name; empty if it has none.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        let name = self.lines().filter(|line| line.field == b"event").last();
        name.map_or(Cow::Borrowed(""), |line| String::from_utf8_lossy(line.value))
    }

    /// The event's data, its lines joined by line feeds; `None` if it has none.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        let mut values = self.lines().filter(|line| line.field == DATA).map(|line| line.value);
        let first = values.next()?;
        let Some(second) = values.next() else { return Some(Cow::Borrowed(first)) };
        let mut joined = Vec::with_capacity(self.raw.len());
        joined.extend_from_slice(first);
        for value in std::iter::once(second).chain(values) {
            joined.push(b'\n');
            joined.extend_from_slice(value);
        }
        Some(Cow::Owned(joined))
    }

    /// The event as it is passed on. An event that all readers read alike stays as it came. Any other event loses the lines of
    /// unknown fields and the lines that some readers split, and has all data in one line.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        let is_known = |line: Line<'_>| {
            (line.field == DATA || OTHER_FIELDS.contains(&line.field)) && !OtherLineEnd::occurs_in(line.whole)
        };
        let has_one_reading = self.lines().all(is_known) && self.lines().filter(|line| line.field == DATA).count() <= 1;
        if has_one_reading { self.raw.clone() } else { self.with_data(&self.data().unwrap_or_default()) }
    }

    /// The event with the JSON `data` in place of its data, in one line; an event without data stays without. The lines of other
    /// known fields stay as they are, except lines that some readers split. The line ends stay, too.
    #[must_use]
    pub fn with_data(&self, data: &[u8]) -> Bytes {
        let mut written = Vec::with_capacity(self.raw.len() + data.len());
        written.extend_from_slice(self.raw.get(..self.lines_start).unwrap_or_default());
        let mut is_data_written = false;
        for line in self.lines() {
            if OTHER_FIELDS.contains(&line.field) && !OtherLineEnd::occurs_in(line.whole) {
                if written.ends_with(b"\r") && line.whole.starts_with(b"\n") {
                    // The line between `\r` and `\n` was left out. Together they would be one line end, and the blank line lost.
                    written.push(b'\n');
                }
                written.extend_from_slice(line.whole);
            } else if line.field == DATA && !is_data_written {
                is_data_written = true;
                write_data(&mut written, line, data);
            }
        }
        Bytes::from(written)
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = self.raw.get(self.lines_start..).unwrap_or_default();
        std::iter::from_fn(move || {
            let line = read_line(rest).filter(|_| !rest.is_empty())?;
            rest = rest.get(line.whole.len()..)?;
            Some(line)
        })
    }
}

/// The first line of `bytes`.
fn read_line(bytes: &[u8]) -> Option<Line<'_>> {
    let (text, rest) = bytes.split_at_checked(memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len()))?;
    let end_length = if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) };
    let whole = bytes.get(..text.len() + end_length)?;
    let (field, behind) = text.split_at_checked(memchr(b':', text).unwrap_or(text.len()))?;
    let separator_length = if behind.starts_with(b": ") { 2 } else { behind.len().min(1) };
    let (separator, value) = behind.split_at_checked(separator_length)?;
    Some(Line { field, separator, value, end: rest.get(..end_length)?, whole })
}

/// A character at which some readers end lines besides `\r` and `\n`, as `splitlines` of Python does.
struct OtherLineEnd {
    /// Its bytes in UTF-8.
    length: usize,
    /// What stands for it in JSON: its escape, or space for a character that JSON allows nowhere.
    replacement: &'static [u8],
}

impl OtherLineEnd {
    /// The character with which `text` starts, if it is one.
    const fn at_start_of(text: &[u8]) -> Option<Self> {
        Some(match text {
            [0x0b | 0x0c | 0x1c..=0x1e, ..] => Self { length: 1, replacement: b" " },
            [0xc2, 0x85, ..] => Self { length: 2, replacement: b"\\u0085" },
            [0xe2, 0x80, 0xa8, ..] => Self { length: 3, replacement: b"\\u2028" },
            [0xe2, 0x80, 0xa9, ..] => Self { length: 3, replacement: b"\\u2029" },
            _ => return None,
        })
    }

    fn occurs_in(text: &[u8]) -> bool {
        (0..text.len()).any(|at| text.get(at..).and_then(Self::at_start_of).is_some())
    }
}

/// Writes the JSON `data` in the form of `line`, a line of data. Line breaks in JSON are no more than space; the other
/// characters at which some readers end lines stand in texts only, where an escape means the same.
fn write_data(to: &mut Vec<u8>, line: Line<'_>, data: &[u8]) {
    to.extend_from_slice(DATA);
    let is_break = |byte: u8| matches!(byte, b'\r' | b'\n');
    let begins_with_space = data.first().is_some_and(|byte| *byte == b' ' || is_break(*byte));
    // A reader takes away one space.
    to.extend_from_slice(if begins_with_space || line.separator == b": " { b": " } else { b":" });
    let mut rest = data;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some(line_end) = OtherLineEnd::at_start_of(rest) {
            to.extend_from_slice(line_end.replacement);
            rest = rest.get(line_end.length..).unwrap_or_default();
        } else {
            to.push(if is_break(*byte) { b' ' } else { *byte });
            rest = behind;
        }
    }
    to.extend_from_slice(line.end);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn event(text: &str) -> StreamEvent {
        StreamEvent::new(Bytes::from(text.to_owned()), 0)
    }

    #[test]
    fn an_event_that_all_readers_read_alike_is_passed_on_as_it_came() {
        for text in [
            "event: activity\r\ndata: {\"type\":\"message\"}\r\n\r\n",
            "event:activity\rid:1\rretry: 5\r: comment\rdata:{}\r\r",
            ":\n\n",
            "\n",
            "data: {}",
            "data\n\n",
        ] {
            assert_eq!(event(text).bytes(), text);
        }
    }

    #[test]
    fn new_data_takes_the_place_of_the_old_in_one_line() {
        for (before, after) in [
            ("event: activity\r\ndata: {}\r\n\r\n", "event: activity\r\ndata: [1,  2]\r\n\r\n"),
            ("data:{\rid:1\rdata:}\r: c\r\r", "data:[1,  2]\rid:1\r: c\r\r"),
            ("data\n\n", "data:[1,  2]\n\n"),
            ("data: x", "data: [1,  2]"),
            ("id: 1\n\n", "id: 1\n\n"),
        ] {
            assert_eq!(event(before).with_data(b"[1,\r\n2]"), after);
        }
        for data in [b" 1", b"\n1"] {
            assert_eq!(event("data:x\n\n").with_data(data), "data:  1\n\n");
        }
    }

    /// The Agents SDK for .NET reads each line of data as an activity, and takes the second line for one of data as well.
    #[test]
    fn lines_that_some_readers_read_otherwise_are_not_passed_on() {
        for (before, after) in [
            (
                "event: x\ndata: {\"a\":\nevent: activity\ndata: {\"name\":\"tokens/response\"}\ndata: }\n\n",
                "event: x\ndata: {\"a\": {\"name\":\"tokens/response\"} }\nevent: activity\n\n",
            ),
            ("data: {}\nda\u{ad}ta: {\"type\":\"event\"}\n\n", "data: {}\n\n"),
            ("data: {}\rother: x\n\n", "data: {}\r\n\n"),
            ("data: {\rdata: }\n\n", "data: { }\r\n\n"),
            ("Data: {}\n\n", "\n"),
            ("\u{feff}data: {}\n\n", "\n"),
            (" event: x\nevent : y\nevent: z\n\n", "event: z\n\n"),
        ] {
            assert_eq!(event(before).bytes(), after);
        }
        assert_utf_16_is_not_passed_on();
    }

    /// `splitlines` of Python ends lines at these characters as well, so that what follows could be a line of data.
    #[test]
    fn characters_at_which_some_readers_end_lines_are_not_passed_on() {
        const HIDDEN: &str = "data: {\"type\":\"event\",\"name\":\"tokens/response\"}";
        for end in ["\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}"] {
            for field in [": ", "id: 1", "event: activity", "retry: 5"] {
                for text in
                    [format!("{field}{end}{HIDDEN}\ndata: {{}}\n\n"), format!("data: {{}}\n{field}{end}{HIDDEN}\n\n")]
                {
                    assert_eq!(event(&text).bytes(), "data: {}\n\n", "{text:?}");
                    assert_eq!(event(&text).with_data(b"[]"), "data: []\n\n", "{text:?}");
                }
            }
            let code = u32::from(end.chars().next().unwrap());
            let escape = if code < 0x20 { " ".to_owned() } else { format!("\\u{code:04x}") };
            let with_text = |break_text: &str| format!("{{\"text\":\"\u{e4}{break_text}data: x\"}}");
            let (raw, escaped) = (with_text(end), with_text(&escape));
            assert_eq!(event(&format!("data: {raw}\n\n")).bytes(), format!("data: {escaped}\n\n"));
            assert_eq!(event("data: {}\n\n").with_data(raw.as_bytes()), format!("data: {escaped}\n\n"));
        }
        let other = "event: \u{e4}\u{2027}\u{a0}\ndata: {\"text\":\"\u{e4}\u{2027}\u{a0}\u{5}\"}\n\n";
        assert_eq!(event(other).bytes(), other);
    }

    fn assert_utf_16_is_not_passed_on() {
        let utf_16: Vec<u8> = "data: {}\n\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf_16 = [b"\xff\xfe".as_slice(), &utf_16].concat();
        let passed_on = StreamEvent::new(Bytes::from(utf_16), 0).bytes();
        assert!(!passed_on.windows(4).any(|bytes| bytes == b"d\0a\0"), "{passed_on:?}");
    }
}
