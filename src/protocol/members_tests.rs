#![allow(clippy::unwrap_used)]
use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;

use super::activity::Activity;
use super::members::Member;
use super::sign_in_action::{
    ActionFamily, ActionKind, CarriedSignIn, CarriedToken, possible_action_connections, read_action_connection,
};
use super::{InvokeKind, Node, TOKENS_RESPONSE, TokenExchangeInvokeRequest};

const SERVICE_URL: &str = "https://c.example/";

/// A text of what the gateway reads in an activity. Nodes are compared by their text in the form of [`std::fmt::Debug`].
fn describe(activity: &Activity<'_>, body: &Bytes) -> Vec<String> {
    let mut said = vec![
        format!(
            "{:?}",
            (activity.kind(), activity.name(), activity.id(), activity.channel_id(), activity.service_url())
        ),
        format!("{:?}", (activity.from_id(), activity.aad_object_id(), activity.conversation_id())),
        format!("{:?}", (activity.tenant_ids().collect::<Vec<_>>(), activity.conversation_type())),
        format!("{:?}", (activity.expects_replies(), activity.is_on_emulator(), activity.value())),
        format!("{:?}", (activity.states_one_user(), activity.states_one_user_id())),
        format!("{:?}", activity.recompute_caller_id(body, Some("urn:a"))),
        format!("{:?}", activity.require_sign_in_form()),
        format!("{:?}", (activity.require_legible_members(), activity.require_address_kinds())),
        format!("{:?}", (InvokeKind::from_activity(activity), ActionKind::from_activity(activity))),
        format!("{:?}", InvokeKind::possible_kinds(activity).collect::<Vec<_>>()),
        format!("{:?}", ActionKind::possible_kinds(activity).collect::<Vec<_>>()),
        format!("{:?}", ActionFamily::find_possible(activity)),
        format!("{:?}", possible_action_connections(activity).collect::<Vec<_>>()),
        format!("{:?}", activity.connection_name_readings().collect::<Vec<_>>()),
        format!("{:?}", activity.state_readings().collect::<Vec<_>>()),
        format!("{:?}", TokenExchangeInvokeRequest::read(activity)),
        format!("{:?}", (activity.may_be("event", TOKENS_RESPONSE), activity.may_be_agent_lifecycle())),
        format!("{:?}", activity.read_agent_address()),
        format!("{:?}", (CarriedSignIn::may_have_code(activity), CarriedToken::may_be(activity, |_| true, |_| false))),
    ];
    said.extend([ActionKind::Card, ActionKind::Link].map(|kind| format!("{:?}", CarriedSignIn::read(activity, kind))));
    let families = [ActionFamily::Card, ActionFamily::Extension];
    said.extend(families.map(|family| format!("{:?}", read_action_connection(activity, family))));
    said
}

fn require_same(body: &str) -> Result<(), TestCaseError> {
    let bytes = Bytes::from(body.to_owned());
    let Ok(activity) = Activity::parse(&bytes) else { return Ok(()) };
    let indexed = describe(&activity, &bytes);
    prop_assert_eq!(indexed, describe(&activity.without_index(), &bytes), "{}", body);
    Ok(())
}

/// The name of an indexed member, now and then in another spelling.
fn member_name(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let spelled = |(name, way): (&'static str, u8)| match way {
        0 => name.to_ascii_uppercase(),
        1 => name.replacen('i', "\\u0069", 1),
        2 => name.replacen('s', "\u{17f}", 1),
        3 => name.replacen('k', "\u{212a}", 1),
        4 => name.replacen('i', "\u{131}", 1),
        _ => name.to_owned(),
    };
    (proptest::sample::select(names), 0_u8..40).prop_map(spelled)
}

fn scalar() -> impl Strategy<Value = String> {
    let texts = proptest::sample::select(vec![
        r#""""#,
        r#""x""#,
        r#""y""#,
        r#""123456""#,
        r#""invoke""#,
        "\"invo\u{212a}e\"",
        r#""Invoke""#,
        r#""message""#,
        r#""signin/tokenExchange""#,
        r#""\u0073ignin/verifyState""#,
        r#""signin/failure""#,
        r#""adaptiveCard/action""#,
        r#""composeExtension/queryLink""#,
        r#""expectReplies""#,
        r#""personal""#,
        r#""groupChat""#,
        r#""19:a@Thread.v2;messageid=1""#,
        r#""COPILOT""#,
        r#""agenticUser""#,
        "null",
        "true",
        "false",
        "7",
        "1.5",
        "[]",
        "{}",
        r#"{"id":"x"}"#,
        r#"[{"type":"ProductInfo","id":"copilot"}]"#,
    ]);
    texts.prop_map(str::to_owned)
}

