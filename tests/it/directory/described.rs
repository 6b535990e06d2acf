//! Unmodified validators check what the `OpenAPI` document says of the token door, and real answers against it.

use bot_sso::endpoints::directory::{authorization, logout, management, oauth};
use serde_json::{Value, json};

use super::fixture::{ADA, BodyForm, Directories, MARKET, SHOP, TICKETS};
use super::token::{text, tokens_of};
use crate::harness::Answer;
use crate::harness::api_documents::{document_of, documented, operations_of};
use crate::harness::peers::{Peer, Program};

fn answered(method: &str, path: &str, answer: &Answer) -> Value {
    json!({
        "document": "public",
        "method": method,
        "path": MARKET.oauth(path).replace(MARKET.tenant, "{tenant}"),
        "status": answer.status,
        "content_type": answer.header("content-type"),
        "body": answer.text(),
    })
}

#[tokio::test]
async fn the_document_describes_the_doors_of_directories_and_the_answers_of_the_token_door() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let document = document_of(&directories.harness, &directories.harness.base).await;
    let doors = [&authorization::DOOR, &oauth::DOOR, &logout::DOOR, &management::DOOR];
    assert!(documented(&document).is_superset(&operations_of(&doors)));
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let answer = directories.oauth_call(&SHOP, path, BodyForm::UrlEncoded, fields).await;
        answered("POST", path, &answer)
    };
    let get = async |path: &str| {
        answered("GET", path, &directories.harness.send("GET", &MARKET.oauth(path), &[], Vec::new()).await)
    };
    let unknown = directories.oauth_call(&TICKETS, "/token", BodyForm::UrlEncoded, &[("client_id", "nobody")]).await;
    let answers = [
        post("/token", &[("grant_type", "client_credentials")]).await,
        post("/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await,
        post("/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await,
        answered("POST", "/token", &unknown),
        post("/introspect", &[("token", access)]).await,
        post("/introspect", &[("token", refresh)]).await,
        post("/introspect", &[]).await,
        answered("GET", "/userinfo", &directories.userinfo(&MARKET, access).await),
        answered("GET", "/userinfo", &directories.userinfo(&MARKET, "x").await),
        get("/publickeys").await,
        get("/.well-known/openid-configuration").await,
        post("/revoke", &[("token", access)]).await,
    ];
    let path = directories.harness.directory.path().join("cases.json");
    std::fs::write(&path, json!({"documents": {"public": document}, "answers": answers}).to_string()).unwrap();
    let program = Program { peer: "openapi", script: "check.py" };
    let environment = [("CASES", path.display().to_string())];
    let lines = Peer::start(&program, "openapi-directories", &environment).finish().await;
    assert_eq!(lines.len(), answers.len() + 1);
    for line in lines {
        assert_eq!(line["problems"], json!([]), "{line}");
    }
}
