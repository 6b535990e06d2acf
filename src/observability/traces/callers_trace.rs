use std::fmt;

/// Longest `tracestate` that is passed on, in bytes (W3C Trace Context §3.3.1.5 wants at least 512).
const MAX_STATE_BYTES: usize = 512;
/// The most members of a `tracestate` (W3C Trace Context §3.3.1.1).
const MAX_STATE_MEMBERS: usize = 32;

/// The value of the header `traceparent` (W3C Trace Context §3.2). Neither id is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    /// The id of the trace.
    pub trace_id: u128,
    /// The id of the sender's span.
    pub span_id: u64,
    /// Whether the sender records its part of the trace.
    pub is_sampled: bool,
}

impl Traceparent {
    /// Reads a header's value. `None` if it is malformed: its sender is then treated as one that sent none. What a later
    /// version than 00 appends is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, '-');
        let version = fields.next().filter(|version| is_hex(version, 2) && *version != "ff")?;
        let trace_id = fields.next().filter(|id| is_hex(id, 32))?;
        let span_id = fields.next().filter(|id| is_hex(id, 16))?;
        let flags = fields.next().filter(|flags| is_hex(flags, 2))?;
        if version == "00" && fields.next().is_some() {
            return None;
        }
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What a caller says of the trace of which its request is a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallersTrace {
    /// `traceparent`.
    pub parent: Traceparent,
    /// `tracestate`, if it is well-formed and not too long.
    pub state: Option<Box<str>>,
}

impl CallersTrace {
    /// Reads both headers. `states` are the values of all headers `tracestate`, which are one list.
    #[must_use]
    pub fn read<'h>(traceparent: &str, states: impl Iterator<Item = &'h [u8]>) -> Option<Self> {
        let parent = Traceparent::parse(traceparent)?;
        Some(Self { parent, state: read_state(states) })
    }
}

/// The members of `tracestate` in one text (W3C Trace Context §3.3.1); `None` if one is malformed.
fn read_state<'h>(values: impl Iterator<Item = &'h [u8]>) -> Option<Box<str>> {
    let mut state = String::new();
    let mut members = 0;
    for value in values {
        let value = std::str::from_utf8(value).ok()?;
        for member in value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            members += 1;
            if !is_member(member) || members > MAX_STATE_MEMBERS {
                return None;
            }
            if !state.is_empty() {
                state.push(',');
            }
            state.push_str(member);
        }
        if state.len() > MAX_STATE_BYTES {
            return None;
        }
    }
    (!state.is_empty()).then(|| state.into_boxed_str())
}

fn is_member(member: &str) -> bool {
    let is_of_key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let is_of_value = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'=';
    member.split_once('=').is_some_and(|(key, value)| {
        !key.is_empty() && key.bytes().all(is_of_key) && !value.is_empty() && value.bytes().all(is_of_value)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_well_formed_traceparent_is_read_and_written_unchanged() {
        let read = Traceparent::parse(SAMPLE).unwrap();
        assert!(read.is_sampled);
        assert_eq!(read.to_string(), SAMPLE);
        assert!(!Traceparent::parse(&SAMPLE.replace("-01", "-02")).unwrap().is_sampled);
        let later = Traceparent::parse(&format!("{}-what-the-future-adds", SAMPLE.replacen("00", "cc", 1)));
        assert_eq!(later, Some(read));
    }

    #[test]
    fn a_malformed_traceparent_is_as_good_as_none() {
        for malformed in [
            "",
            "00",
            "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        ] {
            assert_eq!(Traceparent::parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_tracestate_is_joined_bounded_and_dropped_where_it_is_malformed() {
        let read = |values: &[&str]| {
            CallersTrace::read(SAMPLE, values.iter().map(|value| value.as_bytes())).unwrap().state.map(String::from)
        };
        assert_eq!(
            read(&["rojo=00f067aa0ba902b7, congo=t61", "", "a@b=c d"]).unwrap(),
            "rojo=00f067aa0ba902b7,congo=t61,a@b=c d"
        );
        assert_eq!(read(&[]), None);
        for malformed in ["no value", "UPPER=1", "a=b=c", "a=\u{e9}", "=1", "a="] {
            assert_eq!(read(&[malformed]), None, "{malformed}");
        }
        assert_eq!(read(&[&format!("a={}", "x".repeat(600))]), None);
        assert_eq!(read(&[&["a=1"; 33].join(",")]), None);
    }
}