/// An object of some members with these names. A member may occur more than once.
fn object(names: &'static [&'static str], value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::vec((member_name(names), value), 0..5).prop_map(|members| {
        let members = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

const PARTY: &[&str] = &["id", "aadObjectId", "role", "name", "tenantId", "agenticUserId", "agenticAppBlueprintId"];

/// The value of one of the members of an activity, and the name.
fn root_member() -> impl Strategy<Value = String> {
    let nested = prop_oneof![
        (member_name(&["from", "recipient"]), object(PARTY, scalar())),
        (member_name(&["conversation"]), object(&["id", "tenantId", "conversationType", "isGroup", "name"], scalar())),
        (
            member_name(&["channelData"]),
            object(&["tenant", "productContext", "source"], prop_oneof![scalar(), object(&["id", "x"], scalar())])
        ),
        (
            member_name(&["value"]),
            object(
                &["id", "connectionName", "token", "state", "authentication", "code", "tenantId"],
                prop_oneof![scalar(), object(&["id", "connectionName", "token"], scalar())]
            )
        ),
    ];
    let flat = (
        member_name(&["type", "name", "id", "deliveryMode", "entities", "callerId", "text", "value", "from", "locale"]),
        scalar(),
    );
    let member = prop_oneof![nested, flat];
    member.prop_map(|(name, value)| format!("\"{name}\":{value}"))
}

/// An activity with any members, in any order.
fn any_activity() -> impl Strategy<Value = String> {
    (proptest::collection::vec(root_member(), 0..10), 0_usize..10).prop_map(|(mut members, at)| {
        members.insert(at.min(members.len()), format!(r#""channelId":"msteams","serviceUrl":"{SERVICE_URL}""#));
        format!("{{{}}}", members.join(","))
    })
}

/// A sign-in invoke with all that sign-in needs, and some other members.
fn likely_invoke() -> impl Strategy<Value = String> {
    let kind = proptest::sample::select(vec!["signin/tokenExchange", "signin/verifyState", "adaptiveCard/action"]);
    let value = object(&["id", "connectionName", "token", "state"], prop_oneof![Just(r#""x""#.to_owned()), scalar()]);
    (kind, value, proptest::option::weighted(0.5, root_member())).prop_map(|(kind, value, other)| {
        let other = other.map(|other| format!(",{other}")).unwrap_or_default();
        format!(
            r#"{{"type":"invoke","name":"{kind}","channelId":"msteams","serviceUrl":"{SERVICE_URL}","id":"a",
            "from":{{"id":"u","aadObjectId":"o"}},"conversation":{{"id":"k","tenantId":"t"}},"value":{value}{other}}}"#
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_search_finds_in_any_activity(body in any_activity()) {
        require_same(&body)?;
    }

    #[test]
    fn the_index_finds_what_a_search_finds_in_an_invoke(body in likely_invoke()) {
        require_same(&body)?;
    }
}

#[test]
fn the_index_finds_what_a_search_finds_in_what_the_fuzzer_found() {
    for target in ["activity", "skill_activity"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(target);
        let inputs: Vec<_> =
            std::fs::read_dir(directory).unwrap().map(|input| std::fs::read(input.unwrap().path())).collect();
        assert!(!inputs.is_empty(), "{target}");
        for input in inputs {
            require_same(&String::from_utf8_lossy(&input.unwrap())).unwrap();
        }
    }
}

#[test]
fn an_ordinary_activity_is_read_from_the_index() {
    let body = r#"{"type":"message","channelId":"c","from":{"id":"u"},"channelData":{"tenant":{"id":"t"}},"text":"x","locale":"de"}"#;
    let activity = Activity::parse(body.as_bytes()).unwrap();
    assert!(activity.index.is_addressed_plainly());
    assert_eq!(activity.get(Member::TenantId).and_then(Node::as_str), Some("t"));
    assert!(!activity.without_index().index.is_addressed_plainly());
}

#[test]
fn a_member_in_two_spellings_is_searched_for() {
    for members in [r#""from":{"id":"u","ID":"v"}"#, r#""type":"a","type":"b""#, "\"\u{17f}erviceUrl\":null"] {
        let body = format!(r#"{{"channelId":"c",{members}}}"#);
        assert!(!Activity::parse(body.as_bytes()).unwrap().index.is_addressed_plainly(), "{members}");
    }
}
