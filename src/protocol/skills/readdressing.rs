use bytes::Bytes;

use super::edits::Edits;
use super::raw_readings::{is_null, is_object, readings_of, require_object, text_of};
use crate::protocol::activity::ActivityError;

/// The member by which an activity names its conversation.
const CONVERSATION: &str = "conversation";
/// The member of a conversation that is its id, as it is named in errors.
const CONVERSATION_ID: &str = "conversation.id";
/// The member that holds the URL to which replies are posted.
const SERVICE_URL: &str = "serviceUrl";

/// How one side, the parent or the skill, addresses their conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkillAddress<'a> {
    /// `conversation.id`
    pub conversation_id: &'a str,
    /// `serviceUrl`
    pub service_url: &'a str,
}

/// A parent's activity for its skill: `body` with `to` in place of `conversation.id` and `serviceUrl`, in every
/// occurrence and letter case. All other bytes stay as they are.
///
/// # Errors
/// [`ActivityError`] if `body` is no JSON object, if some reader finds no conversation id or no service URL in it, or if
/// the members occur too often.
pub fn readdress_to_skill(body: &Bytes, to: SkillAddress<'_>) -> Result<Bytes, ActivityError> {
    let json = require_object(body)?;
    let mut edits = Edits::of(body);
    let mut conversations = readings_of(json, CONVERSATION).peekable();
    conversations.peek().ok_or(ActivityError::Missing(CONVERSATION_ID))?;
    for conversation in conversations {
        let mut ids = readings_of(conversation, "id").peekable();
        ids.peek().ok_or(ActivityError::Missing(CONVERSATION_ID))?;
        for id in ids {
            edits.replace(id, to.conversation_id, CONVERSATION_ID)?;
        }
    }
    let mut service_urls = readings_of(json, SERVICE_URL).peekable();
    service_urls.peek().ok_or(ActivityError::Missing(SERVICE_URL))?;
    for service_url in service_urls {
        edits.replace(service_url, to.service_url, SERVICE_URL)?;
    }
    edits.apply()
}

