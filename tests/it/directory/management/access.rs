//! Who may call the management API.

use serde_json::{Value, json};

use crate::directory::fixture::{CAMPUS, Directories, MARKET, TestDirectory, encoded};
use crate::harness::Answer;

const SSO: &str = "/config/cloud_directory/sso";
const API_KEY_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

async fn read_sso(directories: &Directories, directory: &TestDirectory, authorization: &[&str]) -> Answer {
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
    directories.harness.send("GET", &directory.management(SSO), &headers, Vec::new()).await
}

async fn ask_for_token(directories: &Directories, fields: &[(&str, &str)]) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    directories.harness.send("POST", "/identity/token", &headers, encoded(fields).into_bytes()).await
}

#[tokio::test]
async fn only_a_token_of_the_directory_is_accepted_and_all_others_get_one_answer() {
    let directories = Directories::start().await;
    let token = MARKET.administrator("reader");
    for good in [format!("Bearer {token}"), format!("bearer {token}"), token.clone()] {
        assert_eq!(read_sso(&directories, &MARKET, &[&good]).await.status, 200, "{good}");
    }
    let foreign = format!("Bearer {}", CAMPUS.administrator("manager"));
    let unknown = TestDirectory { name: "none", tenant: "3d2a1f60-7c11-4c52-9a55-00000000ffff" };
    let bearer = format!("Bearer {token}");
    let refusals = [
        read_sso(&directories, &MARKET, &[]).await,
        read_sso(&directories, &MARKET, &["Bearer wrong"]).await,
        read_sso(&directories, &MARKET, &["wrong"]).await,
        read_sso(&directories, &MARKET, &[&format!("Basic {token}")]).await,
        read_sso(&directories, &MARKET, &[&bearer, &bearer]).await,
        read_sso(&directories, &MARKET, &[&foreign]).await,
        read_sso(&directories, &unknown, &[&bearer]).await,
        read_sso(&directories, &unknown, &[]).await,
    ];
    for refused in &refusals {
        assert_eq!(refused.status, 401, "{}", refused.text());
        assert_eq!((refused.text(), refused.header("www-authenticate")), (refusals[0].text(), Some("Bearer")));
    }
    let line = directories.audited("directory_administrator_refused", None).await;
    assert_eq!(line["security"], true);
}

#[tokio::test]
async fn each_role_may_do_what_it_is_for() {
    let directories = Directories::start().await;
    let sso = json!({ "isActive": true, "inactivityTimeoutSeconds": 60, "logoutRedirectUris": [] });
    let user = json!({ "emails": [{ "value": "a@a.example" }], "password": "a-password-of-the-directory" });
    let calls = [
        ("GET", SSO, Value::Null, 200, [true, true, true]),
        ("GET", "/applications", Value::Null, 200, [true, true, true]),
        ("GET", "/cloud_directory/Users", Value::Null, 200, [true, true, true]),
        ("PUT", SSO, sso, 201, [false, true, true]),
        ("POST", "/cloud_directory/Users/nobody/sso/logout", Value::Null, 404, [false, true, true]),
        ("POST", "/cloud_directory/bulk_remove", json!({ "ids": [] }), 200, [false, true, true]),
        ("POST", "/applications", json!({ "name": "x" }), 200, [false, true, true]),
    ];
    for (method, path, body, done, permitted) in &calls {
        for (role, is_permitted) in ["reader", "writer", "manager"].into_iter().zip(permitted) {
            let answer = directories.manage_as(MARKET.caller(role), method, path, body).await;
            let expected = if *is_permitted { *done } else { 403 };
            assert_eq!(answer.status, expected, "{role} {method} {path}: {}", answer.text());
        }
    }
    assert_eq!(
        directories.manage_as(MARKET.caller("reader"), "POST", "/cloud_directory/Users", &user).await.status,
        403
    );
    let listed = directories.manage(&MARKET, "GET", "/cloud_directory/Users", &Value::Null).await;
    assert_eq!(listed.json()["totalResults"], 0);
}

