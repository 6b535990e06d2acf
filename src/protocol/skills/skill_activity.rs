use super::raw_readings::{is_null, is_object, readings_of, require_object, text_of};
use crate::protocol::activity::{ActivityError, MAX_NAME_BYTES};
use crate::protocol::invoke::TOKENS_RESPONSE;
use crate::protocol::raw_members::elements_of;
use crate::protocol::spelling::is_read_as;

/// The content type of an OAuth card, compared ignoring case and parameters.
const OAUTH_CARD: &str = "application/vnd.microsoft.card.oauth";
/// Longest `tokenExchangeResource.id` of a card that can be answered, in characters.
const MAX_RESOURCE_ID_CHARACTERS: usize = 256;
/// Longest `connectionName` of a card that can be answered, in bytes.
const MAX_CONNECTION_NAME_BYTES: usize = 256;
/// Longest `tokenExchangeResource.uri` of a card that can be answered, in bytes.
const MAX_URI_BYTES: usize = 2048;
/// Longest other id that is read, in bytes.
const MAX_OTHER_ID_BYTES: usize = 512;

/// What a skill's activity is to the skill host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillActivity {
    /// Some reader takes it for a `tokens/response` event, which no skill may send.
    TokensResponse,
    /// All readers find exactly one OAuth card in it, and the card can be answered with a token.
    OAuthCard(OfferedCard),
    /// Some reader finds an OAuth card in it that cannot be answered: one of several, one without a resource for which a token
    /// could be exchanged, or one that two readers read in two ways.
    UnusableCard,
    /// Anything else.
    Other,
}

/// An OAuth card that can be answered with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedCard {
    /// `connectionName`: the skill's name for its connection.
    pub connection_name: String,
    /// `tokenExchangeResource.id`, of 1 to 256 characters.
    pub resource_id: String,
    /// `tokenExchangeResource.uri`: the resource for which the skill wants a token.
    pub uri: String,
    /// `recipient.id` of the activity: the user that the skill names as the recipient of the card.
    pub recipient_id: Option<String>,
    /// `id` of the activity.
    pub activity_id: Option<String>,
}

/// Reads an activity that a skill sends. Members are read in every letter case (docs/protocols/bot-auth-and-skills.md
/// §5.1); what two readers may read in two ways is no card.
///
/// # Errors
/// [`ActivityError`] if `body` is no JSON object.
pub fn read_skill_activity(body: &[u8]) -> Result<SkillActivity, ActivityError> {
    let json = require_object(body)?;
    if may_be_tokens_response(json) {
        return Ok(SkillActivity::TokensResponse);
    }
    if !readings_of(json, "attachments").flat_map(elements_of).any(may_be_oauth_card) {
        return Ok(SkillActivity::Other);
    }
    Ok(read_card(json).map_or(SkillActivity::UnusableCard, SkillActivity::OAuthCard))
}

/// Whether some reader takes the activity for a `tokens/response` event. Without a `type` that a reader can use, the name
/// alone tells what is meant.
fn may_be_tokens_response(json: &[u8]) -> bool {
    let texts = |member| readings_of(json, member).filter_map(text_of);
    let is_usable = |kind: &str| (1..=MAX_NAME_BYTES).contains(&kind.len());
    texts("name").any(|name| is_read_as(&name, TOKENS_RESPONSE))
        && (texts("type").any(|kind| is_read_as(&kind, "event")) || !texts("type").any(|kind| is_usable(&kind)))
}

fn read_card(json: &[u8]) -> Option<OfferedCard> {
    let mut cards = elements_of(single(json, "attachments")?).filter(|attachment| may_be_oauth_card(attachment));
    let card = cards.next().filter(|_| cards.next().is_none())?;
    single(card, "contentType")?;
    let content = single(card, "content")?;
    let resource = single(content, "tokenExchangeResource")?;
    let resource_id = single_text(resource, "id")?;
    let recipient_id = match optional(json, "recipient").ok()? {
        Some(recipient) => optional_text(recipient, "id").ok()?,
        None => None,
    };
    (resource_id.chars().count() <= MAX_RESOURCE_ID_CHARACTERS).then_some(())?;
    Some(OfferedCard {
        connection_name: single_text(content, "connectionName")
            .filter(|name| name.len() <= MAX_CONNECTION_NAME_BYTES)?,
        resource_id,
        uri: single_text(resource, "uri").filter(|uri| uri.len() <= MAX_URI_BYTES)?,
        recipient_id,
        activity_id: optional_text(json, "id").ok()?,
    })
}

