//! What a refresh may bring, and what it may not.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::{Fault, FaultRule, GrantKind, Signer};
use bot_sso::domain::Clock as _;
use serde_json::{Value, json};

use super::fixture::{Apps, SignedIn, assert_refused};

/// A user whose tokens have ended, and the claims of the ID token.
struct Ended {
    apps: Apps,
    ada: SignedIn,
    claims: Value,
}

impl Ended {
    async fn start() -> Self {
        let apps = Apps::start().await;
        let ada = apps.sign_in("app1", "ada").await;
        let id_token: String = serde_json::from_slice(&apps.read_id_token(&ada.user_id).await.body).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap();
        apps.harness.clock.advance(Duration::from_hours(2));
        Self { apps, ada, claims: serde_json::from_slice(&payload).unwrap() }
    }

    /// The next refresh brings the access token `renewed`, and the ID token with `changes` if there are any.
    fn answer_refresh(&self, changes: Option<&Value>) {
        let mut answer = json!({ "token_type": "Bearer", "access_token": "renewed", "expires_in": 3600 });
        if let Some(changes) = changes {
            let mut claims = self.claims.clone();
            let now = self.apps.harness.clock.now().unix_seconds();
            for (name, value) in [("iat", json!(now)), ("nbf", json!(now)), ("exp", json!(now + 3600))] {
                claims[name] = value;
            }
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            answer["id_token"] = self.apps.harness.stage.sign(Signer::Tenant, &claims).unwrap().into();
        }
        let fault =
            Fault::Answer { status: 200, content_type: "application/json".to_owned(), body: answer.to_string() };
        self.apps.harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::RefreshToken)).times(1));
    }

    fn refreshes(&self) -> u64 {
        self.apps.harness.stage.calls().count(GrantKind::RefreshToken)
    }
}

#[tokio::test]
async fn nothing_of_an_answer_with_another_users_id_token_is_used() {
    for changes in [
        json!({ "sub": "someone-else" }),
        json!({ "iss": "https://issuer.example" }),
        json!({ "sub": "someone-else", "exp": null }),
        json!({ "sub": "someone-else", "aud": [] }),
    ] {
        let ended = Ended::start().await;
        ended.answer_refresh(Some(&changes));
        let refused = ended.apps.read(&ended.ada.user_id).await;
        assert_refused(&changes.to_string(), &refused, 503, "TEMPORARILY_UNAVAILABLE");
        ended.apps.harness.clock.advance(Duration::from_mins(2));
        let renewed = ended.apps.read(&ended.ada.user_id).await;
        assert_eq!(renewed.status, 200, "{}", renewed.text());
        assert_ne!(renewed.json()["access_token"], "renewed");
    }
}

#[tokio::test]
async fn an_id_token_for_another_client_is_not_kept_and_the_access_token_is() {
    let ended = Ended::start().await;
    ended.answer_refresh(Some(&json!({ "aud": "another-client" })));
    let renewed = ended.apps.read(&ended.ada.user_id).await;
    assert_eq!((renewed.status, &renewed.json()["access_token"]), (200, &"renewed".into()));
    assert_refused("ID token", &ended.apps.read_id_token(&ended.ada.user_id).await, 409, "REAUTH_REQUIRED");
}

#[tokio::test]
async fn a_provider_that_renews_no_id_token_is_not_asked_for_one_at_every_call() {
    let ended = Ended::start().await;
    ended.answer_refresh(None);
    for _ in 0..3 {
        assert_refused("ID token", &ended.apps.read_id_token(&ended.ada.user_id).await, 409, "REAUTH_REQUIRED");
    }
    assert_eq!(ended.refreshes(), 1);
    assert_eq!(ended.apps.read(&ended.ada.user_id).await.json()["access_token"], "renewed");
}
