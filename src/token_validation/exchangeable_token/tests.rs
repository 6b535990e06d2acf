#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::*;
use crate::domain::{TenantPolicy, acceptable_audiences};
use crate::token_validation::testing::{BOT, OTHER_TENANT, TEAMS, TENANT, TestIssuer, USER, header, key, with};

struct World {
    issuer: TestIssuer,
    validator: ExchangeableTokenValidator,
    policy: ExchangePolicy,
}

impl World {
    fn new() -> Self {
        let issuer = TestIssuer::start();
        let validator = ExchangeableTokenValidator::new(issuer.entra(), issuer.clock.clone());
        let scopes = vec!["access_as_user".to_owned()];
        let policy = ExchangePolicy {
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
    let world = World::new();
    let ends = world.issuer.now() + 3000;
    let raw = world.token(json!({"oid": USER.to_uppercase(), "exp": ends}));
    let token = world.validator.validate(&raw, &world.policy).await.unwrap();
    assert_eq!(token.user, UserKey::entra(USER, TENANT));
    assert_eq!((token.object_id.as_str(), token.tenant_id.as_str()), (USER, TENANT));
    assert_eq!(token.expires_at.unix_seconds(), ends);
    assert_eq!(token.token_id.as_deref(), Some("u-1"));
    assert_eq!(token.raw.expose(), raw.expose());
}

#[actix_web::test]
async fn a_remembered_signature_serves_the_very_same_token_only() {
    let world = World::new();
    let (one, two) = (world.token(json!({})), world.token(json!({"uti": "u-2"})));
    for raw in [&one, &two, &one] {
        world.validator.validate(raw, &world.policy).await.unwrap();
    }
    let [one, two] = [&one, &two].map(|raw| raw.expose().split('.').collect::<Vec<_>>());
    let forged = Secret::new([one[0], one[1], two[2]].join("."));
    let refused = world.validator.validate(&forged, &world.policy).await.unwrap_err();
    assert_eq!(refused, rejected("signature"));
}

#[actix_web::test]
async fn a_token_for_somebody_else_or_of_another_kind_is_rejected_by_check() {
    let world = World::new();
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
        assert_eq!(world.refusal(changes.clone()).await, rejected(check), "{changes}");
    }
}

#[actix_web::test]
async fn the_acceptable_audiences_the_design_are_accepted() {
    let world = World::new();
    for aud in [
        BOT.to_owned(),
        BOT.to_uppercase(),
        format!("api://{BOT}"),
        format!("api://botid-{BOT}"),
        "api://bot.example/botid-1/access_as_user".to_owned(),
        "api://bot.example/botid-1".to_owned(),
    ] {
        assert!(world.validate(json!({"aud": aud})).await.is_ok(), "{aud}");
    }
}

#[actix_web::test]
async fn what_is_no_jwt_or_cannot_be_verified_is_rejected_without_a_fetch_for_shape() {
    let world = World::new();
    let claims = world.claims();
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
        let answer = world.validator.validate(&Secret::new(raw), &world.policy).await.unwrap_err();
        assert_eq!(answer, rejected(check));
    }
    assert_eq!(world.issuer.published.fetches(), 0);
    for raw in [key(1).sign(&header("entra-1"), &claims), key(0).sign(&header("unknown"), &claims)] {
        let answer = world.validator.validate(&Secret::new(raw), &world.policy).await.unwrap_err();
        assert_eq!(answer, rejected("signature"));
    }
    let by_personal = Secret::new(key(1).sign(&header("personal"), &claims));
    assert_eq!(world.validator.validate(&by_personal, &world.policy).await.unwrap_err(), rejected("iss"));
}

#[actix_web::test]
async fn a_token_must_be_alive_long_enough_for_the_exchange() {
    let world = World::new();
    let now = world.issuer.now();
    for changes in
        [json!({"exp": now - 1}), json!({"exp": now + 28}), json!({"nbf": now + 310}), json!({"iat": now + 310})]
    {
        assert_eq!(world.refusal(changes.clone()).await, ExchangeableTokenError::Expired, "{changes}");
    }
    assert!(world.validate(json!({"exp": now + 60})).await.is_ok());
    assert!(world.validate(json!({"nbf": now + 200, "iat": now + 200})).await.is_ok());
    for changes in [
        json!({"exp": null}),
        json!({"nbf": null}),
        json!({"iat": null}),
        json!({"exp": "soon"}),
        json!({"exp": -1}),
        json!({"exp": now + 72 * 3600}),
    ] {
        assert_eq!(world.refusal(changes.clone()).await, rejected("time"), "{changes}");
    }
}

