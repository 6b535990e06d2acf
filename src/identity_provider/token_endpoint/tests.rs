#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(retry_after(" 120 ", NOW), Some(Duration::from_mins(2)));
    assert_eq!(retry_after("Fri, 15 Jan 2027 08:01:00 GMT", NOW), Some(Duration::from_mins(1)));
    assert_eq!(retry_after("Fri, 15 Jan 2027 07:00:00 GMT", NOW), Some(Duration::ZERO));
    for nonsense in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
        assert_eq!(retry_after(nonsense, NOW), None, "{nonsense}");
    }
}

#[test]
fn expires_on_is_used_when_expires_in_is_absent() {
    let members = TokenMembers::read(br#"{"expires_on": "1800001800"}"#).unwrap();
    assert_eq!(lifetime(&members, NOW), Duration::from_mins(30));
}

#[test]
fn codes_in_text_finds_aadsts_numbers_and_skips_invalid_ones() {
    assert_eq!(codes_in_text(b"AADSTS70002: x. AADSTS70008: y AADSTS99999999999 AADSTS", "AADSTS"), [70002, 70008]);
    assert_eq!(codes_in_text("AADSTS\u{0663} AADSTS5".as_bytes(), "AADSTS"), [5]);
    let many = "AADSTS1 ".repeat(100);
    assert_eq!(codes_in_text(many.as_bytes(), "AADSTS").len(), MAX_CODES);
}

#[test]
fn claims_challenge_is_kept_verbatim() {
    let text = r#"{ "access_token" : {"acrs":{"essential":true}} }"#;
    assert_eq!(challenge(&json!(text)).as_deref(), Some(text));
    for nothing in [json!(""), json!("{}"), json!("[]"), json!("x"), json!(7), json!(null), json!({})] {
        assert_eq!(challenge(&nothing), None, "{nothing}");
    }
    let vast = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_CLAIMS_BYTES));
    assert_eq!(challenge(&json!(vast)), None);
}

fn granted_by(members: &serde_json::Value) -> GrantedToken {
    match granted(TokenMembers::read(members.to_string().as_bytes()).as_ref(), NOW) {
        TokenAnswer::Token(granted) => granted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refresh_in_is_a_number_or_numeric_string_below_the_lifetime() {
    let refresh_in = |refresh_in: serde_json::Value| {
        granted_by(&json!({"access_token": "a", "expires_in": 3600, "refresh_in": refresh_in})).refresh_in
    };
    assert_eq!(refresh_in(json!(1800)), Some(Duration::from_mins(30)));
    assert_eq!(refresh_in(json!("1800")), Some(Duration::from_mins(30)));
    for nonsense in [json!(3600), json!(1e300), json!(0), json!(-5), json!("soon"), json!(null), json!([1800])] {
        assert_eq!(refresh_in(nonsense.clone()), None, "{nonsense}");
    }
}

#[test]
fn refresh_token_is_a_non_empty_string_up_to_the_maximum_length() {
    let has_one = |token: serde_json::Value| {
        granted_by(&json!({"access_token": "a", "expires_in": 3600, "refresh_token": token})).refresh_token.is_some()
    };
    assert!(has_one(json!("0.AXYZ")));
    for nonsense in [json!(""), json!(7), json!(null), json!("x".repeat(MAX_REFRESH_TOKEN_BYTES + 1))] {
        assert!(!has_one(nonsense));
    }
}

#[test]
fn token_lifetime_is_capped_at_28_hours() {
    let life = |seconds: u64| granted_by(&json!({"access_token": "a", "expires_in": seconds})).lifetime;
    assert_eq!(life(100_799), Duration::from_secs(100_799));
    assert_eq!(life(100_801), Duration::from_hours(28));
}

#[test]
fn the_answer_of_an_exchange_has_to_hold_an_access_token() {
    let uri = |word: &str| format!("urn:ietf:params:oauth:token-type:{word}");
    let answer = |more: serde_json::Value| {
        let mut members = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60});
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        granted(TokenMembers::read(members.to_string().as_bytes()).as_ref(), NOW)
    };
    for accepted in [
        json!({}),
        json!({"issued_token_type": null}),
        json!({"issued_token_type": uri("access_token")}),
        json!({"issued_token_type": uri("jwt")}),
        json!({"issued_token_type": uri("refresh_token"), "refresh_token": "r"}),
    ] {
        assert!(matches!(answer(accepted.clone()), TokenAnswer::Token(_)), "{accepted}");
    }
    for refused in [
        json!({"token_type": "N_A"}),
        json!({"token_type": "n_a", "issued_token_type": uri("access_token")}),
        json!({"issued_token_type": uri("id_token")}),
        json!({"issued_token_type": uri("saml2")}),
        json!({"issued_token_type": uri("refresh_token")}),
        json!({"issued_token_type": uri("refresh_token"), "refresh_token": "a"}),
        json!({"issued_token_type": "something of a vendor"}),
        json!({"issued_token_type": 7}),
    ] {
        assert!(matches!(answer(refused.clone()), TokenAnswer::NoAccessToken(_)), "{refused}");
    }
}

