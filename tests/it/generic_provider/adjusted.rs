//! Providers of kind `oidc` that differ from the plain one, through the running application.

use serde_json::Value;

use super::browser::Page;
use super::fixture::OidcProvider;
use super::{code_on, harness_with_lines, sign_in_behind_the_card, user_info};
use crate::harness::waiting::wait_for;
use crate::harness::{Harness, activities, logs};

const ACCOUNT: [(&str, &str); 3] = [("userId", "29:ada"), ("connectionName", "tickets"), ("channelId", "msteams")];

/// Signs Ada in behind a card and redeems her code; returns the token and the page that asked her to confirm.
async fn sign_ada_in(oidc_provider: &OidcProvider, harness: &Harness) -> (String, Page) {
    let message = activities::message(harness, &harness.user("Ada"), "hello");
    let (mut browser, confirm) = sign_in_behind_the_card(oidc_provider, harness, &message, "ada").await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    let page = browser.submit(&confirm, &[("decision", "continue")]).await;
    let page = browser.get(page.location.unwrap()).await;
    let code = code_on(&page).to_owned();
    let [user, connection, channel] = ACCOUNT;
    let redeemed = harness.get_token_as("demo", &[user, connection, channel, ("code", &code)]).await;
    assert_eq!(redeemed.status, 200, "{}", String::from_utf8_lossy(&redeemed.body));
    (redeemed.json()["token"].as_str().unwrap().to_owned(), confirm)
}

#[tokio::test]
async fn a_user_signs_in_whatever_asymmetric_algorithm_the_provider_announces() {
    for algorithm in ["ES256", "PS256", "EdDSA"] {
        let oidc_provider = OidcProvider::start_with(algorithm, &[("ID_TOKEN_ALGORITHM", algorithm)]).await;
        let harness = harness_with_lines(&oidc_provider, "", "").await;
        let (token, _) = sign_ada_in(&oidc_provider, &harness).await;
        assert_eq!(user_info(&oidc_provider, &token.as_str().into()).await["sub"], "ada", "{algorithm}");
    }
}

#[tokio::test]
async fn the_page_shows_the_name_that_only_the_userinfo_endpoint_tells() {
    let oidc_provider = OidcProvider::start_with("userinfo", &[("NAMES_FROM_USERINFO", "yes")]).await;
    let harness = harness_with_lines(&oidc_provider, "", "prompt = \"consent\"").await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let (_, confirm) = sign_in_behind_the_card(&oidc_provider, &harness, &message, "lin").await;
    assert!(confirm.text.contains("<strong>lin@elsewhere.example</strong>"), "{}", confirm.text);
    // At an address where nothing listens the names are missing, and the sign-in goes on without them.
    let nowhere = "userinfo_endpoint = \"http://127.0.0.1:1/me\"";
    let harness = harness_with_lines(&oidc_provider, nowhere, "").await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let (_, confirm) = sign_in_behind_the_card(&oidc_provider, &harness, &message, "lin").await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    assert!(
        confirm.text.contains("value=\"continue\"") && confirm.text.contains("<strong>lin</strong>"),
        "{}",
        confirm.text
    );
}

#[tokio::test]
async fn a_sign_out_revokes_the_tokens_at_the_provider() {
    let oidc_provider = OidcProvider::start("revocation").await;
    let harness = harness_with_lines(&oidc_provider, "", "").await;
    let (token, _) = sign_ada_in(&oidc_provider, &harness).await;
    assert_eq!(user_info(&oidc_provider, &token.as_str().into()).await["sub"], "ada");
    assert_eq!(harness.sign_out(&ACCOUNT).await.status, 200);
    wait_for("the revocation", async || {
        oidc_provider.peer.events().into_iter().find(|event| event["event"] == "revoked")
    })
    .await;
    wait_for("the end of the access token", async || {
        (user_info(&oidc_provider, &token.as_str().into()).await["error"] == "invalid_token").then_some(())
    })
    .await;
    assert_eq!(harness.get_token_as("demo", &ACCOUNT).await.status, 404);
}

#[tokio::test]
async fn a_sign_out_does_not_depend_on_the_revocation_endpoint() {
    let oidc_provider = OidcProvider::start("no-revocation").await;
    let nowhere = "revocation_endpoint = \"http://127.0.0.1:1/revoke\"";
    let harness = harness_with_lines(&oidc_provider, nowhere, "").await;
    sign_ada_in(&oidc_provider, &harness).await;
    assert_eq!(harness.sign_out(&ACCOUNT).await.status, 200);
    assert_eq!(harness.get_token_as("demo", &ACCOUNT).await.status, 404);
}

#[tokio::test]
async fn a_token_without_a_required_scope_is_not_kept_and_the_log_names_the_scope() {
    let oidc_provider = OidcProvider::start("scopes").await;
    let required = "required_granted_scopes = [\"profile\", \"tickets.of-nobody\"]";
    let harness = harness_with_lines(&oidc_provider, "", required).await;
    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let (_, page) = sign_in_behind_the_card(&oidc_provider, &harness, &message, "ada").await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.text.contains("Consent is missing"), "{}", page.text);
    assert_eq!(harness.get_token_as("demo", &ACCOUNT).await.status, 404);
    let text = logs::text();
    let line = text.lines().find(|line| line.contains("\"missing\":\"tickets.of-nobody\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((line["connection"].as_str(), line["bot"].as_str()), (Some("tickets"), Some("demo")), "{line}");
    assert!(line["hint"].as_str().unwrap().contains("required_granted_scopes"), "{line}");
}
