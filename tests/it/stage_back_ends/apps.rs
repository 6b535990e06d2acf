//! The apps of the stage with a service role.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Proof, RunningStage, claims_of, is_graph_token_of, text};

async fn read(stage: &RunningStage, app: &Value, path: &str, token: &str) -> crate::harness::Answer {
    let url = format!("{}/api/apps/{}/{path}", text(&app["base_url"]), text(&app["app_id"]));
    stage.get(&url, Proof::Bearer(token)).await
}

#[tokio::test]
async fn an_app_reads_the_tokens_of_its_linked_users_and_of_no_others() {
    let stage = RunningStage::start().await;
    let apps = stage.manifest["apps"].as_array().unwrap();
    for app in apps {
        let token = text(&app["service_token"]);
        for user in app["users"].as_array().unwrap() {
            let id = text(&user["user_id"]);
            let access = read(&stage, app, &format!("auth/sso/accesstoken/{id}"), token).await;
            let id_token = read(&stage, app, &format!("auth/sso/idtoken/{id}"), token).await;
            if user["linked"] == false {
                assert_eq!((access.status, id_token.status), (404, 404), "{}", access.text());
                continue;
            }
            assert_eq!(access.status, 200, "{user}: {}", access.text());
            let person = stage.user(text(&user["user"]));
            assert!(is_graph_token_of(&access.json()["access_token"], person));
            assert_eq!(id_token.status, 200, "{user}: {}", id_token.text());
            assert_eq!(claims_of(text(&id_token.json()))["oid"], person["oid"]);
        }
        let linked = text(&app["users"][0]["user_id"]);
        for other in apps.iter().filter(|other| *other != app) {
            let stolen = read(&stage, other, &format!("auth/sso/accesstoken/{linked}"), token).await;
            assert_eq!(stolen.status, 403, "{}", stolen.text());
        }
    }
}

/// Follows redirects from the app's login on, and signs `user` in on the tenant's page. Returns the address, beginning with
/// `from_url`, at which the browser ends.
async fn sign_in(stage: &RunningStage, app: &Value, user: &Value, from_url: &str) -> url::Url {
    let mut cookies = BTreeMap::new();
    let mut url = url::Url::parse(text(&app["login_url"])).unwrap();
    url.query_pairs_mut().append_pair("from_url", from_url);
    let mut form = None::<String>;
    for _ in 0..12 {
        if url.as_str().starts_with(from_url) {
            return url;
        }
        let request = match form.take() {
            Some(body) => {
                let request = stage.http.post(url.as_str());
                request.header("content-type", "application/x-www-form-urlencoded").body(body)
            }
            None => stage.http.get(url.as_str()),
        };
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = stage.send(request.header("cookie", pairs.join("; ")), Proof::None).await;
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        if answer.header("location").is_some() {
            url = url.join(answer.location()).unwrap();
            continue;
        }
        let page = answer.text();
        let ticket =
            page.split_once("name=\"ticket\" value=\"").unwrap_or_else(|| panic!("{} {page}", answer.status)).1;
        let fields = [
            ("ticket", ticket.split('"').next().unwrap()),
            ("username", text(&user["name"])),
            ("password", text(&user["password"])),
            ("consent", "yes"),
        ];
        form = Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish());
    }
    panic!("the sign-in does not end: {url}")
}

#[tokio::test]
async fn a_user_signs_in_at_the_login_of_an_app_and_comes_back_with_the_apps_own_token() {
    let stage = RunningStage::start().await;
    for app in stage.manifest["apps"].as_array().unwrap() {
        let entry = app["users"].as_array().unwrap().iter().find(|user| user["linked"] == false).unwrap();
        let from_url = format!("{}/apps/{}?tab=1", text(&app["login_origins"][0]), text(&app["app_id"]));
        let end = sign_in(&stage, app, stage.user(text(&entry["user"])), &from_url).await;
        let query: BTreeMap<_, _> = end.query_pairs().into_owned().collect();
        assert_eq!(query["tab"], "1");
        let token = &query["access_token"];
        assert!(!token.contains('.'), "no token of the provider");
        let me = read(&stage, app, "entities/User/me", token).await;
        assert_eq!((me.status, &me.json()["id"]), (200, &entry["user_id"]), "{}", me.text());
        let id = text(&entry["user_id"]);
        let access = read(&stage, app, &format!("auth/sso/accesstoken/{id}"), text(&app["service_token"])).await;
        assert_eq!(access.status, 200, "signed in now: {}", access.text());
        let page = stage.get(end.as_str(), Proof::None).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains(text(&app["app_id"])) && !page.text().contains(token.as_str()));
    }
}

#[tokio::test]
async fn the_sign_ins_at_the_start_are_not_shown_and_not_counted() {
    let stage = RunningStage::start().await;
    let events = stage.get(&format!("{}/playground/events", stage.stage()), Proof::None).await.json();
    assert_eq!(events["latest"], 0, "{events}");
    let calls = stage.get(&format!("{}/dev/calls", stage.stage()), Proof::None).await.json();
    assert_eq!(calls["token_endpoint"], 0, "{calls}");
    assert!(!stage.development.log().contains("could not be linked"), "{}", stage.development.log());
}
