//! The parsers of outside bytes: what the fuzzer has found is replayed, and their properties hold for what proptest thinks of.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bot_sso::config::{self, Environment};
use bot_sso::endpoints::token_service::Query;
use bot_sso::protocol::{Activity, TokenExchangeState};
use bot_sso::token_validation::UnverifiedToken;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Runs `check` on every file in `directory`, and says how many there are.
fn replay(directory: &str, check: fn(&[u8])) -> usize {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(directory);
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        assert!(std::panic::catch_unwind(|| check(&bytes)).is_ok(), "{} breaks a promise", file.display());
    }
    files.len()
}

#[test]
fn what_the_fuzzer_has_found_stays_mended() {
    type Target = (&'static str, fn(&[u8]));
    let targets: [Target; 5] = [
        ("fuzz/activity", checks::activity),
        ("fuzz/jwt", checks::jwt),
        ("fuzz/query_form", checks::query_form),
        ("fuzz/token_answer", checks::token_answer),
        ("fuzz/toml", checks::toml),
    ];
    for (target, check) in targets {
        assert!(replay(target, check) >= 5, "{target} has seeds");
    }
    assert_eq!(replay("config", checks::toml), 2);
    assert!(replay("token_endpoint", refused) > 50);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz");
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), targets.len(), "every target is replayed");
}

/// A body that a token endpoint refuses with.
fn refused(body: &[u8]) {
    checks::token_answer(&[b"400\n\n", body].concat());
}

/// JSON of every kind, not too deep.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000_i32..1_000_000).prop_map(|number| json!(f64::from(number) / 8.0)),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,8}", inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

/// The member names that mean something, in any letter case.
fn member() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "type",
        "name",
        "value",
        "id",
        "channelId",
        "serviceUrl",
        "from",
        "conversation",
        "deliveryMode",
        "callerId",
    ]);
    (known, any::<bool>()).prop_map(|(name, upper)| if upper { name.to_uppercase() } else { name.to_owned() })
}

fn invoke(value: Value, more: &[(String, Value)]) -> Value {
    let mut activity = json!({ "type": "invoke", "name": "signin/tokenExchange", "channelId": "msteams",
        "serviceUrl": "https://smba.example/", "from": { "id": "u" }, "conversation": { "id": "k" } });
    activity["value"] = value;
    for (name, value) in more {
        activity[name] = value.clone();
    }
    activity
}

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

