//! The numbered cases of docs/protocols/invoke-protocol.md §10, against the real listening server.

mod address_kinds;
mod after_exchange;
mod answered_lines;
mod cards;
mod channel_accounts;
mod client_failures;
mod client_identities;
mod duplicates;
mod group_conversations;
mod hang_ups;
mod identity;
mod logging;
mod outcomes;
mod parent_accounts;
mod parent_codes;
mod parents;
mod product_context;
mod requests;
mod retry_after;
mod speakers;
mod threads;
mod token_checks;
mod tokens_response;
mod verify_state;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::Signer;
use serde_json::{Value, json};

use crate::harness::refusals::{assert_mismatch, assert_refused};
use crate::harness::{Harness, activities};

/// A case's change of the activity of case 1.
pub type Change = fn(&mut Value);

/// What every case starts with: connection `graph`, user Ada, her valid token T, card id `x`.
pub struct Scenario {
    pub harness: Harness,
    pub token: String,
}

impl Scenario {
    pub async fn start() -> Self {
        Self::with(Harness::start().await).await
    }

    pub async fn with(harness: Harness) -> Self {
        let token = harness.user_token("Ada", "graph").await;
        Self { harness, token }
    }

    /// The activity of case 1.
    pub fn exchange(&self) -> Value {
        activities::exchange(&self.harness, &self.harness.user("Ada"), "x", &self.token)
    }

    /// T with claims changed by `change`, signed with the tenant's real key.
    pub fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let payload = self.token.split('.').nth(1).unwrap();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        change(&mut claims);
        self.harness.stage.sign(Signer::Tenant, &claims).unwrap()
    }
}

/// The body of the answer to case 1.
pub fn success() -> Value {
    json!({ "id": "x", "connectionName": "graph" })
}

/// `user`'s exchange for the connection `graph`, in a personal Teams conversation.
pub async fn exchange_of(harness: &Harness, user: &str, id: &str) -> Value {
    let token = harness.user_token(user, "graph").await;
    activities::exchange(harness, &harness.user(user), id, &token)
}

/// Asks as the bot whether the vault has a token for the user of `activity`.
pub async fn is_kept(harness: &Harness, activity: &Value, connection: &str) -> bool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let answer = harness.get_token(&text(&activity["channelId"]), &text(&activity["from"]["id"]), connection).await;
    assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    answer.status == 200
}
