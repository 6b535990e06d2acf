//! Methods of [`Activity`] for `callerId`, which the gateway sets and never accepts from a caller.

use bytes::Bytes;

use super::activity::{Activity, ActivityError};
use super::members::Member;
use super::raw_members::{Fate, rewrite};

/// The member that names the sender of an activity. On the wire it is an unverified claim (Activity schema A2251,
/// A2252).
const CALLER_ID: &str = "callerId";

impl Activity<'_> {
    /// Returns the body to forward: `body`, from which this activity was parsed, with `caller_id` in place of the
    /// `callerId` that the caller sent; `None` removes the member. A body without `callerId` stays unchanged, since
    /// SDKs derive it themselves. Repeated occurrences and other spellings are removed, because some bots read them. All
    /// other bytes stay unchanged.
    ///
    /// # Errors
    /// [`ActivityError::Irregular`] if `body` is not what was parsed.
    pub fn recompute_caller_id(&self, body: &Bytes, caller_id: Option<&str>) -> Result<Bytes, ActivityError> {
        // Most activities have no such member, which the index tells without a search.
        let is_absent = self.readings(Member::CallerId).next().is_none();
        if is_absent || !self.root().members().any(|(key, _)| key.eq_ignore_ascii_case(CALLER_ID)) {
            return Ok(body.clone());
        }
        let mut left = caller_id;
        let fates = self.root().members().map(|(key, _)| match key {
            CALLER_ID => left.take().map_or(Fate::Removed, Fate::Replaced),
            _ if key.eq_ignore_ascii_case(CALLER_ID) => Fate::Removed,
            _ => Fate::Kept,
        });
        rewrite(body, fates).map(Bytes::from).ok_or(ActivityError::Irregular)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::Node;

    const REST: &str = r#""type":"message","channelId":"c","conversation":{"id":"k"},"from":{"id":"u"},"n":1.0,"big":12345678901234567890123"#;

    fn recomputed(body: &str, caller_id: Option<&str>) -> String {
        let body = Bytes::from(body.to_owned());
        let forwarded = Activity::parse(&body).unwrap().recompute_caller_id(&body, caller_id).unwrap();
        let again = Activity::parse(&forwarded).unwrap();
        let said = again.root().get(CALLER_ID).and_then(Node::as_str).map(str::to_owned);
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
                format!("{{\"a\":0,{REST}}}"),
            ),
        ] {
            assert_eq!(recomputed(&before, Some("urn:a")), put);
            assert_eq!(recomputed(&before, None), cut);
        }
    }

    #[test]
    fn a_caller_id_in_any_form_is_replaced_and_its_other_occurrences_are_removed() {
        for (members, put, cut) in [
            (r#""caller\u0049d": "x" "#, r#""caller\u0049d": "urn:a" "#, ""),
            (r#""callerId":"\u0078""#, r#""callerId":"urn:a""#, ""),
            (r#""callerId":null"#, r#""callerId":"urn:a""#, ""),
            (r#""callerId":{"a":[1,"}\""]}"#, r#""callerId":"urn:a""#, ""),
            (r#""callerId":1,"callerId":[2,{}]"#, r#""callerId":"urn:a""#, ""),
            (r#""CallerID":"x""#, "", ""),
            (r#""CallerID":"x", "callerId":"y","CALLERID":0"#, r#" "callerId":"urn:a""#, ""),
            (
                r#""callerId":"x","o":[{"callerId":"deeper"}]"#,
                r#""callerId":"urn:a","o":[{"callerId":"deeper"}]"#,
                r#""o":[{"callerId":"deeper"}]"#,
            ),
        ] {
            for (before, after) in [("", format!(",{REST}")), (REST, String::new())] {
                let comma = if before.is_empty() { "" } else { "," };
                let body = format!(" {{{before}{comma}{members}{after} }}\n");
                for (caller_id, written) in [(Some("urn:a"), put), (None, cut)] {
                    let bytes = Bytes::from(body.clone());
                    let forwarded = Activity::parse(&bytes).unwrap().recompute_caller_id(&bytes, caller_id).unwrap();
                    let text = String::from_utf8(forwarded.to_vec()).unwrap();
                    let mut parts = if before.is_empty() { vec![written, REST] } else { vec![REST, written] };
                    parts.retain(|part| !part.is_empty());
                    let expected = format!("{{{}}}", parts.join(","));
                    assert_eq!(without_space(&text), without_space(&expected), "{body} {caller_id:?}");
                    assert!(text.starts_with(" {") && text.ends_with("}\n"), "{text}");
                }
            }
        }
    }

    fn without_space(text: &str) -> String {
        text.split_ascii_whitespace().collect()
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
