//! Requests with a genuine channel token: bodies that the gateway refuses (cases 64 to 72), and the `callerId` and
//! delivery mode that reach the bot (rules 26, 27).

use bot_sso::dev::Signer;
use serde_json::{Value, json};

use super::{Fixture, Refusal};
use crate::harness::{Harness, Options, activities};

const fn malformed(check: &'static str) -> Refusal {
    Refusal { status: 400, code: "BadArgument", check }
}

const fn missing(check: &'static str) -> Refusal {
    Refusal { status: 400, code: "MissingProperty", check }
}

async fn assert_refuses_bytes(fixture: &Fixture, case: &str, token: &str, body: Vec<u8>, refusal: Refusal) {
    fixture.assert_refusal(case, fixture.harness.post_bytes("demo", token, body), refusal, &[token]).await;
}

// Case 64 and rules 2 and 3.
#[tokio::test]
async fn a_body_that_two_parsers_could_read_differently_is_refused_with_400() {
    let fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    let good = fixture.exchange.to_string();
    let members = good.strip_prefix('{').unwrap();
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let doubled = [
        r#""type":"message""#,
        r#""name":"signin/verifyState""#,
        r#""value":{}"#,
        r#""channelId":"directline""#,
        r#""serviceUrl":"https://evil.example/""#,
        r#""conversation":{"id":"other"}"#,
        r#""from":{"id":"other"}"#,
        r#""\u0074ype":"message""#,
    ];
    for member in doubled {
        let bodies = [format!("{{{member},{members}"), format!("{},{member}}}", good.strip_suffix('}').unwrap())];
        for body in bodies {
            assert_refuses_bytes(&fixture, &format!("64, {member}"), &token, body.into_bytes(), malformed("json"))
                .await;
        }
    }
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let others: Vec<(&str, Vec<u8>)> = vec![
        ("twice in value", good.replace("\"connectionName\"", "\"connectionName\":\"mail\",\"connectionName\"").into()),
        ("65 levels", format!("{{\"x\":{},{members}", deep(64)).into()),
        ("100000 levels", deep(100_000).into()),
        ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
        ("more behind it", format!("{good}{good}").into()),
        ("a comment", format!("/* */{good}").into()),
        ("a mark before it", format!("\u{feff}{good}").into()),
        ("UTF-16", utf_16),
        ("no UTF-8", [good.as_bytes()[..10].to_vec(), vec![0xff], good.as_bytes()[10..].to_vec()].concat()),
        ("NaN", format!("{{\"x\":NaN,{members}").into()),
        ("a lone surrogate", format!("{{\"x\":\"\\ud800\",{members}").into()),
        ("nothing", Vec::new()),
        ("callerId in another case", format!("{{\"CallerId\":\"urn:botframework:azure\",{members}").into()),
        ("serviceUrl in another case", format!("{{\"ServiceUrl\":\"https://evil.example/\",{members}").into()),
    ];
    for (case, body) in others {
        assert_refuses_bytes(&fixture, case, &token, body, malformed("json")).await;
    }
    for body in ["[]", "null", "\"text\"", "7"] {
        assert_refuses_bytes(&fixture, body, &token, body.into(), missing("type")).await;
    }
    fixture.assert_no_effect();
}

// Rule 3.
#[tokio::test]
async fn an_activity_without_a_required_member_or_with_a_member_that_is_too_long_is_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    for (pointer, check) in [
        ("/type", "type"),
        ("/channelId", "channelId"),
        ("/conversation/id", "conversation.id"),
        ("/from/id", "from.id"),
    ] {
        for value in [json!(""), json!(null), json!(7), json!(["x"]), json!({})] {
            let activity = fixture.exchange_with(|activity| *activity.pointer_mut(pointer).unwrap() = value.clone());
            fixture.assert_refuses(&format!("{pointer}: {value}"), &token, &activity, missing(check)).await;
        }
        let long = fixture.exchange_with(|activity| *activity.pointer_mut(pointer).unwrap() = "x".repeat(513).into());
        fixture.assert_refuses(&format!("{pointer}, long"), &token, &long, malformed(check)).await;
    }
    fixture.assert_no_effect();
}

