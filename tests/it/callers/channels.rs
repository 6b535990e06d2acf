//! Callers with a channel's token: the authorization header, the claims, the service URL and channel of the token, and
//! keys that cannot be fetched.

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::{Fixture, Refusal, forbidden, invalid};
use crate::harness::{Options, activities};

type Change = fn(&mut Value, i64);

// Cases 1 to 3.
#[tokio::test]
async fn a_request_without_exactly_one_bearer_token_is_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    let body = fixture.exchange.to_string();
    let valid = format!("Bearer {token}");
    let (two, long) = (format!("Bearer {token} {token}"), format!("Bearer {}", "x".repeat(20 * 1024)));
    let listed = format!("Bearer {token}, Bearer {token}");
    let (tab, spaces, bare) = (format!("Bearer\t{token}"), format!("Bearer  {token}"), token.clone());
    let cases: [(&str, &[&str], &str); 13] = [
        ("1", &[], "MissingAuthorization"),
        ("2, twice valid", &[&valid, &valid], "InvalidAuthorization"),
        ("2, valid first", &[&valid, "Bearer x.y.z"], "InvalidAuthorization"),
        ("2, valid second", &["Bearer x.y.z", &valid], "InvalidAuthorization"),
        ("2, in one header", &[&listed], "InvalidAuthorization"),
        ("3, Basic", &["Basic Ym90OnNlY3JldA=="], "InvalidAuthorization"),
        ("3, nothing behind Bearer", &["Bearer"], "InvalidAuthorization"),
        ("3, empty", &[""], "InvalidAuthorization"),
        ("3, two tokens", &[&two], "InvalidAuthorization"),
        ("3, 20 KiB", &[&long], "InvalidAuthorization"),
        ("3, a tab", &[&tab], "InvalidAuthorization"),
        ("3, two spaces", &[&spaces], "InvalidAuthorization"),
        ("3, no scheme", &[&bare], "InvalidAuthorization"),
    ];
    for (case, values, code) in cases {
        let headers: Vec<(&str, &str)> = values.iter().map(|value| ("authorization", *value)).collect();
        for path in ["/api/messages", "/bots/demo/api/messages"] {
            let sending = fixture.harness.send("POST", path, &headers, body.clone().into_bytes());
            let refusal = Refusal { status: 401, code, check: "authorization" };
            fixture.assert_refusal(case, sending, refusal, &[&token]).await;
        }
    }
    fixture.assert_no_effect();
}

