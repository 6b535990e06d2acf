use std::ops::Deref;

use bot_sso::dev::{Fault, FaultRule, Stage};
use bot_sso::domain::SecretHash;
use serde_json::Value;

use super::api::Api;
use crate::harness::{Answer, Harness, Options, Surroundings};

pub const ORIGIN: &str = "https://addin.example.com";
pub const CALLER: &str = "middle-tier";
pub const CALLER_SECRET: &str = "the-secret-of-the-middle-tier";
/// The path of user data of the add-in `files`, which has the inline convention.
pub const USER_DATA: &str = "/getuserdata";
pub const IDENTITY: &str = "/api/add-ins/files/identity";
pub const ME: &str = "/api/add-ins/files/downstream/me";

/// The application with the add-ins `files` and `other`, whose client is that of the demo bot's connection, and the API that
/// they call.
pub struct Fixture {
    pub harness: Harness,
    pub api: Api,
}

impl Deref for Fixture {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts with further lines in `[add_ins.files]`.
    pub async fn with(lines: &str) -> Self {
        let api = Api::start();
        let base = api.base();
        Self { harness: start(lines, &base).await, api }
    }

    /// A token of `user` for the add-in, as Office gives it to the pane.
    pub async fn office_token(&self, user: &str) -> String {
        self.user_token(user, "graph").await
    }

    pub async fn get_as(&self, bearer: &str, path: &str) -> Answer {
        self.call_as(bearer, "GET", path, &[], Vec::new()).await
    }

    pub async fn call_as(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.send(method, path, &all, body).await
    }

    /// Lets the stage answer the next exchange as Entra words this error.
    pub fn refuse_next(&self, number: &str) {
        let path = format!("{}/fixtures/token_endpoint/aadsts_{number}.json", env!("CARGO_MANIFEST_DIR"));
        let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let status = u16::try_from(fixture["answer"]["status"].as_u64().unwrap()).unwrap();
        let body = fixture["answer"]["json"].to_string();
        let fault = Fault::Answer { status, content_type: "application/json".to_owned(), body };
        self.stage.faults().add(FaultRule::new(fault).times(1));
    }
}

/// Starts the application with its add-ins, whose API is at `api`.
pub async fn start(lines: &str, api: &str) -> Harness {
    let surroundings = Surroundings::start().await;
    let (appended, secret) = write_add_ins(&surroundings.stage, lines, api);
    let environment = vec![("FILES_SECRET".to_owned(), secret)];
    let options = Options { appended, environment, operations: true, ..Options::default() };
    surroundings.run(&options).await
}

/// The sections of the add-ins, and the secret of their client.
fn write_add_ins(stage: &Stage, lines: &str, api: &str) -> (String, String) {
    let directory = stage.directory();
    let client = directory.connections.iter().find(|entry| entry.bot == "demo" && entry.name == "graph").unwrap();
    let tenants: Vec<_> = directory.tenants.iter().map(|tenant| tenant.id).collect();
    let hash = SecretHash::of(CALLER_SECRET).to_text();
    let section = |name: &str, caller: &str| {
        format!(
            "[add_ins.{name}]\nclient_id = \"{}\"\nclient_secret = {{ env = \"FILES_SECRET\" }}\ntenants = {tenants:?}\n\
             scopes = {:?}\norigins = [\"{ORIGIN}\"]\n\
             callers = [{{ client_id = \"{caller}\", secret_sha256 = [\"{hash}\"] }}]\n",
            client.client_id, client.scopes
        )
    };
    let files = section("files", CALLER);
    let text = format!(
        "{files}downstream = {{ url = \"{api}\", paths = [\"/me\", \"/me/drive/*\"], methods = [\"GET\", \"POST\", \"PATCH\"] }}\n\
         user_data = {{ path = \"{USER_DATA}\", downstream = \"/me\", errors = \"inline\" }}\n{lines}\n{}",
        section("other", "other-tier")
    );
    (text, client.client_secret.to_owned())
}
