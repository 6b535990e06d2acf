use bot_sso::dev::GrantKind;
use serde_json::json;

use super::api::{Api, answer};
use super::fixture::{Fixture, ME, USER_DATA};
use crate::harness::raw::{Wire, blocking};
use crate::harness::tokens::claims_of;

#[tokio::test]
async fn calls_of_a_user_share_one_exchange_and_the_api_gets_the_users_token_alone() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let headers = [
        ("accept-language", "de"),
        ("client-request-id", "11111111-1111-4111-8111-111111111111"),
        ("consistencylevel", "eventual"),
        ("cookie", "a=b"),
        ("if-none-match", "\"1\""),
        ("prefer", "return=minimal"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-ms-client-principal", "evil"),
    ];
    for _ in 0..2 {
        let answer = fixture.call_as(&token, "GET", ME, &headers, Vec::new()).await;
        assert_eq!((answer.status, answer.json()), (200, Api::ada()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(fixture.exchanges(), 1);
    let metrics = fixture.send("GET", &format!("{}/metrics", fixture.operations), &[], Vec::new()).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    let mut kept = metrics.lines().filter(|line| line.contains("bot=\"add-in/files\"") && line.contains("\"kept\""));
    assert!(kept.any(|line| line.ends_with(" 2")), "both calls are counted");
    let calls = fixture.api.calls();
    assert_eq!((calls.len(), calls[0].method.as_str(), calls[0].target.as_str()), (2, "GET", "/v1.0/me"));
    assert_ne!(calls[0].bearer(), token);
    assert_eq!(calls[0].bearer(), calls[1].bearer());
    for (name, value) in headers {
        let is_passed_on = !["cookie", "x-forwarded-for", "x-ms-client-principal"].contains(&name);
        assert_eq!(calls[0].header(name), is_passed_on.then_some(value), "{name}");
    }
}

#[tokio::test]
async fn ten_calls_at_once_with_two_tokens_of_a_user_make_one_exchange() {
    let fixture = Fixture::start().await;
    let tokens = [fixture.office_token("Ada").await, fixture.office_token("Ada").await];
    assert_ne!(tokens[0], tokens[1]);
    let calls = (0..10).map(|number| fixture.get_as(&tokens[number % 2], ME));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!((fixture.exchanges(), fixture.api.calls().len()), (1, 10));
}

#[tokio::test]
async fn a_users_kept_token_serves_no_other_user() {
    let fixture = Fixture::start().await;
    for user in ["Ada", "Ben", "Ada"] {
        assert_eq!(fixture.get_as(&fixture.office_token(user).await, ME).await.status, 200, "{user}");
    }
    let calls = fixture.api.calls();
    let users: Vec<_> = calls.iter().map(|call| claims_of(call.bearer())["oid"].clone()).collect();
    let (ada, ben) = (fixture.user("Ada"), fixture.user("Ben"));
    assert_eq!(users, [ada.oid, ben.oid, ada.oid]);
    assert_eq!(fixture.exchanges(), 2);
    assert_eq!(fixture.stage.calls().count_for_user(GrantKind::OnBehalfOf, ada.oid), 1);
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_kept_token() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    let ada = fixture.user("Ada");
    assert_eq!(fixture.sign_out_everywhere(&format!("{}@{}", ada.oid, ada.tid)).await.status, 200);
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    assert_eq!(fixture.exchanges(), 2);
}

#[tokio::test]
async fn status_and_harmless_headers_of_the_api_are_passed_on_and_others_are_not() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    assert_eq!(fixture.get_as(&token, ME).await.status, 200);
    let kept = fixture.api.calls()[0].bearer().to_owned();
    let headers = format!(
        "content-type: application/problem+json\r\netag: \"7\"\r\nretry-after: 3\r\npreference-applied: return=minimal\r\n\
         set-cookie: a=b\r\ncache-control: public, max-age=9\r\nserver: api\r\nauthorization: Bearer {kept}\r\n\
         request-id: {kept}\r\naccess-control-allow-origin: *\r\nwww-authenticate: Bearer\r\nx-echo: {kept}\r\n"
    );
    fixture.api.answer_next(answer("409 Conflict", &headers, "{\"a\":1}"));
    let answer = fixture.get_as(&token, ME).await;
    assert_eq!((answer.status, answer.json()), (409, json!({ "a": 1 })));
    for (name, value) in [
        ("content-type", Some("application/problem+json")),
        ("etag", Some("\"7\"")),
        ("retry-after", Some("3")),
        ("preference-applied", Some("return=minimal")),
        ("cache-control", Some("no-store")),
        ("x-content-type-options", Some("nosniff")),
        ("set-cookie", None),
        ("server", None),
        ("request-id", None),
        ("access-control-allow-origin", None),
        ("www-authenticate", None),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(!format!("{answer:?}").contains(&kept), "the token stays here");
    fixture.api.answer_next(answer_without_body("403 Forbidden"));
    assert_eq!(fixture.get_as(&token, ME).await.status, 403);
    assert_eq!((fixture.exchanges(), fixture.api.calls().len()), (1, 3), "a 403 is about the resource");
}

fn answer_without_body(status: &str) -> String {
    answer(status, "", "")
}

#[tokio::test]
async fn a_location_below_the_base_is_rewritten_and_another_is_left_out() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let base = fixture.api.base();
    let here = "http://127.0.0.1:1/api/add-ins/files/downstream";
    for (location, rewritten) in [
        (format!("{base}/me/drive/items/1?a=b"), Some(format!("{here}/me/drive/items/1?a=b"))),
        ("/v1.0/me/drive/items/2".to_owned(), Some(format!("{here}/me/drive/items/2"))),
        ("me/x%20y".to_owned(), Some(format!("{here}/me/x%20y"))),
        ("https://cdn.example.com/v1.0/me".to_owned(), None),
        ("/v2.0/me".to_owned(), None),
        ("/v1.0evil/me".to_owned(), None),
        ("/v1.0/../users".to_owned(), None),
        (base.replace("http://", "http://a:b@"), None),
        ("javascript:alert(1)".to_owned(), None),
    ] {
        fixture.api.answer_next(answer("201 Created", &format!("location: {location}\r\n"), ""));
        let answer = fixture.call_as(&token, "POST", ME, &[], b"{}".to_vec()).await;
        assert_eq!((answer.status, answer.header("location").map(str::to_owned)), (201, rewritten), "{location}");
    }
}

#[tokio::test]
async fn a_redirect_that_leads_away_from_the_api_is_told_as_such_in_both_conventions() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let secret = "tempauth-1234567890";
    let elsewhere = format!("https://contoso.sharepoint.com/download.aspx?tempauth={secret}");
    for path in [ME, USER_DATA] {
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
            fixture.api.answer_next(answer(status, &format!("location: {elsewhere}\r\n"), ""));
            let log = crate::harness::logs::length();
            let answer = fixture.get_as(&token, path).await;
            let told = (answer.status, answer.json()["type"].as_str().map(str::to_owned), answer.header("location"));
            assert_eq!(told, (502, Some("DownstreamRedirect".to_owned()), None), "{path} {status}");
            let lines = crate::harness::logs::complaints_of(&fixture.tag, log);
            let line = lines.iter().find(|line| line["host"] == "contoso.sharepoint.com").unwrap();
            assert!(line["hint"].as_str().unwrap().contains("@microsoft.graph.downloadUrl"), "{line}");
        }
    }
    assert!(!crate::harness::logs::text().contains(secret), "the address of the content is a secret");
    let below = format!("{}/me/drive/items/1", fixture.api.base());
    fixture.api.answer_next(answer("302 Found", &format!("location: {below}\r\n"), ""));
    // The client of the other tests would follow it.
    let request = format!("GET {ME} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    let gateway = fixture.base.clone();
    let followed = blocking(move || Wire::to(&gateway).send(request.as_bytes()).read_all()).await;
    let here = "location: http://127.0.0.1:1/api/add-ins/files/downstream/me/drive/items/1";
    assert!(followed.starts_with("HTTP/1.1 302") && followed.to_ascii_lowercase().contains(here), "{followed}");
    fixture.api.answer_next(answer("304 Not Modified", &format!("location: {elsewhere}\r\n"), ""));
    let unchanged = fixture.get_as(&token, ME).await;
    assert_eq!((unchanged.status, unchanged.header("location")), (304, None), "no redirect");
}

#[tokio::test]
async fn a_status_that_no_answer_has_is_a_bad_gateway() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    for status in ["101 Switching Protocols", "199 Early", "600 Late", "999 Denied"] {
        fixture.api.answer_next(answer(status, "", ""));
        let answer = fixture.get_as(&token, ME).await;
        assert_eq!((answer.status, answer.json()["type"].as_str()), (502, Some("DownstreamUnavailable")), "{status}");
    }
    fixture.api.answer_next(answer("599 Odd", "", "{}"));
    assert_eq!(fixture.get_as(&token, ME).await.status, 599);
}