/// Members of a response as text: names that are read and others, repeated ones, and values of every kind.
fn arbitrary_members() -> impl Strategy<Value = String> {
    let names =
        ["access_token", "error", "expires_in", "refresh_token", "token_type", "access\\u005ftoken", "other", ""];
    let values = [
        "null",
        "true",
        "7",
        "-7",
        "1.5",
        "1e999",
        "18446744073709551616",
        "\"\"",
        "\"text\"",
        "\"\\u0061\\n\"",
        "\"\\ud800\"",
        "\"3600\"",
        "[]",
        "[1,{\"a\":[]}]",
        "{}",
        "{\"a\":1,\"a\":2}",
        "[1e999]",
        "{\"\\ud800\":0}",
        "[1,]",
        "",
    ];
    let many = (0_usize..1000).prop_map(|count| format!("[{}]", vec!["{}"; count].join(",")));
    let value = prop_oneof![20 => proptest::sample::select(values.to_vec()).prop_map(str::to_owned), 1 => many];
    let member = (proptest::sample::select(names.to_vec()), value);
    let object = proptest::collection::vec(member, 0..6).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(" , "))
    });
    prop_oneof![20 => object.clone(), 1 => object.prop_map(|object| format!("[{object}]")), 1 => ".{0,9}"]
}

fn member_of(value: Option<&serde_json::Value>) -> Member<'_> {
    match value {
        None => Member::Absent,
        Some(serde_json::Value::Null) => Member::Null,
        Some(serde_json::Value::String(text)) => Member::Text(text.into()),
        Some(serde_json::Value::Number(number)) => Member::Number(number.clone()),
        Some(other) => Member::Other(serde_json::from_str(&other.to_string()).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn members_are_those_of_the_tree(text in arbitrary_members()) {
        let tree = read_bounded_json::<serde_json::Value>(text.as_bytes()).ok();
        let tree = tree.as_ref().and_then(serde_json::Value::as_object);
        let members = TokenMembers::read(text.as_bytes());
        prop_assert_eq!(members.is_some(), tree.is_some());
        if let (Some(members), Some(tree)) = (members, tree) {
            for (name, member) in [
                ("access_token", &members.access_token),
                ("error", &members.error),
                ("expires_in", &members.expires_in),
                ("refresh_token", &members.refresh_token),
                ("token_type", &members.token_type),
            ] {
                // Of a list or an object, only the kind is asked for: repeated members in it are counted here and not in the tree.
                match (member, member_of(tree.get(name))) {
                    (Member::Other(_), Member::Other(_)) => {}
                    (member, expected) => prop_assert_eq!(member, &expected, "{}", name),
                }
            }
        }
    }
}
