//! Unmodified client libraries use the door: oauth4webapi and openid-client.

use serde_json::{Value, json};

use super::fixture::{APP_SCOPE, BackEnds, GRAPH, JWT_BEARER, ORDERS_SECRET, TOKEN_EXCHANGE};
use crate::harness::peers::{Peer, Program};

const LIBRARIES: [&str; 2] = ["oauth4webapi", "openid-client"];

async fn run(back_ends: &BackEnds, library: &'static str, method: &'static str) -> Value {
    let stage = &back_ends.harness.stage;
    let key_file = back_ends.harness.directory.path().join("ledger.pem");
    std::fs::write(&key_file, &back_ends.key.pem).unwrap();
    let mut environment = vec![
        ("LIBRARY", library.to_owned()),
        ("METHOD", method.to_owned()),
        ("ISSUER", back_ends.harness.base.clone()),
        ("SUBJECT_TOKEN", back_ends.subject("Ada").await),
        ("AUDIENCE", GRAPH.to_owned()),
        ("SCOPE", "https://graph.microsoft.com/User.Read".to_owned()),
        ("APP_SCOPE", APP_SCOPE.to_owned()),
        ("GRAPH_ME", format!("{}/graph/v1.0/me", stage.http_base())),
    ];
    environment.extend(if method == "private_key_jwt" {
        vec![
            ("CLIENT_ID", "ledger".to_owned()),
            ("PRIVATE_KEY_FILE", key_file.display().to_string()),
            ("KEY_ID", "ledger-1".to_owned()),
            ("ALGORITHM", "ES256".to_owned()),
        ]
    } else {
        vec![("CLIENT_ID", "orders-app".to_owned()), ("CLIENT_SECRET", ORDERS_SECRET.to_owned())]
    });
    let program = Program { peer: "oauth-clients", script: "client.mjs" };
    let printed = Peer::start(&program, &format!("{library}-{method}"), &environment).finish().await;
    printed[0].clone()
}

fn assert_served(printed: &Value, method: &str) {
    let methods = printed["methods"].as_array().unwrap();
    assert!(methods.contains(&json!(method)), "{printed}");
    assert_eq!(printed["grant_types"], json!([TOKEN_EXCHANGE, JWT_BEARER, "client_credentials"]));
    let exchanged = &printed["exchanged"];
    assert_eq!(exchanged["signed_in_as"], "Ada Lovelace", "{printed}");
    assert_eq!(exchanged["token_type"], "bearer", "both libraries write it in lower case: {printed}");
    assert!(exchanged["expires_in"].as_u64().unwrap() > 3000, "{printed}");
    assert_eq!((&printed["subject"]["active"], &printed["kept"]["active"]), (&json!(true), &json!(true)), "{printed}");
    assert_eq!(printed["subject"]["username"], "ada@contoso.example", "{printed}");
    for inactive in ["unknown", "revoked"] {
        assert_eq!(printed[inactive], json!({"active": false}), "{printed}");
    }
    assert_eq!(printed["refused"]["error"], "invalid_request", "{printed}");
    assert_eq!(printed["no_grant"]["error"], "unsupported_grant_type", "{printed}");
}

#[tokio::test]
async fn clients_with_a_secret_use_every_endpoint() {
    for library in LIBRARIES {
        for method in ["client_secret_basic", "client_secret_post"] {
            let back_ends = BackEnds::start().await;
            let printed = run(&back_ends, library, method).await;
            assert_served(&printed, method);
            assert_eq!(printed["application"], json!({"token_type": "bearer", "scope": APP_SCOPE}), "{printed}");
            // A client that used Basic gets the challenge, which the libraries report in the place of the body.
            let wrong = if method == "client_secret_basic" { "basic" } else { "invalid_client" };
            assert_eq!(printed["wrong_secret"], json!({"error": wrong, "status": 401}), "{printed}");
        }
    }
}

#[tokio::test]
async fn clients_with_a_private_key_use_every_endpoint() {
    for library in LIBRARIES {
        let back_ends = BackEnds::start().await;
        let printed = run(&back_ends, library, "private_key_jwt").await;
        assert_served(&printed, "private_key_jwt");
        assert_eq!(printed["application"], json!({"error": "unauthorized_client"}), "{printed}");
    }
}