#[tokio::test]
async fn methods_of_the_list_are_passed_on_and_others_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let json = [("content-type", "application/json")];
    let post = fixture.call_as(&token, "POST", ME, &json, b"{\"a\":1}".to_vec()).await;
    let patch = fixture.call_as(&token, "PATCH", ME, &json, b"{\"a\":2}".to_vec()).await;
    let head = fixture.call_as(&token, "HEAD", ME, &[], Vec::new()).await;
    assert_eq!((post.status, patch.status, head.status, head.body.len()), (200, 200, 200, 0));
    let length = Api::ada().to_string().len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    let calls: Vec<_> = fixture.api.calls().into_iter().map(|call| format!("{} {}", call.method, call.body)).collect();
    assert_eq!(calls, ["POST {\"a\":1}", "PATCH {\"a\":2}", "HEAD "]);
    for method in ["PUT", "DELETE"] {
        let answer = fixture.call_as(&token, method, ME, &[], b"{}".to_vec()).await;
        assert_eq!((answer.status, answer.json()["type"].as_str()), (405, Some("MethodNotListed")), "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PATCH"), "{method}");
    }
    for method in ["TRACE", "PROPFIND"] {
        assert_eq!(fixture.call_as(&token, method, ME, &[], Vec::new()).await.status, 405, "{method}");
    }
    assert_eq!(fixture.api.calls().len(), 3);
}

