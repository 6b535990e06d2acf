//! Properties that hold for all bytes from outside, in one function for each parser. The fuzz targets call them with
//! the fuzzer's input, the integration tests with `fixtures/fuzz` and with input that proptest generates.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::config::{self, Environment};
use bot_sso::domain::{ConversationId, Timestamp};
use bot_sso::endpoints::token_service::Query;
use bot_sso::identity_provider::{RedeemFailure, judge};
use bot_sso::inbound::read_forwarded_hop;
use bot_sso::outbound::HttpAnswer;
use bot_sso::protocol::{
    ActionFamily, ActionKind, Activity, CarriedSignIn, CarriedToken, InvokeKind, JsonDocument, Node,
    TokenExchangeInvokeRequest, TokenExchangeState, TokenResponse, TokensResponseEvent, UsedMembers,
    invoke_response_envelope, normalize_for_bot, possible_action_connections, read_action_connection, regularize,
    response_in_envelope, without_value_members,
};
use bot_sso::token_validation::UnverifiedToken;
use bytes::Bytes;
use serde_json::Value;

/// An accepted activity means the same to another JSON parser as to this one, and so does the form in which it is
/// forwarded.
pub fn activity(bytes: &[u8]) {
    check_envelope(bytes);
    let body = Bytes::copy_from_slice(bytes);
    check_regularized(bytes);
    let Ok(activity) = Activity::parse(&body) else { return };
    let whole: Value = serde_json::from_slice(bytes).expect("serde_json accepts it as well");
    assert!(is_read_as(activity.root(), &whole), "and reads the same");
    for (text, name) in [(activity.channel_id(), "channelId"), (activity.service_url().unwrap_or(""), "serviceUrl")] {
        let members = whole.as_object().unwrap().iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        assert!(members.into_iter().all(|(_, value)| value.as_str().unwrap_or("") == text), "{name} by every reader");
        assert!(text.len() <= 2048, "{name} is bounded");
    }
    let _ = (activity.aad_object_id(), activity.conversation_type(), activity.expects_replies());
    assert!(activity.tenant_ids().count() <= 2);
    check_caller_id(&body, &whole);
    check_action(&activity, &body, &whole);
    check_action_connection(&activity);
    let text = |name| whole[name].as_str().unwrap_or("").to_ascii_lowercase();
    let is_sign_in = ["signin/tokenexchange", "signin/verifystate", "signin/failure"].contains(&text("name").as_str());
    if text("type") == "invoke" && is_sign_in {
        assert!(InvokeKind::possible_kinds(&activity).next().is_some(), "no reading is overlooked");
    }
    let Ok(kind) = activity.require_sign_in_form() else { return };
    assert!(InvokeKind::possible_kinds(&activity).eq([kind]), "all readers find the same invoke");
    for (text, pointer) in [
        (Some(activity.kind()), "/type"),
        (Some(activity.from_id()), "/from/id"),
        (Some(activity.conversation_id()), "/conversation/id"),
        (activity.name(), "/name"),
    ] {
        let read = whole.pointer(pointer).and_then(Value::as_str);
        assert_eq!(text.unwrap_or(""), read.unwrap_or(""), "{pointer}");
        assert!(text.is_none_or(|text| text.len() <= 512), "{pointer} is bounded");
    }
    check_canonical_spelling(&activity, kind, &body);
    let response = TokenResponse { channel_id: None, connection_name: "c", token: "t", expiration: String::new() };
    let event = TokensResponseEvent::for_activity(&body).complete("id", &response);
    let event = Activity::parse(&event).expect("the event is an activity");
    assert_eq!((event.kind(), event.name(), event.from_id()), ("event", Some("tokens/response"), activity.from_id()));
    assert_eq!(event.value().and_then(|value| value.get("token")).and_then(Node::as_str), Some("t"));
}

