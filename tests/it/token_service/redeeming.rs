//! `exchange` that redeems the token (docs/protocols/token-service-api.md §3.2, §1 rule 9): the user must have a valid
//! card, and the token must belong to the user that the card names.

use serde_json::{Value, json};

use super::{assert_nothing, error_of};
use crate::harness::{Answer, Harness, Options, activities};

async fn post_exchange(harness: &Harness, user_id: &str, channel: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", harness.bot_token("demo").await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let query = [("userId", user_id), ("connectionName", "graph"), ("channelId", channel)];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    harness.send("POST", &format!("/api/usertoken/exchange?{query}"), &headers, body.to_string().into_bytes()).await
}

/// Requests a card for the activity's user, then exchanges a token of `whose` for that user.
async fn card_then_exchange(harness: &Harness, activity: &Value, whose: &str) -> Answer {
    harness.sign_in_resource(activity, "graph").await;
    let token = harness.user_token(whose, "graph").await;
    let channel = activity["channelId"].as_str().unwrap();
    post_exchange(harness, activity["from"]["id"].as_str().unwrap(), channel, json!({ "token": token })).await
}

#[tokio::test]
async fn a_bot_that_asked_for_a_card_redeems_a_token_and_may_repeat_the_call() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    let first = card_then_exchange(&harness, &activity, "Ada").await;
    assert_eq!(first.status, 200, "{}", String::from_utf8_lossy(&first.body));
    assert_eq!(first.json(), harness.get_token("msteams", "29:ada", "graph").await.json());
    let token = harness.user_token("Ada", "graph").await;
    let wrapped = json!({ "exchangeRequest": { "token": token, "uri": null }, "userId": "29:ada" });
    for body in [json!({ "token": token }), json!({ "token": token, "uri": null }), wrapped] {
        let again = post_exchange(&harness, "29:ada", "msteams", body).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
    }
    assert_eq!(harness.exchanges(), 1);
    assert!(harness.bot_received(0).await.is_empty(), "whoever asks is not told in another way");
}

#[tokio::test]
async fn a_token_that_parallel_calls_send_is_redeemed_once() {
    let harness = Harness::start().await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let token = harness.user_token("Ada", "graph").await;
    let calls = (0..8).map(|_| post_exchange(&harness, "29:ada", "msteams", json!({ "token": token })));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(harness.exchanges(), 1);
}

#[tokio::test]
async fn a_card_allows_no_exchange_for_another_user_channel_or_connection_or_after_it_expired() {
    let harness = Harness::start().await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ben")), "mail").await;
    let token = harness.user_token("Ada", "graph").await;
    for (user_id, channel) in [("29:ben", "msteams"), ("29:ada", "directline"), ("29:ADA", "msteams")] {
        let answer = post_exchange(&harness, user_id, channel, json!({ "token": token })).await;
        assert_eq!(error_of(user_id, &answer, 400).0, "SignInRequired", "{user_id} {channel}");
    }
    harness.clock.advance(std::time::Duration::from_secs(15 * 60 + 1));
    let token = harness.user_token("Ada", "graph").await;
    let late = post_exchange(&harness, "29:ada", "msteams", json!({ "token": token })).await;
    assert_eq!(error_of("late", &late, 400).0, "SignInRequired");
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn a_token_of_another_user_than_the_cards_is_refused() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    let bens = card_then_exchange(&harness, &activity, "Ben").await;
    assert_eq!(error_of("another user", &bens, 400).0, "IdentityMismatch");
    let mut elsewhere = activity.clone();
    elsewhere["conversation"]["tenantId"] = "99999999-9999-4999-8999-999999999999".into();
    let foreign = card_then_exchange(&harness, &elsewhere, "Ada").await;
    assert_eq!(error_of("another tenant", &foreign, 400).0, "IdentityMismatch");
    assert_eq!(harness.exchanges(), 0);
    assert_nothing("nothing is kept", &harness.get_token("msteams", "29:ada", "graph").await);
    assert_eq!(card_then_exchange(&harness, &activity, "Ada").await.status, 200);
}

#[tokio::test]
async fn a_user_of_a_listed_tenant_is_accepted_in_another_tenants_conversation() {
    let tenant = Harness::start().await.user("Ada").tid;
    let identity = format!("cross_tenants = [\"{tenant}\"]");
    let harness = Harness::with(Options { identity, ..Options::default() }).await;
    let mut activity = activities::teams(&harness, &harness.user("Ada"));
    activity["conversation"]["tenantId"] = "99999999-9999-4999-8999-999999999999".into();
    assert_eq!(card_then_exchange(&harness, &activity, "Ada").await.status, 200);
}

