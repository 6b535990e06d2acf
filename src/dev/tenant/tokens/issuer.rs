use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::tenant_keys::TenantKeys;
use crate::dev::addresses::Addresses;
use crate::dev::error::StageError;
use crate::dev::tenant::client_proof::ClientProof;
use crate::dev::tenant::directory::{App, AppTokenVersion, User, UserScenario, other_tenant_id};
use crate::dev::tenant::issued_claims::IssuedClaims;
use crate::dev::tenant::scopes::{FEDERATION_AUDIENCE, Resource, ScopeRequest};
use crate::dev::tenant::stories::Stories;
use crate::domain::{SharedClock, SharedEntropy};

/// The lifetime of the tenants' tokens, in seconds.
pub(in crate::dev) const TOKEN_LIFETIME: i64 = 3600;

/// The description of a user's access token to issue.
pub(in crate::dev) struct UserTokenRequest<'a> {
    pub(in crate::dev) user: &'a User,
    pub(in crate::dev) client: &'a App,
    pub(in crate::dev) proof: ClientProof,
    pub(in crate::dev) scope: &'a ScopeRequest<'a>,
    /// Whether the user signed in on the login page, which counts as MFA for later exchanges.
    pub(in crate::dev) passed_mfa: bool,
    /// Whether the client handles continuous access evaluation.
    pub(in crate::dev) continuous: bool,
    /// Lifetime in seconds. A negative number gives a token that has expired already.
    pub(in crate::dev) lifetime: i64,
}

/// The tenants' issuer: issues tokens and verifies them.
pub(in crate::dev) struct TokenIssuer {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) keys: TenantKeys,
    pub(in crate::dev) clock: SharedClock,
    pub(in crate::dev) entropy: SharedEntropy,
    /// The record of the users' tokens.
    pub(in crate::dev) issued: IssuedClaims,
    pub(in crate::dev) stories: Arc<Stories>,
}

impl TokenIssuer {
    /// The time in whole seconds, as tokens carry it.
    pub(in crate::dev) fn now_seconds(&self) -> i64 {
        self.clock.now().unix_seconds()
    }

    /// Issues an access token for a user.
    pub(in crate::dev) fn mint_user_token(&self, order: &UserTokenRequest<'_>) -> Result<String, StageError> {
        let user = order.user;
        let resource = order.scope.resource;
        let mut claims = self.common_claims(resource, user.tid, order.lifetime);
        add_client_claims(&mut claims, resource.token_version(), order.client, order.proof);
        claims.insert("name".to_owned(), json!(user.display_name));
        claims.insert("oid".to_owned(), json!(user.oid));
        claims.insert("scp".to_owned(), json!(order.scope.permissions.join(" ")));
        claims.insert("sub".to_owned(), json!(pairwise_subject(user, resource.audience())));
        match resource.token_version() {
            AppTokenVersion::V2 => {
                claims.insert("preferred_username".to_owned(), json!(user.principal_name));
            }
            AppTokenVersion::V1 => {
                claims.insert("upn".to_owned(), json!(user.principal_name));
                claims.insert("unique_name".to_owned(), json!(user.principal_name));
            }
        }
        if order.passed_mfa {
            claims.insert("acrs".to_owned(), json!(["p1"]));
        }
        if order.continuous {
            claims.insert("xms_cc".to_owned(), json!(["cp1"]));
        }
        if let Some(blueprint) = order.client.blueprint {
            let is_agent_user = user.scenario == UserScenario::AgentUser;
            claims.insert("idtyp".to_owned(), json!("user"));
            add_agent_claims(&mut claims, blueprint, is_agent_user.then_some("13 1"));
        }
        self.add_guest_claims(&mut claims, user);
        let claims = Value::Object(claims);
        self.issued.record(&claims);
        self.keys.sign(&claims)
    }

    /// Issues the token with which the agent identity `agent_app_id` authenticates. `blueprint` has requested it.
    pub(in crate::dev) fn mint_blueprint_token(
        &self,
        blueprint: &App,
        proof: ClientProof,
        agent_app_id: &str,
        tid: &str,
    ) -> Result<String, StageError> {
        let mut claims = self.app_claims(blueprint, proof, Resource::TokenExchange, tid);
        claims.insert("sub".to_owned(), json!(agent_subject(tid, blueprint.client_id, agent_app_id)));
        self.keys.sign(&Value::Object(claims))
    }

    /// Issues an app-only access token for `client` in tenant `tid`.
    pub(in crate::dev) fn mint_app_token(
        &self,
        client: &App,
        proof: ClientProof,
        resource: Resource<'_>,
        tid: &str,
    ) -> Result<String, StageError> {
        let mut claims = self.app_claims(client, proof, resource, tid);
        if let Some(blueprint) = client.blueprint {
            claims.insert("sub".to_owned(), json!(agent_subject(tid, blueprint, client.client_id)));
            add_agent_claims(&mut claims, blueprint, Some("11"));
        }
        self.keys.sign(&Value::Object(claims))
    }