/// Whether `node` reads as `value`. The last of repeated members counts; numbers other than small whole ones are not kept.
fn is_read_as(node: Node<'_>, value: &Value) -> bool {
    match (node, value) {
        (Node::Null, Value::Null) | (Node::Number(None), Value::Number(_)) => true,
        (Node::Bool(read), Value::Bool(written)) => read == *written,
        (Node::Number(Some(read)), Value::Number(written)) => written.as_u64() == Some(read.into()),
        (Node::String(read), Value::String(written)) => read == written,
        (Node::Array(_), Value::Array(written)) => {
            node.elements().count() == written.len()
                && node.elements().zip(written).all(|(node, value)| is_read_as(node, value))
        }
        (Node::Object(_), Value::Object(written)) => {
            let last = |name: &str| node.members().filter(|(key, _)| *key == name).last();
            node.members().all(|(name, _)| written.contains_key(name))
                && written.iter().all(|(name, value)| last(name).is_some_and(|(_, node)| is_read_as(node, value)))
        }
        _ => false,
    }
}

/// An exchange in canonical spelling is the same exchange, and spelling it again changes nothing.
fn check_canonical_spelling(activity: &Activity<'_>, kind: InvokeKind, body: &Bytes) {
    let Ok(request) = TokenExchangeInvokeRequest::read(activity) else { return };
    for normal_delivery in [false, true] {
        let respelled = normalize_for_bot(activity, kind, body, normal_delivery);
        let again = Activity::parse(&respelled).expect("what is passed on is an activity");
        assert_eq!((again.kind(), again.name()), ("invoke", Some(kind.canonical_name())));
        assert_eq!(TokenExchangeInvokeRequest::read(&again), Ok(request));
        assert_eq!(
            (again.channel_id(), again.from_id(), again.conversation_id(), again.service_url()),
            (activity.channel_id(), activity.from_id(), activity.conversation_id(), activity.service_url())
        );
        assert!(!(normal_delivery && again.expects_replies()));
        assert_eq!(normalize_for_bot(&again, kind, &respelled, normal_delivery), respelled);
    }
}

/// A regularized copy is an activity that is no sign-in invoke, and as long as the body.
fn check_regularized(bytes: &[u8]) {
    let Some(copy) = regularize(bytes) else { return };
    assert_eq!(copy.len(), bytes.len());
    let Ok(activity) = Activity::parse_regularized(&copy) else { return };
    assert!(activity.require_sign_in_form().is_err());
}

/// A sign-in that is read of an action is what every reader finds, and none of it is left when it is taken out.
fn check_action(activity: &Activity<'_>, body: &Bytes, whole: &Value) {
    let Some(kind) = ActionKind::from_activity(activity) else { return };
    let Ok(carried) = CarriedSignIn::read(activity, kind) else { return };
    assert!(ActionKind::possible_kinds(activity).eq([kind]), "all readers find the same action");
    let has_token = |activity: &Activity<'_>| CarriedToken::may_be(activity, |_| true, |_| true);
    assert_eq!(has_token(activity), carried.token.is_some(), "no token is overlooked");
    let used = UsedMembers { authentication: true, state: true };
    let Some(kept) = without_value_members(body, used) else { return };
    let kept_activity = Activity::parse(&kept).expect("what is passed on is an activity");
    assert!(!has_token(&kept_activity));
    assert!(!CarriedSignIn::may_have_code(&kept_activity));
    let mut expected = whole.clone();
    if let Some(value) = expected["value"].as_object_mut() {
        value.retain(|name, _| !["authentication", "state"].iter().any(|used| folds_to(name, used)));
    }
    assert_eq!(serde_json::from_slice::<Value>(&kept).expect("and JSON"), expected);
}

/// The connection that is read of an action is the one that every reader finds.
fn check_action_connection(activity: &Activity<'_>) {
    let Some(family) = ActionFamily::find_possible(activity) else { return };
    let Ok(name) = read_action_connection(activity, family) else { return };
    assert!(possible_action_connections(activity).eq([name]), "no connection is overlooked");
}

