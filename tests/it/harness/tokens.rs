//! Special tokens: app-only tokens for any audience, and tokens with changed claims and a genuine signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::Signer;
use bot_sso::domain::Clock;
use serde_json::Value;

use super::Harness;

impl Harness {
    /// An app-only token of the stage's app `client_id` for `scope`.
    pub async fn app_token(&self, client_id: &str, scope: &str) -> String {
        let tenant = self.stage.directory().main_tenant_id();
        let secret = self.stage.directory().find_app(client_id).unwrap().secret.unwrap();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.stage.http_base());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", scope),
        ];
        self.form(&url, &form).await["access_token"].as_str().unwrap().to_owned()
    }

    /// `token` with claims changed by `change`, signed with a key of the stage.
    pub fn forge(&self, signer: Signer, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims_of(token);
        change(&mut claims);
        self.stage.sign(signer, &claims).unwrap()
    }

    /// The stage's time in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().unix_seconds()
    }
}

/// The claims of a token.
pub fn claims_of(token: &str) -> Value {
    part_of(token, 1)
}

/// A decoded part of a token. Part 0 is the header.
pub fn part_of(token: &str, part: usize) -> Value {
    let encoded = token.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
}
