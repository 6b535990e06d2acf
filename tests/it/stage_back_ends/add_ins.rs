//! The add-in of the stage.

use serde_json::Value;

use super::{Proof, RunningStage, find, is_graph_token_of, text};

/// Gets `path` of the add-in's API by its `downstream_url`.
async fn downstream(stage: &RunningStage, add_in: &Value, path: &str, token: &str) -> crate::harness::Answer {
    stage.get(&format!("{}{path}", text(&add_in["downstream_url"])), Proof::Bearer(token)).await
}

#[tokio::test]
async fn a_pane_learns_who_the_user_is_and_calls_graph_without_a_token_of_graph() {
    let stage = RunningStage::start().await;
    let add_in = &stage.manifest["add_ins"][0];
    for name in ["ada", "gus", "fay", "pia"] {
        let (user, token) = (stage.user(name), stage.office_token(name, text(&add_in["scope"])).await);
        let identity = stage.get(text(&add_in["identity_url"]), Proof::Bearer(&token)).await;
        assert_eq!(identity.status, 200, "{name}: {}", identity.text());
        let identity = identity.json();
        let id = format!("{}@{}", text(&user["oid"]), text(&user["tid"]));
        assert_eq!((&identity["id"], &identity["oid"], &identity["tid"]), (&id.into(), &user["oid"], &user["tid"]));
        assert!(identity["name"].is_string() && identity["preferred_username"].is_string(), "{identity}");
        let me = downstream(&stage, add_in, "/me", &token).await;
        assert_eq!((me.status, &me.json()["id"]), (200, &user["oid"]), "{name}: {}", me.text());
        assert!(!me.text().contains("eyJ"));
        let files = downstream(&stage, add_in, "/me/drive/root/children?$top=5", &token).await;
        assert_eq!(files.json()["value"][0]["name"], format!("{name}-budget.xlsx"), "{}", files.text());
        let user_data = stage.get(text(&add_in["user_data_url"]), Proof::Bearer(&token)).await;
        assert_eq!((user_data.status, &user_data.json()["id"]), (200, &user["oid"]), "{}", user_data.text());
    }
}

#[tokio::test]
async fn what_is_not_on_the_add_ins_list_is_refused_and_never_called() {
    let stage = RunningStage::start().await;
    let add_in = &stage.manifest["add_ins"][0];
    let token = stage.office_token("ada", text(&add_in["scope"])).await;
    assert_eq!(downstream(&stage, add_in, "/me", &token).await.status, 200);
    let calls =
        || async { stage.get(&format!("{}/dev/calls", stage.stage()), Proof::None).await.json()["graph"].clone() };
    let before = calls().await;
    for path in ["/users", "/me/messages", "/me/drive/../../users", "/groups"] {
        let answer = downstream(&stage, add_in, path, &token).await;
        assert!(matches!(answer.status, 400 | 403 | 404), "{path}: {} {}", answer.status, answer.text());
    }
    let url = format!("{}/me", text(&add_in["downstream_url"]));
    for method in ["POST", "PATCH", "DELETE", "PUT"] {
        let request = stage.http.request(method.parse().unwrap(), &url).body("{}");
        let answer = stage.send(request, Proof::Bearer(&token)).await;
        assert!(matches!(answer.status, 403 | 405), "{method}: {} {}", answer.status, answer.text());
    }
    assert_eq!(calls().await, before);
}

#[tokio::test]
async fn a_server_side_caller_gets_the_token_itself_and_others_do_not() {
    let stage = RunningStage::start().await;
    let add_in = &stage.manifest["add_ins"][0];
    let token = stage.office_token("ben", text(&add_in["scope"])).await;
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", &token),
    ];
    let caller = &add_in["caller"];
    let proof = Proof::Basic { client_id: text(&caller["client_id"]), secret: text(&caller["client_secret"]) };
    let given = stage.post(text(&add_in["token_url"]), &fields, proof).await;
    assert_eq!(given.status, 200, "{}", given.text());
    assert!(is_graph_token_of(&given.json()["access_token"], stage.user("ben")));
    let wrong = Proof::Basic { client_id: text(&caller["client_id"]), secret: "another" };
    assert_eq!(stage.post(text(&add_in["token_url"]), &fields, wrong).await.status, 401);
    assert_eq!(stage.post(text(&add_in["token_url"]), &fields, Proof::Bearer(&token)).await.status, 401);
}