/// Whether `text` equals `name` for a reader that folds all of Unicode.
fn folds_to(text: &str, name: &str) -> bool {
    text.to_uppercase().to_lowercase().eq_ignore_ascii_case(name)
}

/// Recomputing `callerId` changes only that member, and nothing if the activity does not have it.
fn check_caller_id(body: &Bytes, whole: &Value) {
    for caller_id in [Some("urn:botframework:azure"), None] {
        let activity = Activity::parse(body).unwrap();
        let forwarded = activity.recompute_caller_id(body, caller_id).expect("the body is what was parsed");
        let mut expected = whole.clone();
        let members = expected.as_object_mut().unwrap();
        let claims = members.contains_key("callerId");
        let is_spelled_otherwise = |name: &String| name.eq_ignore_ascii_case("callerId") && name != "callerId";
        let others: Vec<String> = members.keys().filter(|name| is_spelled_otherwise(name)).cloned().collect();
        assert!(claims || !others.is_empty() || forwarded == *body, "who claims nothing is passed on as it is");
        for other in others {
            members.remove(&other);
        }
        match caller_id.filter(|_| claims) {
            Some(caller_id) => drop(members.insert("callerId".into(), caller_id.into())),
            None => drop(members.remove("callerId")),
        }
        let told: Value = serde_json::from_slice(&forwarded).expect("what is passed on is JSON");
        assert_eq!(told, expected);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&told), keys(&expected));
        Activity::parse(&forwarded).expect("what is passed on is an activity");
    }
}

/// The status and body in an `expectReplies` envelope are those that were put into it.
fn check_envelope(bytes: &[u8]) {
    let _ = response_in_envelope(bytes);
    let (status, body) = response_in_envelope(&invoke_response_envelope(412, bytes)).unwrap_or((412, Vec::new()));
    assert_eq!(status, 412);
    if let (Ok(put), Ok(taken)) = (JsonDocument::parse_unambiguous(bytes), JsonDocument::parse_unambiguous(&body)) {
        assert_eq!(put.root().is_object(), taken.root().is_object());
    }
}

/// A token whose signature would be checked next has exactly one spelling and one reading.
pub fn jwt(bytes: &[u8]) {
    const LIMIT: usize = 16 * 1024;
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let token = match UnverifiedToken::parse(raw, LIMIT) {
        Ok(token) => token,
        Err(check) => return assert!(["form", "alg", "crit", "aud", "typ", "kid"].contains(&check), "{check}"),
    };
    assert!(raw.len() <= LIMIT);
    let signed = std::str::from_utf8(token.signed()).unwrap();
    assert_eq!(format!("{signed}.{}", token.signature()), raw, "all of it is either signed or the signature");
    let parts: Vec<&str> = signed.split('.').collect();
    let [header, payload] = parts.as_slice() else { panic!("two parts are signed") };
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("unpadded base64url");
        assert_eq!(URL_SAFE_NO_PAD.encode(&bytes), part, "in its one spelling");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")
    };
    let (header, payload) = (read(header), read(payload));
    assert_eq!((&header["alg"], header["kid"].as_str()), (&"RS256".into(), Some(token.key_id())));
    assert!(!token.key_id().is_empty() && token.key_id().len() <= 256);
    assert!(header.get("crit").is_none_or(Value::is_null), "nothing critical is passed over");
    for name in ["iss", "aud", "tid", "azp", "appid", "ver", "serviceurl", "scp"] {
        let read = payload[name].as_str().filter(|text| !text.is_empty());
        assert_eq!(token.claim(name), read, "{name} is read by us as by others");
    }
    assert_eq!(token.claim("jku"), None, "what no rule reads is not kept");
}

