//! The token flows of agent identities and agent users (docs/protocols/agent-identity.md §2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use crate::dev::test_client::{Fixture, Reply};

const EXCHANGE_SCOPE: &str = "api://AzureADTokenExchange/.default";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const HELPER: &str = "a1e40c11-0b2d-4c3e-8f5a-6b7c8d9e0f01";
const SCRIBE: &str = "a2f51d22-1c3e-4d4f-905b-7c8d9eaf1002";
const COURIER: &str = "a3062e33-2d4f-4e50-a16c-8d9eafb02103";
const HELPER_USER: &str = "0a9e0000-1111-4222-8333-0000000a6e01";

impl Fixture {
    /// The first bot's request for the token with which an agent identity authenticates.
    async fn request_blueprint_token(&self, tenant: &str, more: &[(&str, &str)]) -> Reply {
        let bot = &self.stage.directory().bots[0];
        let own = [
            ("grant_type", "client_credentials"),
            ("client_id", bot.app_id),
            ("client_secret", bot.app_secret),
            ("scope", EXCHANGE_SCOPE),
        ];
        self.form(&self.token_url(tenant), &[&own, more].concat()).await
    }

    async fn blueprint_token(&self, agent: &str) -> String {
        let reply = self.request_blueprint_token(self.tenant(), &[("fmi_path", agent)]).await;
        reply.text_member("access_token").to_owned()
    }

    async fn request_as_agent(&self, agent: &str, assertion: &str, more: &[(&str, &str)]) -> Reply {
        let own = [("client_id", agent), ("client_assertion", assertion), ("client_assertion_type", ASSERTION_TYPE)];
        self.form(&self.token_url(self.tenant()), &[&own, more].concat()).await
    }

    async fn instance_token(&self, agent: &str, scope: &str) -> Reply {
        let assertion = self.blueprint_token(agent).await;
        self.request_as_agent(agent, &assertion, &[("grant_type", "client_credentials"), ("scope", scope)]).await
    }

    async fn request_agent_users_token(&self, user: &[(&str, &str)]) -> Reply {
        let assertion = self.blueprint_token(HELPER).await;
        let instance = self.instance_token(HELPER, EXCHANGE_SCOPE).await;
        let credential = instance.text_member("access_token");
        let own = [
            ("grant_type", "user_fic"),
            ("scope", "https://botapi.skype.com/.default"),
            ("user_federated_identity_credential", credential),
        ];
        self.request_as_agent(HELPER, &assertion, &[&own, user].concat()).await
    }
}

fn claims_of(reply: &Reply) -> Value {
    let token = reply.text_member("access_token");
    jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims
}

#[actix_web::test]
async fn an_agent_identity_gets_app_tokens_with_the_token_of_its_blueprint() {
    let fixture = Fixture::start().await;
    for scope in [EXCHANGE_SCOPE, "api://AzureAdTokenExchange/.default"] {
        let reply = fixture.request_blueprint_token(fixture.tenant(), &[("fmi_path", HELPER)]).await;
        assert_eq!(reply.status, 200, "{scope}: {}", reply.text);
    }
    let claims = claims_of(&fixture.instance_token(HELPER, "https://api.botframework.com/.default").await);
    assert_eq!((&claims["idtyp"], &claims["appid"]), (&"app".into(), &HELPER.into()), "{claims}");
    assert_ne!(claims["oid"], claims["sub"]);
    assert_eq!(claims["xms_par_app_azp"], fixture.stage.directory().bots[0].app_id);
    assert_eq!((&claims["xms_act_fct"], &claims["xms_sub_fct"]), (&"9 11 1".into(), &"11".into()));
}

#[actix_web::test]
async fn an_agent_identity_gets_its_agent_users_token_by_object_id_or_principal_name() {
    let fixture = Fixture::start().await;
    for user in [("user_id", HELPER_USER), ("username", "helper@contoso.example")] {
        let reply = fixture.request_agent_users_token(&[user]).await;
        let claims = claims_of(&reply);
        assert_eq!((&claims["idtyp"], &claims["oid"]), (&"user".into(), &HELPER_USER.into()), "{claims}");
        assert_eq!((&claims["aud"], &claims["ver"]), (&"https://botapi.skype.com".into(), &"1.0".into()));
        assert_eq!((&claims["xms_act_fct"], &claims["xms_sub_fct"]), (&"9 11 1".into(), &"13 1".into()));
    }
    let refused = fixture.request_agent_users_token(&[("user_id", "helper@contoso.example")]).await;
    assert_eq!((refused.status, refused.text_member("error"), refused.aadsts_number()), (400, "server_error", 50_000));
    let another = fixture.request_agent_users_token(&[("username", "scribe@contoso.example")]).await;
    assert_eq!(another.aadsts_number(), 50_034);
}

#[actix_web::test]
async fn a_blueprint_gets_tokens_for_its_own_agents_in_their_tenant_alone() {
    let fixture = Fixture::start().await;
    let foreign = fixture.request_blueprint_token(fixture.tenant(), &[("fmi_path", COURIER)]).await;
    assert_eq!(foreign.aadsts_number(), 700_211);
    let empty = fixture.request_blueprint_token(fixture.tenant(), &[("fmi_path", "")]).await;
    assert_eq!(empty.status, 400);
    let elsewhere = fixture.stage.directory().tenants[1].id;
    let of_other_tenant = fixture.request_blueprint_token(elsewhere, &[("fmi_path", HELPER)]).await;
    let scope = [("grant_type", "client_credentials"), ("scope", EXCHANGE_SCOPE)];
    let used = fixture.request_as_agent(HELPER, of_other_tenant.text_member("access_token"), &scope).await;
    assert_eq!(used.aadsts_number(), 700_211);
    let of_scribe = fixture.blueprint_token(SCRIBE).await;
    assert_eq!(fixture.request_as_agent(HELPER, &of_scribe, &scope).await.aadsts_number(), 700_213);
    let without_assertion = [&scope[..], &[("client_id", HELPER)]].concat();
    let refused = fixture.form(&fixture.token_url(fixture.tenant()), &without_assertion).await;
    assert_eq!(refused.aadsts_number(), 7_000_218);
}

#[actix_web::test]
async fn an_agent_user_has_no_password() {
    let fixture = Fixture::start().await;
    let client = fixture.stage.directory().clients[0].client_id;
    let fields = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", "helper-user"),
        ("password", "any"),
        ("scope", "https://graph.microsoft.com/User.Read"),
    ];
    assert_eq!(fixture.form(&fixture.token_url(fixture.tenant()), &fields).await.aadsts_number(), 50_034);
}
