//! Methods of [`Activity`] for `callerId`, which the gateway sets and never accepts from a caller.

use std::borrow::Cow;

use bytes::Bytes;

use super::activity::Activity;
use super::json::Node;

/// The member that names the sender of an activity. On the wire it is an unverified claim (Activity schema A2251,
/// A2252).
const CALLER_ID: &str = "callerId";

impl Activity<'_> {
    /// Returns the body to forward: `body`, from which this activity was parsed, with `caller_id` in place of the
    /// `callerId` that the caller sent; `None` removes the member. A body without `callerId` stays unchanged, since
    /// SDKs derive it themselves.
    ///
    /// All other bytes stay unchanged, unless the member is spelled with escapes or is no string: then the whole
    /// document is written anew.
    #[must_use]
    pub fn recompute_caller_id(&mut self, body: &Bytes, caller_id: Option<&str>) -> Bytes {
        let Node::Object(members) = self.root_mut() else { return body.clone() };
        let Some(index) = members.iter().position(|(key, _)| key == CALLER_ID) else { return body.clone() };
        let span = members.get(index).and_then(|(key, node)| Span::find(key, node.as_str()?, body));
        let spliced = if let Some(caller_id) = caller_id {
            let node = Node::String(Cow::Owned(caller_id.to_owned()));
            let written =
                serde_json::to_string(&node).ok().zip(span).and_then(|(text, span)| span.replace(&text, body));
            if let Some((_, claimed)) = members.get_mut(index) {
                *claimed = node;
            }
            written
        } else {
            members.remove(index);
            span.and_then(|span| span.remove(body))
        };
        // A parsed document can always be written.
        spliced.unwrap_or_else(|| Bytes::from(serde_json::to_vec(self.root()).unwrap_or_default()))
    }
}

/// The position of a member in a body, quotes included.
#[derive(Clone, Copy)]
struct Span {
    key: usize,
    value: usize,
    end: usize,
}

impl Span {
    /// Locates a member by the addresses of its texts: a text without escapes is borrowed from the body.
    fn find(key: &str, text: &str, body: &[u8]) -> Option<Self> {
        let (key, value) = (opening_quote(key, body)?, opening_quote(text, body)?);
        Some(Self { key, value, end: value + text.len() + 2 })
    }

    fn replace(self, text: &str, body: &[u8]) -> Option<Bytes> {
        Some(Bytes::from([body.get(..self.value)?, text.as_bytes(), body.get(self.end..)?].concat()))
    }

    /// The body without the member and one of the commas beside it.
    fn remove(self, body: &[u8]) -> Option<Bytes> {
        let (before, after) = (body.get(..self.key)?.trim_ascii_end(), body.get(self.end..)?.trim_ascii_start());
        let (before, after) = match (before.strip_suffix(b","), after.strip_prefix(b",")) {
            (_, Some(after)) => (body.get(..self.key)?, after),
            (Some(before), None) => (before, after),
            (None, None) => (before, after),
        };
        Some(Bytes::from([before, after].concat()))
    }
}

/// The offset of the quote before `text`, if `text` lies in `body` between two quotes.
fn opening_quote(text: &str, body: &[u8]) -> Option<usize> {
    let start = text.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let opening = start.checked_sub(1)?;
    let end = start.checked_add(text.len())?;
    let lies_there = body.get(start..end)? == text.as_bytes() && body.get(opening) == Some(&b'"');
    (lies_there && body.get(end) == Some(&b'"')).then_some(opening)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    const REST: &str = r#""type":"message","channelId":"c","conversation":{"id":"k"},"from":{"id":"u"},"n":1.0,"big":12345678901234567890123"#;

    fn recomputed(body: &str, caller_id: Option<&str>) -> String {
        let body = Bytes::from(body.to_owned());
        let mut activity = Activity::parse(&body).unwrap();
        let forwarded = activity.recompute_caller_id(&body, caller_id);
        let said = activity.root().get(CALLER_ID).and_then(Node::as_str).map(str::to_owned);
        assert_eq!(
            said.as_deref(),
            caller_id.filter(|_| Activity::parse(&body).unwrap().root().get(CALLER_ID).is_some())
        );
        String::from_utf8(forwarded.to_vec()).unwrap()
    }

    #[test]
    fn a_body_without_a_caller_id_is_forwarded_unchanged() {
        let body = format!("{{ {REST} , \"x\":{{\"callerId\":\"deeper\"}}}}");
        assert_eq!(recomputed(&body, Some("urn:a")), body);
        assert_eq!(recomputed(&body, None), body);
    }

    #[test]
    fn replacing_a_caller_id_changes_only_its_own_bytes() {
        for (before, put, cut) in [
            (
                format!("{{\"callerId\" : \"x\" , {REST}}}"),
                format!("{{\"callerId\" : \"urn:a\" , {REST}}}"),
                format!("{{ {REST}}}"),
            ),
            (
                format!("{{{REST} ,\n \"callerId\":\"\"\n}}"),
                format!("{{{REST} ,\n \"callerId\":\"urn:a\"\n}}"),
                format!("{{{REST} }}"),
            ),
            (
                format!("{{\"a\":0, \"callerId\":\"x\",{REST}}}"),
                format!("{{\"a\":0, \"callerId\":\"urn:a\",{REST}}}"),
                format!("{{\"a\":0, {REST}}}"),
            ),
        ] {
            assert_eq!(recomputed(&before, Some("urn:a")), put);
            assert_eq!(recomputed(&before, None), cut);
        }
    }

    #[test]
    fn a_caller_id_that_is_escaped_or_no_string_makes_the_document_be_rewritten() {
        for member in
            [r#""caller\u0049d":"x""#, r#""callerId":"\u0078""#, r#""callerId":null"#, r#""callerId":{"a":[1]}"#]
        {
            let body = format!("{{{member},{REST}}}");
            let (put, cut) = (recomputed(&body, Some("urn:a")), recomputed(&body, None));
            let (put, cut): (serde_json::Value, serde_json::Value) =
                (serde_json::from_str(&put).unwrap(), serde_json::from_str(&cut).unwrap());
            assert_eq!(put["callerId"], "urn:a");
            assert_eq!(cut.get("callerId"), None);
            assert_eq!(cut["conversation"]["id"], "k");
        }
    }

    proptest! {
        /// The document stays equal except for the one member, whatever surrounds it.
        #[test]
        fn all_other_members_stay_equal(
            claimed in "\\PC{0,12}",
            other in "\\PC{0,12}",
            position in 0_usize..3,
            caller_id in proptest::option::of("urn:[a-z]{1,8}"),
        ) {
            let text = |value: &str| serde_json::to_string(value).unwrap();
            let mut members = vec![String::from(REST), format!("\"o\":{}", text(&other))];
            members.insert(position.min(members.len()), format!("\"callerId\":{}", text(&claimed)));
            let body = format!("{{{}}}", members.join(" ,"));
            let forwarded: serde_json::Value = serde_json::from_str(&recomputed(&body, caller_id.as_deref())).unwrap();
            let mut expected: serde_json::Value = serde_json::from_str(&body).unwrap();
            match &caller_id {
                Some(caller_id) => expected["callerId"] = caller_id.as_str().into(),
                None => drop(expected.as_object_mut().unwrap().remove("callerId")),
            }
            prop_assert_eq!(forwarded, expected);
        }
    }
}
