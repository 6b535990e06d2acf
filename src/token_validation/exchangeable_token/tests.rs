#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::*;
use crate::domain::{PERSONAL_ACCOUNTS_TENANT, SubjectIssuer, TenantPolicy, acceptable_audiences};
use crate::token_validation::testing::{BOT, OTHER_TENANT, TEAMS, TENANT, TestIssuer, USER, header, key, with};

struct Fixture {
    issuer: TestIssuer,
    validator: ExchangeableTokenValidator,
    policy: ExchangePolicy,
}

impl Fixture {
    fn new() -> Self {
        let issuer = TestIssuer::start();
        let validator = ExchangeableTokenValidator::new(issuer.entra(), issuer.clock.clone());
        let scopes = vec!["access_as_user".to_owned()];
        let policy = ExchangePolicy {
            subject: Some(SubjectIssuer::Entra { identity_provider: "entra".to_owned() }),
            tenants: TenantPolicy::Listed(vec![TENANT.into()]),
            audiences: acceptable_audiences(BOT, Some("api://bot.example/botid-1/access_as_user"), &scopes),
            required_scopes: scopes,
            authorized_clients: vec![],
            allow_v1: false,
        };
        Self { issuer, validator, policy }
    }

    fn claims(&self) -> Value {
        let now = self.issuer.now();
        json!({"iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": BOT, "exp": now + 3600,
            "nbf": now - 60, "iat": now - 60, "tid": TENANT, "ver": "2.0", "azp": TEAMS, "azpacr": "0", "oid": USER,
            "sub": "pairwise", "scp": "profile access_as_user", "uti": "u-1", "preferred_username": "user@contoso.example"})
    }

    fn token(&self, changes: Value) -> Secret {
        Secret::new(key(0).sign(&header("entra-1"), &with(self.claims(), changes)))
    }

    async fn validate(&self, changes: Value) -> Result<ExchangeableToken, ExchangeableTokenError> {
        self.validator.validate(&self.token(changes), &self.policy).await
    }

    async fn refusal(&self, changes: Value) -> ExchangeableTokenError {
        self.validate(changes).await.unwrap_err()
    }
}

#[actix_web::test]
async fn a_users_token_becomes_an_exchangeable_token() {
    let fixture = Fixture::new();
    let ends = fixture.issuer.now() + 3000;
    let raw = fixture.token(json!({"oid": USER.to_uppercase(), "exp": ends}));
    let token = fixture.validator.validate(&raw, &fixture.policy).await.unwrap();
    assert_eq!(token.user, UserKey::entra(USER, TENANT));
    assert_eq!((token.user.object_id(), token.user.tenant_id()), (Some(USER), Some(TENANT)));
    assert_eq!(token.expires_at.unix_seconds(), ends);
    assert_eq!(token.raw.expose(), raw.expose());
}

#[actix_web::test]
async fn a_cached_signature_result_serves_only_the_same_token() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.token(json!({})), fixture.token(json!({"uti": "u-2"})));
    for raw in [&one, &two, &one] {
        fixture.validator.validate(raw, &fixture.policy).await.unwrap();
    }
    let [one, two] = [&one, &two].map(|raw| raw.expose().split('.').collect::<Vec<_>>());
    let forged = Secret::new([one[0], one[1], two[2]].join("."));
    let refused = fixture.validator.validate(&forged, &fixture.policy).await.unwrap_err();
    assert_eq!(refused, rejected("signature"));
}

