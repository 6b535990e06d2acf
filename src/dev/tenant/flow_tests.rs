#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use crate::dev::test_client::{Fixture, Reply, decode_claims};

const REDIRECT: &str = "http://127.0.0.1:3978/.auth/web/redirect";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-and-then-some";

fn pkce_challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()).as_ref())
}

async fn open_page(fixture: &Fixture, changes: &[(&str, &str)]) -> Reply {
    let bot = &fixture.stage.directory().bots[0];
    let challenge = pkce_challenge();
    let mut query: BTreeMap<&str, &str> = BTreeMap::from([
        ("client_id", bot.app_id),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "https://graph.microsoft.com/User.Read openid offline_access"),
        ("state", "the state & more"),
        ("nonce", "the nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    query.extend(changes.iter().copied());
    let mut url = Url::parse(&authorize_url(fixture)).unwrap();
    url.query_pairs_mut().extend_pairs(query);
    fixture.get(url.as_str()).await
}

fn authorize_url(fixture: &Fixture) -> String {
    format!("{}/{}/oauth2/v2.0/authorize", fixture.stage.https_base(), fixture.tenant())
}

fn read_ticket(page: &Reply) -> String {
    assert_eq!(page.status, 200, "{}", page.text);
    page.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn log_in(fixture: &Fixture, user: &str, consent: bool) -> Reply {
    let ticket = read_ticket(&open_page(fixture, &[]).await);
    let password = format!("{user}-password");
    let mut fields = vec![("ticket", ticket.as_str()), ("username", user), ("password", &password)];
    if consent {
        fields.push(("consent", "yes"));
    }
    fixture.form(&authorize_url(fixture), &fields).await
}

fn read_redirect(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 302, "{}", reply.text);
    let target = Url::parse(reply.header("Location").unwrap()).unwrap();
    assert!(target.as_str().starts_with(REDIRECT));
    target.query_pairs().into_owned().collect()
}

async fn redeem(fixture: &Fixture, code: &str, verifier: &str) -> Reply {
    let bot = &fixture.stage.directory().bots[0];
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", bot.app_id),
        ("client_secret", bot.app_secret),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ];
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
}

#[tokio::test]
async fn a_code_with_pkce_is_redeemed_once_and_its_refresh_tokens_work_until_revoked() {
    let fixture = Fixture::start().await;
    fixture.stage.attach_gateway("http://127.0.0.1:3978");
    let parameters = read_redirect(&log_in(&fixture, "ada", false).await);
    assert_eq!(parameters["state"], "the state & more");

    assert_eq!(redeem(&fixture, &parameters["code"], "another verifier").await.aadsts_number(), 501_481);
    assert_eq!(redeem(&fixture, &parameters["code"], VERIFIER).await.aadsts_number(), 54_005, "a code is tried once");
    let parameters = read_redirect(&log_in(&fixture, "ada", false).await);
    let tokens = redeem(&fixture, &parameters["code"], VERIFIER).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let id_token = decode_claims(tokens.text_member("id_token"));
    let bot = &fixture.stage.directory().bots[0];
    assert_eq!((id_token["nonce"].as_str(), id_token["aud"].as_str()), (Some("the nonce"), Some(bot.app_id)));

    let refresh = |token: String| {
        let fixture = &fixture;
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", bot.app_id),
                ("client_secret", bot.app_secret),
                ("refresh_token", token.as_str()),
            ];
            fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
        }
    };
    let first = tokens.text_member("refresh_token").to_owned();
    let refreshed = refresh(first.clone()).await;
    let second = refreshed.text_member("refresh_token").to_owned();
    assert_ne!(first, second);
    let me = format!("{}/graph/v1.0/me", fixture.stage.http_base());
    assert_eq!(
        fixture.get_as(&me, refreshed.text_member("access_token")).await.text_member("displayName"),
        "Ada Lovelace"
    );
    fixture.stage.revoke_refresh_tokens(fixture.stage.directory().find_user("ada").unwrap().oid);
    assert_eq!(refresh(second).await.aadsts_number(), 50_173);
}

#[tokio::test]
async fn a_user_who_signs_in_on_the_login_page_meets_consent_and_mfa() {
    let fixture = Fixture::start().await;
    fixture.stage.attach_gateway("http://127.0.0.1:3978");
    let cleo = fixture.get_exchangeable_token("cleo", "graph").await;
    assert_eq!(fixture.exchange(&cleo, &[]).await.aadsts_number(), 65_001);
    let unticked = log_in(&fixture, "cleo", false).await;
    assert_eq!(unticked.status, 400);
    assert!(unticked.text.contains("AADSTS65001: Tick the box to consent"), "{}", unticked.text);
    assert!(unticked.text.contains("<option value=\"cleo\" selected>"), "{}", unticked.text);
    read_redirect(&log_in(&fixture, "cleo", true).await);
    assert_eq!(fixture.exchange(&cleo, &[]).await.status, 200);

    let dan = read_redirect(&log_in(&fixture, "dan", false).await);
    assert_eq!(redeem(&fixture, &dan["code"], VERIFIER).await.status, 200);
    assert!(log_in(&fixture, "eve", false).await.text.contains("AADSTS50057"));
}

#[tokio::test]
async fn a_refused_authorization_request_is_redirected_only_to_a_registered_address() {
    let fixture = Fixture::start().await;
    fixture.stage.attach_gateway("http://127.0.0.1:3978");
    let unregistered = open_page(&fixture, &[("redirect_uri", "http://127.0.0.1:3978/.auth/web/redirect/")]).await;
    assert_eq!((unregistered.status, unregistered.header("Location")), (400, None));
    assert_eq!(open_page(&fixture, &[("client_id", "unknown")]).await.status, 400);
    for (changes, error) in [
        ([("response_type", "token")], "unsupported_response_type"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("prompt", "none")], "login_required"),
    ] {
        let parameters = read_redirect(&open_page(&fixture, &changes).await);
        assert_eq!((parameters["error"].as_str(), parameters["state"].as_str()), (error, "the state & more"));
    }
    let ticket = read_ticket(&open_page(&fixture, &[]).await);
    let wrong = [("ticket", ticket.as_str()), ("username", "ada"), ("password", "no")];
    assert!(fixture.form(&authorize_url(&fixture), &wrong).await.text.contains("AADSTS50126"));
    let cancel = [("ticket", ticket.as_str()), ("username", "ada"), ("password", ""), ("cancel", "yes")];
    let cancelled = read_redirect(&fixture.form(&authorize_url(&fixture), &cancel).await);
    assert_eq!(cancelled["error"], "access_denied");
}
