//! Properties of the functions that read and write what parents and skills exchange, as in `checks.rs`.

use std::borrow::Cow;

use bot_sso::domain::Timestamp;
use bot_sso::protocol::{
    Activity, EventStream, ExpectedActivities, ParentActivity, SkillActivity, SkillAddress, SkillInvoke, StreamEvent,
    read_skill_activity, readdress_to_parent, readdress_to_skill, readdress_user_invoke, regularize,
    token_exchange_invoke,
};
use bytes::Bytes;
use serde_json::Value;

const OURS: SkillAddress<'_> = SkillAddress {
    conversation_id: "00112233445566778899aabbccddeeff",
    service_url: "https://sso.example/api/skills/s/",
};

/// Bytes that a parent or a skill sends, in every role that they can have.
pub fn skill_activity(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let copy = regularize(bytes);
    let activity = match &copy {
        Some(copy) => Activity::parse_regularized(copy),
        None => Activity::parse(&body),
    };
    if let Ok(parents) =
        activity.as_ref().map_err(drop).and_then(|activity| ParentActivity::read(activity).map_err(drop))
    {
        check_addresses(&body, &parents);
        if !parents.addressing.is_empty() {
            check_invokes(&body, &parents);
        }
    }
    check_skills_activity(bytes);
    check_way_to_parent(bytes);
    check_answer(bytes);
    check_stream(bytes);
}

/// The values of all members called `name` in any letter case. Of repeated members only the last is seen.
fn any_case<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let folds = |key: &str| key.to_uppercase().to_lowercase().eq_ignore_ascii_case(name);
    value.as_object().into_iter().flatten().filter(move |(key, _)| folds(key)).map(|(_, value)| value)
}

fn ids_of(activity: &Value) -> impl Iterator<Item = &Value> {
    any_case(activity, "conversation").flat_map(|conversation| any_case(conversation, "id"))
}

/// On the way to the skill nothing of the parent's address is left, and the way back restores all of it.
fn check_addresses(body: &Bytes, parents: &ParentActivity<'_>) {
    assert!((1..=512).contains(&parents.conversation_id.len()));
    assert!(parents.from_id.is_none_or(|id| (1..=256).contains(&id.len())));
    assert!(parents.addressing.len() <= 16 * 1024);
    let Ok(there) = readdress_to_skill(body, OURS) else { return };
    let address = SkillAddress { conversation_id: parents.conversation_id, service_url: parents.service_url };
    let back = readdress_to_parent(&there, OURS, address).expect("our own address is taken back");
    let values = [body, &there, &back].map(|body| serde_json::from_slice::<Value>(body).ok());
    // serde_json refuses some bodies that other parsers read.
    let [Some(sent), Some(there), Some(back)] = values else { return };
    assert!(ids_of(&there).count() > 0 && ids_of(&there).all(|id| id == OURS.conversation_id));
    assert!(any_case(&there, "serviceUrl").all(|url| url == OURS.service_url));
    assert_eq!(back, sent);
}

/// What is sent in the parent's name has the address of the skill conversation, and no other.
fn check_invokes(body: &Bytes, parents: &ParentActivity<'_>) {
    let addressing: Value = serde_json::from_str(&parents.addressing).expect("an addressing is JSON");
    let invoke = SkillInvoke {
        id: "i",
        address: OURS,
        addressing: &parents.addressing,
        reply_to: None,
        resource_id: parents.conversation_id,
        connection_name: parents.service_url,
        token: "a.b.c",
        timestamp: Timestamp::from_unix_seconds(1_800_000_000),
    };
    let exchange = token_exchange_invoke(invoke);
    let users = readdress_user_invoke(body, OURS, &parents.addressing).expect("the body is an object");
    for (written, is_exchange) in [(exchange, true), (users, false)] {
        let Ok(written) = serde_json::from_slice::<Value>(&written) else {
            assert!(!is_exchange, "what this program composes is JSON");
            continue;
        };
        assert!(ids_of(&written).eq([OURS.conversation_id]));
        assert!(any_case(&written, "serviceUrl").eq([OURS.service_url]));
        assert_eq!(written["recipient"]["role"], "skill");
        assert_eq!(any_case(&written, "deliveryMode").chain(any_case(&written, "callerId")).count(), 0);
        if is_exchange {
            assert_eq!(written.get("from"), addressing.get("from"));
            assert_eq!(written["value"].as_object().unwrap().len(), 3);
        }
    }
}

