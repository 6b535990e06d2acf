//! What is read of a user's action, and what is taken out of its bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::sign_in_action::*;
use super::{Activity, regularize};

const HEAD: &str = r#""type":"invoke","name":"adaptiveCard/action","channelId":"msteams","serviceUrl":"https://s.example/","from":{"id":"29:u"},"conversation":{"id":"19:c"}"#;

fn action(value: &str) -> String {
    format!("{{{HEAD},\"value\":{value}}}")
}

fn read_token(body: &str) -> Option<(Option<String>, Option<String>, String)> {
    let activity = Activity::parse(body.as_bytes()).unwrap();
    let token = CarriedSignIn::read(&activity, ActionKind::Card).unwrap().token?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Some((owned(token.id), owned(token.connection_name), token.token.to_owned()))
}

fn is_ambiguous(body: &str) -> bool {
    let activity = Activity::parse(body.as_bytes()).unwrap();
    CarriedSignIn::read(&activity, ActionKind::Card).is_err()
}

#[test]
fn an_action_has_its_kind_in_any_ascii_letter_case() {
    for (name, kind) in [
        ("adaptiveCard/action", Some(ActionKind::Card)),
        ("AdaptiveCard/Action", Some(ActionKind::Card)),
        ("composeExtension/query", Some(ActionKind::Query)),
        ("composeExtension/queryLink", Some(ActionKind::Link)),
        ("composeExtension/queryLin\u{212a}", None),
        ("composeExtension/fetchTask", None),
        ("composeExtension/anonymousQueryLink", None),
        ("adaptiveCard/actions", None),
        ("signin/tokenExchange", None),
    ] {
        let body = action("{}").replace("adaptiveCard/action", name);
        let activity = Activity::parse(body.as_bytes()).unwrap();
        assert_eq!(ActionKind::from_activity(&activity), kind, "{name}");
    }
    let other_fold = action("{}").replace("adaptiveCard/action", "compo\u{17f}eExtension/queryLin\u{212a}");
    let activity = Activity::parse(other_fold.as_bytes()).unwrap();
    assert_eq!(ActionKind::possible_kinds(&activity).collect::<Vec<_>>(), [ActionKind::Link]);
    assert!(CarriedSignIn::read(&activity, ActionKind::Link).is_err());
}

#[test]
fn an_action_has_its_family_for_every_reader() {
    for (name, family) in [
        ("adaptiveCard/action", Some(ActionFamily::Card)),
        ("ADAPTIVECARD/ACTION", Some(ActionFamily::Card)),
        ("composeExtension/fetchTask", Some(ActionFamily::Extension)),
        ("compo\u{17f}eExtension/query", Some(ActionFamily::Extension)),
        ("composeExtension/", Some(ActionFamily::Extension)),
        ("adaptiveCard/actions", None),
        ("composeExtension", None),
        ("composeExtensions/query", None),
        ("signin/tokenExchange", None),
    ] {
        let body = action("{}").replace("adaptiveCard/action", name);
        let activity = Activity::parse(body.as_bytes()).unwrap();
        assert_eq!(ActionFamily::find_possible(&activity), family, "{name}");
    }
    let message = action("{}").replace("invoke", "message");
    assert_eq!(ActionFamily::find_possible(&Activity::parse(message.as_bytes()).unwrap()), None);
    let untyped = action("{}").replace("\"invoke\"", "null");
    assert_eq!(ActionFamily::find_possible(&Activity::parse(untyped.as_bytes()).unwrap()), Some(ActionFamily::Card));
}

