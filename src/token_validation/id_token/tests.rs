#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::*;
use crate::token_validation::testing::{BOT, OTHER_TENANT, TENANT, TestIssuer, USER, header, key, with};

const ISSUER: &str = "https://issuer.example/realm";
const CLIENT: &str = "the client";

fn listed(tenant: &str) -> TenantPolicy {
    TenantPolicy::Listed(vec![tenant.into()])
}

fn failed_check(outcome: Result<IdentifiedUser, IdTokenError>) -> &'static str {
    match outcome.unwrap_err() {
        IdTokenError::Rejected { check } => check,
        IdTokenError::KeysUnavailable => "keys",
        IdTokenError::KeyNotKnownYet => "key_not_known_yet",
    }
}

/// A validator that trusts an Entra cloud.
struct Cloud {
    issuer: TestIssuer,
    validator: IdTokenValidator,
}

impl Cloud {
    fn new() -> Self {
        let issuer = TestIssuer::start();
        let validator = IdTokenValidator::new(TrustedIdTokenIssuer::Entra(issuer.entra()), issuer.clock.clone());
        Self { issuer, validator }
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now();
        json!({"iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": BOT, "exp": now + 3600,
            "nbf": now - 5, "iat": now - 5, "tid": TENANT, "ver": "2.0", "oid": USER.to_uppercase(), "sub": "pairwise",
            "nonce": "n-1", "name": "Ada Lovelace", "preferred_username": "ada@contoso.example"})
    }

    async fn validate(&self, changes: Value, tenants: &TenantPolicy) -> Result<IdentifiedUser, IdTokenError> {
        let raw = Secret::new(key(0).sign(&header("entra-1"), &with(self.claims(), changes)));
        self.validator.validate(&raw, BOT, &Secret::from("n-1"), tenants).await
    }
}

/// A validator that trusts another `OpenID` Connect issuer.
struct Realm {
    issuer: TestIssuer,
    validator: IdTokenValidator,
}

impl Realm {
    fn new() -> Self {
        let issuer = TestIssuer::start();
        issuer.published.set_keys(&[key(0).jwk("k", &json!({}))]);
        let trust = TrustedIdTokenIssuer::OpenIdConnect { issuer: ISSUER.into(), key_set: issuer.key_set() };
        let validator = IdTokenValidator::new(trust, issuer.clock.clone());
        Self { issuer, validator }
    }

    async fn validate(&self, changes: Value) -> Result<IdentifiedUser, IdTokenError> {
        let now = self.issuer.now();
        let claims = json!({"iss": ISSUER, "aud": CLIENT, "exp": now + 3600, "iat": now, "sub": "ada", "nonce": "n-1"});
        let raw = Secret::new(key(0).sign(&header("k"), &with(claims, changes)));
        self.validator.validate(&raw, CLIENT, &Secret::from("n-1"), &TenantPolicy::AnyOrganization).await
    }
}

