//! RFC 8693 token exchange, the same by RFC 7523, and tokens of back ends as themselves.

use bot_sso::dev::GrantKind;
use serde_json::json;

use super::fixture::{
    ACCESS_TOKEN, APP_SCOPE, BackEnds, GRAPH, JWT_BEARER, TOKEN_EXCHANGE, assert_error, exchange_form,
};
use crate::harness::logs;
use crate::harness::tokens::claims_of;

#[tokio::test]
async fn a_back_end_gets_the_users_token_and_a_repetition_asks_no_provider() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let form = [("audience", GRAPH), ("scope", "https://graph.microsoft.com/User.Read")];
    let cold = back_ends.exchange(&subject, &form).await;
    assert_eq!(cold.status, 200, "{}", cold.text());
    let body = cold.json();
    assert_eq!(claims_of(body["access_token"].as_str().unwrap())["oid"], back_ends.harness.user("Ada").oid);
    assert_eq!((&body["issued_token_type"], &body["token_type"]), (&json!(ACCESS_TOKEN), &json!("Bearer")));
    assert!((3000..=3600).contains(&body["expires_in"].as_u64().unwrap()), "{body}");
    assert!(body["scope"].as_str().unwrap().contains("User.Read"), "{body}");
    assert!(body.get("refresh_token").is_none(), "{body}");
    assert_eq!((cold.header("cache-control"), cold.header("pragma")), (Some("no-store"), Some("no-cache")));
    assert_eq!(back_ends.harness.exchanges(), 1);

    let hot = back_ends.exchange(&back_ends.subject("Ada").await, &[]).await;
    assert_eq!(hot.json()["access_token"], body["access_token"], "another token of the same sign-in finds it");
    assert_eq!(back_ends.harness.exchanges(), 1);
    let by_assertion = [("grant_type", JWT_BEARER), ("assertion", subject.as_str())];
    let aliased = back_ends.post_as_orders("/oauth2/token", &by_assertion).await;
    assert_eq!(aliased.json()["access_token"], body["access_token"]);
    assert!(aliased.json().get("issued_token_type").is_none(), "{}", aliased.text());
    assert_eq!(back_ends.harness.exchanges(), 1);
    assert!(!logs::text().contains(&subject) && !logs::text().contains(body["access_token"].as_str().unwrap()));
}

#[tokio::test]
async fn each_back_end_and_each_user_has_a_token_of_its_own() {
    let back_ends = BackEnds::start().await;
    let ada = back_ends.subject("Ada").await;
    let of_orders = back_ends.exchange(&ada, &[]).await.json()["access_token"].clone();
    let of_billing = back_ends.post_as_billing("/oauth2/token", &exchange_form(&ada)).await;
    assert_eq!(of_billing.status, 200, "{}", of_billing.text());
    assert_eq!(back_ends.harness.exchanges(), 2, "the token of one back end does not serve another one");
    assert_ne!(of_billing.json()["access_token"], of_orders);
    let of_ben = back_ends.exchanged("Ben").await;
    assert_eq!(claims_of(&of_ben)["oid"], back_ends.harness.user("Ben").oid);
}

#[tokio::test]
async fn many_requests_for_one_user_at_the_same_time_make_one_exchange() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let requests = (0..8).map(|_| back_ends.exchange(&subject, &[]));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(back_ends.harness.exchanges(), 1);
}