#[tokio::test]
async fn an_api_key_gives_a_token_of_an_hour_for_its_own_directory() {
    let directories = Directories::start().await;
    let key = MARKET.administrator("writer");
    let fields = [("grant_type", API_KEY_GRANT), ("apikey", &key), ("response_type", "cloud_iam")];
    let given = ask_for_token(&directories, &fields).await;
    assert_eq!(given.status, 200, "{}", given.text());
    assert_eq!(given.header("cache-control"), Some("no-store"));
    let given = given.json();
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(given["expiration"].is_u64(), "{given}");
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    assert_eq!(read_sso(&directories, &MARKET, &[&bearer]).await.status, 200);
    assert_eq!(read_sso(&directories, &CAMPUS, &[&bearer]).await.status, 401);
    let headers = [("authorization", bearer.as_str())];
    let path = MARKET.management("/applications");
    let application = directories.harness.send("POST", &path, &headers, br#"{"name":"x"}"#.to_vec()).await;
    assert_eq!(application.status, 200, "{}", application.text());
    let line = directories.audited("directory_administrator_token_issued", None).await;
    assert_eq!((&line["administrator"], &line["tenant"]), (&json!("writer-of-market"), &json!(MARKET.tenant)));
    directories.pass(3601);
    assert_eq!(read_sso(&directories, &MARKET, &[&bearer]).await.status, 401);
}

#[tokio::test]
async fn a_token_has_the_role_of_its_administrator_and_ends_with_the_api_key() {
    let mut directories = Directories::start().await;
    let key = MARKET.administrator("reader");
    let given = ask_for_token(&directories, &[("grant_type", API_KEY_GRANT), ("apikey", &key)]).await.json();
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    let path = MARKET.management("/applications");
    let application = directories.harness.send("POST", &path, &headers, br#"{"name":"x"}"#.to_vec()).await;
    assert_eq!(application.status, 403);
    directories.restart().await;
    assert_eq!(read_sso(&directories, &MARKET, &[&bearer]).await.status, 200);
    directories.replace_administrators_token(&key, "another-secret-of-the-reader").await;
    assert_eq!(read_sso(&directories, &MARKET, &["Bearer another-secret-of-the-reader"]).await.status, 200);
    assert_eq!(read_sso(&directories, &MARKET, &[&format!("Bearer {key}")]).await.status, 401);
    assert_eq!(read_sso(&directories, &MARKET, &[&bearer]).await.status, 401, "what the old key has given");
}

#[tokio::test]
async fn tokens_for_an_api_key_count_as_calls_of_its_directory() {
    let directories = Directories::start().await;
    let (key, other) = (MARKET.administrator("reader"), CAMPUS.administrator("reader"));
    let ask = async |key: &str| ask_for_token(&directories, &[("grant_type", API_KEY_GRANT), ("apikey", key)]).await;
    let mut limited = None;
    for _ in 0..2000 {
        let answers = futures_util::future::join_all((0..10).map(|_| ask(&key))).await;
        limited = answers.into_iter().find(|answer| answer.status == 429);
        if limited.is_some() {
            break;
        }
    }
    let limited = limited.expect("the calls are limited");
    assert_eq!((&limited.json()["error"], limited.header("retry-after").is_some()), (&json!("slow_down"), true));
    assert_eq!(ask(&other).await.status, 200);
    directories.pass(2);
    assert_eq!(ask(&key).await.status, 200);
}

#[tokio::test]
async fn other_grants_and_wrong_api_keys_give_no_token() {
    let directories = Directories::start().await;
    let key = MARKET.administrator("writer");
    let refusals: [&[(&str, &str)]; 5] = [
        &[("grant_type", API_KEY_GRANT), ("apikey", "wrong")],
        &[("grant_type", API_KEY_GRANT)],
        &[("grant_type", "client_credentials"), ("apikey", &key)],
        &[("apikey", &key)],
        &[("grant_type", API_KEY_GRANT), ("apikey", &key), ("apikey", "wrong")],
    ];
    for fields in refusals {
        let refused = ask_for_token(&directories, fields).await;
        assert_eq!(refused.status, 400, "{fields:?}: {}", refused.text());
        assert!(refused.json()["error"].is_string() && refused.json()["errorMessage"].is_string());
    }
    let no_form = directories.harness.send("POST", "/identity/token", &[], b"{}".to_vec()).await;
    assert_eq!(no_form.status, 415);
}

#[tokio::test]
async fn an_address_that_guesses_waits_while_the_right_token_is_accepted() {
    let directories = Directories::start().await;
    let guess = async |number: usize| {
        if number.is_multiple_of(2) {
            read_sso(&directories, &MARKET, &[&format!("Bearer guess-{number}")]).await.status
        } else {
            ask_for_token(&directories, &[("grant_type", API_KEY_GRANT), ("apikey", &format!("guess-{number}"))])
                .await
                .status
        }
    };
    let mut statuses = Vec::new();
    for number in 0..32 {
        statuses.push(guess(number).await);
    }
    assert!(statuses[..30].iter().all(|status| [400, 401].contains(status)), "{statuses:?}");
    assert_eq!(statuses[30..], [429, 429]);
    let bearer = format!("Bearer {}", MARKET.administrator("reader"));
    assert_eq!(read_sso(&directories, &MARKET, &[&bearer]).await.status, 200);
    let limited = read_sso(&directories, &MARKET, &["Bearer guess"]).await;
    assert!(limited.header("retry-after").is_some(), "{limited:?}");
    directories.pass(61);
    assert_eq!(guess(0).await, 401);
}