#[tokio::test]
async fn a_user_without_an_object_id_stays_pinned_to_the_first_person_until_signed_out_of_all() {
    let harness = Harness::start().await;
    let mut activity = activities::teams(&harness, &harness.user("Ada"));
    activity["from"] = json!({ "id": "29:someone" });
    activity["conversation"] = json!({ "id": "a:someone", "conversationType": "personal" });
    assert_eq!(card_then_exchange(&harness, &activity, "Ada").await.status, 200);
    let query = [("userId", "29:someone"), ("connectionName", "graph"), ("channelId", "msteams")];
    assert_eq!(harness.sign_out(&query).await.status, 200);
    let bens = card_then_exchange(&harness, &activity, "Ben").await;
    assert_eq!(error_of("pinned", &bens, 400).0, "IdentityMismatch");
    assert_eq!(harness.sign_out(&[query[0], query[2]]).await.status, 200);
    assert_eq!(card_then_exchange(&harness, &activity, "Ben").await.status, 200, "until the user is signed out of all");
}

#[tokio::test]
async fn an_exchange_for_a_user_id_that_the_client_may_choose_is_refused() {
    let harness = Harness::start().await;
    let base = activities::teams(&harness, &harness.user("Ada"));
    for channel in ["directline", "webchat"] {
        let chosen = activities::on_channel(base.clone(), channel, "ada");
        let answer = card_then_exchange(&harness, &chosen, "Ada").await;
        assert_eq!(error_of(channel, &answer, 400).0, "IdentityMismatch", "{channel}");
        let verified = activities::on_channel(base.clone(), channel, "dl_ada");
        assert_eq!(card_then_exchange(&harness, &verified, "Ada").await.status, 200, "{channel}");
        let query = [("userId", "dl_ada"), ("connectionName", "graph"), ("channelId", channel)];
        harness.sign_out(&query).await;
        let answer = card_then_exchange(&harness, &verified, "Ben").await;
        assert_eq!(error_of(channel, &answer, 400).0, "IdentityMismatch", "{channel}: pinned");
    }
    let emulated = activities::on_channel(base, "emulator", "user");
    let answer = card_then_exchange(&harness, &emulated, "Ada").await;
    assert_eq!(error_of("emulator", &answer, 400).0, "IdentityMismatch");
}

#[tokio::test]
async fn the_body_is_read_in_any_letter_case_and_an_ambiguous_body_is_refused() {
    let harness = Harness::start().await;
    harness.sign_in_resource(&activities::teams(&harness, &harness.user("Ada")), "graph").await;
    let token = harness.user_token("Ada", "graph").await;
    for body in [json!({ "Token": token }), json!({ "ExchangeRequest": { "TOKEN": token } })] {
        assert_eq!(post_exchange(&harness, "29:ada", "msteams", body).await.status, 200);
    }
    let twice = post_exchange(&harness, "29:ada", "msteams", json!({ "token": token, "Token": "another" })).await;
    assert_eq!(error_of("two readings", &twice, 400).0, "BadArgument");
}

#[tokio::test]
async fn a_bot_cannot_use_another_bots_card_or_token() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    harness.sign_in_resource(&activity, "graph").await;
    let token = harness.user_token("Ada", "graph").await;
    let user = "userId=29:ada&connectionName=graph&channelId=msteams";
    let state: String =
        url::form_urlencoded::byte_serialize(activities::state_of(&activity, "graph").as_bytes()).collect();
    let calls = [
        ("POST", format!("/api/usertoken/exchange?{user}"), json!({ "token": token })),
        ("POST", format!("/api/usertoken/exchange?{user}"), json!({ "uri": "https://graph.microsoft.com" })),
        (
            "POST",
            format!("/api/usertoken/GetAadTokens?{user}"),
            json!({ "resourceUrls": ["https://graph.microsoft.com"] }),
        ),
        ("GET", format!("/api/usertoken/GetTokenOrSignInResource?{user}&state={state}"), json!({})),
        ("GET", format!("/api/usertoken/GetTokenStatus?{user}"), json!({})),
        ("GET", format!("/api/usertoken/GetToken?{user}"), json!({})),
    ];
    // First Ada has only a card of `demo`; in the second round she has signed in to `demo`.
    for _ in 0..2 {
        for (method, path, body) in &calls {
            let authorization = format!("Bearer {}", harness.bot_token("demo-none").await);
            let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
            let answer = harness.send(method, path, &headers, body.to_string().into_bytes()).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains("eyJ") && !text.contains("\"hasToken\":true"), "{path}: {text}");
            assert_eq!(
                harness.exchanges(),
                u64::from(harness.get_token("msteams", "29:ada", "graph").await.status == 200)
            );
        }
        assert_eq!(post_exchange(&harness, "29:ada", "msteams", json!({ "token": token })).await.status, 200);
    }
}

