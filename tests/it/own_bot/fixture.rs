//! An SDK bot that is started with what `bot-sso dev --bot … --sdk …` prints, and a user who talks to it.

use serde_json::Value;

use crate::harness::development::Development;
use crate::harness::peers::{Peer, Program};
use crate::harness::relay::Relay;

pub struct Fixture {
    pub development: Development,
    pub manifest: Value,
    _bot: Peer,
    directory: tempfile::TempDir,
}

/// What a user does in one visit of the chat.
pub struct Talk<'a> {
    pub user: &'a str,
    /// The channel, as the bot sees it.
    pub channel: &'a str,
    pub transport: &'a str,
    pub say: &'a str,
    /// Whether the page answers a sign-in card with a token.
    pub exchange: bool,
}

impl Fixture {
    /// The gateway needs the bot's address and the bot needs the gateway's, so the bot's address is bound first.
    pub async fn start(sdk: &str, program: &Program) -> Self {
        let relay = Relay::bind().await;
        let url = format!("http://127.0.0.1:{}/api/messages", relay.port);
        let development = Development::start_with(&["--bot", &url, "--sdk", sdk, "--walkthrough"]);
        let mut development = development;
        development.read_to(|line, _| line.starts_with("Paste"));
        let mut environment = development.block();
        let port = environment.iter_mut().find(|(name, _)| *name == "PORT").unwrap();
        assert_eq!(port.1, relay.port.to_string());
        "0".clone_into(&mut port.1);
        // Python would write compiled files of the shared modules into `tests/peers`.
        environment.push(("PYTHONDONTWRITEBYTECODE", "1".to_owned()));
        let mut bot = Peer::start(program, &format!("own-bot-{sdk}"), &environment);
        relay.forward_to(bot.port().await);
        let manifest = development.manifest().await;
        Self { development, manifest, _bot: bot, directory: tempfile::tempdir().unwrap() }
    }

    /// One visit of the chat. A user's second visit in a channel continues the conversation.
    pub async fn talk(&self, talk: &Talk<'_>) -> Vec<Value> {
        let state = self.directory.path().join(format!("{}-{}.page", talk.user, talk.channel));
        let environment = [
            ("MANIFEST", self.manifest.to_string()),
            ("USER", talk.user.to_owned()),
            ("BOT", "own-bot".to_owned()),
            ("CHANNEL", talk.channel.to_owned()),
            ("TRANSPORT", talk.transport.to_owned()),
            ("SAY", talk.say.to_owned()),
            ("EXCHANGE", if talk.exchange { "yes" } else { "no" }.to_owned()),
            ("STATE", state.display().to_string()),
        ];
        let label = format!("own-bot-{}-{}", talk.user, talk.transport);
        Peer::start(&Program { peer: "directline", script: "chat.mjs" }, &label, &environment).finish().await
    }

    /// Follows the link of the latest card in a real browser, signs `user` in there, and returns the code on the last page.
    pub async fn code_of_last_card(&self, user: &str) -> String {
        let sent = self
            .get(&self.manifest["channel"]["service_url"].as_str().unwrap().replace("connector/", "connector/_sent"))
            .await;
        let links = sent.as_array().unwrap().iter();
        let mut links =
            links.filter_map(|call| call.pointer("/activity/attachments/0/content/buttons/0/value")?.as_str());
        let outcome = self.directory.path().join("outcome.json");
        let environment = [
            ("LINK", links.next_back().unwrap().to_owned()),
            ("USERNAME", user.to_owned()),
            ("PASSWORD", format!("{user}-password")),
            ("DECISION", "continue".to_owned()),
            ("SCHEME", "light".to_owned()),
            ("CLIENT", "browser".to_owned()),
            ("SCREENSHOTS", self.directory.path().join("page").display().to_string()),
            ("OUTCOME", outcome.display().to_string()),
            ("HOME", self.directory.path().display().to_string()),
        ];
        Peer::start(&Program { peer: "browser", script: "sign_in.mjs" }, "own-bot-browser", &environment)
            .finish()
            .await;
        let outcome: Value = serde_json::from_slice(&std::fs::read(outcome).unwrap()).unwrap();
        outcome["code"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, url: &str) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        serde_json::from_slice(&client.get(url).send().await.unwrap().bytes().await.unwrap()).unwrap()
    }
}

/// The texts that the bot said.
pub fn said(events: &[Value]) -> Vec<&str> {
    let received = events.iter().filter(|event| event["event"] == "received" && event["role"] == "bot");
    received.filter_map(|event| event["text"].as_str()).filter(|text| !text.is_empty()).collect()
}

/// Whether the bot sent a card that a client can answer with a token.
pub fn has_card(events: &[Value]) -> bool {
    events.iter().any(|event| event["card"]["canExchange"] == true)
}
