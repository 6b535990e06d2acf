//! The tokens of one user read at the same time, at a provider that takes each refresh token only once.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::json;

use super::fixture::{Apps, SignedIn};

const TWO_HOURS: Duration = Duration::from_hours(2);

/// Ada's sign-in to `app1`, whose provider rotates refresh tokens.
struct Rotating {
    apps: Apps,
    ada: SignedIn,
}

impl Rotating {
    async fn start() -> Self {
        let apps = Apps::start().await;
        apps.harness.stage.sessions().set_single_use_refresh_tokens(true);
        let ada = apps.sign_in("app1", "ada").await;
        Self { apps, ada }
    }

    /// The next refresh meets `fault`.
    fn add_fault(&self, fault: Fault) {
        self.apps.harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::RefreshToken)).times(1));
    }

    /// Reads the access token and the ID token at the same time, while the provider is slow to answer the first refresh.
    async fn read_both(&self) -> (String, String) {
        self.add_fault(Fault::Slow { millis: 300 });
        let (apps, user_id) = (&self.apps, &self.ada.user_id);
        let (access, id) = tokio::join!(apps.read(user_id), apps.read_id_token(user_id));
        assert_eq!((access.status, id.status), (200, 200), "{} {}", access.text(), id.text());
        (access.json()["access_token"].as_str().unwrap().to_owned(), id.json().as_str().unwrap().to_owned())
    }

    fn refreshes(&self) -> u64 {
        self.apps.harness.stage.calls().count(GrantKind::RefreshToken)
    }
}

#[tokio::test]
async fn both_tokens_read_at_once_after_their_end_cost_one_refresh_and_the_sign_in_stays() {
    let rotating = Rotating::start().await;
    let mut earlier = Vec::new();
    for round in 1..=3 {
        rotating.apps.harness.clock.advance(TWO_HOURS);
        let (access_token, id_token) = rotating.read_both().await;
        assert_eq!(rotating.refreshes(), round);
        assert!(!earlier.contains(&access_token) && !earlier.contains(&id_token), "round {round}: both are new");
        earlier.extend([access_token, id_token]);
    }
}

#[tokio::test]
async fn an_id_token_read_during_a_refresh_in_the_background_costs_no_second_one() {
    let rotating = Rotating::start().await;
    rotating.apps.harness.clock.advance(TWO_HOURS);
    // The provider does not renew the ID token this time, and wants the access token refreshed after a minute.
    let answer =
        json!({ "token_type": "Bearer", "access_token": "renewed", "expires_in": 3600, "refresh_in": 60 }).to_string();
    rotating.add_fault(Fault::Answer { status: 200, content_type: "application/json".to_owned(), body: answer });
    assert_eq!(rotating.apps.read(&rotating.ada.user_id).await.json()["access_token"], "renewed");
    rotating.apps.harness.clock.advance(Duration::from_mins(10));
    assert_eq!(rotating.read_both().await.0, "renewed");
    assert_eq!(rotating.refreshes(), 2);
    rotating.apps.harness.clock.advance(TWO_HOURS);
    rotating.read_both().await;
}