#[tokio::test]
async fn what_the_tenant_refuses_comes_back_by_status_at_the_doors_and_inline_at_user_data() {
    let stage = RunningStage::start().await;
    let add_in = &stage.manifest["add_ins"][0];
    let scope = text(&add_in["scope"]);
    let [cleo, dan] = [stage.office_token("cleo", scope).await, stage.office_token("dan", scope).await];
    let refused = downstream(&stage, add_in, "/me", &cleo).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let challenged = downstream(&stage, add_in, "/me", &dan).await;
    assert!(text(&challenged.json()["claims"]).contains("capolids"), "{}", challenged.text());
    let inline = stage.get(text(&add_in["user_data_url"]), Proof::Bearer(&dan)).await;
    assert_eq!(inline.status, 200);
    assert!(text(&inline.json()["claims"]).contains("capolids"), "{}", inline.text());
    let consent = [("user", "cleo")];
    assert_eq!(stage.post(&format!("{}/dev/consent", stage.stage()), &consent, Proof::None).await.status, 204);
    assert_eq!(downstream(&stage, add_in, "/me", &cleo).await.status, 200);
}

#[tokio::test]
async fn a_challenge_of_graph_reaches_the_pane() {
    let stage = RunningStage::start().await;
    let add_in = &stage.manifest["add_ins"][0];
    let token = stage.office_token("ada", text(&add_in["scope"])).await;
    let fault = [("fault", "challenge"), ("grant", "graph"), ("user", "ada"), ("times", "2")];
    assert_eq!(stage.post(&format!("{}/dev/faults", stage.stage()), &fault, Proof::None).await.status, 204);
    let challenged = downstream(&stage, add_in, "/me", &token).await;
    assert!((400..500).contains(&challenged.status), "{}", challenged.text());
    assert!(text(&challenged.json()["claims"]).contains("nbf"), "{}", challenged.text());
    let none = [("fault", "none")];
    assert_eq!(stage.post(&format!("{}/dev/faults", stage.stage()), &none, Proof::None).await.status, 204);
    assert_eq!(downstream(&stage, add_in, "/me", &token).await.status, 200);
}

#[tokio::test]
async fn the_bots_of_the_stage_take_no_personal_account() {
    let stage = RunningStage::start().await;
    assert_eq!(stage.user("pia")["story"], "personal account");
    let connection = find(&stage.manifest["connections"], |entry| entry["bot"] == "demo" && entry["name"] == "graph");
    let token = stage.office_token("pia", text(&connection["scope"])).await;
    let service_url = text(&stage.manifest["channel"]["service_url"]);
    let bot = find(&stage.manifest["bots"], |bot| bot["name"] == "demo");
    let user = stage.user("pia");
    let channel = &stage.manifest["channel"];
    let scope = format!("{}/.default", text(&bot["app_id"]));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&channel["client_id"])),
        ("client_secret", text(&channel["client_secret"])),
        ("scope", &scope),
    ];
    let answer = stage.post(text(&channel["token_endpoint"]), &fields, Proof::None).await.json();
    let invoke = serde_json::json!({
        "type": "invoke", "name": "signin/tokenExchange", "id": "1", "channelId": "msteams", "serviceUrl": service_url,
        "from": {"id": "29:pia", "aadObjectId": user["oid"]}, "recipient": {"id": "28:bot"},
        "conversation": {"id": "c", "conversationType": "personal", "tenantId": user["tid"]},
        "value": {"id": "1", "connectionName": "graph", "token": token},
    });
    let request = stage.http.post(text(&bot["messages_url"])).header("content-type", "application/json");
    let refused = stage.send(request.body(invoke.to_string()), Proof::Bearer(text(&answer["access_token"]))).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
}
