//! The back ends of the stage.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{Proof, RunningStage, claims_of, find, is_graph_token_of, text};
use crate::harness::Answer;
use bot_sso::domain::{Clock as _, Entropy as _, SystemClock, SystemEntropy};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Posts a form to one of a back end's endpoints, with the proof that the manifest has for it.
async fn post(stage: &RunningStage, back_end: &Value, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
    let (url, client_id) = (text(&back_end[endpoint]), text(&back_end["client_id"]));
    if let Some(secret) = back_end["client_secret"].as_str() {
        return stage.post(url, fields, Proof::Basic { client_id, secret }).await;
    }
    let assertion = sign_assertion(back_end);
    let proof = [
        ("client_id", client_id),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    stage.post(url, &[fields, &proof].concat(), Proof::None).await
}

/// An assertion of the back end, by its private key (RFC 7523 §3).
fn sign_assertion(back_end: &Value) -> String {
    let now = SystemClock.now().unix_seconds();
    let claims = json!({
        "iss": back_end["client_id"], "sub": back_end["client_id"], "aud": back_end["issuer"],
        "iat": now, "exp": now + 60, "jti": SystemEntropy.uuid(),
    });
    let key = EncodingKey::from_rsa_pem(text(&back_end["private_key_pem"]).as_bytes()).unwrap();
    let header = Header { kid: Some(text(&back_end["kid"]).to_owned()), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

async fn exchange(stage: &RunningStage, back_end: &Value, token: &str) -> Answer {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", text(&back_end["audience"])),
        ("scope", text(&back_end["scopes"][0])),
    ];
    post(stage, back_end, "token_endpoint", &fields).await
}

#[tokio::test]
async fn each_back_end_exchanges_introspects_and_revokes_by_what_the_manifest_says() {
    let stage = RunningStage::start().await;
    let metadata = format!("{}/.well-known/oauth-authorization-server", text(&stage.manifest["gateway"]));
    let metadata = stage.get(&metadata, Proof::None).await.json();
    for back_end in stage.manifest["back_ends"].as_array().unwrap() {
        for member in ["issuer", "token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
            assert_eq!(metadata[member], back_end[member], "{member}");
        }
        let token = stage.office_token("ada", text(&back_end["subject_scope"])).await;
        let exchanged = exchange(&stage, back_end, &token).await;
        assert_eq!(exchanged.status, 200, "{}: {}", back_end["name"], exchanged.text());
        let exchanged = exchanged.json();
        assert!(is_graph_token_of(&exchanged["access_token"], stage.user("ada")));
        assert_eq!(exchanged["issued_token_type"], ACCESS_TOKEN);
        let introspected = post(&stage, back_end, "introspection_endpoint", &[("token", &token)]).await;
        assert_eq!((introspected.status, &introspected.json()["active"]), (200, &json!(true)), "{}", back_end["name"]);
        let foreign = post(&stage, back_end, "introspection_endpoint", &[("token", "another")]).await;
        assert_eq!((foreign.status, &foreign.json()["active"]), (200, &json!(false)));
        let revoked = [("token", text(&exchanged["access_token"]))];
        assert_eq!(post(&stage, back_end, "revocation_endpoint", &revoked).await.status, 200);
        assert_eq!(exchange(&stage, back_end, &token).await.status, 200, "the user may come again");
    }
}

#[tokio::test]
async fn one_back_end_has_a_private_key_and_a_token_of_its_own() {
    let stage = RunningStage::start().await;
    let back_ends = &stage.manifest["back_ends"];
    let by_key = find(back_ends, |back_end| back_end.get("private_key_pem").is_some());
    let by_secret = find(back_ends, |back_end| back_end.get("client_secret").is_some());
    let fields = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
    let own = post(&stage, by_key, "token_endpoint", &fields).await;
    assert_eq!(own.status, 200, "{}", own.text());
    assert_eq!(claims_of(text(&own.json()["access_token"]))["idtyp"], "app");
    let refused = post(&stage, by_secret, "token_endpoint", &fields).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("unauthorized_client")), "{}", refused.text());
    let token = stage.office_token("ada", text(&by_key["subject_scope"])).await;
    assert_ne!(exchange(&stage, by_secret, &token).await.status, 200, "a token for the other one");
}