#[tokio::test]
async fn a_token_that_is_not_for_the_connection_is_refused_by_the_word_of_the_grant() {
    let back_ends = BackEnds::start().await;
    let ada = back_ends.subject("Ada").await;
    let harness = &back_ends.harness;
    let forge = |change: fn(&mut serde_json::Value)| harness.forge(bot_sso::dev::Signer::Tenant, &ada, change);
    let graph = harness.user_token_with_scope("Ada", "https://graph.microsoft.com/User.Read").await;
    let subjects = [
        ("another audience", graph),
        ("expired", forge(|claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 60))),
        ("another scope", forge(|claims| claims["scp"] = json!("access_as_user2"))),
        (
            "another issuer",
            forge(|claims| claims["iss"] = json!("https://login.microsoftonline.com.evil.example/v2.0")),
        ),
        (
            "an application's",
            harness.app_token(harness.bot_app_id("demo"), "https://api.botframework.com/.default").await,
        ),
        ("altered", format!("{ada}x")),
        ("no token", "abc".to_owned()),
    ];
    for (what, subject) in &subjects {
        let answer = back_ends.exchange(subject, &[]).await;
        assert_error(&answer, 400, "invalid_request");
        let form = [("grant_type", JWT_BEARER), ("assertion", subject.as_str())];
        let answer = back_ends.post_as_orders("/oauth2/token", &form).await;
        assert_error(&answer, 400, "invalid_grant");
        assert!(answer.json().get("claims").is_none(), "{what}");
    }
    assert_eq!(back_ends.harness.exchanges(), 0);
}

#[tokio::test]
async fn a_back_end_with_app_scopes_gets_tokens_as_itself_and_another_does_not() {
    let back_ends = BackEnds::start().await;
    let calls = |back_ends: &BackEnds| back_ends.harness.stage.calls().count(GrantKind::ClientCredentials);
    let before = calls(&back_ends);
    let form = [("grant_type", "client_credentials")];
    let answer = back_ends.post_as_orders("/oauth2/token", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["scope"]), (&json!("Bearer"), &json!(APP_SCOPE)));
    assert!(body["expires_in"].as_u64().unwrap() > 0 && body.get("issued_token_type").is_none(), "{body}");
    assert_eq!(claims_of(body["access_token"].as_str().unwrap())["idtyp"], "app");
    let named = [("grant_type", "client_credentials"), ("scope", APP_SCOPE), ("resource", GRAPH)];
    let again = back_ends.post_as_orders("/oauth2/token", &named).await;
    assert_eq!(again.json()["access_token"], body["access_token"]);
    assert_eq!(calls(&back_ends) - before, 1, "the token is kept");

    let other = [("grant_type", "client_credentials"), ("scope", "https://vault.azure.net/.default")];
    assert_error(&back_ends.post_as_orders("/oauth2/token", &other).await, 400, "invalid_scope");
    let other = [("grant_type", "client_credentials"), ("resource", "https://vault.azure.net")];
    assert_error(&back_ends.post_as_orders("/oauth2/token", &other).await, 400, "invalid_target");
    assert_error(&back_ends.post_as_billing("/oauth2/token", &form).await, 400, "unauthorized_client");
    let introspected = back_ends.introspect(body["access_token"].as_str().unwrap()).await;
    assert_eq!(introspected, json!({"active": false}), "it is no user's");
}

#[tokio::test]
async fn the_metadata_say_what_is_configured() {
    let back_ends = BackEnds::start().await;
    let answer = back_ends.harness.send("GET", "/.well-known/oauth-authorization-server", &[], Vec::new()).await;
    assert_eq!(answer.status, 200);
    let (metadata, base) = (answer.json(), &back_ends.harness.base);
    assert_eq!(metadata["issuer"], **base);
    assert_eq!(metadata["token_endpoint"], format!("{base}/oauth2/token"));
    assert_eq!(metadata["introspection_endpoint"], format!("{base}/oauth2/introspect"));
    assert_eq!(metadata["revocation_endpoint"], format!("{base}/oauth2/revoke"));
    assert_eq!(metadata["grant_types_supported"], json!([TOKEN_EXCHANGE, JWT_BEARER, "client_credentials"]));
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(["ES256"]));
}

#[tokio::test]
async fn a_configuration_without_back_ends_has_no_such_paths() {
    let harness = crate::harness::Harness::start().await;
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/.well-known/oauth-authorization-server"] {
        assert_eq!(harness.send("GET", path, &[], Vec::new()).await.status, 404, "{path}");
        assert_eq!(harness.send("POST", path, &[], Vec::new()).await.status, 404, "{path}");
    }
}
