//! Each parser of bytes from outside takes at most eight times the memory of its input.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bot_sso::domain::{ClaimsChallenge, Timestamp, read_bounded_json};
use bot_sso::endpoints::token_service::Query;
use bot_sso::identity_provider::judge;
use bot_sso::outbound::HttpAnswer;
use bot_sso::protocol::{
    ActionFamily, ActionKind, Activity, CarriedSignIn, CarriedToken, EventStream, ExpectedActivities, InvokeKind,
    JsonDocument, ParentActivity, SkillAddress, TokenExchangeInvokeRequest, TokenExchangeState, TokensResponseEvent,
    UsedMembers, invoke_response_envelope, normalize_for_bot, possible_action_connections, read_action_connection,
    read_skill_activity, readdress_to_parent, readdress_to_skill, readdress_user_invoke, regularize,
    response_in_envelope, without_value_members,
};
use bot_sso::token_validation::UnverifiedToken;
use bytes::Bytes;
use serde_json::Value;

use super::shapes::{Shape, json_values};
use super::{count_alone, peak_of};

/// The most bytes of memory for a byte of input.
const MOST_PER_BYTE: usize = 8;
/// What small inputs may cost: lists that are reserved at first, and the values that any text may have
/// (`domain::read_bounded_json`).
const FREE_BYTES: usize = 64 * 1024;

/// Runs `parse` on `input`, and compares the memory that it takes with the length of the input.
#[track_caller]
fn require_bounded<T>(parser: &str, shape: &str, input: &[u8], parse: impl FnOnce(&[u8]) -> T) {
    let peak = peak_of(|| parse(input));
    let most = FREE_BYTES + MOST_PER_BYTE * input.len();
    assert!(peak <= most, "{parser} takes {peak} bytes for {} bytes of {shape}", input.len());
}

/// All that the gateway does with an activity while its parsed form lives.
fn read_activity(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    let Ok(activity) = Activity::parse(&body) else { return };
    let _ = (activity.conversation_type(), activity.tenant_ids().count(), activity.require_sign_in_form());
    let forwarded = activity.recompute_caller_id(&body, Some("urn:botframework:azure"));
    let _ = TokenExchangeInvokeRequest::read(&activity);
    drop(normalize_for_bot(&activity, InvokeKind::TokenExchange, &body, true));
    let _ = (CarriedToken::may_be(&activity, |_| false, |_| false), CarriedSignIn::read(&activity, ActionKind::Query));
    let _ = (activity.states_one_user(), ActionFamily::find_possible(&activity));
    let _ = (possible_action_connections(&activity).count(), read_action_connection(&activity, ActionFamily::Card));
    drop(activity);
    drop(without_value_members(&body, UsedMembers { authentication: true, state: true }));
    let event = TokensResponseEvent::for_activity(&body);
    drop((forwarded, event));
}