proptest! {
    #[test]
    fn no_bytes_break_a_promise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for check in [checks::activity, checks::jwt, checks::query_form, checks::token_answer, checks::toml] {
            check(&bytes);
        }
    }

    #[test]
    fn no_text_breaks_a_promise(text in "[\\PC\\n\"{}\\[\\]=&%.:,]{0,200}") {
        for check in [checks::activity, checks::jwt, checks::query_form, checks::token_answer, checks::toml] {
            check(text.as_bytes());
        }
    }

    #[test]
    fn an_activity_is_read_as_others_read_it(
        value in document(),
        more in proptest::collection::vec((member(), document()), 0..4),
    ) {
        let activity = invoke(value, &more);
        checks::activity(&serde_json::to_vec(&activity).unwrap());
        checks::activity(&serde_json::to_vec_pretty(&activity).unwrap());
    }

    #[test]
    fn an_exchange_in_any_spelling_is_passed_on_as_the_same_exchange(
        id in "\\PC{1,20}",
        connection in "\\PC{1,20}",
        upper in any::<[bool; 4]>(),
        more in document(),
    ) {
        let spelled = |name: &str, upper: bool| if upper { name.to_uppercase() } else { name.to_owned() };
        let mut value = json!({ "other": more });
        value[spelled("id", upper[0])] = id.into();
        value[spelled("connectionName", upper[1])] = connection.into();
        let mut activity = invoke(value, &[]);
        activity["type"] = spelled("invoke", upper[2]).into();
        activity["name"] = spelled("signin/tokenExchange", upper[3]).into();
        activity["callerId"] = more;
        let bytes = serde_json::to_vec(&activity).unwrap();
        prop_assert!(Activity::parse(&bytes).is_ok());
        checks::activity(&bytes);
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_wherever_it_stands(
        (name, first, second) in ("[a-z]{1,6}", document(), document()),
        position in 0_usize..4,
    ) {
        let twice = format!("{{\"{name}\":{first},\"x1\":0,\"{name}\":{second}}}");
        let places = [
            twice.clone(),
            format!("[{twice}]"),
            format!("{{\"deep\":{twice}}}"),
            format!("[[{{\"deeper\":[0,{twice}]}}]]"),
        ];
        let good = invoke(json!(0), &[]).to_string();
        let body = good.replacen("\"value\":0", &format!("\"value\":{}", places[position]), 1);
        prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "others take it");
        prop_assert!(Activity::parse(body.as_bytes()).and_then(|activity| activity.require_sign_in_form()).is_err());
    }

    #[test]
    fn a_token_is_read_as_it_was_written(kid in "\\PC{1,40}", issuer in "\\PC{1,40}", more in document()) {
        let header = json!({ "alg": "RS256", "kid": kid, "jku": more, "x5c": more });
        let claims = json!({ "iss": issuer, "whatever": more });
        let raw = token(&header, &claims);
        checks::jwt(raw.as_bytes());
        let read = UnverifiedToken::parse(&raw, 16 * 1024).unwrap();
        prop_assert_eq!((read.key_id(), read.claim("iss")), (kid.as_str(), Some(issuer.as_str())));
    }

    #[test]
    fn other_algorithms_and_critical_members_are_refused(alg in document(), crit in document()) {
        let claims = json!({});
        if alg != json!("RS256") {
            let header = json!({ "alg": alg, "kid": "k" });
            prop_assert!(UnverifiedToken::parse(&token(&header, &claims), 16_384).is_err());
        }
        if !crit.is_null() {
            let header = json!({ "alg": "RS256", "kid": "k", "crit": crit });
            prop_assert!(UnverifiedToken::parse(&token(&header, &claims), 16_384).is_err());
        }
    }

    #[test]
    fn whatever_a_token_endpoint_says_little_of_it_survives(
        status in 100_u16..600,
        members in proptest::collection::btree_map(
            prop::sample::select(vec![
                "error", "suberror", "error_codes", "error_description", "claims", "trace_id", "access_token",
                "expires_in", "expires_on", "token_type", "scope",
            ]),
            document(),
            0..8,
        ),
        header in "\\PC{0,30}",
    ) {
        let body = json!(members).to_string();
        checks::token_answer(format!("{status}\nretry-after: {header}\nwww-authenticate: {header}\n\n{body}").as_bytes());
    }

    #[test]
    fn a_query_is_read_as_it_was_written(user in "\\PC{1,60}", connection in "\\PC{1,60}", other in "\\PC{0,60}") {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("UserId", user.as_str()), ("connectionname", &connection), ("userid", &other), ("code", "")])
            .finish();
        checks::query_form(query.as_bytes());
        let read = Query::parse(&query);
        prop_assert_eq!((read.find("userid"), read.find("connectionname")), (Some(user.as_str()), Some(connection.as_str())));
        prop_assert_eq!(read.find("code"), None);
    }

    #[test]
    fn a_sign_in_state_is_read_as_it_was_written(
        connection in "\\PC{1,60}",
        user in "\\PC{1,60}",
        conversation in proptest::option::of("\\PC{1,60}"),
        more in document(),
    ) {
        let conversation_member = conversation.as_ref().map_or(Value::Null, |id| json!({ "id": id, "other": more }));
        let state = json!({ "connectionName": connection, "msAppId": more,
            "conversation": { "user": { "id": user }, "conversation": conversation_member } });
        let encoded = STANDARD.encode(state.to_string());
        checks::query_form(encoded.as_bytes());
        let read = TokenExchangeState::decode(&encoded).unwrap();
        prop_assert_eq!((read.connection_name, read.user_id, read.conversation_id), (connection, user, conversation));
    }

    #[test]
    fn a_configuration_with_anything_in_it_is_read_or_explained(
        section in prop::sample::select(vec!["server", "channels", "limits", "bots.b", "connections.c", "store", "\"\\n\""]),
        key in prop::sample::select(vec!["listen", "public_url", "app_id", "cloud", "tenants", "file", "\"odd\\u0000\\nkey\""]),
        value in document(),
    ) {
        let value = toml::Value::try_from(&value).unwrap_or_else(|_| toml::Value::String("\n\u{0}".into()));
        let text = format!("[{section}]\n{key} = {value}\n");
        checks::toml(text.as_bytes());
        prop_assert!(config::parse(&text, &Environment::default()).is_err(), "no such text is a whole configuration");
    }
}
