//! What is only passed on is passed on even where it is odd, and what is sign-in traffic for any reader is judged
//! strictly.

use serde_json::{Value, json};

use crate::harness::{Behaviour, Harness, Options, activities};

/// Makes an activity's text odd.
type Oddity = fn(&str) -> String;

/// Puts `members` in front of the others of an activity.
fn with(text: &str, members: &str) -> String {
    text.replacen('{', &format!("{{{members},"), 1)
}

/// Replaces what stands under `pointer`; `None` removes it.
fn replaced(text: &str, pointer: &str, value: Option<Value>) -> String {
    let mut activity: Value = serde_json::from_str(text).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = activity.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(parent.insert(name.to_owned(), value)),
        None => drop(parent.remove(name)),
    }
    activity.to_string()
}

const ODDITIES: [(&str, Oddity); 26] = [
    ("from absent", |text| replaced(text, "/from", None)),
    ("from null", |text| replaced(text, "/from", Some(Value::Null))),
    ("from a string", |text| replaced(text, "/from", Some(json!("Ada")))),
    ("from.id empty", |text| replaced(text, "/from/id", Some(json!("")))),
    ("from.id a number", |text| replaced(text, "/from/id", Some(json!(7)))),
    ("from.id long", |text| replaced(text, "/from/id", Some(json!("x".repeat(300))))),
    ("From", |text| replaced(&replaced(text, "/from", None), "/From", Some(json!({ "Id": "29:ada" })))),
    ("conversation absent", |text| replaced(text, "/conversation", None)),
    ("conversation an array", |text| replaced(text, "/conversation", Some(json!([1])))),
    ("conversation.id long", |text| replaced(text, "/conversation/id", Some(json!("k".repeat(5000))))),
    ("id long", |text| replaced(text, "/id", Some(json!("i".repeat(5000))))),
    ("id an object", |text| replaced(text, "/id", Some(json!({})))),
    ("channelData.Tenant", |text| replaced(text, "/channelData", Some(json!({ "Tenant": { "ID": "x" } })))),
    ("channelData a string", |text| replaced(text, "/channelData", Some(json!("x")))),
    ("entities a number", |text| with(text, r#""entities":7"#)),
    ("deliveryMode a list, and in another case", |text| with(text, r#""deliveryMode":[],"DeliveryMode":1"#)),
    ("half of a surrogate pair", |text| with(text, r#""speak":"a\ud83d b""#)),
    ("the other half, in a name", |text| with(text, r#""\uDE00":{"\udc00":1}"#)),
    ("a number that no f64 holds", |text| with(text, r#""n":[1e999,-1E+999]"#)),
    ("a byte-order mark", |text| format!("\u{feff}{text}")),
    ("a member twice", |text| with(text, r#""locale":"de","locale":"fr""#)),
    ("a member twice, deeper", |text| with(text, r#""x":[{"id":1,"id":2}]"#)),
    ("recipient twice", |text| with(text, r#""recipient":{},"Recipient":[]"#)),
    ("the same type in two cases", |text| with(text, r#""Type":"Message""#)),
    ("the same service URL twice", |text| {
        let activity: Value = serde_json::from_str(text).unwrap();
        with(text, &format!("\"ServiceUrl\":{}", activity["serviceUrl"]))
    }),
    ("unusual members", |text| with(text, r#""":0,"__proto__":{"a":[]},"callerid ":null"#)),
];

/// Activities that are not the gateway's.
fn foreign_activities(harness: &Harness) -> Vec<Value> {
    let ada = harness.user("Ada");
    let invoke = |name: &str, value| activities::invoke(harness, &ada, name, value);
    vec![
        activities::message(harness, &ada, "hello"),
        invoke("adaptiveCard/action", json!({ "action": { "type": "Action.Execute", "verb": "v", "data": {} } })),
        invoke("signin/tokenExchange", json!({ "id": "x", "connectionName": "hosted", "token": "t" })),
        invoke("signin/verifyState", json!({ "state": "{\"own\":1}" })),
    ]
}

#[tokio::test]
async fn an_odd_activity_of_somebody_else_reaches_the_bot_byte_for_byte() {
    let harness = Harness::start().await;
    harness.bot.behave(Behaviour::answering(202, "the bot's"));
    let token = harness.channel_token("demo").await;
    for activity in foreign_activities(&harness) {
        for (case, oddity) in ODDITIES {
            let case = format!("{case}: {}", activity["name"]);
            let body = oddity(&activity.to_string());
            let answer = harness.post_bytes("demo", &token, body.clone().into_bytes()).await;
            assert_eq!((answer.status, answer.body.as_slice()), (202, &b"the bot's"[..]), "{case}");
            let received = harness.bot.received().pop().unwrap();
            assert_eq!(String::from_utf8_lossy(&received.body), body, "{case}");
            assert_eq!(received.header("authorization"), Some(format!("Bearer {token}").as_str()), "{case}");
        }
    }
    assert_eq!(harness.bot.received().len(), 4 * ODDITIES.len());
}

#[tokio::test]
async fn odd_sign_in_traffic_is_400_in_every_mode_and_reaches_no_bot() {
    let tolerated = ["id an object", "channelData a string", "entities a number", "unusual members"];
    for after_exchange in ["notify", "forward", "none"] {
        let harness = Harness::with(Options { after_exchange, ..Options::default() }).await;
        let (token, ada) = (harness.channel_token("demo").await, harness.user("Ada"));
        let user_token = harness.user_token("Ada", "graph").await;
        let ours = [
            activities::exchange(&harness, &ada, "x", &user_token),
            activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": "123456" })),
            activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": "cancelledByUser" })),
            activities::invoke(&harness, &ada, "signin/failure", json!({ "code": "tokenmissing" })),
        ];
        for activity in ours {
            for (case, oddity) in ODDITIES.into_iter().filter(|(case, _)| !tolerated.contains(case)) {
                let body = oddity(&activity.to_string()).into_bytes();
                let answer = harness.post_bytes("demo", &token, body).await;
                assert_eq!(answer.status, 400, "{after_exchange}, {case}: {}", activity["name"]);
            }
        }
        assert_eq!(harness.exchanges(), 0, "{after_exchange}");
        assert!(harness.bot.received().is_empty(), "{after_exchange}");
    }
}

#[tokio::test]
async fn sign_in_traffic_that_only_some_readers_find_does_not_pass_as_something_else() {
    let harness = Harness::start().await;
    let (token, ada) = (harness.channel_token("demo").await, harness.user("Ada"));
    let user_token = harness.user_token("Ada", "graph").await;
    let exchange = activities::exchange(&harness, &ada, "x", &user_token).to_string();
    let value = r#""value":{"id":"x","connectionName":"graph","token":"t"}"#;
    let message = activities::message(&harness, &ada, "hello").to_string();
    let (invoke, name) = (r#""type":"invoke""#, r#""name":"signin/tokenExchange""#);
    for body in [
        with(&exchange, r#""type":"message""#),
        with(&exchange, r#""Type":"message""#),
        exchange.replacen("\"type\"", "\"Type\"", 1),
        exchange.replacen(name, &name.replacen("name", "NAME", 1), 1),
        exchange.replacen(name, &format!("\"name\":\"composeExtension/query\",{name}"), 1),
        exchange.replacen("\"type\":\"invoke\"", "\"type\":\"invo\u{212a}e\"", 1),
        exchange.replacen("\"connectionName\"", "\"ConnectionName\":\"hosted\",\"connectionName\"", 1),
        exchange.replacen("\"connectionName\"", "\"connectionName\":\"hosted\",\"connectionName\"", 1),
        exchange.replacen("\"value\"", "\"value\":{\"connectionName\":\"hosted\"},\"value\"", 1),
        exchange.replacen("\"graph\"", "\"Graph\"", 1),
        with(&message, &format!("{invoke},{name},{value}")),
        with(&message, &format!("{},{name},{value}", invoke.to_uppercase())),
        format!("{},{invoke},{name},{value}}}", message.strip_suffix('}').unwrap()),
        with(&message, r#""type":"invoke","name":"signin/failure""#),
        with(&message, r#""TYPE":"invoke","Name":"signin/verifyState","Value":{"STATE":"123456"}"#),
    ] {
        let answer = harness.post_bytes("demo", &token, body.clone().into_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(harness.exchanges(), 0);
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_token_event_that_only_some_readers_find_is_dropped() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello").to_string();
    for members in [
        r#""type":"event","name":"tokens/response""#,
        r#""TYPE":"event","name":"other","Name":"tokens/response""#,
        r#""from":null,"x":"\ud800","type":"event","name":"Tokens/Response""#,
    ] {
        let answer = harness.post_bytes("demo", &token, with(&message, members).into_bytes()).await;
        assert_eq!(answer.status, 200, "{members}");
    }
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn what_two_readers_would_authenticate_differently_is_refused_whatever_it_is() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello").to_string();
    let evil = r#""https://evil.example/""#;
    for (body, status) in [
        (with(&message, &format!("\"serviceUrl\":{evil}")), 400),
        (with(&message, &format!("\"SERVICEURL\":{evil}")), 400),
        (with(&message, r#""ServiceUrl":null"#), 400),
        (with(&message, r#""channelId":"directline""#), 400),
        (with(&message, r#""ChannelId":"directline""#), 400),
        (replaced(&message, "/channelId", None), 400),
        (replaced(&message, "/serviceUrl", None), 400),
        (replaced(&message, "/serviceUrl", Some(json!("https://evil.example/"))), 403),
        (replaced(&message, "/channelId", Some(json!("slack"))), 403),
    ] {
        let answer = harness.post_bytes("demo", &token, body.clone().into_bytes()).await;
        assert_eq!(answer.status, status, "{body}");
    }
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn no_spelling_of_a_claimed_caller_id_reaches_the_bot() {
    let harness = Harness::start().await;
    let token = harness.channel_token("demo").await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello").to_string();
    let odd = r#""n":1.0,"speak":"\ud800""#;
    for (claims, told) in [
        (r#""CallerId":"urn:evil""#, ""),
        (r#""callerId":"urn:evil","CALLERID":{"a":[","]}"#, r#""callerId":"urn:botframework:azure","#),
        (r#""callerId":1,"callerId":"urn:evil""#, r#""callerId":"urn:botframework:azure","#),
    ] {
        let body = with(&with(&message, odd), claims).into_bytes();
        assert_eq!(harness.post_bytes("demo", &token, body).await.status, 200, "{claims}");
        let received = harness.bot.received().pop().unwrap();
        let expected = with(&message, odd).replacen('{', &format!("{{{told}"), 1);
        assert_eq!(String::from_utf8(received.body).unwrap(), expected, "{claims}");
    }
}

/// Whatever an activity is that names no sign-in: the members that authenticate its caller are in order, so the bot decides.
#[tokio::test]
async fn an_activity_with_an_odd_type_name_value_or_recipient_is_passed_on_and_one_that_names_a_sign_in_is_not() {
    let harness = Harness::start().await;
    harness.bot.behave(Behaviour::answering(202, ""));
    let (token, ada) = (harness.channel_token("demo").await, harness.user("Ada"));
    let odd_values =
        [Value::Null, json!(7), json!(""), json!(["x"]), json!({}), json!("message "), json!("t".repeat(600))];
    let message = activities::message(&harness, &ada, "hello").to_string();
    let action = activities::invoke(&harness, &ada, "adaptiveCard/action", json!({ "action": {} })).to_string();
    let mut passed_on = 0;
    for text in [&message, &action] {
        for pointer in ["/type", "/name", "/value", "/recipient", "/conversation", "/text"] {
            for value in odd_values.iter().cloned().map(Some).chain([None]) {
                let body = replaced(text, pointer, value);
                let answer = harness.post_bytes("demo", &token, body.clone().into_bytes()).await;
                assert_eq!(answer.status, 202, "{body}");
                passed_on += 1;
            }
        }
    }
    assert_eq!(harness.bot.received().len(), passed_on);
    let ours = activities::exchange(&harness, &ada, "x", &harness.user_token("Ada", "graph").await).to_string();
    for value in [Some(Value::Null), Some(json!(7)), Some(json!("")), Some(json!("t".repeat(600))), None] {
        let body = replaced(&ours, "/type", value);
        assert_eq!(harness.post_bytes("demo", &token, body.clone().into_bytes()).await.status, 400, "{body}");
    }
    assert_eq!((harness.bot.received().len(), harness.exchanges()), (passed_on, 0));
}
