//! What a client is asked to do, and what it said it got.

use serde_json::Value;

use crate::harness::peers::{Peer, Program};
use crate::harness::{Harness, Options, Surroundings, activities};

/// A resource that the connections give tokens for.
pub const RESOURCE: &str = "https://graph.microsoft.com/";

/// The application, and users who stand ready.
pub struct Story {
    harness: Harness,
    /// What points an SDK at the application.
    sdk_environment: Vec<(&'static str, String)>,
}

/// What a client printed. A test that fails shows it.
pub struct Told(Vec<Value>);

/// How an SDK says that there is no token.
pub enum NoToken {
    /// `null`, `None`.
    Nothing,
    /// An answer without a token: its one member in Node, its type in Python.
    Empty { answered: &'static str },
    /// The exception of its HTTP client, with the answer's status.
    NotFound { raised: &'static str },
}

impl Story {
    /// With lines put into `[bots.demo]`.
    pub async fn start(bot: &'static str) -> Self {
        let connection = format!("aad_resources = [\"{RESOURCE}\"]");
        let options = Options { connection, offline_access: true, bot, reachable: true, ..Options::default() };
        let surroundings = Surroundings::start().await;
        let sdk_environment = surroundings.sdk_environment();
        Self { harness: surroundings.run(&options).await, sdk_environment }
    }

    /// Ada signs in and out; Cleo lacks consent.
    pub async fn told_by(&self, program: &Program) -> Told {
        let environment = self.environment().await;
        let label = format!("real-client-{}", program.peer);
        Told(Peer::start(program, &label, &environment).finish().await)
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

impl Told {
    pub fn step(&self, name: &str) -> &Value {
        self.0.iter().find(|line| line["step"] == name).unwrap_or_else(|| panic!("no step {name}"))
    }

    /// Nothing else will do: a type error, a refused connection or a 500 is no "no token".
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
