use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The headers of a relayed message, in the form in which the HTTP client has them: names in lower case, repeated ones kept.
#[derive(Clone, Default)]
pub struct RelayHeaders {
    map: HeaderMap,
    /// Whether a header was added that no message can have. A request with one is not sent.
    has_invalid: bool,
}

impl RelayHeaders {
    /// No headers yet, with room for `count` of them.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { map: HeaderMap::with_capacity(count), has_invalid: false }
    }

    /// Adds a header. Those of the same name stay.
    pub fn append(&mut self, name: &str, value: &[u8]) {
        match parse(name, value) {
            Some(header) => {
                self.map.append(header.name, header.value);
            }
            None => self.has_invalid = true,
        }
    }

    /// Adds a header in the place of all of the same name.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        match parse(name, value) {
            Some(header) => {
                self.map.insert(header.name, header.value);
            }
            None => self.has_invalid = true,
        }
    }

    /// As [`RelayHeaders::set`], for a name that is a constant of the program, in lower case.
    pub fn set_known(&mut self, name: &'static str, value: &str) {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.map.insert(HeaderName::from_static(name), value);
            }
            Err(_) => self.has_invalid = true,
        }
    }

    /// Removes all headers of this name.
    pub fn remove(&mut self, name: &str) {
        self.map.remove(name);
    }

    /// The first value of `name`, in any letter case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.map.get(name).map(HeaderValue::as_bytes)
    }

    /// All values of `name`, in any letter case.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.map.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }

    /// All headers; those of the same name follow each other.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.map.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    pub(super) fn of_answer(map: HeaderMap) -> Self {
        Self { map, has_invalid: false }
    }

    /// The headers for a request; `None` if one is invalid.
    pub(super) fn into_map(self) -> Option<HeaderMap> {
        (!self.has_invalid).then_some(self.map)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for RelayHeaders {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut made = Self::default();
        for (name, value) in headers {
            made.append(name.as_ref(), value.as_ref());
        }
        made
    }
}

struct ParsedHeader {
    name: HeaderName,
    value: HeaderValue,
}

fn parse(name: &str, value: &[u8]) -> Option<ParsedHeader> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some(ParsedHeader { name, value: HeaderValue::from_bytes(value).ok()? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_are_kept_in_order_and_an_invalid_one_keeps_the_request_from_being_sent() {
        let mut headers: RelayHeaders = [("X-One", "1"), ("Accept", "a"), ("x-one", "2")].into_iter().collect();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("x-one", b"1".as_slice()), ("x-one", b"2"), ("accept", b"a")]);
        assert_eq!(headers.get("X-ONE"), Some(b"1".as_slice()));
        assert_eq!(headers.get_all("x-one").count(), 2);
        headers.set("X-One", b"3");
        headers.remove("ACCEPT");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-one", b"3".as_slice())]);
        assert!(headers.clone().into_map().is_some());
        for (name, value) in [("x two", "1"), ("x-two", "1\r\nx-three: 1")] {
            let mut headers = headers.clone();
            headers.append(name, value.as_bytes());
            assert!(headers.into_map().is_none(), "{name}: {value}");
        }
    }
}
