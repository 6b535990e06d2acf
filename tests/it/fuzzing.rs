//! The parsers of bytes from outside. Inputs that the fuzzer found are replayed, and proptest checks properties of each
//! parser with generated input.

#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "../fuzz/oauth_checks.rs"]
mod oauth_checks;
#[path = "../fuzz/sign_in_checks.rs"]
mod sign_in_checks;
#[path = "../fuzz/skill_checks.rs"]
mod skill_checks;

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bot_sso::config::{self, Environment};
use bot_sso::domain::ConversationId;
use bot_sso::endpoints::token_service::Query;
use bot_sso::protocol::{Activity, TokenExchangeState};
use bot_sso::token_validation::UnverifiedToken;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The checks of all parsers.
const CHECKS: [fn(&[u8]); 14] = [
    checks::activity,
    checks::forwarded_hop,
    checks::jwt,
    checks::query_form,
    checks::token_answer,
    checks::toml,
    oauth_checks::client_credentials,
    sign_in_checks::browser_cookie,
    sign_in_checks::discovery_document,
    sign_in_checks::key_set,
    sign_in_checks::openid_answer,
    sign_in_checks::page_form,
    sign_in_checks::state_parameter,
    skill_checks::skill_activity,
];

/// Runs `check` on every file in `directory` and returns the number of files.
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
fn inputs_that_the_fuzzer_found_still_pass_their_checks() {
    type Target = (&'static str, fn(&[u8]));
    let targets: [Target; 14] = [
        ("fuzz/activity", checks::activity),
        ("fuzz/forwarded_hop", checks::forwarded_hop),
        ("fuzz/jwt", checks::jwt),
        ("fuzz/query_form", checks::query_form),
        ("fuzz/token_answer", checks::token_answer),
        ("fuzz/toml", checks::toml),
        ("fuzz/client_credentials", oauth_checks::client_credentials),
        ("fuzz/browser_cookie", sign_in_checks::browser_cookie),
        ("fuzz/discovery_document", sign_in_checks::discovery_document),
        ("fuzz/key_set", sign_in_checks::key_set),
        ("fuzz/openid_answer", sign_in_checks::openid_answer),
        ("fuzz/page_form", sign_in_checks::page_form),
        ("fuzz/state_parameter", sign_in_checks::state_parameter),
        ("fuzz/skill_activity", skill_checks::skill_activity),
    ];
    for (target, check) in targets {
        assert!(replay(target, check) >= 5, "{target} has seeds");
    }
    assert_eq!(replay("config", checks::toml), 4);
    assert!(replay("token_endpoint", refused) > 50);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz");
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), targets.len(), "every target is replayed");
}

/// The body of a token endpoint's refusal.
fn refused(body: &[u8]) {
    checks::token_answer(&[b"400\n\n", body].concat());
}