/// A skill's activity for its parent: `body` with `to` in place of `from`. An activity that names no conversation stays
/// so, and a service URL that is not that of `from`, up to a slash at its end, stays. All other bytes stay as they are.
///
/// # Errors
/// [`ActivityError`] if `body` is no JSON object, if some reader finds a conversation in it that is not `from`'s
/// ([`ActivityError::Ambiguous`]) or no text, or if the members occur too often.
pub fn readdress_to_parent(body: &[u8], from: SkillAddress<'_>, to: SkillAddress<'_>) -> Result<Bytes, ActivityError> {
    let json = require_object(body)?;
    let mut edits = Edits::of(body);
    for conversation in readings_of(json, CONVERSATION).filter(|conversation| !is_null(conversation)) {
        if !is_object(conversation) {
            return Err(ActivityError::WrongKind(CONVERSATION));
        }
        for id in readings_of(conversation, "id").filter(|id| !is_null(id)) {
            match text_of(id).ok_or(ActivityError::WrongKind(CONVERSATION_ID))?.as_ref() {
                "" => {}
                text if text == from.conversation_id => edits.replace(id, to.conversation_id, CONVERSATION_ID)?,
                _ => return Err(ActivityError::Ambiguous(CONVERSATION_ID)),
            }
        }
    }
    let without_slash = from.service_url.trim_end_matches('/');
    for service_url in readings_of(json, SERVICE_URL) {
        if text_of(service_url).is_some_and(|text| text.trim_end_matches('/') == without_slash) {
            edits.replace(service_url, to.service_url, SERVICE_URL)?;
        }
    }
    edits.apply()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const OURS: SkillAddress<'_> =
        SkillAddress { conversation_id: "0123", service_url: "https://sso.example/api/skills/s/" };
    const PARENTS: SkillAddress<'_> =
        SkillAddress { conversation_id: "p:1", service_url: "https://p.example/api/skills" };

    fn to_skill(body: &str) -> Result<String, ActivityError> {
        let bytes = Bytes::from(body.to_owned());
        readdress_to_skill(&bytes, OURS).map(|written| String::from_utf8(written.to_vec()).unwrap())
    }

    fn to_parent(body: &str) -> Result<String, ActivityError> {
        readdress_to_parent(body.as_bytes(), OURS, PARENTS).map(|written| String::from_utf8(written.to_vec()).unwrap())
    }

    #[test]
    fn only_the_two_values_change_on_the_way_to_the_skill_and_back() {
        let body = |id: &str, url: &str| {
            format!(
                " {{ \"n\":1.50e0,\"big\":12345678901234567890123 ,\"x\":\"\\ud83d\",\"x\":2,\"serviceUrl\" : \"{url}\"\t,\
                 \"conversation\":{{\"name\":\"p:1\", \"id\" :\"{id}\",\"id2\":1e999}},\"relatesTo\":{{\"conversation\":\
                 {{\"id\":\"p:1\"}},\"serviceUrl\":\"https://p.example/api/skills\"}},\"replyToId\":\"p:1\" }}\n"
            )
        };
        let (parents, ours) = (body("p:1", PARENTS.service_url), body("0123", OURS.service_url));
        assert_eq!(to_skill(&parents).unwrap(), ours);
        assert_eq!(to_parent(&ours).unwrap(), parents);
        let with_mark = |text: &str| format!("\u{feff}{text}");
        assert_eq!(to_skill(&with_mark(&parents)).unwrap(), with_mark(&ours));
    }

    #[test]
    fn every_reading_of_the_parents_address_is_replaced() {
        for (body, written) in [
            (
                r#"{"CONVERSATION":{"Id":"p:1","id":"p:1"},"ServiceUrl":"u","serviceurl":"u"}"#,
                r#"{"CONVERSATION":{"Id":"0123","id":"0123"},"ServiceUrl":"https://sso.example/api/skills/s/","serviceurl":"https://sso.example/api/skills/s/"}"#,
            ),
            (
                r#"{"con\u0076ersation":{"\u0069d":"p:1"},"\u017ferviceUrl":null}"#,
                r#"{"con\u0076ersation":{"\u0069d":"0123"},"\u017ferviceUrl":"https://sso.example/api/skills/s/"}"#,
            ),
        ] {
            assert_eq!(to_skill(body).unwrap(), written);
        }
    }

    #[test]
    fn an_activity_for_a_skill_without_an_address_is_refused() {
        for body in [
            r#"{"serviceUrl":"u"}"#,
            r#"{"serviceUrl":"u","conversation":null}"#,
            r#"{"serviceUrl":"u","conversation":{}}"#,
            r#"{"serviceUrl":"u","conversation":{"id":"x"},"Conversation":{}}"#,
            r#"{"serviceUrl":"u","conversation":"p:1"}"#,
            r#"{"conversation":{"id":"p:1"}}"#,
            "[]",
            "",
            r#"{"serviceUrl":"u","conversation":{"id":"x"}"#,
        ] {
            assert!(to_skill(body).is_err(), "{body}");
        }
        let ids = r#""id":0,"#.repeat(50);
        assert!(to_skill(&format!(r#"{{"serviceUrl":"u","conversation":{{{ids}"id":1}}}}"#)).is_err());
    }

    #[test]
    fn a_skills_activity_without_a_conversation_stays_without() {
        for body in [
            "{}",
            r#"{"conversation":null,"serviceUrl":null}"#,
            r#"{"conversation":{}}"#,
            r#"{"conversation":{"id":null},"serviceUrl":"https://elsewhere.example/"}"#,
            r#"{"conversation":{"id":""},"serviceUrl":7}"#,
        ] {
            assert_eq!(to_parent(body).unwrap(), body);
        }
    }

    #[test]
    fn a_skills_activity_that_names_another_conversation_to_some_reader_is_ambiguous() {
        for body in [
            r#"{"conversation":{"id":"p:1"}}"#,
            r#"{"conversation":{"id":"0123","ID":"p:1"}}"#,
            r#"{"conversation":{"id":"0123"},"conversation":{"id":"0124"}}"#,
            r#"{"conver\u017fation":{"id":"0124"}}"#,
        ] {
            assert!(matches!(to_parent(body), Err(ActivityError::Ambiguous("conversation.id"))), "{body}");
        }
        for body in [
            r#"{"conversation":"0123"}"#,
            r#"{"conversation":[{"id":"0123"}]}"#,
            r#"{"conversation":{"id":123}}"#,
            r#"{"conversation":{"id":"\ud800"}}"#,
            "null",
            "{'conversation':{}}",
            "{/**/}",
        ] {
            assert!(to_parent(body).is_err(), "{body}");
        }
    }

    #[test]
    fn our_service_url_does_not_reach_the_parent_with_or_without_its_slash() {
        for url in [
            "https://sso.example/api/skills/s/",
            "https://sso.example/api/skills/s",
            "https:\\/\\/sso.example/api/skills/s",
        ] {
            let body = format!(r#"{{"ServiceUrl":"{url}"}}"#);
            assert_eq!(to_parent(&body).unwrap(), r#"{"ServiceUrl":"https://p.example/api/skills"}"#);
        }
    }

    proptest! {
        #[test]
        fn an_activity_that_goes_there_and_back_is_the_same(id in "\\PC{1,12}", url in "\\PC{1,12}", text in "\\PC{0,12}", upper: bool) {
            let mut activity = serde_json::json!({ "conversation": { "id": id, "name": text }, "text": text });
            activity[if upper { "ServiceUrl" } else { "serviceUrl" }] = url.clone().into();
            let body = Bytes::from(serde_json::to_vec_pretty(&activity).unwrap());
            let there = readdress_to_skill(&body, OURS).unwrap();
            let read: Value = serde_json::from_slice(&there).unwrap();
            prop_assert_eq!(read["conversation"]["id"].as_str(), Some("0123"));
            let back = readdress_to_parent(&there, OURS, SkillAddress { conversation_id: &id, service_url: &url }).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Value>(&back).unwrap(), activity);
        }
    }
}