#[actix_web::test]
async fn a_token_for_another_audience_or_of_another_kind_is_rejected_by_the_failed_check() {
    let fixture = Fixture::new();
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    for (changes, check) in [
        (json!({"aud": "7a1c0f5e-0000-4000-8000-00000000b002"}), "aud"),
        (json!({"aud": [BOT]}), "aud"),
        (json!({"aud": null}), "aud"),
        (json!({"aud": format!("{BOT}x")}), "aud"),
        (json!({"aud": format!("api://{BOT}/")}), "aud"),
        (json!({"aud": "api://bot.example"}), "aud"),
        (json!({"aud": "https://api.botframework.com"}), "aud"),
        (json!({"iss": "https://evil.example/"}), "iss"),
        (json!({"iss": null}), "iss"),
        (json!({"iss": other}), "tid"),
        (json!({"iss": other, "tid": OTHER_TENANT}), "tid"),
        (json!({"tid": null}), "tid"),
        (json!({"tid": "contoso.com"}), "tid"),
        (json!({"ver": null}), "ver"),
        (json!({"ver": "1.0"}), "ver"),
        (json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0"}), "ver"),
        (json!({"scp": "profile access_as_user2 xaccess_as_user"}), "scp"),
        (json!({"scp": "Access_As_User"}), "scp"),
        (json!({"scp": ["access_as_user"]}), "scp"),
        (json!({"scp": null}), "scp"),
        (json!({"scp": null, "roles": ["r"]}), "app_only"),
        (json!({"scp": null, "sub": USER}), "app_only"),
        (json!({"idtyp": "app"}), "app_only"),
        (json!({"appid": "another"}), "azp"),
        (json!({"oid": null}), "oid"),
        (json!({"oid": "../x"}), "oid"),
        (json!({"nonce": "n"}), "form"),
        (json!({"TID": OTHER_TENANT}), "form"),
    ] {
        assert_eq!(fixture.refusal(changes.clone()).await, rejected(check), "{changes}");
    }
}

#[actix_web::test]
async fn every_audience_form_that_the_policy_lists_is_accepted() {
    let fixture = Fixture::new();
    for aud in [
        BOT.to_owned(),
        BOT.to_uppercase(),
        format!("api://{BOT}"),
        format!("api://botid-{BOT}"),
        "api://bot.example/botid-1/access_as_user".to_owned(),
        "api://bot.example/botid-1".to_owned(),
    ] {
        assert!(fixture.validate(json!({"aud": aud})).await.is_ok(), "{aud}");
    }
}

#[actix_web::test]
async fn a_malformed_token_is_rejected_without_a_fetch_and_a_forged_one_by_signature() {
    let fixture = Fixture::new();
    let claims = fixture.claims();
    for (raw, check) in [
        ("not a token".to_owned(), "form"),
        ("a.b.c.d.e".to_owned(), "form"),
        ("x".repeat(40_000), "form"),
        (key(0).sign(&with(header("entra-1"), json!({"nonce": "n"})), &claims), "aud"),
        (key(0).sign(&with(header("entra-1"), json!({"alg": "none"})), &claims), "alg"),
        (key(0).sign(&with(header("entra-1"), json!({"crit": []})), &claims), "crit"),
        (key(0).sign(&with(header("entra-1"), json!({"typ": "secevent+jwt"})), &claims), "typ"),
        (key(0).sign(&header("entra-1"), &with(claims.clone(), json!({"iss": "https://evil.example/"}))), "iss"),
        (key(0).sign(&header("entra-1"), &with(claims.clone(), json!({"ver": "1.0"}))), "ver"),
    ] {
        let answer = fixture.validator.validate(&Secret::new(raw), &fixture.policy).await.unwrap_err();
        assert_eq!(answer, rejected(check));
    }
    assert_eq!(fixture.issuer.published.fetches(), 0);
    let by_other_key = Secret::new(key(1).sign(&header("entra-1"), &claims));
    assert_eq!(fixture.validator.validate(&by_other_key, &fixture.policy).await.unwrap_err(), rejected("signature"));
    let by_unknown_key = Secret::new(key(0).sign(&header("unknown"), &claims));
    let answer = fixture.validator.validate(&by_unknown_key, &fixture.policy).await.unwrap_err();
    assert_eq!(answer, ExchangeableTokenError::KeyNotKnownYet);
    fixture.issuer.clock.advance(std::time::Duration::from_secs(10));
    let answer = fixture.validator.validate(&by_unknown_key, &fixture.policy).await.unwrap_err();
    assert_eq!(answer, rejected("signature"));
    let by_personal = Secret::new(key(1).sign(&header("personal"), &claims));
    assert_eq!(fixture.validator.validate(&by_personal, &fixture.policy).await.unwrap_err(), rejected("iss"));
}

#[actix_web::test]
async fn a_token_that_expires_during_the_exchange_is_refused_as_expired() {
    let fixture = Fixture::new();
    let now = fixture.issuer.now();
    for changes in
        [json!({"exp": now - 1}), json!({"exp": now + 28}), json!({"nbf": now + 310}), json!({"iat": now + 310})]
    {
        assert_eq!(fixture.refusal(changes.clone()).await, ExchangeableTokenError::Expired, "{changes}");
    }
    assert!(fixture.validate(json!({"exp": now + 60})).await.is_ok());
    assert!(fixture.validate(json!({"nbf": now + 200, "iat": now + 200})).await.is_ok());
    for changes in [
        json!({"exp": null}),
        json!({"nbf": null}),
        json!({"iat": null}),
        json!({"exp": "soon"}),
        json!({"exp": -1}),
        json!({"exp": now + 72 * 3600}),
    ] {
        assert_eq!(fixture.refusal(changes.clone()).await, rejected("time"), "{changes}");
    }
}

#[actix_web::test]
async fn a_cached_token_is_still_checked_against_clock_and_policy() {
    let fixture = Fixture::new();
    let raw = fixture.token(json!({}));
    assert!(fixture.validator.validate(&raw, &fixture.policy).await.is_ok());
    let fetched = fixture.issuer.published.fetches();
    let narrow = |change: fn(&mut ExchangePolicy)| {
        let mut policy = fixture.policy.clone();
        change(&mut policy);
        policy
    };
    for (policy, check) in [
        (narrow(|policy| policy.tenants = TenantPolicy::Listed(vec![])), "tid"),
        (narrow(|policy| policy.audiences = vec![]), "aud"),
        (narrow(|policy| policy.required_scopes.push("more".into())), "scp"),
        (narrow(|policy| policy.authorized_clients = vec!["another".into()]), "azp"),
    ] {
        assert_eq!(fixture.validator.validate(&raw, &policy).await.unwrap_err(), rejected(check));
    }
    let listed = narrow(|policy| policy.authorized_clients = vec![TEAMS.into()]);
    assert!(fixture.validator.validate(&raw, &listed).await.is_ok());
    fixture.issuer.clock.advance(Duration::from_secs(3580));
    assert_eq!(fixture.validator.validate(&raw, &fixture.policy).await.unwrap_err(), ExchangeableTokenError::Expired);
    assert_eq!(fixture.issuer.published.fetches(), fetched);
}

#[actix_web::test]
async fn personal_accounts_are_refused_where_any_organisation_is_admitted() {
    let mut fixture = Fixture::new();
    let of = |tenant: &str| json!({"tid": tenant, "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0")});
    fixture.policy.tenants = TenantPolicy::AnyOrganization;
    assert!(fixture.validate(of(OTHER_TENANT)).await.is_ok());
    assert_eq!(fixture.refusal(of(PERSONAL_ACCOUNTS_TENANT)).await, rejected("tid"));
    fixture.policy.tenants = TenantPolicy::Listed(vec![PERSONAL_ACCOUNTS_TENANT.into()]);
    assert!(fixture.validate(of(PERSONAL_ACCOUNTS_TENANT)).await.is_ok(), "unless it is listed by name");
    fixture.policy.tenants = TenantPolicy::AnyAccount;
    assert!(fixture.validate(of(PERSONAL_ACCOUNTS_TENANT)).await.is_ok(), "or every account is accepted");
}

