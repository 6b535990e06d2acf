use bytes::BytesMut;
use memchr::memchr2;

use super::stream_event::StreamEvent;

/// The longest event, in bytes, from its first byte to the line end after its blank line.
const MAX_EVENT_BYTES: usize = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event of a stream is longer than 1 MiB.
#[derive(Debug, thiserror::Error)]
#[error("an event of the stream is longer than {MAX_EVENT_BYTES} bytes")]
pub struct EventTooLong;

/// Reads `text/event-stream` as the HTML standard parses it: bytes in, whole events out. Everything that comes in also
/// goes out, in its order: comments, blank lines, and what follows the last event.
#[derive(Debug, Default)]
pub struct EventStream {
    /// What is not handed out yet.
    pending: BytesMut,
    /// Where the line begins in `pending` whose end is not found yet.
    line_start: usize,
    /// How many bytes of `pending` are searched for line ends.
    searched: usize,
    /// Whether something was handed out.
    is_begun: bool,
    /// Whether the last byte that was handed out is a carriage return: a line feed belongs to it.
    is_after_return: bool,
}

impl EventStream {
    /// A stream of which nothing has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole event; `None` until more bytes are pushed. An event ends with its blank line, and is handed out as
    /// soon as that is there.
    ///
    /// # Errors
    /// [`EventTooLong`] if the event is longer than 1 MiB, whole or not.
    pub fn next_event(&mut self) -> Result<Option<StreamEvent>, EventTooLong> {
        let end = self.find_event_end();
        if end.unwrap_or(self.pending.len()) > MAX_EVENT_BYTES {
            return Err(EventTooLong);
        }
        Ok(end.map(|end| self.take(end)))
    }

    /// What is left at the end of the stream. It is no event, but some readers take it for one.
    #[must_use]
    pub fn finish(mut self) -> Option<StreamEvent> {
        let left = self.pending.len();
        (left > 0).then(|| self.take(left))
    }

    /// Where the first event of `pending` ends.
    fn find_event_end(&mut self) -> Option<usize> {
        while let Some(found) = memchr2(b'\r', b'\n', self.pending.get(self.searched..)?) {
            let at = self.searched + found;
            let byte_before = at.checked_sub(1).and_then(|before| self.pending.get(before));
            let follows_return = byte_before.map_or(self.is_after_return, |byte| *byte == b'\r');
            let is_feed = self.pending.get(at) == Some(&b'\n');
            let is_blank = at == self.line_start && !(is_feed && follows_return);
            self.searched = at + 1;
            self.line_start = at + 1;
            if is_blank {
                let feed_belongs = !is_feed && self.pending.get(at + 1) == Some(&b'\n');
                return Some(at + 1 + usize::from(feed_belongs));
            }
        }
        self.searched = self.pending.len();
        None
    }