/// A case's name, its change of the channel token's claims, and the expected refusal.
const WRONG_CLAIMS: [(&str, Change, Refusal); 30] = [
    ("16, absent", |claims, _| claims["exp"] = Value::Null, invalid("exp")),
    ("16, a string", |claims, now| claims["exp"] = (now + 60).to_string().into(), invalid("exp")),
    ("16, 1e308", |claims, _| claims["exp"] = json!(1e308), invalid("exp")),
    ("16, negative", |claims, _| claims["exp"] = json!(-1), invalid("exp")),
    ("16, an array", |claims, now| claims["exp"] = json!([now + 60]), invalid("exp")),
    ("rule 13, 49 hours", |claims, now| claims["exp"] = (now + 49 * 3600).into(), invalid("exp")),
    (
        "rule 12, expired",
        |claims, now| {
            claims["nbf"] = (now - 3600).into();
            claims["exp"] = (now - 302).into();
        },
        Refusal { status: 401, code: "TokenExpired", check: "exp" },
    ),
    ("17", |claims, now| claims["nbf"] = (now + 310).into(), invalid("nbf")),
    ("17, a string", |claims, _| claims["nbf"] = "now".into(), invalid("nbf")),
    ("rule 13, iat", |claims, now| claims["iat"] = (now + 310).into(), invalid("iat")),
    ("18, other bot", |claims, _| claims["aud"] = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02".into(), invalid("aud")),
    ("18, array", |claims, _| claims["aud"] = json!([claims["aud"]]), invalid("aud")),
    ("18, array of two", |claims, _| claims["aud"] = json!([claims["aud"], "x"]), invalid("aud")),
    (
        "18, api://",
        |claims, _| claims["aud"] = format!("api://{}", claims["aud"].as_str().unwrap()).into(),
        invalid("aud"),
    ),
    ("18, empty", |claims, _| claims["aud"] = "".into(), invalid("aud")),
    ("18, absent", |claims, _| claims["aud"] = Value::Null, invalid("aud")),
    ("18, the Token Service's", |claims, _| claims["aud"] = "https://api.botframework.com".into(), invalid("aud")),
    ("20, slash", |claims, _| claims["iss"] = format!("{}/", text(claims, "iss")).into(), invalid("iss")),
    ("20, http", |claims, _| claims["iss"] = text(claims, "iss").replace("https:", "http:").into(), invalid("iss")),
    ("20, upper case", |claims, _| claims["iss"] = text(claims, "iss").to_uppercase().into(), invalid("iss")),
    ("20, NUL", |claims, _| claims["iss"] = format!("{}\0", text(claims, "iss")).into(), invalid("iss")),
    ("20, look-alike", |claims, _| claims["iss"] = text(claims, "iss").replace('o', "\u{43e}").into(), invalid("iss")),
    ("20, array", |claims, _| claims["iss"] = json!([claims["iss"]]), invalid("iss")),
    ("20, absent", |claims, _| claims["iss"] = Value::Null, invalid("iss")),
    ("20, a space", |claims, _| claims["iss"] = format!(" {}", text(claims, "iss")).into(), invalid("iss")),
    ("20, the real one", |claims, _| claims["iss"] = "https://api.botframework.com".into(), invalid("iss")),
    ("39", |claims, _| claims["serviceurl"] = Value::Null, invalid("serviceurl")),
    ("39, empty", |claims, _| claims["serviceurl"] = "".into(), invalid("serviceurl")),
    ("39, array", |claims, _| claims["serviceurl"] = json!([claims["serviceurl"]]), invalid("serviceurl")),
    (
        "39, other spelling",
        |claims, _| {
            let url = claims.as_object_mut().unwrap().remove("serviceurl");
            claims["serviceUrl"] = url.unwrap();
        },
        invalid("serviceurl"),
    ),
];

// Cases 16, 17, 18, 20, 39.
#[tokio::test]
async fn a_channel_token_with_one_wrong_claim_is_refused_by_the_check_of_that_claim() {
    let fixture = Fixture::start().await;
    let genuine = fixture.harness.channel_token("demo").await;
    let now = fixture.harness.now();
    for (case, change, refusal) in WRONG_CLAIMS {
        let token = fixture.harness.forge(Signer::Channel, &genuine, |claims| change(claims, now));
        fixture.assert_refuses(case, &token, &fixture.exchange, refusal).await;
    }
    fixture.assert_no_effect();
}

fn text(claims: &Value, name: &str) -> String {
    claims[name].as_str().unwrap().to_owned()
}

// Case 19, and the differences that rules 12, 13 and 17 allow.
#[tokio::test]
async fn a_channel_token_with_harmless_differences_is_accepted() {
    let accepted: [(&str, Change); 7] = [
        ("as it is", |_, _| {}),
        ("19", |claims, _| claims["aud"] = text(claims, "aud").to_uppercase().into()),
        ("expired four minutes ago", |claims, now| {
            claims["nbf"] = (now - 3600).into();
            claims["exp"] = (now - 240).into();
        }),
        ("begins in four minutes", |claims, now| claims["nbf"] = (now + 240).into()),
        ("no nbf", |claims, _| claims["nbf"] = Value::Null),
        ("a slash more", |claims, _| {
            claims["serviceurl"] = format!("{}/", text(claims, "serviceurl").trim_end_matches('/')).into();
        }),
        ("a slash less", |claims, _| claims["serviceurl"] = text(claims, "serviceurl").trim_end_matches('/').into()),
    ];
    let fixture = Fixture::start().await;
    let genuine = fixture.harness.channel_token("demo").await;
    let now = fixture.harness.now();
    for (case, change) in accepted {
        let token = fixture.harness.forge(Signer::Channel, &genuine, |claims| change(claims, now));
        fixture.assert_admits(case, &token, &fixture.exchange).await;
    }
}

/// Service URLs that resemble the stage's and differ from it.
fn foreign_service_urls(own: &str) -> [Value; 24] {
    let own = own.trim_end_matches('/');
    [
        json!("https://evil.example/"),
        json!(format!("{own}.evil.example/")),
        json!(own.replace("http://", "http://evil.example@")),
        json!(own.replace("http://", "https://")),
        json!(format!("{own}/deeper")),
        json!(format!("{own}?x=1")),
        json!(format!("{own}#x")),
        json!(own.replace("http://", "http://u:p@")),
        json!(own.to_uppercase()),
        json!(format!("{own}//")),
        json!(own.replace("http://", "http:")),
        json!(own.replace("http://", "http:///")),
        json!(own.replace("http://", "http:\\\\")),
        json!(format!("{own}\\@evil.example/")),
        json!(format!(" {own}")),
        json!(format!("{own}\n")),
        json!(format!("{own}\0")),
        json!(own.replace("127.0.0.1", "127.0.0.1.")),
        json!(own.replace("127.0.0.1", "localhost")),
        json!(own.replace("127.0.0.1", "2130706433")),
        json!(own.replace("127.0.0.1", "127.1")),
        json!(own.replace("127.0.0.1", "127%2e0.0.1")),
        json!("http://169.254.169.254/"),
        json!("not a URL"),
    ]
}

// Cases 36 to 44.
#[tokio::test]
async fn a_channel_token_is_refused_for_another_service_url_or_channel() {
    let missing = Refusal { status: 400, code: "MissingProperty", check: "service_url_absent" };
    let mismatch = forbidden("ServiceUrlMismatch", "service_url");
    let unendorsed = forbidden("ChannelNotEndorsed", "endorsements");
    let nobody = forbidden("ChannelNotEndorsed", "channel");
    let fixture = Fixture::start().await;
    let foreign = foreign_service_urls(&fixture.harness.stage.service_url());
    let by_service_url = foreign.into_iter().map(|url| ("36", "serviceUrl", url, mismatch));
    let by_absence = [json!(""), Value::Null, json!(7)].into_iter().map(|url| ("38", "serviceUrl", url, missing));
    let by_channel = [
        ("42", "channelId", json!("MSTEAMS"), unendorsed),
        ("42, space", "channelId", json!("msteams "), unendorsed),
        ("another channel", "channelId", json!("slack"), unendorsed),
        ("a sub-channel of another", "channelId", json!("slack:msteams"), unendorsed),
        ("43", "channelId", json!("AseChannel"), nobody),
        ("44", "channelId", json!("emulator"), nobody),
        ("44, other case", "channelId", json!("Emulator"), nobody),
        ("44, a sub-channel", "channelId", json!("emulator:x"), nobody),
        ("43, a sub-channel", "channelId", json!("asechannel:x"), nobody),
    ];
    let token = fixture.harness.channel_token("demo").await;
    for (case, member, value, refusal) in by_service_url.chain(by_absence).chain(by_channel) {
        let case = format!("{case}: {value}");
        let activity = fixture.exchange_with(|activity| activity[member] = value);
        fixture.assert_refuses(&case, &token, &activity, refusal).await;
    }
    let other_key = |signer| fixture.harness.forge(signer, &token, |_| {});
    let (directline, unmarked) = (other_key(Signer::ChannelForDirectLine), other_key(Signer::ChannelUnendorsed));
    fixture.assert_refuses("40", &directline, &fixture.exchange, unendorsed).await;
    fixture.assert_refuses("40, no endorsements", &unmarked, &fixture.exchange, unendorsed).await;
    for channel in [Some(""), None] {
        let activity = fixture.exchange_with(|activity| match channel {
            Some(channel) => activity["channelId"] = channel.into(),
            None => drop(activity.as_object_mut().unwrap().remove("channelId")),
        });
        let refusal = Refusal { status: 400, code: "MissingProperty", check: "channelId" };
        fixture.assert_refuses("42", &token, &activity, refusal).await;
    }
    fixture.assert_no_effect();
    let there = activities::on_channel(fixture.exchange.clone(), "directline", "dl_ada");
    fixture.assert_admits("a key endorsed for Direct Line", &directline, &there).await;
}

#[tokio::test]
async fn a_caller_gets_503_when_the_signing_keys_cannot_be_fetched() {
    let mut fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    let parent = fixture
        .harness
        .app_token("1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01", "api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01/.default")
        .await;
    fixture.harness.stage.faults().set_keys_unavailable(true);
    fixture.harness.restart(&Options::default()).await;
    let unavailable = Refusal { status: 503, code: "KeysUnavailable", check: "keys" };
    fixture.assert_refuses("channel", &token, &fixture.exchange, unavailable).await;
    fixture.assert_refuses("app", &parent, &fixture.exchange, unavailable).await;
    let unknown_issuer =
        fixture.harness.forge(Signer::Channel, &token, |claims| claims["iss"] = "https://evil/".into());
    fixture
        .assert_refuses("what can be told without keys is told", &unknown_issuer, &fixture.exchange, invalid("iss"))
        .await;
    fixture.assert_no_effect();
    fixture.harness.stage.faults().set_keys_unavailable(false);
    fixture.harness.clock.advance(std::time::Duration::from_mins(1));
    fixture.assert_admits("keys are back", &token, &fixture.exchange).await;
    fixture.harness.stage.faults().set_keys_unavailable(true);
    fixture.harness.clock.advance(std::time::Duration::from_mins(10));
    fixture.assert_admits("kept keys are used while the issuer is away", &token, &fixture.exchange).await;
}