#[actix_web::test]
async fn v1_tokens_are_accepted_only_where_the_policy_allows_them() {
    let mut fixture = Fixture::new();
    fixture.policy.allow_v1 = true;
    let v1_claims = |changes: Value| {
        let mut claims = with(
            json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0", "appid": TEAMS,
                "aud": format!("api://{BOT}")}),
            changes,
        );
        claims["azp"] = Value::Null;
        claims
    };
    assert!(fixture.validate(v1_claims(json!({}))).await.is_ok());
    assert!(fixture.validate(v1_claims(json!({"aud": format!("api://{BOT}/")}))).await.is_ok(), "a trailing slash");
    assert_eq!(fixture.refusal(v1_claims(json!({"aud": format!("api://{BOT}//")}))).await, rejected("aud"));
    assert_eq!(fixture.refusal(v1_claims(json!({"ver": "2.0"}))).await, rejected("ver"));
    fixture.policy.authorized_clients = vec![TEAMS.into()];
    assert!(fixture.validate(v1_claims(json!({}))).await.is_ok(), "appid is the client");
}

#[actix_web::test]
async fn another_sign_in_of_the_same_user_is_another_security_context() {
    let fixture = Fixture::new();
    let base = fixture.validate(json!({})).await.unwrap().security_context;
    let same = json!({"uti": "u-2", "iat": fixture.issuer.now() - 10, "azp": TEAMS.to_uppercase()});
    assert_eq!(fixture.validate(same).await.unwrap().security_context, base);
    for changes in [
        json!({"azp": "5e3ce6c0-2b1f-4285-8d4b-75ee78787346"}),
        json!({"azpacr": "1"}),
        json!({"acrs": ["c1"]}),
        json!({"acr": "1"}),
        json!({"acr": ""}),
        json!({"amr": ["pwd"]}),
        json!({"xms_cc": ["cp1"]}),
        json!({"idp": "live.com"}),
        json!({"sid": "s"}),
    ] {
        assert_ne!(fixture.validate(changes.clone()).await.unwrap().security_context, base, "{changes}");
    }
    let order = |amr: Value| json!({"amr": amr});
    assert_eq!(
        fixture.validate(order(json!(["pwd", "mfa"]))).await.unwrap().security_context,
        fixture.validate(order(json!(["mfa", "pwd"]))).await.unwrap().security_context,
    );
}

#[actix_web::test]
async fn another_client_or_session_of_the_same_user_has_the_same_policy_context() {
    let fixture = Fixture::new();
    let base = fixture.validate(json!({})).await.unwrap();
    for changes in [
        json!({"azp": "5e3ce6c0-2b1f-4285-8d4b-75ee78787346"}),
        json!({"azpacr": "1"}),
        json!({"sid": "s"}),
        json!({"uti": "u-2", "iat": fixture.issuer.now() - 10}),
    ] {
        assert_eq!(fixture.validate(changes.clone()).await.unwrap().policy_context, base.policy_context, "{changes}");
    }
    for changes in [
        json!({"acrs": ["c1"]}),
        json!({"acr": "1"}),
        json!({"acr": ""}),
        json!({"amr": ["pwd"]}),
        json!({"xms_cc": ["cp1"]}),
        json!({"idp": "live.com"}),
    ] {
        assert_ne!(fixture.validate(changes.clone()).await.unwrap().policy_context, base.policy_context, "{changes}");
    }
    assert_ne!(base.policy_context, base.security_context);
}

#[actix_web::test]
async fn a_token_is_not_rejected_while_the_keys_are_unavailable() {
    let fixture = Fixture::new();
    fixture.issuer.published.set_status(500);
    assert_eq!(fixture.refusal(json!({})).await, ExchangeableTokenError::KeysUnavailable);
}
