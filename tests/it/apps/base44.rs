//! Base44's SDK, unmodified, as functions of an app use it.

use serde_json::{Value, json};

use super::fixture::{Apps, TOKEN};
use crate::harness::peers::{Peer, Program};

const SDK: Program = Program { peer: "base44", script: "functions.mjs" };

#[tokio::test]
async fn base44s_sdk_reads_tokens_as_a_service_and_on_behalf_of_a_user() {
    let apps = Apps::start().await;
    let (ada, ben) = (apps.sign_in("app1", "ada").await, apps.sign_in("app1", "ben").await);
    apps.link("app1", "not-signed-in", "gus").await;
    let environment = [
        ("SERVER_URL", apps.harness.base.clone()),
        ("APP_ID", "app1".to_owned()),
        ("SERVICE_TOKEN", TOKEN.to_owned()),
        ("USER_TOKEN", ada.token.clone()),
        ("USER_ID", ada.user_id.clone()),
        ("OTHER_USER_ID", ben.user_id.clone()),
        ("NOT_SIGNED_IN", "not-signed-in".to_owned()),
        ("GRAPH_ME", format!("{}/graph/v1.0/me", apps.harness.stage.http_base())),
    ];
    let printed = Peer::start(&SDK, "base44-functions", &environment).finish().await;
    let (ada_oid, ben_oid) = (apps.harness.user("ada").oid, apps.harness.user("ben").oid);
    let token = |oid: &str| json!({ "graph": oid, "type": "Bearer", "has_expiry": true });
    let error =
        |status: u16, code: &str| json!({ "name": "Base44Error", "status": status, "code": code, "has_message": true });
    let expected = [
        ("service", token(ada_oid)),
        ("service_other", token(ben_oid)),
        ("service_slash", token(ada_oid)),
        ("service_id_token", json!(ada_oid)),
        ("on_behalf_of", token(ada_oid)),
        ("on_behalf_of_id_token", json!(ada_oid)),
        ("on_behalf_of_other", error(403, "CROSS_USER_NOT_ALLOWED")),
        ("from_request", token(ada_oid)),
        ("from_request_me", json!({ "id": ada.user_id, "full_name": apps.harness.user("ada").display_name })),
        ("undefined", error(404, "USER_NOT_FOUND")),
        ("injected", error(404, "NotFound")),
        ("not_signed_in", error(404, "SSO_NOT_LINKED")),
        ("wrong_service_token", error(401, "INVALID_SERVICE_TOKEN")),
        ("wrong_user_token", error(401, "INVALID_USER_TOKEN")),
    ];
    for (step, value) in expected {
        let found = printed.iter().find(|line| line["step"] == step).map_or(&Value::Null, |line| &line["result"]);
        assert_eq!(*found, value, "{step}");
    }
    assert_eq!(printed.len(), 14);
}