    fn app_claims(&self, client: &App, proof: ClientProof, resource: Resource<'_>, tid: &str) -> Map<String, Value> {
        let principal = client.service_principal_id(tid);
        let mut claims = self.common_claims(resource, tid, TOKEN_LIFETIME);
        add_client_claims(&mut claims, resource.token_version(), client, proof);
        claims.insert("idtyp".to_owned(), json!("app"));
        claims.insert("oid".to_owned(), json!(principal));
        claims.insert("sub".to_owned(), json!(principal));
        claims
    }

    /// Issues a token of the managed identity with these ids. An app that trusts the identity through a federated
    /// credential can authenticate with this token.
    pub(in crate::dev) fn mint_identity_token(
        &self,
        client_id: &str,
        object_id: &str,
        tid: &str,
    ) -> Result<String, StageError> {
        let now = self.now_seconds();
        self.keys.sign(&json!({
            "aud": FEDERATION_AUDIENCE,
            "iss": self.addresses.v2_issuer(tid),
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFETIME,
            "azp": client_id,
            "azpacr": "2",
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": tid,
            "uti": self.entropy.hex_id(),
            "ver": "2.0",
        }))
    }

    /// Issues an ID token for `client` with the client's `nonce`.
    pub(in crate::dev) fn mint_id_token(
        &self,
        user: &User,
        client: &App,
        nonce: Option<&str>,
    ) -> Result<String, StageError> {
        let now = self.now_seconds();
        let mut claims = into_members(json!({
            "aud": client.client_id,
            "iss": self.addresses.v2_issuer(user.tid),
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
        self.add_guest_claims(&mut claims, user);
        self.keys.sign(&Value::Object(claims))
    }

    /// The claims that every access token has.
    fn common_claims(&self, resource: Resource<'_>, tid: &str, lifetime: i64) -> Map<String, Value> {
        let now = self.now_seconds();
        let (issuer, version) = match resource.token_version() {
            AppTokenVersion::V1 => (self.addresses.v1_issuer(tid), "1.0"),
            AppTokenVersion::V2 => (self.addresses.v2_issuer(tid), "2.0"),
        };
        // A token that has expired already must have been issued before its expiry.
        let issued_at = now.min(now + lifetime - 1);
        into_members(json!({
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

    fn add_guest_claims(&self, claims: &mut Map<String, Value>, user: &User) {
        let home = match self.stories.find_switched(user) {
            Some(UserScenario::Guest) => other_tenant_id(user.tid),
            Some(_) => user.tid,
            None => user.home_tid,
        };
        if home != user.tid {
            claims.insert("idp".to_owned(), json!(self.addresses.v1_issuer(home)));
            claims.insert("acct".to_owned(), json!(1));
        }
    }
}

/// The `client_info` of a token answer: the user's object id and tenant at home.
pub(in crate::dev) fn client_info(user: &User) -> String {
    URL_SAFE_NO_PAD.encode(json!({"uid": user.home_oid(), "utid": user.home_tid}).to_string())
}

fn add_client_claims(claims: &mut Map<String, Value>, version: AppTokenVersion, client: &App, proof: ClientProof) {
    let (id, strength) = match version {
        AppTokenVersion::V1 => ("appid", "appidacr"),
        AppTokenVersion::V2 => ("azp", "azpacr"),
    };
    claims.insert(id.to_owned(), json!(client.client_id));
    claims.insert(strength.to_owned(), json!(proof.acr_value()));
}

/// The claims of a token that an agent identity has obtained. The facets of the subject depend on who it is.
fn add_agent_claims(claims: &mut Map<String, Value>, blueprint: &str, subject_facets: Option<&str>) {
    claims.insert("xms_par_app_azp".to_owned(), json!(blueprint));
    claims.insert("xms_act_fct".to_owned(), json!("9 11 1"));
    if let Some(facets) = subject_facets {
        claims.insert("xms_sub_fct".to_owned(), json!(facets));
    }
}

/// The `sub` of an agent identity. It names the tenant and the blueprint as Entra does, by the bytes of their ids.
pub(in crate::dev) fn agent_subject(tid: &str, blueprint: &str, agent_app_id: &str) -> String {
    let encode = |id: &str| URL_SAFE_NO_PAD.encode(Uuid::try_parse(id).unwrap_or_default().to_bytes_le());
    format!("/eid1/c/pub/t/{}/a/{}/{agent_app_id}", encode(tid), encode(blueprint))
}

/// The `sub` of a user's token. It is different for every audience.
fn pairwise_subject(user: &User, audience: &str) -> String {
    let text = format!("{}/{}/{audience}", user.oid, user.tid);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn into_members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
