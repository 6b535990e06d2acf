//! A gateway whose bot `demo` serves agents, and the tokens and activities of the Agent 365 platform and of agents.

use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Options, activities, logs};

pub const CONTOSO: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
pub const FABRIKAM: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";
/// A service URL of the platform that the bot lists.
pub const SERVICE_URL: &str = "https://apac.botapi.skype.com/amer/8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50/";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const EXCHANGE_SCOPE: &str = "api://AzureADTokenExchange/.default";

/// The lines of `[bots.demo.agent_365]`: the agents of Contoso, and no list of agents.
pub const EVERY_AGENT: &str = "[bots.demo.agent_365]\ntenants = [\"8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50\"]\n\
    service_urls = [\"https://smba.trafficmanager.net/\", \"https://*.botapi.skype.com/\"]\n";
/// The app id of the agent `helper`.
pub const HELPER: &str = "a1e40c11-0b2d-4c3e-8f5a-6b7c8d9e0f01";

pub struct Fixture {
    pub harness: Harness,
}

impl Fixture {
    /// Serves every agent of the blueprint at the gateway, and none at the Token Service.
    pub async fn with_every_agent() -> Self {
        Self::with_appended(EVERY_AGENT.to_owned()).await
    }

    /// Serves the agent `helper` alone.
    pub async fn with_helper() -> Self {
        Self::with_appended(format!("{EVERY_AGENT}agents = [\"{HELPER}\"]\n")).await
    }

    pub async fn with_appended(appended: String) -> Self {
        Self { harness: Harness::with(Options { appended, ..Options::default() }).await }
    }

    /// Serves the agent `helper`, and trusts bots of both tenants at the Token Service.
    pub async fn with_bots_of_both_tenants() -> Self {
        let appended = format!("{EVERY_AGENT}agents = [\"{HELPER}\"]\n");
        let tenants = format!("[\"{CONTOSO}\", \"{FABRIKAM}\"]");
        let environment = vec![("BOT_SSO_TOKEN_SERVICE__TENANTS".to_owned(), tenants)];
        Self { harness: Harness::with(Options { appended, environment, ..Options::default() }).await }
    }

