//! The numbered attack cases of docs/protocols/bot-auth-and-skills.md §9 that concern a caller's token, at the gateway.
//! Rule numbers in this folder are those of docs/protocols/bot-auth-and-skills.md §2.

mod bodies;
mod channels;
mod emulator;
mod forgery;
mod key_rotation;
mod parents;
mod rates;
mod refused_tokens;

use serde_json::Value;

use crate::harness::{Answer, Harness, Options, activities, logs};

/// A running gateway and a valid exchange: the gateway would redeem the exchange if it accepted the caller.
struct Fixture {
    harness: Harness,
    exchange: Value,
}

/// The answer that a refused caller gets, and the check that the log names.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    check: &'static str,
}

const fn invalid(check: &'static str) -> Refusal {
    Refusal { status: 401, code: "InvalidToken", check }
}

const fn forbidden(code: &'static str, check: &'static str) -> Refusal {
    Refusal { status: 403, code, check }
}

/// The constant message that belongs to an error code.
fn message_for(code: &str) -> &'static str {
    match code {
        "MissingAuthorization" => "An Authorization header with a bearer token is required.",
        "InvalidAuthorization" => "The Authorization header must hold exactly one bearer token.",
        "InvalidToken" => "The bearer token is not valid here.",
        "TokenExpired" => "The bearer token has expired.",
        "DelegatedTokenNotAllowed" => "A user's token does not authenticate a caller.",
        "CallerNotAllowed" => "This caller is not allowed.",
        "ChannelNotEndorsed" => "The caller may not speak for this channel.",
        "ServiceUrlMismatch" => "The activity's serviceUrl is not the token's.",
        "ServiceUrlNotAllowed" => "The caller may not use this serviceUrl.",
        "KeysUnavailable" => "Signing keys are unavailable; try again.",
        "MissingProperty" => "The activity lacks a required property.",
        "BadArgument" => "The request body is not an acceptable activity.",
        "MessageSizeTooBig" => "The request body is too large.",
        "UnsupportedMediaType" => "The request body must be UTF-8 JSON without content encoding.",
        "TooManyRequests" => "Too many requests; try again later.",
        other => panic!("no sentence for {other}"),
    }
}

impl Fixture {
    async fn start() -> Self {
        Self::with_appended(String::new()).await
    }

    /// Starts a gateway whose configuration ends with `appended`.
    async fn with_appended(appended: String) -> Self {
        Self::with(Harness::with(Options { appended, ..Options::default() }).await).await
    }

    async fn with(harness: Harness) -> Self {
        let user_token = harness.user_token("Ada", "graph").await;
        let exchange = activities::exchange(&harness, &harness.user("Ada"), "x", &user_token);
        Self { harness, exchange }
    }

    fn exchange_with(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut exchange = self.exchange.clone();
        change(&mut exchange);
        exchange
    }

    /// Asserts that `activity`, sent with `bearer`, is refused as [`Fixture::assert_refusal`] describes.
    async fn assert_refuses(&self, case: &str, bearer: &str, activity: &Value, refusal: Refusal) {
        self.assert_refusal(case, self.harness.post_as("demo", bearer, activity), refusal, &[bearer]).await;
    }

    /// Asserts how the request of `sending` is refused: with this status, body and headers. Nothing is forwarded, no
    /// token endpoint is called, the log has exactly one line about the request, which names the check, and the log
    /// holds no part of `secrets` or of the user's token.
    async fn assert_refusal(
        &self,
        case: &str,
        sending: impl Future<Output = Answer>,
        refusal: Refusal,
        secrets: &[&str],
    ) {
        let (logged, calls) = (logs::length(), self.harness.stage.calls().snapshot().token_endpoint);
        let received = self.harness.bot.received().len();
        let answer = sending.await;
        assert_refused(case, &answer, refusal.status, refusal.code);
        assert_eq!(self.harness.bot.received().len(), received, "case {case}: something was forwarded");
        let called = self.harness.stage.calls().snapshot().token_endpoint - calls;
        assert_eq!(called, 0, "case {case}: the token endpoint was asked");
        let complaints = logs::complaints_of(&self.harness.tag, logged);
        let [line] = complaints.as_slice() else { panic!("case {case}: not one line: {complaints:#?}") };
        assert_eq!(
            (&line["code"], &line["check"]),
            (&refusal.code.into(), &refusal.check.into()),
            "case {case}: {line}"
        );
        assert_eq!(line["security"] == true, refusal.code == "DelegatedTokenNotAllowed", "case {case}: {line}");
        let user_token = self.exchange["value"]["token"].as_str().unwrap();
        let log = logs::since(logged);
        for part in secrets.iter().chain([&user_token]).flat_map(|secret| secret.split('.')).filter(|it| it.len() > 20)
        {
            assert!(!log.contains(part), "case {case}: the log holds a part of a token");
        }
    }

    async fn assert_admits(&self, case: &str, bearer: &str, activity: &Value) {
        let answer = self.harness.post_as("demo", bearer, activity).await;
        assert_eq!(answer.status, 200, "case {case}: {}", String::from_utf8_lossy(&answer.body));
    }

    /// Asserts that the refused requests caused no exchange and reached no bot.
    fn assert_no_effect(&self) {
        assert_eq!(self.harness.exchanges(), 0, "the token endpoint was asked");
        assert!(self.harness.bot.received().is_empty(), "something was forwarded");
    }
}

fn assert_refused(case: &str, answer: &Answer, status: u16, code: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    let expected = format!(r#"{{"error":{{"code":"{code}","message":"{}"}}}}"#, message_for(code));
    assert_eq!((answer.status, body.as_ref()), (status, expected.as_str()), "case {case}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "case {case}");
    let challenge = match (status, code) {
        (401, "MissingAuthorization") => Some("Bearer"),
        (401, _) => Some("Bearer error=\"invalid_token\""),
        _ => None,
    };
    assert_eq!(answer.header("www-authenticate"), challenge, "case {case}");
    assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503), "case {case}");
}