/// Whether some reader takes `attachment` for an OAuth card.
fn may_be_oauth_card(attachment: &[u8]) -> bool {
    readings_of(attachment, "contentType").filter_map(text_of).any(|content_type| {
        let (essence, _) = content_type.split_once(';').unwrap_or((&content_type, ""));
        is_read_as(essence.trim(), OAUTH_CARD)
    })
}

/// Some readers may find another value than others, or the value cannot be read.
struct Unclear;

/// The value that all readers find for the member `name`; `None` if there is none or `null`, or if they may find two.
fn single<'b>(json: &'b [u8], name: &'static str) -> Option<&'b [u8]> {
    optional(json, name).ok()?
}

/// The value that all readers find for the member `name`, unless it is absent or `null`.
fn optional<'b>(json: &'b [u8], name: &'static str) -> Result<Option<&'b [u8]>, Unclear> {
    let mut readings = readings_of(json, name);
    let first = readings.next().filter(|value| !is_null(value));
    if readings.next().is_some() { Err(Unclear) } else { Ok(first) }
}

/// As [`single`], for a text that is not empty.
fn single_text(json: &[u8], name: &'static str) -> Option<String> {
    text_of(single(json, name)?).filter(|text| !text.is_empty()).map(String::from)
}

/// As [`optional`], for an id in an object.
fn optional_text(json: &[u8], name: &'static str) -> Result<Option<String>, Unclear> {
    if !is_object(json) {
        return Err(Unclear);
    }
    let Some(value) = optional(json, name)? else { return Ok(None) };
    let text = text_of(value).filter(|text| text.len() <= MAX_OTHER_ID_BYTES).ok_or(Unclear)?;
    Ok(Some(String::from(text)).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const CARD: &str = r#"{"contentType":"application/vnd.microsoft.card.oauth","content":{"text":"x","connectionName":"c","tokenExchangeResource":{"id":"r","uri":"api://s"}}}"#;

    fn read(members: &str) -> SkillActivity {
        read_skill_activity(format!("{{{members}}}").as_bytes()).unwrap()
    }

    fn card(recipient: Option<&str>, id: Option<&str>) -> SkillActivity {
        SkillActivity::OAuthCard(OfferedCard {
            connection_name: "c".into(),
            resource_id: "r".into(),
            uri: "api://s".into(),
            recipient_id: recipient.map(str::to_owned),
            activity_id: id.map(str::to_owned),
        })
    }

    #[test]
    fn a_card_is_found_in_every_letter_case_and_beside_other_attachments() {
        for members in [
            format!(r#""attachments":[{CARD}]"#),
            format!(r#""type":"message","_channelId":"x","Attachments":[{{"contentType":"image/png"}},{CARD},7,null]"#),
            r#""attachments":[{"ContentType":"Application/vnd.microsoft.card.OAuth ; charset=utf-8","Content":{"ConnectionName":"c","TokenExchangeResource":{"Id":"r","Uri":"api://s","ProviderId":null}}}]"#.into(),
            r#""attachments":[{"contentType":"application/vnd.microsoft.card.oauth","content":{"connectionName":"\u0063","tokenExchangeResource":{"\u0069d":"r","uri":"api:\/\/s"},"n":1e999,"half":"\ud83d"}}]"#.into(),
        ] {
            assert_eq!(read(&members), card(None, None), "{members}");
        }
        let members = format!(r#""id":"a1","recipient":{{"id":"u"}},"attachments":[{CARD}]"#);
        assert_eq!(read(&members), card(Some("u"), Some("a1")));
    }

    #[test]
    fn a_card_that_cannot_be_answered_is_seen_as_well() {
        let shows = |members: &str| read(members) == SkillActivity::UnusableCard;
        for members in [
            format!(r#""attachments":[{CARD},{CARD}]"#),
            format!(r#""Attachments":[{{"contentType":"image/png"}},{CARD},{CARD}]"#),
            r#""attachments":[{"contentType":"application/vnd.microsoft.card.oauth"}]"#.to_owned(),
        ] {
            assert!(shows(&members), "{members}");
        }
        assert!(!shows(
            r#""text":"application/vnd.microsoft.card.oauth","attachments":[{"contentType":"image/png"},null]"#
        ));
        assert!(!shows(r#""attachments":null"#));
    }

    #[test]
    fn what_two_readers_may_read_in_two_ways_is_no_card() {
        let with_content = |content: &str| {
            format!(r#""attachments":[{{"contentType":"application/vnd.microsoft.card.oauth","content":{content}}}]"#)
        };
        let resource =
            |members: &str| with_content(&format!(r#"{{"connectionName":"c","tokenExchangeResource":{{{members}}}}}"#));
        for members in [
            format!(r#""attachments":[{CARD},{CARD}]"#),
            format!(r#""attachments":[{CARD},{{"ContentType":"APPLICATION/vnd.microsoft.card.oauth"}}]"#),
            format!(r#""attachments":[{CARD}],"Attachments":[]"#),
            format!(r#""attachments":[{CARD}],"attachments":null"#),
            format!(r#""attachments":{CARD}"#),
            format!(r#""attachments":[[{CARD}]]"#),
            format!(r#""recipient":{{"id":"u","Id":"v"}},"attachments":[{CARD}]"#),
            format!(r#""recipient":"u","attachments":[{CARD}]"#),
            format!(r#""id":5,"attachments":[{CARD}]"#),
            format!(r#""attachments":[{}]"#, CARD.replace(r#""content":"#, r#""contenttype":"x","content":"#)),
            with_content("null"),
            with_content("\"{}\""),
            with_content(r#"{"connectionName":"c"}"#),
            with_content(
                r#"{"connectionName":"c","ConnectionName":"d","tokenExchangeResource":{"id":"r","uri":"api://s"}}"#,
            ),
            with_content(r#"{"tokenExchangeResource":{"id":"r","uri":"api://s"}}"#),
            with_content(
                r#"{"connectionName":"c","tokenExchangeResource":{"id":"r","uri":"api://s"},"TOKENEXCHANGERESOURCE":{}}"#,
            ),
            resource(r#""id":"r","uri":"api://s","Uri":"api://t""#),
            resource(r#""id":"r","uri":"""#),
            resource(r#""id":"","uri":"api://s""#),
            resource(r#""id":"r\ud83d","uri":"api://s""#),
            resource(r#""id":["r"],"uri":"api://s""#),
            resource(&format!(r#""id":"{}","uri":"api://s""#, "ä".repeat(257))),
        ] {
            assert!(!matches!(read(&members), SkillActivity::OAuthCard(_)), "{members}");
        }
        let members = resource(&format!(r#""id":"{}","uri":"api://s""#, "ä".repeat(256)));
        assert!(matches!(read(&members), SkillActivity::OAuthCard(_)), "characters count, not bytes");
    }

    #[test]
    fn a_forged_token_is_found_by_every_reading() {
        for members in [
            r#""type":"event","name":"tokens/response""#,
            r#""Type":"Event","NAME":"Tokens/Response","type":"message""#,
            r#""name":"x","name":"tokens/response","type":"event""#,
            r#""name":"tokens/response""#,
            r#""name":"tokens/response","type":"""#,
            r#""name":"to\u212aens/re\u017fponse","type":"event""#,
            r#""n\u0061me":"tokens\/response","type":"event","value":1e999"#,
        ] {
            assert_eq!(read(members), SkillActivity::TokensResponse, "{members}");
        }
        for members in [r#""type":"message","name":"tokens/response""#, r#""type":"event","name":"tokens/request""#, ""]
        {
            assert_eq!(read(members), SkillActivity::Other, "{members}");
        }
    }

    #[test]
    fn what_is_no_object_is_no_activity() {
        for body in ["", "null", "[]", "{", "{} {}", "{'name':'tokens/response'}", "// x\n{}", "\"{}\""] {
            assert!(read_skill_activity(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read_skill_activity(b"{\"x\":\"\xff\"}").is_err());
        assert_eq!(read_skill_activity("\u{feff} {}".as_bytes()).unwrap(), SkillActivity::Other);
    }
}