#[actix_web::test]
async fn an_id_token_of_entra_names_its_user() {
    let cloud = Cloud::new();
    let user = cloud.validate(json!({}), &listed(TENANT)).await.unwrap();
    assert_eq!(user.user, UserKey::entra(USER, TENANT));
    assert_eq!((user.object_id.as_deref(), user.tenant_id.as_deref()), (Some(USER), Some(TENANT)));
    assert_eq!(user.display_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(user.account_name.as_deref(), Some("ada@contoso.example"));
    let any = cloud.validate(json!({"aud": BOT.to_uppercase()}), &TenantPolicy::AnyOrganization).await.unwrap();
    assert_eq!(any.user, user.user);
}

#[actix_web::test]
async fn an_id_token_of_entra_that_fails_a_check_is_rejected_by_its_name() {
    let cloud = Cloud::new();
    let now = cloud.issuer.now();
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let policy = TenantPolicy::AnyOrganization;
    for (changes, check) in [
        (json!({"iss": "https://login.example/v2.0"}), "iss"),
        (json!({"iss": other}), "tid"),
        (json!({"tid": null}), "tid"),
        (json!({"iss": format!("https://login.microsoftonline.com/{personal}/v2.0"), "tid": personal}), "tid"),
        (json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0"}), "ver"),
        (json!({"ver": "1.0"}), "ver"),
        (json!({"aud": USER}), "aud"),
        (json!({"aud": null}), "aud"),
        (json!({"aud": {"a": 1}}), "aud"),
        (json!({"azp": USER}), "azp"),
        (json!({"exp": now - 301}), "exp"),
        (json!({"exp": null}), "exp"),
        (json!({"iat": null}), "iat"),
        (json!({"iat": now + 400}), "iat"),
        (json!({"nonce": null}), "nonce"),
        (json!({"nonce": "n-2"}), "nonce"),
        (json!({"nonce": ["n-1"]}), "nonce"),
        (json!({"oid": null}), "oid"),
        (json!({"oid": "ada"}), "oid"),
    ] {
        assert_eq!(failed_check(cloud.validate(changes.clone(), &policy).await), check, "{changes}");
    }
    assert_eq!(failed_check(cloud.validate(json!({}), &listed(OTHER_TENANT)).await), "tid", "of this connection none");
}

#[actix_web::test]
async fn the_key_of_one_tenant_signs_for_no_other_and_a_forged_signature_is_rejected() {
    let cloud = Cloud::new();
    let nonce = Secret::from("n-1");
    let claims = cloud.claims();
    let foreign = Secret::new(key(1).sign(&header("personal"), &claims));
    assert_eq!(failed_check(cloud.validator.validate(&foreign, BOT, &nonce, &listed(TENANT)).await), "iss");
    let forged = Secret::new(key(1).sign(&header("entra-1"), &claims));
    assert_eq!(failed_check(cloud.validator.validate(&forged, BOT, &nonce, &listed(TENANT)).await), "signature");
}

#[actix_web::test]
async fn a_user_of_another_issuer_is_named_by_subject_and_never_by_oid() {
    let realm = Realm::new();
    let claims = json!({"oid": USER, "tid": TENANT, "email": "ada@issuer.example", "name": "A\u{7}\u{202e}d\u{2066}a"});
    let user = realm.validate(claims).await.unwrap();
    assert_eq!(user.user, UserKey::from_parts(ISSUER, "ada"));
    assert_ne!(user.user, UserKey::entra(USER, TENANT));
    assert_eq!((user.object_id, user.tenant_id, user.user.tenant_id()), (None, None, None));
    assert_eq!(user.display_name.as_deref(), Some("Ada"));
    assert_eq!(user.account_name.as_deref(), Some("ada@issuer.example"));
}

#[actix_web::test]
async fn audiences_beside_us_need_us_as_the_authorized_party() {
    let realm = Realm::new();
    for fits in [json!({"aud": [CLIENT]}), json!({"azp": CLIENT}), json!({"aud": ["another", CLIENT], "azp": CLIENT})] {
        assert!(realm.validate(fits.clone()).await.is_ok(), "{fits}");
    }
    for (changes, check) in [
        (json!({"aud": []}), "aud"),
        (json!({"aud": ["another"]}), "aud"),
        (json!({"aud": [CLIENT, 7]}), "aud"),
        (json!({"aud": "THE CLIENT"}), "aud"),
        (json!({"aud": ["another", CLIENT]}), "azp"),
        (json!({"aud": [CLIENT, "another"], "azp": "another"}), "azp"),
        (json!({"azp": "another"}), "azp"),
        (json!({"iss": format!("{ISSUER}/")}), "iss"),
        (json!({"sub": null}), "sub"),
        (json!({"sub": "s".repeat(256)}), "sub"),
        (json!({"sub": "a\nb"}), "sub"),
    ] {
        assert_eq!(failed_check(realm.validate(changes.clone()).await), check, "{changes}");
    }
}

#[actix_web::test]
async fn an_id_token_is_not_rejected_while_the_keys_are_unavailable() {
    let realm = Realm::new();
    realm.issuer.published.set_status(503);
    assert_eq!(realm.validate(json!({})).await, Err(IdTokenError::KeysUnavailable));
}