    fn take(&mut self, end: usize) -> StreamEvent {
        let bytes = self.pending.split_to(end).freeze();
        let prefix: &[u8] = match (self.is_begun, self.is_after_return) {
            (false, _) => BYTE_ORDER_MARK,
            (true, true) => b"\n",
            (true, false) => b"",
        };
        let lines_start = if bytes.starts_with(prefix) { prefix.len() } else { 0 };
        (self.line_start, self.searched, self.is_begun) = (0, 0, true);
        self.is_after_return = bytes.last() == Some(&b'\r');
        StreamEvent::new(bytes, lines_start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    /// All events of `chunks`, with what is left at the end.
    fn events_of<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<StreamEvent> {
        let (mut stream, mut events) = (EventStream::new(), Vec::new());
        for chunk in chunks {
            stream.push(chunk);
            while let Some(event) = stream.next_event().unwrap() {
                events.push(event);
            }
        }
        events.extend(stream.finish());
        events
    }

    fn names_and_data(events: &[StreamEvent]) -> Vec<(String, Option<String>)> {
        let text = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
        events.iter().map(|event| (event.name().into_owned(), event.data().map(|data| text(&data)))).collect()
    }

    #[test]
    fn an_event_is_found_whatever_ends_its_lines_and_wherever_its_chunks_end() {
        let text = "\u{feff}event: activity\ndata: {\"a\":1}\nid: 7\n\n: hello\ndata:x\ndata\ndata:  y\n\n\nevent:e\n\ndata: last";
        let expected =
            [("activity", Some("{\"a\":1}")), ("", Some("x\n\n y")), ("", None), ("e", None), ("", Some("last"))]
                .map(|(name, data)| (name.to_owned(), data.map(str::to_owned)));
        for end in ["\n", "\r\n", "\r"] {
            let body = text.replace('\n', end);
            for size in 1..body.len() {
                let events = events_of(body.as_bytes().chunks(size));
                let found = names_and_data(&events);
                // A line feed that comes after its carriage return was handed out belongs to no event of its own.
                let found: Vec<_> =
                    found.into_iter().filter(|event| !event.0.is_empty() || event.1.is_some()).collect();
                let expected = expected.iter().filter(|event| !event.0.is_empty() || event.1.is_some());
                assert!(found.iter().eq(expected), "{end:?} {size} {found:?}");
            }
        }
    }

    #[test]
    fn an_event_is_handed_out_as_soon_as_its_blank_line_is_there() {
        for end in ["\n", "\r\n", "\r"] {
            let mut stream = EventStream::new();
            stream.push(format!("data: x{end}").as_bytes());
            assert!(stream.next_event().unwrap().is_none(), "{end:?}");
            stream.push(&end.as_bytes()[..1]);
            assert_eq!(stream.next_event().unwrap().unwrap().data().as_deref(), Some(b"x".as_slice()), "{end:?}");
        }
    }

    #[test]
    fn a_line_feed_that_comes_late_makes_no_event_of_its_own() {
        let raw = |chunks: &[&str]| -> Vec<String> {
            let events = events_of(chunks.iter().map(|chunk| chunk.as_bytes()));
            events.iter().map(|event| String::from_utf8_lossy(event.raw()).into_owned()).collect()
        };
        assert_eq!(raw(&["data: a\r\n\r\ndata: b\r\n\r\n"]), ["data: a\r\n\r\n", "data: b\r\n\r\n"]);
        assert_eq!(raw(&["data: a\r\n\r", "\ndata: b\r\n\r\n"]), ["data: a\r\n\r", "\ndata: b\r\n\r\n"]);
    }

    #[test]
    fn an_event_of_more_than_a_mebibyte_is_an_error_whether_it_ends_or_not() {
        let with_data = |length: usize, end: &str| format!("data:{}{end}", "x".repeat(length - 5 - end.len()));
        for (body, is_read) in [
            (with_data(MAX_EVENT_BYTES, "\n\n"), true),
            (with_data(MAX_EVENT_BYTES + 1, "\n\n"), false),
            (with_data(MAX_EVENT_BYTES, ""), true),
            (with_data(MAX_EVENT_BYTES + 1, ""), false),
            (with_data(MAX_EVENT_BYTES, "\n\n").repeat(3), true),
        ] {
            let mut stream = EventStream::new();
            stream.push(body.as_bytes());
            let outcome = loop {
                match stream.next_event() {
                    Ok(Some(_)) => {}
                    Ok(None) => break true,
                    Err(EventTooLong) => break false,
                }
            };
            assert_eq!(outcome, is_read, "{}", body.len());
        }
    }

    proptest! {
        #[test]
        fn what_comes_in_goes_out_and_chunks_make_no_difference(
            text in "(data|event|id|retry|:)?(: ?|)[a-z{}]{0,4}(\r|\n|\r\n)".prop_flat_map(|line| {
                proptest::collection::vec(prop_oneof![Just(line), Just("\r".into()), Just("\n".into()), Just("data: {}\r\n".into())], 0..12)
            }).prop_map(|lines: Vec<String>| lines.concat()),
            size in 1_usize..9,
        ) {
            let whole = events_of([text.as_bytes()]);
            let parts = events_of(text.as_bytes().chunks(size));
            let raw: Vec<u8> = parts.iter().flat_map(|event| event.raw().to_vec()).collect();
            prop_assert_eq!(raw, text.as_bytes());
            let with_data = |events: &[StreamEvent]| {
                names_and_data(events).into_iter().filter(|event| event.1.is_some()).collect::<Vec<_>>()
            };
            prop_assert_eq!(with_data(&whole), with_data(&parts));
        }
    }
}
