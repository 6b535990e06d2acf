//! Tokens of agents and of their platform (docs/protocols/agent-identity.md §3, §6).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::tests::{CALLER, Fixture};
use super::*;
use crate::token_validation::testing::{BOT, OTHER_TENANT, TENANT, with};

const PLATFORM: &str = "5a807f24-c9de-44ee-a3a7-329e88a00ffc";
const BLUEPRINT: &str = "b1e0000f-0000-4000-8000-00000000b001";

fn fixture() -> Fixture {
    Fixture::with_platforms(vec![PLATFORM.to_owned()])
}

/// The changes that make an app token of an agent identity.
fn of_agent() -> Value {
    json!({"oid": "principal", "sub": "/eid1/c/pub/t/x/a/y/agent", "xms_par_app_azp": BLUEPRINT.to_uppercase(),
        "xms_act_fct": "9 11 1", "xms_sub_fct": "11"})
}

/// The changes that make a token of an agent user.
fn of_agent_user() -> Value {
    with(of_agent(), json!({"idtyp": "user", "scp": "user_impersonation", "upn": "agent@x", "xms_sub_fct": "13 1"}))
}

fn agent_claims(blueprint_id: Option<&str>) -> Arc<AppClaims> {
    let blueprint_id = blueprint_id.map(str::to_owned);
    Arc::new(AppClaims { audience: BOT.into(), app_id: CALLER.into(), tenant_id: TENANT.into(), blueprint_id })
}

fn elsewhere() -> Value {
    json!({"tid": OTHER_TENANT, "iss": format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")})
}

#[actix_web::test]
async fn an_agent_identity_is_an_application_although_its_oid_and_sub_differ() {
    let expected = Ok(VerifiedCaller::App(agent_claims(Some(BLUEPRINT))));
    assert_eq!(fixture().app(of_agent()).await, expected);
    let unknown = Fixture::with_platforms(Vec::new()).app(of_agent()).await;
    assert_eq!(unknown, Ok(VerifiedCaller::App(agent_claims(None))), "no bot has agents");
}

#[actix_web::test]
async fn an_agent_user_is_known_by_its_facets_and_its_blueprint() {
    let fixture = fixture();
    for facets in ["13", "13 1", "1 13", "2 13  7", "13 4294967295"] {
        let caller = fixture.app(with(of_agent_user(), json!({"xms_sub_fct": facets}))).await;
        assert_eq!(caller, Ok(VerifiedCaller::AgentUser(agent_claims(Some(BLUEPRINT)))), "{facets}");
    }
}

// AG-16, AG-20, AG-21.
#[actix_web::test]
async fn a_users_token_without_the_facets_of_an_agent_user_is_a_humans() {
    let fixture = fixture();
    for changes in [
        json!({"xms_sub_fct": null}),
        json!({"xms_sub_fct": ""}),
        json!({"xms_sub_fct": "11"}),
        json!({"xms_sub_fct": "13,11"}),
        json!({"xms_sub_fct": "x 13"}),
        json!({"xms_sub_fct": "13 x"}),
        json!({"xms_sub_fct": "113"}),
        json!({"xms_sub_fct": "1 3"}),
        json!({"xms_sub_fct": "+13"}),
        json!({"xms_sub_fct": "13\t"}),
        json!({"xms_sub_fct": "4294967309 13"}),
        json!({"xms_sub_fct": ["13"]}),
        json!({"xms_act_fct": null}),
        json!({"xms_act_fct": "111"}),
        json!({"xms_act_fct": "11,9"}),
        json!({"xms_par_app_azp": null}),
        json!({"xms_par_app_azp": "blueprint"}),
        json!({"idtyp": null}),
        json!({"idtyp": "User"}),
        json!({"azpacr": "0"}),
        elsewhere(),
    ] {
        let refused = fixture.app(with(of_agent_user(), changes.clone())).await;
        assert!(matches!(refused, Err(CallerTokenError::Delegated { .. })), "{changes}: {refused:?}");
    }
    let unknown = Fixture::with_platforms(Vec::new()).app(of_agent_user()).await;
    assert!(matches!(unknown, Err(CallerTokenError::Delegated { .. })), "no bot has agents");
}

// AG-12.
#[actix_web::test]
async fn the_platform_of_an_unlisted_tenant_is_known_as_such_and_no_other_application_is() {
    let fixture = fixture();
    let unlisted = Err(CallerTokenError::UnlistedPlatformTenant { audience: BOT.into() });
    assert_eq!(fixture.app(with(elsewhere(), json!({"azp": PLATFORM}))).await, unlisted);
    assert_eq!(fixture.app(elsewhere()).await, Err(CallerTokenError::Invalid { check: "tid" }));
    let unknown = Fixture::with_platforms(Vec::new()).app(with(elsewhere(), json!({"azp": PLATFORM}))).await;
    assert_eq!(unknown, Err(CallerTokenError::Invalid { check: "tid" }));
}