#[test]
fn an_activity_of_any_shape_is_read_in_a_small_multiple_of_its_size() {
    let _alone = count_alone();
    for size in [2_000, 20_000, 250_000, 500_000] {
        for Shape { name, text } in json_values(size) {
            for body in [
                format!(r#"{{"type":"message","channelId":"c","callerId":"x","channelData":{text}}}"#),
                format!(r#"{{"type":"message","channelId":"c","entities":{text},"value":0}}"#),
                format!(
                    r#"{{"type":"Invoke","name":"signin/tokenExchange","channelId":"c","from":{{"id":"u"}},"conversation":{{"id":"k"}},"value":{{"connectionName":"c","x":{text}}}}}"#
                ),
                text.replacen('{', r#"{"type":"message","channelId":"c","#, 1),
            ] {
                require_bounded("the gateway", name, body.as_bytes(), read_activity);
                require_bounded("the regularizer", name, body.as_bytes(), |body| {
                    let copy = regularize(body);
                    let _ = copy.as_deref().map(Activity::parse_regularized);
                });
            }
        }
    }
}

/// How the skill host addresses a conversation.
const ADDRESS: SkillAddress<'_> =
    SkillAddress { conversation_id: "00112233445566778899aabbccddeeff", service_url: "https://s/" };

/// All that the skill host does with what a parent sends, while its parsed form lives.
fn read_parents_activity(body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    let Ok(activity) = Activity::parse(&body) else { return };
    let parents = ParentActivity::read(&activity).map(|parents| parents.addressing);
    let written = readdress_to_skill(&body, ADDRESS);
    drop(activity);
    drop((parents, written));
    drop(readdress_user_invoke(&body, ADDRESS, "{}"));
}

/// All that the skill host does with a stream of a skill.
fn read_stream(bytes: &[u8]) {
    let mut stream = EventStream::new();
    for chunk in bytes.chunks(16 * 1024) {
        stream.push(chunk);
        while let Ok(Some(event)) = stream.next_event() {
            drop(event.data().map(|data| event.with_data(&data)));
            drop(event.bytes());
        }
    }
    drop(stream.finish().map(|event| event.bytes()));
}

#[test]
fn what_parents_and_skills_exchange_takes_a_small_multiple_of_its_size() {
    let _alone = count_alone();
    let head = r#""channelId":"c","serviceUrl":"u","conversation":{"id":"k"}"#;
    for Shape { name, text } in json_values(80_000) {
        for body in [
            format!(r#"{{{head},"channelData":{{"tenant":{text}}}}}"#),
            format!(r#"{{{head},"from":{text},"relatesTo":{text}}}"#),
            format!(r#"{{"channelId":"c","serviceUrl":"u","conversation":{text},"id":{text}}}"#),
            text.replacen('{', &format!("{{{head},"), 1),
            text.replace("\"a\"", "\"serviceUrl\""),
        ] {
            require_bounded("the way to a skill", name, body.as_bytes(), read_parents_activity);
            require_bounded("the way to a parent", name, body.as_bytes(), |body| {
                readdress_to_parent(body, ADDRESS, SkillAddress { conversation_id: "k", service_url: "u" }).is_ok()
            });
        }
        for body in [
            format!(r#"{{"attachments":{text}}}"#),
            format!(r#"{{"name":{text},"type":{text}}}"#),
            format!(
                r#"{{"attachments":[{{"contentType":"application/vnd.microsoft.card.oauth","content":{{"connectionName":{text},"tokenExchangeResource":{{"id":{text},"uri":{text}}}}}}}]}}"#
            ),
        ] {
            require_bounded("a skill's activity", name, body.as_bytes(), |body| read_skill_activity(body).is_ok());
        }
        for body in [text.clone(), format!(r#"{{"activities":{text}}}"#)] {
            require_bounded("a skill's answer", name, body.as_bytes(), |body| {
                let answer = ExpectedActivities::parse(body)?;
                let kept: Vec<Option<Bytes>> =
                    answer.activities().map(|activity| Some(Bytes::copy_from_slice(activity))).collect();
                Some(answer.rebuild(kept.into_iter()))
            });
        }
        let lines = text.replace(',', ",\ndata:");
        for body in [format!("data: {text}\r\n\r\n"), format!("data:{lines}\n\n"), text.replace(',', "\r"), lines] {
            require_bounded("a stream", name, body.as_bytes(), read_stream);
        }
    }
    for part in ["\n", "data\n\n", "data\n", ":\r", "data:x\r\n\r\n"] {
        let body = part.repeat(200_000 / part.len());
        require_bounded("a stream", part, body.as_bytes(), read_stream);
    }
}

/// The parsed form stays for a moment beside the body: what it takes is smaller than what parsing takes.
#[test]
fn a_parsed_document_takes_at_most_five_times_its_text() {
    let _alone = count_alone();
    for Shape { name, text } in json_values(250_000) {
        let before = super::ALLOCATOR.current_usage();
        let document = JsonDocument::parse(text.as_bytes());
        let live = super::ALLOCATOR.current_usage().saturating_sub(before);
        assert!(document.is_ok(), "{name} is JSON that is passed on");
        assert!(live <= 5 * text.len() + 4096, "{name}: {live} bytes for {}", text.len());
    }
}

#[test]
fn what_the_token_service_reads_takes_a_small_multiple_of_its_size() {
    let _alone = count_alone();
    for Shape { name, text } in json_values(250_000) {
        for body in [text.clone(), format!(r#"{{"resourceUrls":{text}}}"#), format!(r#"{{"exchangeRequest":{text}}}"#)]
        {
            require_bounded("a body", name, body.as_bytes(), |body| JsonDocument::parse_unambiguous(body).is_ok());
        }
    }
    for Shape { name, text } in json_values(12_000) {
        let state = STANDARD.encode(format!(r#"{{"connectionName":"c","conversation":{{"user":{text}}}}}"#));
        require_bounded("a state", name, state.as_bytes(), |state| {
            TokenExchangeState::decode(std::str::from_utf8(state).unwrap()).is_ok()
        });
        for text in [text.clone(), format!("{{\"access_token\":{text}}}")] {
            require_bounded("a claims challenge", name, text.as_bytes(), |text| {
                ClaimsChallenge::parse(std::str::from_utf8(text).unwrap())
            });
        }
    }
    for part in ["a=b&", "text=1&", "resourceUrls[]=1&", "%74ext=%31&", "&", "userId=&"] {
        let query = part.repeat(60_000 / part.len());
        require_bounded("a query", part, query.as_bytes(), |query| {
            drop(Query::parse(std::str::from_utf8(query).unwrap()));
        });
    }
}

#[test]
fn a_token_of_any_shape_is_read_in_a_small_multiple_of_its_size() {
    let _alone = count_alone();
    let read = |header: &str, claims: &str| {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    };
    for Shape { name, text } in json_values(16_000) {
        let mut tokens = Vec::new();
        for member in ["alg", "kid", "typ", "crit", "nonce", "x"] {
            tokens.push(read(&format!(r#"{{"alg":"RS256","kid":"k","{member}":{text}}}"#), "{}"));
            tokens.push(read(&format!(r#"{{"{member}":{text}}}"#), "{}"));
        }
        for claim in ["aud", "exp", "acrs", "x"] {
            tokens.push(read(r#"{"alg":"RS256","kid":"k"}"#, &format!(r#"{{"{claim}":{text}}}"#)));
        }
        tokens.push(read(r#"{"alg":"RS256","kid":"k"}"#, &text));
        for token in tokens {
            require_bounded("a token", name, token.as_bytes(), |token| {
                let token = UnverifiedToken::parse(std::str::from_utf8(token).unwrap(), 64 * 1024);
                token.map(|token| token.claim("iss").is_some())
            });
        }
    }
}

#[test]
fn the_answer_of_an_identity_provider_or_a_bot_takes_a_small_multiple_of_its_size() {
    let _alone = count_alone();
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    for Shape { name, text } in json_values(250_000) {
        for members in ["", r#""access_token":"t","x":"#, r#""error_codes":"#, r#""claims":"#] {
            let body = if members.is_empty() { text.clone() } else { format!("{{{members}{text}}}") };
            for status in [200, 400] {
                require_bounded("the token endpoint's answer", name, body.as_bytes(), |body| {
                    let body = Bytes::copy_from_slice(body);
                    judge(&HttpAnswer { status, headers: std::iter::empty().collect(), body }, now, now).is_ok()
                });
            }
            // Key sets, discovery documents and the user's names are read by this function too, into smaller types.
            require_bounded("a document", name, body.as_bytes(), |body| read_bounded_json::<Value>(body).is_ok());
        }
        let envelope = invoke_response_envelope(200, text.as_bytes());
        require_bounded("a bot's answer", name, &envelope, response_in_envelope);
        require_bounded("a wrapped answer", name, text.as_bytes(), |body| invoke_response_envelope(200, body));
    }
}
