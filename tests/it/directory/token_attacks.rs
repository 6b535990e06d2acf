//! What attackers send to the OAuth endpoints: stolen and replayed codes, other applications' ids, forged tokens, guesses.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::browser::{Arrival, Browser};
use super::fixture::{
    ADA, BodyForm, CAMPUS, CATALOGUE, Directories, LIBRARY, MARKET, SHOP, TICKETS, TestApp, basic, claims, encoded,
    header,
};
use super::token::{CHALLENGE, VERIFIER, assert_error, password_of, text, tokens_of};
use crate::harness::raw::{Wire, blocking};
use crate::harness::waiting::wait_until;
use crate::harness::{Answer, logs};

/// The application with Ada signed in to the shop.
async fn signed_in() -> (Directories, Browser) {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    (directories, browser)
}

/// Another code of the signed-in user.
async fn next_code(browser: &mut Browser, app: &TestApp, more: &[(&str, &str)]) -> String {
    let answer = browser.authorize(app, more).await;
    Arrival::of(&answer, app).code
}

/// Redeems `code` with `more` parameters; one of them replaces a usual one of the same name.
async fn redeem(directories: &Directories, app: &TestApp, code: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", app.redirect_uri)];
    let is_replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
    let usual = usual.into_iter().filter(|(name, _)| !is_replaced(name));
    let fields: Vec<_> = usual.chain(more.iter().copied()).collect();
    directories.token(app, &fields).await
}