#[test]
fn the_connection_of_an_action_is_read_if_all_readers_find_it() {
    let read = |body: &str, family| {
        let activity = Activity::parse(body.as_bytes()).unwrap();
        read_action_connection(&activity, family).ok().map(str::to_owned)
    };
    for value in [
        r#"{"authentication":{"connectionName":"w"}}"#,
        r#"{"AUTHENTICATION":{"ConnectionName":"w","token":7}}"#,
        r#"{"authentication":{"connectionName":"w"},"state":"1","State":2}"#,
    ] {
        assert_eq!(read(&action(value), ActionFamily::Card).as_deref(), Some("w"), "{value}");
        assert_eq!(read(&action(value), ActionFamily::Extension), None, "{value}");
    }
    for value in [
        "null",
        r#"{"authentication":{}}"#,
        r#"{"authentication":{"connectionName":7}}"#,
        r#"{"authentication":{"connectionName":"w"},"Authentication":null}"#,
        r#"{"authentication":{"connectionName":"w","connectionname":"v"}}"#,
        r#"{"authentication":{"connectionName":"w","connectionName":"w"}}"#,
    ] {
        assert_eq!(read(&action(value), ActionFamily::Card), None, "{value}");
    }
    for head in ["\"type\":\"invo\u{212a}e\"", "\"Type\":\"invoke\"", "\"type\":\"invoke\",\"From\":{}"] {
        let body = action(r#"{"authentication":{"connectionName":"w"}}"#).replace("\"type\":\"invoke\"", head);
        assert_eq!(read(&body, ActionFamily::Card), None, "{head}");
        let activity = Activity::parse(body.as_bytes()).unwrap();
        assert_eq!(possible_action_connections(&activity).collect::<Vec<_>>(), ["w"], "{head}");
    }
}

#[test]
fn a_token_is_read_with_what_stands_beside_it() {
    let some =
        |id: Option<&str>, name: Option<&str>| Some((id.map(str::to_owned), name.map(str::to_owned), "T".to_owned()));
    for (authentication, expected) in [
        (r#"{"id":"x","connectionName":"graph","token":"T"}"#, some(Some("x"), Some("graph"))),
        (r#"{"Id":"x","ConnectionName":"graph","TOKEN":"T"}"#, some(Some("x"), Some("graph"))),
        (r#"{"token":"T"}"#, some(None, None)),
        (r#"{"token":"T","connectionName":"","id":""}"#, some(None, None)),
        (r#"{"token":"T","connectionName":null,"id":7}"#, some(None, None)),
        (r#"{"token":""}"#, None),
        (r#"{"token":null}"#, None),
        (r#"{"token":7}"#, None),
        (r#"{"connectionName":"graph"}"#, None),
        (r#""T""#, None),
        (r#"["T"]"#, None),
        ("null", None),
    ] {
        assert_eq!(
            read_token(&action(&format!("{{\"authentication\":{authentication}}}"))),
            expected,
            "{authentication}"
        );
    }
    assert_eq!(read_token(&action("null")), None);
    assert_eq!(read_token(&format!("{{{HEAD}}}")), None);
}

#[test]
fn what_readers_may_read_differently_is_an_error() {
    for value in [
        r#"{"authentication":{"token":"T"},"authentication":null}"#,
        r#"{"authentication":{"token":"T"},"Authentication":{}}"#,
        r#"{"authentication":{"token":"T","token":"U"}}"#,
        r#"{"authentication":{"token":"T","Token":"U"}}"#,
        "{\"authentication\":{\"token\":\"T\",\"to\u{212a}en\":\"U\"}}",
        r#"{"authentication":{"token":"T","connectionName":"a","ConnectionName":"b"}}"#,
        r#"{"state":"123456","State":"234567"}"#,
        "{\"state\":\"123456\",\"\u{17f}tate\":\"234567\"}",
    ] {
        assert!(is_ambiguous(&action(value)), "{value}");
    }
    assert!(is_ambiguous(&action("{}").replace("\"from\"", "\"From\":{\"id\":\"29:v\"},\"from\"")));
    assert!(is_ambiguous(&action("{}").replace("\"channelId\"", "\"name\":\"composeExtension/query\",\"channelId\"")));
}

#[test]
fn a_token_that_some_reader_finds_is_not_overlooked() {
    for (value, found) in [
        (r#"{"authentication":{"token":"A","connectionName":"ours"}}"#, true),
        (r#"{"authentication":{"token":"A","connectionName":"theirs","ConnectionName":"ours"}}"#, true),
        (r#"{"authentication":{"token":"","TOKEN":"A","connectionName":"ours"}}"#, true),
        (r#"{"authentication":{},"AUTHENTICATION":{"token":"A","connectionName":"ours"}}"#, true),
        (r#"{"authentication":{"token":"A","connectionName":"theirs"}}"#, false),
        (r#"{"authentication":{"token":"","connectionName":"ours"}}"#, false),
        (r#"{"authentication":{"connectionName":"ours"},"x":{"token":"A"}}"#, false),
        (r#"{"authentication":{"token":"fits"}}"#, true),
        (r#"{"authentication":{"token":"fits","connectionName":""}}"#, true),
        (r#"{"authentication":{"token":"other","token":"fits"}}"#, true),
        (r#"{"authentication":{"token":"other"}}"#, false),
        (r#"{"authentication":{"token":"fits","connectionName":"theirs"}}"#, true),
    ] {
        let body = action(value);
        let activity = Activity::parse(body.as_bytes()).unwrap();
        let may_be = CarriedToken::may_be(&activity, |name| name == "ours", |token| token == "fits");
        assert_eq!(may_be, found, "{value}");
    }
}

#[test]
fn six_digits_as_text_are_a_code() {
    for (state, code) in [
        (r#""123456""#, Some("123456")),
        ("123456", None),
        (r#""12345""#, None),
        (r#""CancelledByUser""#, None),
        (r#""{}""#, None),
        ("null", None),
    ] {
        let body = action(&format!("{{\"state\":{state}}}"));
        let activity = Activity::parse(body.as_bytes()).unwrap();
        assert_eq!(CarriedSignIn::read(&activity, ActionKind::Card).unwrap().code, code, "{state}");
        assert_eq!(CarriedSignIn::may_have_code(&activity), code.is_some(), "{state}");
    }
}

const BOTH: UsedMembers = UsedMembers { authentication: true, state: true };

fn without(body: &str, used: UsedMembers) -> String {
    let body = Bytes::from(body.to_owned());
    String::from_utf8(without_value_members(&body, used).unwrap().to_vec()).unwrap()
}

#[test]
fn used_members_are_taken_out_and_all_other_bytes_stay() {
    let rest = r#""action" : {"data":{"authentication":"deep","n":1.0,"s":"\u0041\/"}}"#;
    let authentication = r#""authentication":{"token":"T,}\"]","x":[{}]}"#;
    for (value, kept) in [
        (format!("{{{authentication},{rest}}}"), format!("{{{rest}}}")),
        (format!("{{{rest}, {authentication} }}"), format!("{{{rest}}}")),
        (format!("{{ {rest} ,\n{authentication}, \"state\":\"123456\"\n}}"), format!("{{ {rest} }}")),
        (format!("{{{authentication}}}"), "{}".to_owned()),
        (format!("{{\"Authent\\u0069cation\":null,{rest}}}"), format!("{{{rest}}}")),
    ] {
        let tail = ",\"end\":12345678901234567890123 } \n";
        let body = format!(" {{{HEAD},\"value\" : {value}{tail}");
        assert_eq!(without(&body, BOTH), format!(" {{{HEAD},\"value\" : {kept}{tail}"), "{value}");
    }
    let body = action(r#"{"state":"123456","authentication":{"token":"T"},"a":0}"#);
    let only_token = UsedMembers { authentication: true, state: false };
    assert_eq!(without(&body, only_token), action(r#"{"state":"123456","a":0}"#));
    assert_eq!(without(&body, UsedMembers::default()), body);
}

#[test]
fn odd_text_of_the_user_hides_no_token_and_stays_as_it_is() {
    let body = format!("\u{feff}{}", action(r#"{"data":"half \ud83d","n":1e999,"authentication":{"token":"T"}}"#));
    let copy = regularize(body.as_bytes()).unwrap();
    let activity = Activity::parse_regularized(&copy).unwrap();
    let carried = CarriedSignIn::read(&activity, ActionKind::Card).unwrap();
    assert_eq!(carried.token.unwrap().token, "T");
    assert_eq!(without(&body, BOTH), format!("\u{feff}{}", action(r#"{"data":"half \ud83d","n":1e999}"#)));
}

#[test]
fn refused_actions_have_the_forms_that_clients_read() {
    let refused =
        |status| serde_json::from_slice::<Value>(&CardActionResponse::refused(status, "m".to_owned()).to_json());
    assert_eq!(
        refused(412).unwrap(),
        json!({"statusCode": 412, "type": "application/vnd.microsoft.error.preconditionFailed", "value": {"code": "412", "message": "m"}})
    );
    assert_eq!(
        refused(500).unwrap(),
        json!({"statusCode": 500, "type": "application/vnd.microsoft.error", "value": {"code": "500", "message": "m"}})
    );
    let code: Value = serde_json::from_slice(&CardActionResponse::invalid_code().to_json()).unwrap();
    assert_eq!(code, json!({"statusCode": 401, "type": "application/vnd.microsoft.error.invalidAuthCode"}));
}

proptest! {
    /// The document stays equal except for the two members, whatever surrounds them.
    #[test]
    fn all_other_members_stay_equal(
        keys in proptest::collection::vec("\\PC{0,6}", 0..4),
        text in "\\PC{0,12}",
        position in 0_usize..5,
    ) {
        let literal = |text: &str| serde_json::to_string(text).unwrap();
        let mut members: Vec<String> =
            keys.iter().enumerate().map(|(n, key)| format!("{}: {}", literal(&format!("{n}{key}")), literal(&text))).collect();
        members.insert(position.min(members.len()), format!("\"authentication\":{{\"token\":{}}}", literal(&text)));
        members.insert(position.min(members.len()), String::from("\"state\":\"123456\""));
        let body = action(&format!("{{{}}}", members.join(" ,")));
        let kept: Value = serde_json::from_str(&without(&body, BOTH)).unwrap();
        let mut expected: Value = serde_json::from_str(&body).unwrap();
        for name in ["authentication", "state"] {
            expected["value"].as_object_mut().unwrap().remove(name);
        }
        prop_assert_eq!(kept, expected);
    }
}