#[actix_web::test]
async fn a_remembered_token_is_still_measured_by_clock_and_policy() {
    let world = World::new();
    let raw = world.token(json!({}));
    assert!(world.validator.validate(&raw, &world.policy).await.is_ok());
    let fetched = world.issuer.published.fetches();
    let narrow = |change: fn(&mut ExchangePolicy)| {
        let mut policy = world.policy.clone();
        change(&mut policy);
        policy
    };
    for (policy, check) in [
        (narrow(|policy| policy.tenants = TenantPolicy::Listed(vec![])), "tid"),
        (narrow(|policy| policy.audiences = vec![]), "aud"),
        (narrow(|policy| policy.required_scopes.push("more".into())), "scp"),
        (narrow(|policy| policy.authorized_clients = vec!["another".into()]), "azp"),
    ] {
        assert_eq!(world.validator.validate(&raw, &policy).await.unwrap_err(), rejected(check));
    }
    let listed = narrow(|policy| policy.authorized_clients = vec![TEAMS.into()]);
    assert!(world.validator.validate(&raw, &listed).await.is_ok());
    world.issuer.clock.advance(Duration::from_secs(3580));
    assert_eq!(world.validator.validate(&raw, &world.policy).await.unwrap_err(), ExchangeableTokenError::Expired);
    assert_eq!(world.issuer.published.fetches(), fetched);
}

#[actix_web::test]
async fn personal_accounts_are_no_organisation() {
    let mut world = World::new();
    let of = |tenant: &str| json!({"tid": tenant, "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0")});
    world.policy.tenants = TenantPolicy::AnyOrganization;
    assert!(world.validate(of(OTHER_TENANT)).await.is_ok());
    assert_eq!(world.refusal(of(PERSONAL_ACCOUNTS_TENANT)).await, rejected("tid"));
    world.policy.tenants = TenantPolicy::Listed(vec![PERSONAL_ACCOUNTS_TENANT.into()]);
    assert!(world.validate(of(PERSONAL_ACCOUNTS_TENANT)).await.is_ok(), "unless it is listed by name");
    world.policy.tenants = TenantPolicy::AnyAccount;
    assert!(world.validate(of(PERSONAL_ACCOUNTS_TENANT)).await.is_ok(), "or every account is accepted");
}

#[actix_web::test]
async fn v1_tokens_are_an_opt_in_with_their_own_forms() {
    let mut world = World::new();
    world.policy.allow_v1 = true;
    let v1_claims = |changes: Value| {
        let mut claims = with(
            json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0", "appid": TEAMS,
                "aud": format!("api://{BOT}")}),
            changes,
        );
        claims["azp"] = Value::Null;
        claims
    };
    assert!(world.validate(v1_claims(json!({}))).await.is_ok());
    assert!(world.validate(v1_claims(json!({"aud": format!("api://{BOT}/")}))).await.is_ok(), "a trailing slash");
    assert_eq!(world.refusal(v1_claims(json!({"aud": format!("api://{BOT}//")}))).await, rejected("aud"));
    assert_eq!(world.refusal(v1_claims(json!({"ver": "2.0"}))).await, rejected("ver"));
    world.policy.authorized_clients = vec![TEAMS.into()];
    assert!(world.validate(v1_claims(json!({}))).await.is_ok(), "appid is the client");
}

#[actix_web::test]
async fn another_sign_in_of_the_same_user_is_another_security_context() {
    let world = World::new();
    let base = world.validate(json!({})).await.unwrap().security_context;
    let same = json!({"uti": "u-2", "iat": world.issuer.now() - 10, "azp": TEAMS.to_uppercase()});
    assert_eq!(world.validate(same).await.unwrap().security_context, base);
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
        assert_ne!(world.validate(changes.clone()).await.unwrap().security_context, base, "{changes}");
    }
    let order = |amr: Value| json!({"amr": amr});
    assert_eq!(
        world.validate(order(json!(["pwd", "mfa"]))).await.unwrap().security_context,
        world.validate(order(json!(["mfa", "pwd"]))).await.unwrap().security_context,
    );
}

#[actix_web::test]
async fn an_outage_of_the_keys_is_no_rejection() {
    let world = World::new();
    world.issuer.published.set_status(500);
    assert_eq!(world.refusal(json!({})).await, ExchangeableTokenError::KeysUnavailable);
}