#[tokio::test]
async fn an_api_that_cannot_be_reached_is_a_bad_gateway_and_the_log_says_where() {
    let harness = super::fixture::start("", &format!("http://{}", crate::harness::NOWHERE)).await;
    let log = crate::harness::logs::length();
    let authorization = format!("Bearer {}", harness.user_token("Ada", "graph").await);
    let answer = harness.send("GET", ME, &[("authorization", &authorization)], Vec::new()).await;
    assert_eq!((answer.status, answer.json()["type"].as_str()), (502, Some("DownstreamUnavailable")));
    let lines = crate::harness::logs::complaints_of(&harness.tag, log);
    assert!(lines.iter().any(|line| line["bot"] == "add-in/files" && line["hint"].is_string()), "{lines:?}");
}

#[tokio::test]
async fn the_path_of_user_data_gives_one_resource_and_its_query_stays_here() {
    let fixture = Fixture::start().await;
    let token = fixture.office_token("Ada").await;
    let headers = [("x-requested-with", "XMLHttpRequest")];
    let answer = fixture.call_as(&token, "GET", &format!("{USER_DATA}?_=1700000000000"), &headers, Vec::new()).await;
    assert_eq!((answer.status, answer.json(), answer.header("cache-control")), (200, Api::ada(), Some("no-store")));
    let head = fixture.call_as(&token, "HEAD", USER_DATA, &[], Vec::new()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let calls: Vec<_> = fixture.api.calls().into_iter().map(|call| (call.method, call.target)).collect();
    assert_eq!(calls, [("GET".to_owned(), "/v1.0/me".to_owned()), ("HEAD".to_owned(), "/v1.0/me".to_owned())]);
    assert_eq!(fixture.call_as(&token, "POST", USER_DATA, &[], Vec::new()).await.status, 405);
    assert_eq!(fixture.exchanges(), 1);
}