// Rule 2.
#[tokio::test]
async fn a_body_that_is_too_large_or_encoded_is_refused_before_its_content_is_read() {
    let fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    let large = Refusal { status: 413, code: "MessageSizeTooBig", check: "body" };
    let padded = format!("{}{}", fixture.exchange, " ".repeat(512 * 1024));
    assert_refuses_bytes(&fixture, "66, too large", &token, padded.into_bytes(), large).await;
    let encoded = Refusal { status: 415, code: "UnsupportedMediaType", check: "body" };
    let bearer = format!("Bearer {token}");
    for header in [("content-encoding", "gzip"), ("content-type", "application/json; charset=utf-16")] {
        let headers = [("authorization", bearer.as_str()), header];
        let body = fixture.exchange.to_string().into_bytes();
        let sending = fixture.harness.send("POST", "/bots/demo/api/messages", &headers, body);
        fixture.assert_refusal(header.0, sending, encoded, &[&token]).await;
    }
    fixture.assert_no_effect();
}

// Case 69.
#[tokio::test]
async fn a_channel_that_asks_for_expect_replies_gets_the_plain_answer() {
    let fixture = Fixture::start().await;
    let token = fixture.harness.channel_token("demo").await;
    let activity = fixture.exchange_with(|activity| activity["deliveryMode"] = "expectReplies".into());
    let answer = fixture.harness.post_as("demo", &token, &activity).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "id": "x", "connectionName": "graph" })));
    assert_eq!(fixture.harness.exchanges(), 1);
}

const CHANNEL: &str = "urn:botframework:azure";
const PARENT: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
const PARENT_URL: &str = "https://parent.example/api/skills";

fn message(harness: &Harness) -> Value {
    activities::message(harness, &harness.user("Ada"), "hello")
}

/// The bytes of `activity` with the value `claim` as its `callerId`, then the text before and after that value.
fn with_claimed_caller_id(activity: &Value, claim: &str) -> (Vec<u8>, String, String) {
    let text = activity.to_string();
    let (first, rest) = text.split_at(1);
    let (before, after) =
        (format!("{first} \"callerId\" :"), format!(", \"n\":[1.0,1e2,12345678901234567890123],{rest}"));
    (format!("{before}{claim}{after}").into_bytes(), before, after)
}

// Rule 26.
#[tokio::test]
async fn the_bot_receives_the_caller_id_of_the_validated_token_instead_of_the_callers_claim() {
    let appended = format!(
        "[[bots.demo.callers]]\napp_id = \"{PARENT}\"\ntenant = \"8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50\"\n\
         service_urls = [\"{PARENT_URL}\"]\nchannels = [\"msteams\"]\n"
    );
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let demo = harness.bot_app_id("demo");
    let channel = harness.channel_token("demo").await;
    let parent = harness.app_token(PARENT, &format!("api://{demo}/.default")).await;
    let mut of_parent = message(&harness);
    of_parent["serviceUrl"] = PARENT_URL.into();
    let urn = format!("urn:botframework:aadappid:{PARENT}");
    for (token, activity, caller_id) in [(&channel, message(&harness), CHANNEL), (&parent, of_parent, urn.as_str())] {
        for claim in [r#""urn:botframework:aadappid:evil""#, r#""""#, r#""urn:botframework:azure""#] {
            let (body, before, after) = with_claimed_caller_id(&activity, claim);
            assert_eq!(harness.post_bytes("demo", token, body).await.status, 200, "{claim}");
            let forwarded = harness.bot.received().pop().unwrap().body;
            assert_eq!(String::from_utf8(forwarded).unwrap(), format!("{before}\"{caller_id}\"{after}"), "{claim}");
        }
        for claim in ["null", "7", r#"{"urn":"x"}"#, r#""\u0075rn:botframework:azure""#] {
            let (body, ..) = with_claimed_caller_id(&activity, claim);
            assert_eq!(harness.post_bytes("demo", token, body).await.status, 200, "{claim}");
            let mut forwarded = harness.bot.received().pop().unwrap().json();
            assert_eq!(forwarded["callerId"], caller_id, "{claim}");
            let members = forwarded.as_object_mut().unwrap();
            members.remove("callerId");
            members.remove("n");
            assert_eq!(forwarded, activity, "{claim}");
        }
        let plain = serde_json::to_vec_pretty(&activity).unwrap();
        assert_eq!(harness.post_bytes("demo", token, plain.clone()).await.status, 200);
        assert_eq!(harness.bot.received().pop().unwrap().body, plain, "nothing is added");
    }
}

