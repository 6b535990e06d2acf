use bot_sso::dev::Signer;
use serde_json::json;

use super::fixture::{Fixture, IDENTITY, ME, USER_DATA};
use crate::harness::logs;
use crate::harness::tokens::claims_of;

#[tokio::test]
async fn a_pane_learns_who_its_user_is_and_nothing_is_exchanged() {
    let fixture = Fixture::start().await;
    let ada = fixture.user("Ada");
    let answer = fixture.get_as(&fixture.office_token("Ada").await, IDENTITY).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(
        answer.json(),
        json!({
            "id": format!("{}@{}", ada.oid, ada.tid),
            "oid": ada.oid,
            "tid": ada.tid,
            "name": ada.display_name,
            "preferred_username": ada.principal_name,
        })
    );
    let head = fixture.call_as(&fixture.office_token("Ada").await, "HEAD", IDENTITY, &[], Vec::new()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!((fixture.exchanges(), fixture.api.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_token_that_is_not_for_the_add_in_is_refused_by_its_kind_before_anything_is_exchanged() {
    let fixture = Fixture::with("authorized_clients = [\"5e3ce6c0-2b1f-4285-8d4b-75ee78787346\"]").await;
    let token = fixture.office_token("Ada").await;
    let claims = claims_of(&token);
    let (tid, issuer) = (claims["tid"].as_str().unwrap(), claims["iss"].as_str().unwrap());
    let other_tid = fixture.user("Fay").tid;
    let set = |name: &'static str, value: serde_json::Value| {
        fixture.forge(Signer::Tenant, &token, |claims| claims[name] = value)
    };
    let host = url::Url::parse(issuer).unwrap().origin().ascii_serialization();
    let now = fixture.now();
    let app_only = fixture.forge(Signer::Tenant, &token, |claims| {
        claims["idtyp"] = "app".into();
        claims.as_object_mut().unwrap().remove("scp");
    });
    let signature = set("name", "Eve".into()).rsplit('.').next().unwrap().to_owned();
    let changed = format!("{}.{signature}", token.rsplit_once('.').unwrap().0);
    let cases = [
        ("garbage", "abc".to_owned(), 401, "TokenInvalid"),
        (
            "an issuer that begins as Entra's",
            set("iss", issuer.replace(&host, &format!("{host}.evil.example.com")).into()),
            401,
            "TokenInvalid",
        ),
        ("the issuer with more behind it", set("iss", format!("{issuer}/evil").into()), 401, "TokenInvalid"),
        ("another tenant's issuer", set("iss", issuer.replace(tid, other_tid).into()), 401, "TokenInvalid"),
        ("an unknown tenant", set("tid", "99999999-9999-4999-8999-999999999999".into()), 401, "TokenInvalid"),
        ("another audience", set("aud", "88888888-8888-4888-8888-888888888888".into()), 401, "TokenInvalid"),
        ("a changed token", changed, 401, "TokenInvalid"),
        ("another client", set("azp", "77777777-7777-4777-8777-777777777777".into()), 401, "TokenInvalid"),
        ("Graph by its id", set("aud", "00000003-0000-0000-c000-000000000000".into()), 401, "WrongAudienceGraph"),
        ("Graph by its address", set("aud", "https://graph.microsoft.com".into()), 401, "WrongAudienceGraph"),
        (
            "expired",
            fixture.forge(Signer::Tenant, &token, |claims| {
                for (claim, time) in [("iat", now - 7200), ("nbf", now - 7200), ("exp", now - 3600)] {
                    claims[claim] = time.into();
                }
            }),
            401,
            "TokenExpiredError",
        ),
        ("an application's", app_only, 403, "AppOnlyToken"),
        ("a scope that begins as the required one", set("scp", "access_as_user2".into()), 403, "MissingScope"),
        ("no scope", set("scp", "User.Read".into()), 403, "MissingScope"),
    ];
    for (case, token, status, kind) in cases {
        for path in [IDENTITY, ME, USER_DATA] {
            let log = logs::length();
            let answer = fixture.get_as(&token, path).await;
            let body = answer.json();
            assert_eq!((answer.status, body["type"].as_str()), (status, Some(kind)), "{case}: {path}");
            assert!(body["error"].is_string() && body["message"].is_string(), "{case}: {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}: {path}");
            assert!(
                status != 401 || answer.header("www-authenticate") == Some("Bearer error=\"invalid_token\""),
                "{case}"
            );
            let lines = logs::complaints_of(&fixture.tag, log);
            assert!(lines.iter().any(|line| line["bot"] == "add-in/files"), "{case}: {path}: {lines:?}");
        }
    }
    assert_eq!((fixture.exchanges(), fixture.api.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_token_for_graph_or_without_the_scope_is_answered_with_the_scope_to_ask_for() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let client =
        fixture.stage.directory().connections.iter().find(|entry| entry.bot == "demo" && entry.name == "graph");
    let scope = format!("api://{}/access_as_user", client.unwrap().client_id);
    let graph = fixture.forge(Signer::Tenant, &token, |claims| claims["aud"] = "https://graph.microsoft.com/".into());
    assert_eq!(fixture.get_as(&graph, IDENTITY).await.json()["scope"], scope.as_str());
    let unscoped = fixture.forge(Signer::Tenant, &token, |claims| claims["scp"] = "profile".into());
    let answer = fixture.get_as(&unscoped, IDENTITY).await;
    assert_eq!(answer.json()["scope"], scope.as_str());
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
}

#[tokio::test]
async fn a_request_without_a_bearer_is_told_so_in_both_conventions_and_an_unknown_add_in_is_not_found() {
    let fixture = Fixture::start().await;
    for path in [IDENTITY, ME, USER_DATA] {
        let answer = fixture.send("GET", path, &[], Vec::new()).await;
        assert_eq!((answer.status, answer.json()["type"].as_str()), (401, Some("TokenMissing")), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{path}");
        let basic = fixture.send("GET", path, &[("authorization", "Basic YTpi")], Vec::new()).await;
        assert_eq!((basic.status, basic.json()["type"].as_str()), (401, Some("TokenInvalid")), "{path}");
    }
    let token = fixture.office_token("Ada").await;
    for path in [
        "/api/add-ins/unknown/identity",
        "/api/add-ins/FILES/identity",
        "/api/add-ins/unknown/downstream/me",
        "/getUserData",
    ] {
        let answer = fixture.get_as(&token, path).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (404, Some("NotFound")), "{path}");
    }
}