/// A token endpoint's answer. The bytes hold a status on the first line, headers up to an empty line, then the body.
pub fn token_answer(bytes: &[u8]) {
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    let answer = answer_of(bytes);
    match judge(&answer, now, now) {
        Ok(token) => {
            assert!((200..300).contains(&answer.status));
            let text = token.access_token.expose();
            assert!(!text.is_empty() && text.len() <= 16 * 1024 && text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(token.expires_at > now && now.until(token.expires_at).as_secs() <= 28 * 3600);
            assert!(token.refresh_at.is_none_or(|at| at < token.expires_at));
        }
        Err(error) => {
            let diagnostics = &error.diagnostics;
            assert_eq!(diagnostics.http_status, Some(answer.status));
            assert!(!diagnostics.hint.is_empty());
            for text in [&diagnostics.error, &diagnostics.suberror, &diagnostics.trace_id].into_iter().flatten() {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                assert!((1..=64).contains(&text.len()) && text.bytes().all(plain), "prose survived: {text}");
            }
            if let RedeemFailure::InteractionRequired { claims: Some(claims) } = &error.failure {
                assert!(claims.len() <= 8 * 1024);
                assert!(serde_json::from_str::<Value>(claims).is_ok_and(|claims| claims.is_object()));
            }
        }
    }
}

fn answer_of(bytes: &[u8]) -> HttpAnswer {
    let end_of = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (mut rest, mut status, mut headers) = (bytes, None, Vec::new());
    while !rest.is_empty() {
        let (line, after) = rest.split_at(end_of(rest));
        rest = after.strip_prefix(b"\n").unwrap_or(after);
        if line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(line);
        match (status, text.split_once(':')) {
            (None, _) => status = Some(text.trim().parse().unwrap_or(200)),
            (_, Some((name, value))) => headers.push((name.to_owned(), value.trim().as_bytes().to_vec())),
            _ => {}
        }
    }
    HttpAnswer {
        status: status.unwrap_or(200),
        headers: headers.into_iter().collect(),
        body: Bytes::copy_from_slice(rest),
    }
}

/// A query string, and the sign-in state in it.
pub fn query_form(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let query = Query::parse(text);
    for name in ["userid", "connectionname", "channelid", "code", "state", "claims"] {
        let limit = match name {
            "state" => 16 * 1024,
            "claims" => 64 * 1024,
            _ => 512,
        };
        let mut values = url::form_urlencoded::parse(bytes).filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = values.find(|(_, value)| !value.is_empty() && value.len() <= limit);
        assert_eq!(query.find(name), first.as_ref().map(|(_, value)| &**value), "{name}");
    }
    for state in [query.find("state").unwrap_or(""), text] {
        let Ok(state) = TokenExchangeState::decode(state) else { continue };
        let texts = [Some(&state.connection_name), Some(&state.user_id), state.channel_id.as_ref()];
        let conversation = state.conversation_id.as_ref().map(ConversationId::as_str);
        for text in texts.into_iter().flatten().map(String::as_str).chain(conversation) {
            assert!((1..=512).contains(&text.len()));
        }
    }
}

/// An entry of `X-Forwarded-For` that is read is an address that is read the same in each of its spellings.
pub fn forwarded_hop(bytes: &[u8]) {
    let Some(address) = read_forwarded_hop(bytes) else { return };
    assert_eq!(address, address.to_canonical());
    let bracketed = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    for spelling in [address.to_string(), bracketed.clone(), format!("{bracketed}:443"), format!("\"{bracketed}:1\"")] {
        assert_eq!(read_forwarded_hop(spelling.as_bytes()), Some(address), "{spelling}");
    }
}

/// A configuration is accepted, or every problem is reported in one line.
pub fn toml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match config::parse(text, &Environment::default()) {
        Ok(configuration) => {
            let others = [configuration.add_ins.len(), configuration.back_ends.len(), configuration.apps.len()];
            let served = configuration.bots.len() + configuration.directories.len() + others.iter().sum::<usize>();
            assert!(served > 0 && !configuration.server.listen.is_empty());
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "a refusal without a reason");
            for problem in &problems.0 {
                assert!(!problem.message.is_empty());
                assert_eq!(problem.to_string().lines().count(), 1, "{problem:?}");
            }
        }
    }
}