/// JSON values of every kind with limited depth.
fn any_json() -> impl Strategy<Value = Value> {
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

/// The member names that the parser knows, in any letter case.
fn any_member_name() -> impl Strategy<Value = String> {
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

/// An OAuth card in either letter case, or one of which a part is missing.
fn any_card() -> impl Strategy<Value = Value> {
    let text = || prop::sample::select(vec!["", "r", "api://weather", "Application/vnd.microsoft.card.OAuth; v=1"]);
    (text(), text(), text(), any::<[bool; 3]>()).prop_map(|(id, uri, connection, upper)| {
        let spelled = |name: &str, upper: bool| if upper { name.to_uppercase() } else { name.to_owned() };
        let resource = json!({ spelled("id", upper[0]): id, "uri": uri });
        let content = json!({ "connectionName": connection, spelled("tokenExchangeResource", upper[1]): resource });
        json!({ spelled("contentType", upper[2]): "application/vnd.microsoft.card.oauth", "content": content })
    })
}

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}

proptest! {
    #[test]
    fn arbitrary_bytes_pass_every_check(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for check in CHECKS {
            check(&bytes);
        }
    }

    #[test]
    fn arbitrary_text_passes_every_check(text in "[\\PC\\n\"{}\\[\\]=&%.:,]{0,200}") {
        for check in CHECKS {
            check(text.as_bytes());
        }
    }

    #[test]
    fn an_accepted_activity_means_the_same_to_another_json_parser(
        value in any_json(),
        more in proptest::collection::vec((any_member_name(), any_json()), 0..4),
    ) {
        let activity = invoke(value, &more);
        checks::activity(&serde_json::to_vec(&activity).unwrap());
        checks::activity(&serde_json::to_vec_pretty(&activity).unwrap());
    }

    #[test]
    fn an_exchange_in_any_spelling_is_forwarded_as_the_same_exchange(
        id in "\\PC{1,20}",
        connection in "\\PC{1,20}",
        upper in any::<[bool; 4]>(),
        more in any_json(),
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
    fn a_generated_activity_goes_to_a_skill_and_back_unharmed(
        members in proptest::collection::vec(
            (
                prop::sample::select(vec![
                    "conversation", "Conversation", "serviceUrl", "ServiceUrl", "from", "recipient", "relatesTo", "name",
                    "type", "attachments", "Attachments", "channelData", "deliveryMode", "activities", "callerId",
                ]),
                prop_oneof![
                    any_json(),
                    Just(json!("https://smba.example/")),
                    Just(json!({ "id": "k" })),
                    Just(json!({ "Id": "k", "role": "bot" })),
                    Just(json!("tokens/response")),
                    Just(json!("event")),
                    any_card().prop_map(|card| json!([card])),
                    proptest::collection::vec(any_card(), 0..3).prop_map(|cards| json!(cards)),
                ],
            ),
            0..6,
        ),
        is_answer in any::<bool>(),
    ) {
        let mut activity = invoke(json!(0), &[]);
        for (name, value) in members {
            activity[name] = value;
        }
        let sent = if is_answer { json!({ "Activities": [activity, 0, {}], "body": null }) } else { activity };
        let text = serde_json::to_string_pretty(&sent).unwrap();
        skill_checks::skill_activity(text.as_bytes());
        let stream = text.replace('\n', "\rdata:");
        skill_checks::skill_activity(format!("event: activity\r\ndata:{stream}\r\ndata: {sent}\n\n").as_bytes());
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_wherever_it_stands(
        (name, first, second) in ("[a-z]{1,6}", any_json(), any_json()),
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
    fn a_generated_token_is_parsed_to_its_original_members(kid in "\\PC{1,40}", issuer in "\\PC{1,40}", more in any_json()) {
        let header = json!({ "alg": "RS256", "kid": kid, "jku": more, "x5c": more });
        let claims = json!({ "iss": issuer, "whatever": more });
        let raw = token(&header, &claims);
        checks::jwt(raw.as_bytes());
        let read = UnverifiedToken::parse(&raw, 16 * 1024).unwrap();
        prop_assert_eq!((read.key_id(), read.claim("iss")), (kid.as_str(), Some(issuer.as_str())));
    }

    #[test]
    fn a_token_with_another_algorithm_or_a_critical_header_member_is_refused(alg in any_json(), crit in any_json()) {
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
    fn little_text_of_a_token_endpoints_answer_is_kept(
        status in 100_u16..600,
        members in proptest::collection::btree_map(
            prop::sample::select(vec![
                "error", "suberror", "error_codes", "error_description", "claims", "trace_id", "access_token",
                "expires_in", "expires_on", "token_type", "scope",
            ]),
            any_json(),
            0..8,
        ),
        header in "\\PC{0,30}",
    ) {
        let body = json!(members).to_string();
        checks::token_answer(format!("{status}\nretry-after: {header}\nwww-authenticate: {header}\n\n{body}").as_bytes());
    }

    #[test]
    fn a_generated_query_is_parsed_to_its_original_parameters(user in "\\PC{1,60}", connection in "\\PC{1,60}", other in "\\PC{0,60}") {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("UserId", user.as_str()), ("connectionname", &connection), ("userid", &other), ("code", "")])
            .finish();
        checks::query_form(query.as_bytes());
        let read = Query::parse(&query);
        prop_assert_eq!((read.find("userid"), read.find("connectionname")), (Some(user.as_str()), Some(connection.as_str())));
        prop_assert_eq!(read.find("code"), None);
    }

    #[test]
    fn a_generated_sign_in_state_is_parsed_to_its_original_members(
        connection in "\\PC{1,60}",
        user in "\\PC{1,60}",
        conversation in proptest::option::of("\\PC{1,60}"),
        more in any_json(),
    ) {
        let conversation_member = conversation.as_ref().map_or(Value::Null, |id| json!({ "id": id, "other": more }));
        let state = json!({ "connectionName": connection, "msAppId": more,
            "conversation": { "user": { "id": user }, "conversation": conversation_member } });
        let encoded = STANDARD.encode(state.to_string());
        checks::query_form(encoded.as_bytes());
        let read = TokenExchangeState::decode(&encoded).unwrap();
        prop_assert_eq!((read.connection_name, read.user_id), (connection, user));
        prop_assert_eq!(read.conversation_id, conversation.as_deref().map(ConversationId::new));
    }

    #[test]
    fn a_generated_discovery_document_leads_to_no_other_origin(
        members in proptest::collection::btree_map(
            prop::sample::select(vec![
                "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri",
                "token_endpoint_auth_methods_supported", "authorization_response_iss_parameter_supported",
            ]),
            prop_oneof![
                Just(json!("https://idp.example/x")),
                Just(json!("https://idp.example:444/x")),
                Just(json!("http://idp.example/x")),
                Just(json!("https://idp.example@other.example/x")),
                Just(json!(["client_secret_post"])),
                Just(json!(true)),
                any_json(),
            ],
            0..8,
        ),
    ) {
        let mut document = json!(members);
        document["issuer"] = "https://idp.example/realm".into();
        sign_in_checks::discovery_document(document.to_string().as_bytes());
    }

    #[test]
    fn a_generated_key_set_is_read_or_refused_as_a_whole(keys in proptest::collection::vec(any_json(), 0..6), kid in any_json()) {
        let mut keys = keys;
        keys.push(json!({ "kty": "RSA", "kid": kid, "n": "AQAB", "e": kid, "use": kid }));
        sign_in_checks::key_set(json!({ "keys": keys }).to_string().as_bytes());
    }

    #[test]
    fn a_generated_return_of_a_browser_is_read_as_by_another_parser(
        pairs in proptest::collection::vec(
            (prop::sample::select(vec!["state", "State", "code", "error", "error_description", "decision", "claims"]), "\\PC{0,40}"),
            0..6,
        ),
        names in any_json(),
    ) {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        sign_in_checks::page_form(query.as_bytes());
        sign_in_checks::state_parameter(query.as_bytes());
        let body = json!({ "sub": "someone", "name": names, "email": names });
        sign_in_checks::openid_answer(format!("{query}\n{body}").as_bytes());
    }

    #[test]
    fn a_configuration_with_arbitrary_values_is_loaded_or_its_problems_are_listed(
        section in prop::sample::select(vec!["server", "channels", "limits", "bots.b", "connections.c", "store", "\"\\n\""]),
        key in prop::sample::select(vec!["listen", "public_url", "app_id", "cloud", "tenants", "file", "\"odd\\u0000\\nkey\""]),
        value in any_json(),
    ) {
        let value = toml::Value::try_from(&value).unwrap_or_else(|_| toml::Value::String("\n\u{0}".into()));
        let text = format!("[{section}]\n{key} = {value}\n");
        checks::toml(text.as_bytes());
        prop_assert!(config::parse(&text, &Environment::default()).is_err(), "no such text is a whole configuration");
    }
}