    pub fn blueprint(&self) -> &'static str {
        self.harness.bot_app_id("demo")
    }

    /// The platform's token for the bot `demo`, of Contoso.
    pub async fn platform_token(&self) -> String {
        self.platform_token_of(CONTOSO).await
    }

    pub async fn platform_token_of(&self, tenant: &str) -> String {
        let manifest = self.harness.stage.manifest(&self.harness.base);
        let platform = &manifest["agent_365"];
        let url = platform["token_endpoint"].as_str().unwrap().replace(CONTOSO, tenant);
        let scope = format!("{}/.default", self.blueprint());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", platform["client_id"].as_str().unwrap()),
            ("client_secret", platform["client_secret"].as_str().unwrap()),
            ("scope", &scope),
        ];
        self.harness.token_request(&url, &form).await
    }

    /// The token with which the agent `name` authenticates at its tenant.
    async fn blueprint_token(&self, name: &str) -> String {
        let directory = self.harness.stage.directory();
        let agent = directory.agents.iter().find(|agent| agent.name == name).unwrap();
        let bot = directory.find_bot(agent.bot).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", bot.app_id),
            ("client_secret", bot.app_secret),
            ("scope", EXCHANGE_SCOPE),
            ("fmi_path", agent.agent_app_id),
        ];
        self.harness.token_request(&self.token_endpoint(), &form).await
    }

    /// An app token of the agent `name`.
    pub async fn agent_token(&self, name: &str, scope: &str) -> String {
        let assertion = self.blueprint_token(name).await;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.agent_app_id(name)),
            ("client_assertion", &assertion),
            ("client_assertion_type", ASSERTION_TYPE),
            ("scope", scope),
        ];
        self.harness.token_request(&self.token_endpoint(), &form).await
    }

    /// A token of the user of the agent `name`.
    pub async fn agent_users_token(&self, name: &str, scope: &str) -> String {
        let (assertion, credential) = (self.blueprint_token(name).await, self.agent_token(name, EXCHANGE_SCOPE).await);
        let form = [
            ("grant_type", "user_fic"),
            ("client_id", self.agent_app_id(name)),
            ("client_assertion", &assertion),
            ("client_assertion_type", ASSERTION_TYPE),
            ("user_federated_identity_credential", &credential),
            ("user_id", &self.agent_user_id(name)),
            ("scope", scope),
        ];
        self.harness.token_request(&self.token_endpoint(), &form).await
    }

    pub fn agent_app_id(&self, name: &str) -> &'static str {
        let directory = self.harness.stage.directory();
        directory.agents.iter().find(|agent| agent.name == name).unwrap().agent_app_id
    }

    pub fn agent_user_id(&self, name: &str) -> String {
        self.harness.user(&format!("{name}-user")).oid.to_owned()
    }

    fn token_endpoint(&self) -> String {
        format!("{}/{CONTOSO}/oauth2/v2.0/token", self.harness.stage.http_base())
    }

    /// `activity` as the platform sends it to the agent `helper` in a chat.
    pub fn for_helper(&self, mut activity: Value) -> Value {
        activity["serviceUrl"] = SERVICE_URL.into();
        activity["recipient"] = json!({
            "id": format!("8:orgid:{}", self.agent_user_id("helper")),
            "role": "agenticUser",
            "agenticUserId": self.agent_user_id("helper"),
            "agenticAppId": self.agent_app_id("helper"),
            "agenticAppBlueprintId": self.blueprint(),
            "tenantId": CONTOSO,
        });
        activity
    }

    /// A message of Ada to the agent `helper`.
    pub fn message(&self) -> Value {
        self.for_helper(activities::message(&self.harness, &self.harness.user("Ada"), "hello"))
    }

    /// An invoke by which the client of `user` signs in, in Ada's chat with the agent `helper`.
    pub async fn exchange_of(&self, user: &str) -> Value {
        let token = self.harness.user_token(user, "graph").await;
        self.for_helper(activities::exchange(&self.harness, &self.harness.user("Ada"), "x", &token))
    }

    /// An event in the life of the user whose object id is `agent_user`.
    pub fn lifecycle(&self, kind: &str, agent_user: &str, version: u64) -> Value {
        let (first, rest) = kind.split_at(1);
        json!({
            "type": "event",
            "name": "agentLifecycle",
            "id": format!("{kind}-{version}"),
            "channelId": "agents",
            "serviceUrl": SERVICE_URL,
            "from": { "id": "System" },
            "recipient": { "id": self.blueprint() },
            "conversation": { "id": "lifecycle" },
            "valueType": kind,
            "value": {
                "eventType": format!("{}{rest}", first.to_lowercase()),
                "tenantId": CONTOSO,
                "agenticUserId": agent_user,
                "agentIdentityBlueprintId": self.blueprint(),
                "version": version,
            },
        })
    }

    /// Posts an activity to `demo` as the platform.
    pub async fn post(&self, activity: &Value) -> Answer {
        let token = self.platform_token().await;
        self.harness.post_as("demo", &token, activity).await
    }

    /// Posts Ada's message to the agent `helper` with this bearer.
    pub async fn post_message_as(&self, bearer: &str) -> Answer {
        self.harness.post_as("demo", bearer, &self.message()).await
    }

    /// Signs Ada in on Teams, as she does in a chat with the bot itself.
    pub async fn sign_ada_in(&self) {
        let token = self.harness.user_token("Ada", "graph").await;
        let ada = self.harness.user("Ada");
        let answer = self.harness.post(&activities::exchange(&self.harness, &ada, "before", &token)).await;
        assert_eq!(answer.status, 200);
    }

    /// `GetToken` for Ada with this bearer.
    pub async fn get_token_as(&self, bearer: &str) -> Answer {
        let path = "/api/usertoken/GetToken?userId=29:ada&connectionName=graph&channelId=msteams";
        let authorization = format!("Bearer {bearer}");
        self.harness.send("GET", path, &[("authorization", &authorization)], Vec::new()).await
    }

    /// Asserts that the answer of `sending` is this refusal, that the log has one line about it with this check, and that
    /// nothing is forwarded or exchanged.
    pub async fn assert_refused(&self, case: &str, sending: impl Future<Output = Answer>, refusal: Refused) {
        let (logged, received) = (logs::length(), self.harness.bot.received().len());
        let answer = sending.await;
        let code = answer.json()["error"]["code"].clone();
        assert_eq!((answer.status, &code), (refusal.status, &refusal.code.into()), "{case}");
        let complaints = logs::complaints_of(&self.harness.tag, logged);
        let [line] = complaints.as_slice() else { panic!("{case}: not one line: {complaints:#?}") };
        assert_eq!(line["check"], refusal.check, "{case}: {line}");
        assert!(line["hint"].as_str().is_some_and(|hint| !hint.contains("report a bug")), "{case}: {line}");
        assert_eq!(self.harness.bot.received().len(), received, "{case}: something was forwarded");
        assert_eq!(self.harness.exchanges(), 0, "{case}: something was exchanged");
    }
}

/// The status and the code that a refused caller gets, and the check that the log names.
#[derive(Clone, Copy)]
pub struct Refused {
    pub status: u16,
    pub code: &'static str,
    pub check: &'static str,
}

/// A refusal of a caller that is not allowed.
pub const fn not_allowed(check: &'static str) -> Refused {
    Refused { status: 403, code: "CallerNotAllowed", check }
}
