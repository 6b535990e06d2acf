//! Methods of [`Node`] and [`Activity`] for what other readers may find in the same bytes. The bot behind the gateway has
//! another JSON parser. Some parsers take the first of two equal members and some the last, and some ignore letter case.
//! A sign-in invoke must not pass the gateway as something else, so every reading counts.

use super::activity::Activity;
use super::json::Node;

/// The bytes of the longest character that some reader folds to an ASCII letter: the Kelvin sign has three.
const MOST_FOLDED_BYTES: usize = 3;

impl<'d> Node<'d> {
    /// The values of all members that some reader takes for the member `name`: every occurrence, in any letter case.
    pub fn readings(self, name: &'static str) -> impl Iterator<Item = Node<'d>> {
        // No character is folded to more ASCII letters than it has bytes, so a shorter text cannot be read as the name.
        self.values_of(name.len()..=MOST_FOLDED_BYTES * name.len(), move |key| is_read_as(key, name))
    }
}

impl Activity<'_> {
    /// Whether some reader takes this for an activity of the type `kind` with the name `name`.
    #[must_use]
    pub fn may_be(&self, kind: &str, name: &str) -> bool {
        let has = |member, wanted: &str| {
            self.root().readings(member).filter_map(Node::as_str).any(|text| is_read_as(text, wanted))
        };
        has("name", name) && has("type", kind)
    }

    /// All that some reader takes for the member `name` of `value`.
    pub fn value_readings(&self, name: &'static str) -> impl Iterator<Item = Node<'_>> {
        self.root().readings("value").flat_map(move |value| value.readings(name))
    }
}

/// Whether `text` equals `name`, which is ASCII, for some reader that ignores letter case. Readers that fold all of
/// Unicode also take the Kelvin sign for a K, and the long s for an S.
fn is_read_as(text: &str, name: &str) -> bool {
    let folds_to = || text.to_lowercase().eq_ignore_ascii_case(name) || text.to_uppercase().eq_ignore_ascii_case(name);
    text.eq_ignore_ascii_case(name) || text.len() <= MOST_FOLDED_BYTES * name.len() && !text.is_ascii() && folds_to()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REST: &str = r#""channelId":"c","serviceUrl":"https://c.example/""#;

    fn may_be_failure(members: &str) -> bool {
        let body = format!("{{{members},{REST}}}");
        Activity::parse(body.as_bytes()).unwrap().may_be("invoke", "signin/failure")
    }

    #[test]
    fn an_activity_may_be_whatever_any_reader_finds_in_it() {
        for members in [
            r#""type":"invoke","name":"signin/failure""#,
            r#""type":"message","type":"invoke","name":"signin/failure""#,
            r#""type":"invoke","type":"message","name":"signin/failure","name":"x""#,
            r#""Type":"INVOKE","nAME":"SignIn/Failure""#,
            r#""type":"message","TYPE":"invoke","name":7,"Name":"signin/failure""#,
            r#""\u0074ype":"\u0069nvoke","name":"signin\/failure""#,
            "\"type\":\"invo\u{212a}e\",\"name\":\"\u{17f}ignin/failure\"",
        ] {
            assert!(may_be_failure(members), "{members}");
        }
        for members in [
            r#""type":"message","name":"signin/failure""#,
            r#""type":"invoke","name":"signin/failure2""#,
            r#""type":"invoke","value":{"name":"signin/failure"}"#,
            r#""type":"invoke","name":["signin/failure"]"#,
            r#""type":"invoke","name":"signin/failure\u0000""#,
        ] {
            assert!(!may_be_failure(members), "{members}");
        }
    }

    #[test]
    fn the_caller_is_authenticated_by_members_that_all_readers_read_alike() {
        let parse = |members: &str| {
            let body = format!("{{\"type\":\"message\",{members}}}");
            Activity::parse(body.as_bytes()).map(|activity| activity.service_url().map(str::to_owned))
        };
        for members in [r#""channelId":"c","ServiceUrl":"u""#, r#""channelId":"c","serviceUrl":"u","SERVICEURL":"u""#] {
            assert_eq!(parse(members).unwrap().as_deref(), Some("u"), "{members}");
        }
        for members in [
            r#""channelId":"c","serviceUrl":"u","serviceUrl":"v""#,
            r#""channelId":"c","serviceUrl":"u","ServiceUrl":null"#,
            r#""channelId":"c","ChannelId":"d""#,
            r#""channelId":"""#,
            r#""serviceUrl":"u""#,
        ] {
            assert!(parse(members).is_err(), "{members}");
        }
    }
}