/// No forged token is overlooked, and a card is what another parser reads.
fn check_skills_activity(bytes: &[u8]) {
    let whole = serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    let Ok(read) = read_skill_activity(bytes) else { return assert!(whole.is_none(), "every object is read") };
    let Some(whole) = whole else { return };
    let is = |name, wanted: &str| {
        any_case(&whole, name).any(|text| text.as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted)))
    };
    if is("type", "event") && is("name", "tokens/response") {
        assert_eq!(read, SkillActivity::TokensResponse);
    }
    let SkillActivity::OAuthCard(card) = read else { return };
    let attachments: Vec<&Value> = any_case(&whole, "attachments").collect();
    let [Value::Array(attachments)] = attachments.as_slice() else { panic!("there is one list of attachments") };
    let resources = attachments
        .iter()
        .flat_map(|attachment| any_case(attachment, "content"))
        .filter(|content| any_case(content, "connectionName").eq([card.connection_name.as_str()]))
        .flat_map(|content| any_case(content, "tokenExchangeResource"));
    let mut fitting = resources.filter(|resource| {
        any_case(resource, "id").eq([card.resource_id.as_str()]) && any_case(resource, "uri").eq([card.uri.as_str()])
    });
    assert!(fitting.next().is_some(), "another parser finds the same card");
    assert!((1..=256).contains(&card.resource_id.chars().count()));
}

/// What reaches the parent does not name our conversation.
fn check_way_to_parent(bytes: &[u8]) {
    let parents = SkillAddress { conversation_id: "p:1", service_url: "https://parent.example/api/skills" };
    let Ok(written) = readdress_to_parent(bytes, OURS, parents) else { return };
    let (Ok(sent), Ok(written)) = (serde_json::from_slice::<Value>(bytes), serde_json::from_slice::<Value>(&written))
    else {
        return;
    };
    assert!(ids_of(&written).all(|id| id.is_null() || id == "" || id == "p:1"));
    assert!(any_case(&written, "serviceUrl").all(|url| url != OURS.service_url));
    assert_eq!(ids_of(&written).count(), ids_of(&sent).count());
}

/// An answer whose activities all stay keeps its bytes, and one without them holds none.
fn check_answer(bytes: &[u8]) {
    let Some(answer) = ExpectedActivities::parse(bytes) else { return };
    let kept = answer.activities().map(|activity| Some(Bytes::copy_from_slice(activity)));
    assert_eq!(answer.rebuild(kept), bytes);
    let without = answer.rebuild(std::iter::empty());
    assert_eq!(ExpectedActivities::parse(&without).expect("it stays readable").activities().count(), 0);
    let (Ok(sent), Ok(without)) = (serde_json::from_slice::<Value>(bytes), serde_json::from_slice::<Value>(&without))
    else {
        return;
    };
    let items =
        |answer: &Value| any_case(answer, "activities").filter_map(Value::as_array).flatten().cloned().collect();
    let left: Vec<Value> = items(&without);
    let expected: Vec<Value> = items(&sent).into_iter().filter(|item| !item.is_object()).collect();
    assert_eq!(left, expected);
}

/// A stream is read alike in chunks of every size, and what is passed on holds the same data in single lines.
fn check_stream(bytes: &[u8]) {
    let data_of = |events: &[StreamEvent]| {
        events.iter().filter_map(|event| event.data().map(Cow::into_owned)).collect::<Vec<_>>()
    };
    let whole = events_of(bytes, bytes.len().max(1));
    let expected = data_of(&whole);
    for size in [1, 7] {
        assert_eq!(data_of(&events_of(bytes, size)), expected);
    }
    let passed_on: Vec<u8> = whole.iter().flat_map(|event| event.bytes().to_vec()).collect();
    let again = events_of(&passed_on, 5);
    assert_eq!(data_of(&again), expected.iter().map(|data| in_one_line(data)).collect::<Vec<_>>());
    assert!(passed_on.len() <= 3 * bytes.len() + whole.len());
    let lines_of =
        |text: &str| text.split(|char| "\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}".contains(char)).count();
    assert_eq!(lines_of(&String::from_utf8_lossy(&passed_on)), 1, "no reader finds more lines");
    let twice: Vec<u8> = again.iter().flat_map(|event| event.bytes().to_vec()).collect();
    assert_eq!(twice, passed_on, "what is passed on is read alike by all");
}

/// `data` without the characters at which some reader ends a line.
fn in_one_line(data: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut rest = data;
    while let [first, behind @ ..] = rest {
        let (replacement, left): (&[u8], _) = match rest {
            [b'\n' | 0x0b | 0x0c | 0x1c..=0x1e, ..] => (b" ", behind),
            [0xc2, 0x85, left @ ..] => (b"\\u0085", left),
            [0xe2, 0x80, 0xa8, left @ ..] => (b"\\u2028", left),
            [0xe2, 0x80, 0xa9, left @ ..] => (b"\\u2029", left),
            _ => (std::slice::from_ref(first), behind),
        };
        written.extend_from_slice(replacement);
        rest = left;
    }
    written
}

fn events_of(bytes: &[u8], size: usize) -> Vec<StreamEvent> {
    let (mut stream, mut events) = (EventStream::new(), Vec::new());
    for chunk in bytes.chunks(size) {
        stream.push(chunk);
        while let Some(event) = stream.next_event().expect("the input is short") {
            events.push(event);
        }
    }
    events.extend(stream.finish());
    events
}
