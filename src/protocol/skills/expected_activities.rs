use bytes::Bytes;

use super::raw_readings::{is_object, readings_of, require_json};
use crate::protocol::raw_members::{elements_of, parts_of};

/// The member that holds the activities of an answer.
const ACTIVITIES: &str = "activities";
/// The most activities in one answer: for each of them a list is kept while the answer is looked at.
const MAX_ACTIVITIES: usize = 1024;

/// A skill's answer to an activity with `expectReplies`, `{"activities": […]}`, or an answer without activities
/// (docs/protocols/bot-auth-and-skills.md §4.2).
#[derive(Clone, Copy, Debug)]
pub struct ExpectedActivities<'b> {
    body: &'b [u8],
    json: &'b [u8],
}

impl<'b> ExpectedActivities<'b> {
    /// Reads the body of an answer, which may be empty. `None` if it is not well-formed JSON, or holds more than 1,024
    /// activities.
    #[must_use]
    pub fn parse(body: &'b [u8]) -> Option<Self> {
        let json = if body.trim_ascii().is_empty() { b"" } else { require_json(body).ok()? };
        let answer = Self { body, json };
        (answer.activities().take(MAX_ACTIVITIES + 1).count() <= MAX_ACTIVITIES).then_some(answer)
    }

    /// The activities, in their order and as they are written, wherever some reader finds them. An item that is no
    /// object is no activity.
    pub fn activities(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        readings_of(self.json, ACTIVITIES).flat_map(elements_of).filter(|item| is_object(item))
    }

    /// The answer with what `kept` says in place of the activities: `None` drops an activity, and so does the end of
    /// `kept`. All other bytes stay as they are.
    #[must_use]
    pub fn rebuild(&self, mut kept: impl Iterator<Item = Option<Bytes>>) -> Bytes {
        let mut written = Vec::with_capacity(self.body.len());
        let mut rest = self.body;
        for array in readings_of(self.json, ACTIVITIES).filter(|value| value.first() == Some(&b'[')) {
            let Some((before, after)) = split_around(rest, array) else { continue };
            written.extend_from_slice(before);
            write_array(&mut written, array, &mut kept);
            rest = after;
        }
        written.extend_from_slice(rest);
        Bytes::from(written)
    }
}

/// What is in `bytes` before and after `part`, a part of it.
fn split_around<'b>(bytes: &'b [u8], part: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let start = part.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
    Some((bytes.get(..start)?, bytes.get(start + part.len()..)?))
}

/// Writes `array` with what `kept` says in place of its activities.
fn write_array(to: &mut Vec<u8>, array: &[u8], kept: &mut impl Iterator<Item = Option<Bytes>>) {
    to.push(b'[');
    let mut separator: &[u8] = b"";
    for part in parts_of(array, b'[') {
        let item = part.trim_ascii();
        let replacement = if is_object(item) { kept.next().flatten() } else { Some(Bytes::copy_from_slice(item)) };
        let (Some(replacement), Some((before, after))) = (replacement, split_around(part, item)) else { continue };
        to.extend_from_slice(separator);
        separator = b",";
        for bytes in [before, &replacement, after] {
            to.extend_from_slice(bytes);
        }
    }
    to.push(b']');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// What becomes of `body` when the activities are replaced by `kept`; an empty text drops one.
    fn rebuilt(body: &str, kept: &[&str]) -> String {
        let answer = ExpectedActivities::parse(body.as_bytes()).unwrap();
        assert_eq!(answer.activities().count(), kept.len(), "{body}");
        let kept = kept.iter().map(|text| (!text.is_empty()).then(|| Bytes::copy_from_slice(text.as_bytes())));
        String::from_utf8(answer.rebuild(kept).to_vec()).unwrap()
    }

    #[test]
    fn an_answer_whose_activities_stay_keeps_its_bytes() {
        for body in [
            "",
            " \r\n",
            "{}",
            "null",
            "[ {} ]",
            r#"{"activities":null}"#,
            r#"{"activities":{"type":"event"}}"#,
            r#"{"activities":[]}"#,
            r#" { "activities" : [ ] ,"status":200}"#,
            "\u{feff}{ \"body\":1e999, \"activities\" :[ {\"type\":\"message\", \"n\":1.0} ,\n{\"_channelId\":\"c\"}\t, 7,null] }\n",
            r#"{"Activities":[{"a":1}],"x":[{}],"activities":[{"b":2},[]]}"#,
        ] {
            let answer = ExpectedActivities::parse(body.as_bytes()).unwrap();
            let kept = answer.activities().map(|activity| Some(Bytes::copy_from_slice(activity)));
            assert_eq!(answer.rebuild(kept), body);
        }
    }

    #[test]
    fn activities_are_replaced_and_dropped_where_they_stand() {
        let body = r#"{"status":200,"activities":[ {"a":1}, {"b":2} , 7 ,{"c":3} ],"body":{"x":1}}"#;
        for (kept, expected) in [
            (["", "", ""], r#"{"status":200,"activities":[ 7 ],"body":{"x":1}}"#),
            (["", "{}", r#"{"c":3}"#], r#"{"status":200,"activities":[ {} , 7 ,{"c":3} ],"body":{"x":1}}"#),
            (
                [r#"{"a":1}"#, r#"{"b":2}"#, ""],
                r#"{"status":200,"activities":[ {"a":1}, {"b":2} , 7 ],"body":{"x":1}}"#,
            ),
        ] {
            assert_eq!(rebuilt(body, &kept), expected);
        }
        let twice = r#"{"activities":[{"a":1}],"ACTIVITIES":[{"b":2}]}"#;
        assert_eq!(rebuilt(twice, &["", "{}"]), r#"{"activities":[],"ACTIVITIES":[{}]}"#);
        let answer = ExpectedActivities::parse(twice.as_bytes()).unwrap();
        assert_eq!(answer.rebuild(std::iter::empty()), r#"{"activities":[],"ACTIVITIES":[]}"#);
    }

    #[test]
    fn an_answer_that_is_no_json_or_holds_very_many_activities_is_not_read() {
        let many = |count: usize| format!("{{\"activities\":[{}]}}", vec!["{}"; count].join(","));
        assert!(ExpectedActivities::parse(many(1024).as_bytes()).is_some());
        for body in [many(1025), "{".into(), "{'activities':[]}".into(), "<html>".into(), "{}{}".into()] {
            assert!(ExpectedActivities::parse(body.as_bytes()).is_none(), "{}", body.len());
        }
        assert!(ExpectedActivities::parse(b"\xff\xfe{\0}\0").is_none());
    }
}
