use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::client_auth::ClientProof;
use super::directory::{App, TokenVersion, User};
use super::error::StageError;
use super::scopes::{Resource, ScopeRequest};
use super::state::State;

/// How long every token of the tenants is good for, in seconds.
pub(super) const TOKEN_LIFETIME: i64 = 3600;

/// A user's access token to be made.
pub(super) struct UserTokenOrder<'a> {
    pub(super) user: &'a User,
    pub(super) client: &'a App,
    pub(super) proof: ClientProof,
    pub(super) scope: &'a ScopeRequest<'a>,
    /// The user went through the login page: an authentication context that later exchanges may rely on.
    pub(super) stepped_up: bool,
    /// The client can handle continuous access evaluation.
    pub(super) continuous: bool,
    /// Seconds; negative makes a token that has expired already.
    pub(super) lifetime: i64,
}

impl State {
    /// Makes a delegated access token.
    pub(super) fn mint_user_token(&self, order: &UserTokenOrder<'_>) -> Result<String, StageError> {
        let user = order.user;
        let resource = order.scope.resource;
        let mut claims = self.frame(resource, user.tid, order.lifetime);
        client_claims(&mut claims, resource.token_version(), order.client, order.proof);
        claims.insert("name".to_owned(), json!(user.display_name));
        claims.insert("oid".to_owned(), json!(user.oid));
        claims.insert("scp".to_owned(), json!(order.scope.permissions.join(" ")));
        claims.insert("sub".to_owned(), json!(pairwise_subject(user, resource.audience())));
        match resource.token_version() {
            TokenVersion::V2 => {
                claims.insert("preferred_username".to_owned(), json!(user.principal_name));
            }
            TokenVersion::V1 => {
                claims.insert("upn".to_owned(), json!(user.principal_name));
                claims.insert("unique_name".to_owned(), json!(user.principal_name));
            }
        }
        if order.stepped_up {
            claims.insert("acrs".to_owned(), json!(["p1"]));
        }
        if order.continuous {
            claims.insert("xms_cc".to_owned(), json!(["cp1"]));
        }
        self.guest_claims(&mut claims, user);
        self.tenant_keys.sign(&Value::Object(claims))
    }

    /// Makes an app-only access token for `client` in tenant `tid`.
    pub(super) fn mint_app_token(
        &self,
        client: &App,
        proof: ClientProof,
        resource: Resource<'_>,
        tid: &str,
    ) -> Result<String, StageError> {
        let principal = client.service_principal_id(tid);
        let mut claims = self.frame(resource, tid, TOKEN_LIFETIME);
        client_claims(&mut claims, resource.token_version(), client, proof);
        claims.insert("idtyp".to_owned(), json!("app"));
        claims.insert("oid".to_owned(), json!(principal));
        claims.insert("sub".to_owned(), json!(principal));
        self.tenant_keys.sign(&Value::Object(claims))
    }

    /// Makes an ID token for `client`; `nonce` as the client sent it.
    pub(super) fn mint_id_token(&self, user: &User, client: &App, nonce: Option<&str>) -> Result<String, StageError> {
        let now = self.now_seconds();
        let mut claims = members(json!({
            "aud": client.client_id,
            "iss": self.v2_issuer(user.tid),
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFETIME,
            "name": user.display_name,
            "oid": user.oid,
            "preferred_username": user.principal_name,
            "sub": pairwise_subject(user, client.client_id),
            "tid": user.tid,
            "uti": self.entropy.hex_id(),
            "ver": "2.0",
        }));
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        self.guest_claims(&mut claims, user);
        self.tenant_keys.sign(&Value::Object(claims))
    }

    /// What every access token holds.
    fn frame(&self, resource: Resource<'_>, tid: &str, lifetime: i64) -> Map<String, Value> {
        let now = self.now_seconds();
        let (issuer, version) = match resource.token_version() {
            TokenVersion::V1 => (self.v1_issuer(tid), "1.0"),
            TokenVersion::V2 => (self.v2_issuer(tid), "2.0"),
        };
        // A token that has expired already was issued before it expired.
        let issued_at = now.min(now + lifetime - 1);
        members(json!({
            "aud": resource.audience(),
            "iss": issuer,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": now + lifetime,
            "tid": tid,
            "uti": self.entropy.hex_id(),
            "ver": version,
        }))
    }

    fn guest_claims(&self, claims: &mut Map<String, Value>, user: &User) {
        if user.home_tid != user.tid {
            claims.insert("idp".to_owned(), json!(self.v1_issuer(user.home_tid)));
            claims.insert("acct".to_owned(), json!(1));
        }
    }
}

/// `client_info` of a token answer: where the account lives.
pub(super) fn client_info(user: &User) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.home_oid(), "utid": user.home_tid}).to_string())
}

fn client_claims(claims: &mut Map<String, Value>, version: TokenVersion, client: &App, proof: ClientProof) {
    let (id, strength) = match version {
        TokenVersion::V1 => ("appid", "appidacr"),
        TokenVersion::V2 => ("azp", "azpacr"),
    };
    claims.insert(id.to_owned(), json!(client.client_id));
    claims.insert(strength.to_owned(), json!(proof.strength()));
}

/// `sub`: another one for every audience.
fn pairwise_subject(user: &User, audience: &str) -> String {
    let text = format!("{}/{}/{audience}", user.oid, user.tid);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