#[tokio::test]
async fn a_verifier_is_demanded_where_a_challenge_was_and_refused_where_none_was() {
    let (directories, mut browser) = signed_in().await;
    let verifier = |verifier: &'static str| [("code_verifier", verifier)];
    for wrong in [&[][..], &verifier("another-verifier-another-verifier-another-x"), &verifier(CHALLENGE[0].1)] {
        let code = next_code(&mut browser, &SHOP, &CHALLENGE).await;
        assert_error(&redeem(&directories, &SHOP, &code, wrong).await, 400, "invalid_grant");
        let late = redeem(&directories, &SHOP, &code, &verifier(VERIFIER)).await;
        assert_error(&late, 400, "invalid_grant");
    }
    // The challenge was taken out of the request: the application that sent one sees it.
    let code = next_code(&mut browser, &SHOP, &[]).await;
    assert_error(&redeem(&directories, &SHOP, &code, &verifier(VERIFIER)).await, 400, "invalid_grant");
    let code = next_code(&mut browser, &SHOP, &CHALLENGE).await;
    assert_eq!(redeem(&directories, &SHOP, &code, &verifier(VERIFIER)).await.status, 200);
    let code = next_code(&mut browser, &CATALOGUE, &CHALLENGE).await;
    assert_error(&redeem(&directories, &CATALOGUE, &code, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_good_for_its_application_and_its_redirect_uri_only() {
    let (directories, mut browser) = signed_in().await;
    let code = next_code(&mut browser, &SHOP, &[]).await;
    let stolen = [("redirect_uri", SHOP.redirect_uri)];
    assert_error(&redeem(&directories, &TICKETS, &code, &stolen).await, 400, "invalid_grant");
    let elsewhere =
        directories.token(&LIBRARY, &[("grant_type", "authorization_code"), ("code", &code), stolen[0]]).await;
    assert_error(&elsewhere, 400, "invalid_grant");
    assert_eq!(redeem(&directories, &SHOP, &code, &[]).await.status, 200, "the theft has not used it up");
    for other in ["https://shop.example.com/callback", "https://tickets.example.com/callback", ""] {
        let code = next_code(&mut browser, &SHOP, &[]).await;
        assert_error(&redeem(&directories, &SHOP, &code, &[("redirect_uri", other)]).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_that_is_presented_again_ends_what_it_has_brought() {
    let (directories, mut browser) = signed_in().await;
    let code = next_code(&mut browser, &SHOP, &[]).await;
    let tokens = directories.redeem(&SHOP, &code).await;
    let refreshed = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    let other = directories.redeem(&SHOP, &next_code(&mut browser, &SHOP, &[]).await).await;
    // Another application's replay says nothing and ends nothing.
    let stolen = redeem(&directories, &TICKETS, &code, &[("redirect_uri", SHOP.redirect_uri)]).await;
    assert_error(&stolen, 400, "invalid_grant");
    assert!(directories.is_active(&SHOP, text(&refreshed, "access_token")).await);
    let replayed = redeem(&directories, &SHOP, &code, &[]).await;
    assert_error(&replayed, 400, "invalid_grant");
    assert_eq!(replayed.text(), stolen.text(), "both answers are the same");
    for access in [text(&tokens, "access_token"), text(&refreshed, "access_token")] {
        assert!(!directories.is_active(&SHOP, access).await);
    }
    assert_error(&directories.refresh(&SHOP, text(&refreshed, "refresh_token")).await, 400, "invalid_grant");
    assert!(directories.is_active(&SHOP, text(&other, "access_token")).await, "another code's grant goes on");
    let line = directories.audited("directory_code_replayed", None).await;
    assert_eq!((&line["security"], &line["application"]), (&true.into(), &SHOP.client_id.into()));
}

#[tokio::test]
async fn of_two_requests_with_one_code_at_once_none_keeps_its_tokens() {
    let (directories, mut browser) = signed_in().await;
    for _ in 0..5 {
        let code = next_code(&mut browser, &SHOP, &[]).await;
        let (one, two) = tokio::join!(redeem(&directories, &SHOP, &code, &[]), redeem(&directories, &SHOP, &code, &[]));
        let granted: Vec<_> = [&one, &two].into_iter().filter(|answer| answer.status == 200).collect();
        assert!(granted.len() <= 1, "{} {}", one.text(), two.text());
        for answer in granted {
            assert!(!directories.is_active(&SHOP, text(&answer.json(), "access_token")).await);
        }
    }
}

#[tokio::test]
async fn a_code_ends_after_a_minute_and_with_the_user_who_signed_in() {
    let (directories, mut browser) = signed_in().await;
    let code = next_code(&mut browser, &SHOP, &[]).await;
    directories.pass(61);
    assert_error(&redeem(&directories, &SHOP, &code, &[]).await, 400, "invalid_grant");
    let users = directories.manage(&MARKET, "GET", "/cloud_directory/Users", &Value::Null).await.json();
    let id = users["Resources"][0]["id"].as_str().unwrap().to_owned();
    let ended = format!("/cloud_directory/Users/{id}/sso/logout");
    let revoked = format!("/users/{id}/revoke_refresh_token");
    let deleted = format!("/cloud_directory/Users/{id}");
    for (method, path) in [("POST", &ended), ("POST", &revoked), ("DELETE", &deleted)] {
        browser = directories.browser();
        let code = browser.sign_in(&SHOP, &ADA).await.code;
        assert_eq!(directories.manage(&MARKET, method, path, &Value::Null).await.status, 204, "{path}");
        assert_error(&redeem(&directories, &SHOP, &code, &[]).await, 400, "invalid_grant");
    }
}

/// Tokens that look like `genuine`, and are none.
fn forgeries(genuine: &str, public_key: &Value) -> Vec<String> {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, payload) = (header(genuine), claims(genuine));
    let signature = genuine.rsplit('.').next().unwrap();
    let with = |value: &Value, name: &str, changed: Value| {
        let mut value = value.clone();
        value[name] = changed;
        value
    };
    let unsigned = |algorithm: &str| format!("{}.{}.", encode(&with(&head, "alg", algorithm.into())), encode(&payload));
    let mut forged = vec![unsigned("none"), unsigned("None"), unsigned("RS256")];
    // The public key as the secret of a MAC.
    let kid = head["kid"].as_str().map(str::to_owned);
    for secret in [text(public_key, "n").as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(text(public_key, "n")).unwrap()] {
        let mut mac = Header::new(Algorithm::HS256);
        mac.kid.clone_from(&kid);
        forged.push(jsonwebtoken::encode(&mac, &payload, &EncodingKey::from_secret(&secret)).unwrap());
    }
    // A key of the forger's, under the name of ours and with the key in the header.
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut es256 = Header::new(Algorithm::ES256);
    es256.kid = kid;
    es256.jku = Some("https://evil.example.com/keys".to_owned());
    forged.push(
        jsonwebtoken::encode(&es256, &payload, &EncodingKey::from_ec_pem(own.serialize_pem().as_bytes()).unwrap())
            .unwrap(),
    );
    // A genuine signature under other contents.
    for changed in [
        with(&payload, "sub", "00000000-0000-4000-8000-000000000000".into()),
        with(&payload, "exp", 4_000_000_000_i64.into()),
        with(&payload, "aud", json!([TICKETS.client_id])),
    ] {
        forged.push(format!("{}.{}.{signature}", encode(&head), encode(&changed)));
    }
    let last = if signature.ends_with('A') { "B" } else { "A" };
    forged.push(format!("{}{last}", &genuine[..genuine.len() - 1]));
    forged.push(format!("{genuine}."));
    forged.push(format!(
        "{}.{}.{signature}",
        encode(&with(&head, "kid", "../../../etc/passwd".into())),
        encode(&payload)
    ));
    forged.push(format!("{}.{}.{signature}", encode(&with(&head, "ver", 3.into())), encode(&payload)));
    forged
}

#[tokio::test]
async fn no_forged_token_is_accepted_at_user_info_introspection_and_revocation() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let genuine = text(&tokens, "access_token");
    let keys = directories.harness.send("GET", &MARKET.oauth("/publickeys"), &[], Vec::new()).await.json();
    for forged in forgeries(genuine, &keys["keys"][0]) {
        assert_error(&directories.userinfo(&MARKET, &forged).await, 401, "invalid_token");
        assert!(!directories.is_active(&SHOP, &forged).await, "{forged}");
        let fields = [("token", forged.as_str())];
        assert_eq!(directories.oauth_call(&SHOP, "/revoke", BodyForm::UrlEncoded, &fields).await.status, 200);
    }
    assert!(directories.is_active(&SHOP, genuine).await, "a forged token revokes nothing");
    // A token of another directory is genuine, and of no use here.
    directories.create_user(&CAMPUS, &ADA).await;
    let elsewhere = tokens_of(&directories, &LIBRARY, &ADA).await;
    assert_error(&directories.userinfo(&MARKET, text(&elsewhere, "access_token")).await, 401, "invalid_token");
    assert!(!directories.is_active(&SHOP, text(&elsewhere, "access_token")).await);
    assert!(!logs::text().contains(genuine));
}

#[tokio::test]
async fn a_parameter_that_is_stated_twice_is_refused_in_each_form_of_a_body() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    for (name, value) in [("grant_type", "client_credentials"), ("username", ADA.email), ("x", "1"), ("scope", "")] {
        for form in [BodyForm::UrlEncoded, BodyForm::Multipart] {
            let fields = password_of(&ADA, &[("x", "1"), ("scope", "openid"), (name, value)]);
            assert_error(&directories.token_as(&SHOP, form, &fields).await, 400, "invalid_request");
        }
    }
    let authorization = basic(SHOP.client_id, SHOP.secret.unwrap());
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    for body in [
        r#"{"grant_type":"client_credentials","grant_type":"client_credentials"}"#,
        r#"{"grant_type":"client_credentials","\u0067rant_type":"password"}"#,
    ] {
        let answer = directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body.into()).await;
        assert_error(&answer, 400, "invalid_request");
    }
}

/// A `client_credentials` request with these headers and fields.
async fn authenticate(directories: &Directories, authorization: &[&str], fields: &[(&str, &str)]) -> Answer {
    let mut headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
    headers.push(("content-type", "application/x-www-form-urlencoded"));
    let fields: Vec<_> = [("grant_type", "client_credentials")].into_iter().chain(fields.iter().copied()).collect();
    directories.harness.send("POST", &MARKET.oauth("/token"), &headers, encoded(&fields).into()).await
}

#[tokio::test]
async fn credentials_are_accepted_in_one_place_and_refused_in_two() {
    let directories = Directories::start().await;
    let secret = SHOP.secret.unwrap();
    let header = basic(SHOP.client_id, secret);
    let (id, in_body) = (("client_id", SHOP.client_id), ("client_secret", secret));
    for (authorization, fields) in
        [(vec![header.as_str()], vec![]), (vec![header.as_str()], vec![id]), (vec![], vec![id, in_body])]
    {
        assert_eq!(authenticate(&directories, &authorization, &fields).await.status, 200, "{fields:?}");
    }
    for (authorization, fields) in [
        (vec![header.as_str()], vec![id, in_body]),
        (vec![header.as_str()], vec![in_body]),
        (vec![header.as_str()], vec![("client_id", TICKETS.client_id)]),
        (vec![header.as_str(), header.as_str()], vec![]),
        (vec![], vec![id, id, in_body]),
        (vec![], vec![id, in_body, in_body]),
    ] {
        assert_error(&authenticate(&directories, &authorization, &fields).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn an_unknown_application_and_a_wrong_secret_get_the_same_answer_with_a_challenge_for_the_header_only() {
    let directories = Directories::start().await;
    let (shop, tickets) = (SHOP.secret.unwrap(), TICKETS.secret.unwrap());
    let mut answers = Vec::new();
    for authorization in [
        basic("nobody", shop),
        basic(SHOP.client_id, "wrong"),
        basic(SHOP.client_id, ""),
        basic(SHOP.client_id, tickets),
        basic(CATALOGUE.client_id, "a-guess"),
        format!("Basic {}", STANDARD.encode(SHOP.client_id)),
        "Bearer abc".to_owned(),
    ] {
        let answer = authenticate(&directories, &[&authorization], &[]).await;
        assert_error(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"bot-sso\""), "{authorization}");
        answers.push(answer.text());
    }
    let (id, nobody) = (("client_id", SHOP.client_id), ("client_id", "nobody"));
    for fields in [
        vec![],
        vec![id],
        vec![nobody],
        vec![id, ("client_secret", "wrong")],
        vec![nobody, ("client_secret", shop)],
        vec![("client_secret", shop)],
        vec![id, ("code_verifier", shop)],
    ] {
        let answer = authenticate(&directories, &[], &fields).await;
        assert_error(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), None, "{fields:?}");
        answers.push(answer.text());
    }
    // The verifier stands for a secret at a public application only.
    let with_verifier = [("code_verifier", "x".repeat(43))];
    let fields: Vec<_> = with_verifier.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = authenticate(&directories, &[&basic(SHOP.client_id, &with_verifier[0].1)], &fields).await;
    answers.push(answer.text());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(!logs::text().contains(shop) && !logs::text().contains(ADA.password));
}

#[tokio::test]
async fn an_address_that_guesses_secrets_is_answered_429_and_the_right_secret_still_serves() {
    let directories = Directories::start().await;
    let (wrong, right) = (basic(SHOP.client_id, "wrong"), basic(SHOP.client_id, SHOP.secret.unwrap()));
    for _ in 0..30 {
        assert_eq!(authenticate(&directories, &[&wrong], &[]).await.status, 401);
    }
    let limited = authenticate(&directories, &[&wrong], &[]).await;
    assert_error(&limited, 429, "temporarily_unavailable");
    assert!((1..=60).contains(&limited.header("retry-after").unwrap().parse::<u64>().unwrap()));
    assert_eq!(authenticate(&directories, &[&right], &[]).await.status, 200);
    directories.pass(61);
    assert_eq!(authenticate(&directories, &[&wrong], &[]).await.status, 401);
}

#[tokio::test]
async fn a_code_exchange_is_completed_and_counted_although_the_caller_hangs_up() {
    let (directories, mut browser) = signed_in().await;
    let code = next_code(&mut browser, &SHOP, &[]).await;
    let (path, authorization) = (MARKET.oauth("/token"), basic(SHOP.client_id, SHOP.secret.unwrap()));
    let body = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", SHOP.redirect_uri)]);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let base = directories.harness.base.clone();
    blocking(move || {
        let mut wire = Wire::to(&base);
        wire.send(request.as_bytes());
        wire.hang_up();
    })
    .await;
    let line =
        format!("bot_sso_directory_tokens_total{{directory=\"{}\",grant=\"authorization_code\"}} 1", MARKET.name);
    let metrics = format!("{}/metrics", directories.harness.operations);
    wait_until("the tokens are counted", async || {
        directories.harness.send("GET", &metrics, &[], Vec::new()).await.text().contains(&line)
    })
    .await;
    assert_error(&redeem(&directories, &SHOP, &code, &[]).await, 400, "invalid_grant");
}
