//! The calls that a client makes, and the lines that it prints about the answers.

use serde_json::Value;

use crate::harness::peers::{Peer, Program};
use crate::harness::{Harness, Options, Surroundings, activities};

/// A resource for which the connections give tokens.
pub const RESOURCE: &str = "https://graph.microsoft.com/";

/// The running application, with users for the client to sign in.
pub struct Fixture {
    harness: Harness,
    /// The settings that point an SDK at the application.
    sdk_environment: Vec<(&'static str, String)>,
}

/// The lines that a client printed.
pub struct ClientReport(Vec<Value>);

/// An SDK's form for "there is no token".
pub enum NoToken {
    /// `null` or `None`.
    Nothing,
    /// An answer object without a token: the name of its only member in Node, of its type in Python.
    Empty { answered: &'static str },
    /// An exception of the SDK's HTTP client with the answer's status.
    NotFound { raised: &'static str },
}

impl Fixture {
    /// Starts the application with the lines `bot` in `[bots.demo]`.
    pub async fn start(bot: &'static str) -> Self {
        Self::start_in("", bot).await
    }

    /// As [`Fixture::start`], with this `after_exchange`.
    pub async fn start_in(after_exchange: &'static str, bot: &'static str) -> Self {
        let connection = format!("aad_resources = [\"{RESOURCE}\"]");
        let options =
            Options { connection, offline_access: true, after_exchange, bot, reachable: true, ..Options::default() };
        let surroundings = Surroundings::start().await;
        let sdk_environment = surroundings.sdk_environment();
        Self { harness: surroundings.run(&options).await, sdk_environment }
    }

    /// Runs a client program: Ada signs in and out, and Cleo, who has not consented, is refused.
    pub async fn run_client(&self, program: &Program) -> ClientReport {
        let environment = self.environment().await;
        let label = format!("real-client-{}", program.peer);
        ClientReport(Peer::start(program, &label, &environment).finish().await)
    }

    /// The prefix of the application's request ids.
    pub fn tag(&self) -> &str {
        &self.harness.tag
    }

    async fn environment(&self) -> Vec<(&'static str, String)> {
        let harness = &self.harness;
        let (ada, cleo) = (harness.user("Ada"), harness.user("Cleo"));
        let mut environment = self.sdk_environment.clone();
        environment.extend([
            ("RESOURCE_URL", RESOURCE.to_owned()),
            ("ACTIVITY", activities::message(harness, &ada, "hello").to_string()),
            ("EXCHANGEABLE_TOKEN", harness.user_token("Ada", "graph").await),
            ("REFUSED_ACTIVITY", activities::message(harness, &cleo, "hello").to_string()),
            ("REFUSED_TOKEN", harness.user_token("Cleo", "graph").await),
        ]);
        environment
    }
}

impl ClientReport {
    pub fn step(&self, name: &str) -> &Value {
        self.0.iter().find(|line| line["step"] == name).unwrap_or_else(|| panic!("no step {name}"))
    }

    /// Asserts exactly this form: a type error, a refused connection or a 500 does not mean "no token".
    pub fn assert_no_token(&self, name: &str, how: &NoToken) {
        let step = self.step(name);
        match how {
            NoToken::Nothing => assert_eq!(step["answered"], "nothing", "{step}"),
            NoToken::Empty { answered } => {
                assert_eq!((&step["answered"], &step["hasToken"]), (&(*answered).into(), &false.into()), "{step}");
            }
            NoToken::NotFound { raised } => {
                assert_eq!((&step["raised"], &step["status"]), (&(*raised).into(), &404.into()), "{step}");
            }
        }
    }
}