#[tokio::test]
async fn a_signed_out_user_needs_a_new_card() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    assert_eq!(card_then_exchange(&harness, &activity, "Ada").await.status, 200);
    harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await;
    let token = harness.user_token("Ada", "graph").await;
    let replayed = post_exchange(&harness, "29:ada", "msteams", json!({ "token": token })).await;
    assert_eq!(error_of("replayed", &replayed, 400).0, "SignInRequired");
    assert_eq!(card_then_exchange(&harness, &activity, "Ada").await.status, 200);
}

#[tokio::test]
async fn after_consent_the_same_card_and_token_succeed() {
    let harness = Harness::start().await;
    let activity = activities::teams(&harness, &harness.user("Cleo"));
    let refused = card_then_exchange(&harness, &activity, "Cleo").await;
    let (code, message) = error_of("consent", &refused, 400);
    assert_eq!(code, "ConsentRequired");
    assert!(message.contains("Consent Required") && !message.contains("AADSTS"), "{message}");
    harness.stage.consent("Cleo", harness.bot_app_id("demo")).unwrap();
    harness.clock.advance(std::time::Duration::from_millis(3100));
    let token = harness.user_token("Cleo", "graph").await;
    assert_eq!(post_exchange(&harness, "29:cleo", "msteams", json!({ "token": token })).await.status, 200);
}

/// The answers in a refusal style where the user can help: missing consent, missing MFA, no card.
async fn refusals_that_a_sign_in_resolves(style: &'static str) -> Vec<(String, Answer)> {
    let harness = Harness::with(Options { bot: style, ..Options::default() }).await;
    let mut answers = Vec::new();
    for user in ["Cleo", "Dan"] {
        let activity = activities::teams(&harness, &harness.user(user));
        answers.push((user.to_owned(), card_then_exchange(&harness, &activity, user).await));
    }
    let token = harness.user_token("Ada", "graph").await;
    answers.push(("no card".to_owned(), post_exchange(&harness, "29:ada", "msteams", json!({ "token": token })).await));
    answers
}

/// The answers in a refusal style where no sign-in helps: another user's token, no token, a disabled account.
async fn refusals_that_no_sign_in_resolves(style: &'static str) -> Vec<(String, Answer)> {
    let harness = Harness::with(Options { bot: style, ..Options::default() }).await;
    let activity = activities::teams(&harness, &harness.user("Ada"));
    let another = card_then_exchange(&harness, &activity, "Ben").await;
    let nonsense = post_exchange(&harness, "29:ada", "msteams", json!({ "token": "x" })).await;
    let disabled = card_then_exchange(&harness, &activities::teams(&harness, &harness.user("Eve")), "Eve").await;
    vec![("another user's".to_owned(), another), ("nonsense".to_owned(), nonsense), ("disabled".to_owned(), disabled)]
}

#[tokio::test]
async fn a_refused_bot_gets_a_json_error_with_400_by_default() {
    for style in ["", "refusal_style = \"json400\""] {
        for (case, answer) in
            refusals_that_a_sign_in_resolves(style).await.iter().chain(&refusals_that_no_sign_in_resolves(style).await)
        {
            error_of(case, answer, 400);
        }
    }
}

#[tokio::test]
async fn a_bot_with_the_style_text400_gets_the_error_as_plain_text() {
    let style = "refusal_style = \"text400\"";
    for (case, answer) in
        refusals_that_a_sign_in_resolves(style).await.iter().chain(&refusals_that_no_sign_in_resolves(style).await)
    {
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/plain; charset=utf-8")), "{case}");
        assert!(answer.json()["error"]["code"].is_string(), "{case}");
    }
}

#[tokio::test]
async fn a_bot_with_the_style_ok_without_token_gets_200_without_a_token_when_a_sign_in_helps() {
    let style = "refusal_style = \"ok_without_token\"";
    for (case, answer) in refusals_that_a_sign_in_resolves(style).await {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{case}");
        assert_eq!(answer.json(), json!({ "channelId": "msteams", "connectionName": "graph" }), "{case}");
    }
    for (case, answer) in refusals_that_no_sign_in_resolves(style).await {
        error_of(&case, &answer, 400);
    }
}