#[tokio::test]
async fn the_gateway_removes_caller_id_when_the_cloud_defines_no_value_for_its_channels() {
    for (cloud, caller_id) in [("cloud = \"us_gov\"", Some("urn:botframework:azureusgov")), ("cloud = \"china\"", None)]
    {
        let harness = Harness::with(Options { channels: cloud, ..Options::default() }).await;
        let (body, ..) = with_claimed_caller_id(&message(&harness), "\"spoofed\"");
        assert_eq!(harness.post_bytes("demo", &harness.channel_token("demo").await, body).await.status, 200);
        let forwarded = harness.bot.received().pop().unwrap();
        assert_eq!(forwarded.json().get("callerId").and_then(Value::as_str), caller_id, "{cloud}");
        assert!(String::from_utf8(forwarded.body).unwrap().contains("12345678901234567890123"), "{cloud}");
    }
}

#[tokio::test]
async fn an_exchanged_invoke_that_is_forwarded_has_no_caller_id_that_the_caller_wrote() {
    for (mode, name) in
        [("forward", "signin/tokenExchange"), ("forward", "SignIn/TokenExchange"), ("notify", "signin/tokenExchange")]
    {
        let fixture = Fixture::with(Harness::with(Options { after_exchange: mode, ..Options::default() }).await).await;
        let activity = fixture.exchange_with(|activity| {
            activity["callerId"] = "urn:botframework:aadappid:evil".into();
            activity["name"] = name.into();
        });
        assert_eq!(fixture.harness.post(&activity).await.status, 200, "{mode} {name}");
        let told = fixture.harness.bot_received(1).await[0].json();
        let expected = if mode == "forward" { json!(CHANNEL) } else { Value::Null };
        assert_eq!(told["callerId"], expected, "{mode} {name}");
    }
}

// Rule 27.
#[tokio::test]
async fn a_channel_token_is_accepted_for_any_number_of_requests_until_it_expires() {
    let fixture = Fixture::start().await;
    let genuine = fixture.harness.channel_token("demo").await;
    let token = fixture.harness.forge(Signer::Channel, &genuine, |claims| claims["jti"] = "the-only-one".into());
    for number in 0..20 {
        let text = format!("message {number}");
        let activity = activities::message(&fixture.harness, &fixture.harness.user("Ada"), &text);
        fixture.assert_admits(&text, &token, &activity).await;
    }
    assert_eq!(fixture.harness.bot.received().len(), 20);
    for _ in 0..3 {
        fixture.assert_admits("the same invoke", &token, &fixture.exchange).await;
    }
    assert_eq!(fixture.harness.exchanges(), 1, "the invoke was told from its repeats by its id, not by its bearer");
}

// Rule 19.
#[tokio::test]
async fn a_channel_key_without_every_required_endorsement_is_refused() {
    let required = "required_endorsements = [\"msteams\", \"directline\"]";
    let fixture = Fixture::with(Harness::with(Options { channels: required, ..Options::default() }).await).await;
    let token = fixture.harness.channel_token("demo").await;
    let directline_only = fixture.harness.forge(Signer::ChannelForDirectLine, &token, |_| {});
    let there = activities::on_channel(fixture.exchange.clone(), "directline", "dl_ada");
    let refusal = super::forbidden("ChannelNotEndorsed", "required_endorsements");
    fixture.assert_refuses("rule 19", &directline_only, &there, refusal).await;
    fixture.assert_no_effect();
    fixture.assert_admits("all of them", &token, &fixture.exchange).await;
}
