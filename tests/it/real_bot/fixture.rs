//! A gateway with an SDK bot behind it and a channel in front of it, and assertions about both.

use bot_sso::dev::Signer;
use bot_sso::domain::Clock;
use serde_json::{Value, json};

use crate::harness::peers::{Peer, Program};
use crate::harness::waiting::wait_for;
use crate::harness::{Answer, Harness, Options, Surroundings};

const OAUTH_CARD: &str = "application/vnd.microsoft.card.oauth";
/// The SDK's own sample bot on `BotBuilder` for Node.
const BOTBUILDER: Program = Program { peer: "botbuilder", script: "bot.mjs" };

/// The bot behind the gateway, and its settings.
pub struct Setup {
    pub program: Program,
    /// The value of `after_exchange`.
    pub mode: &'static str,
    /// The handler class of `BotBuilder`: `teams` or `plain`.
    pub handler: &'static str,
    /// Lines put into `[bots.demo]`.
    pub settings: &'static str,
}

/// A running gateway with the SDK bot behind it.
pub struct Fixture {
    pub harness: Harness,
    bot: Peer,
    bot_base: String,
    mode: &'static str,
}

impl Fixture {
    pub async fn start(mode: &'static str, scenario: &str, handler: &'static str) -> Self {
        Self::start_with(Setup { program: BOTBUILDER, mode, handler, settings: "" }, scenario).await
    }

    /// The application and the bot need each other's address. So the application's listener is bound first, then the
    /// bot starts and prints its address, then the application is built.
    pub async fn start_with(setup: Setup, scenario: &str) -> Self {
        let Setup { program, mode, handler, settings } = setup;
        let surroundings = Surroundings::start().await;
        let mut environment = surroundings.sdk_environment();
        environment.extend([
            ("GRAPH_URL", format!("{}/graph/v1.0/me", surroundings.stage.http_base())),
            ("HANDLER", handler.to_owned()),
            ("TOKEN_EXCHANGE_URI", surroundings.stage.directory().connections[0].token_exchange_uri.clone()),
        ]);
        let label = format!("real-bot-{}-{scenario}-{mode}", program.peer);
        let mut bot = Peer::start(&program, &label, &environment);
        let bot_base = format!("http://127.0.0.1:{}", bot.port().await);
        let endpoint = Some(format!("{bot_base}/api/messages"));
        let options = Options { after_exchange: mode, endpoint, bot: settings, reachable: true, ..Options::default() };
        let harness = surroundings.run(&options).await;
        Self { harness, bot, bot_base, mode }
    }

    /// Posts an activity to the bot without the gateway, as a channel does that knows only the bot.
    pub async fn post_directly(&self, activity: &Value) -> Answer {
        self.post_directly_as(&self.harness.channel_token("demo").await, activity).await
    }

    pub async fn post_directly_as(&self, bearer: &str, activity: &Value) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = serde_json::to_vec(activity).unwrap();
        self.harness.send("POST", &format!("{}/api/messages", self.bot_base), &headers, body).await
    }

    /// Sends a message that needs a sign-in, and returns the content of the card the bot sent for it.
    pub async fn card_for(&self, message: &Value) -> Value {
        let conversation = message["conversation"]["id"].as_str().unwrap();
        let before = self.harness.stage.connector_calls(Some(conversation)).len();
        let status = self.harness.post(message).await.status;
        assert!(matches!(status, 200..=202), "{status}");
        let sent = self.harness.stage.connector_calls(Some(conversation));
        assert_eq!(sent.len(), before + 1, "{sent:?}");
        let attachment = &sent[before]["activity"]["attachments"][0];
        assert_eq!(attachment["contentType"], OAUTH_CARD, "{sent:?}");
        attachment["content"].clone()
    }

    pub async fn state(&self) -> Value {
        self.harness.send("GET", &format!("{}/state", self.bot_base), &[], Vec::new()).await.json()
    }

    /// Waits for the `count`th continuation of the dialog, and until no delivery is left that could continue it once
    /// more.
    pub async fn wait_for_continuation(&mut self, count: u64) -> Value {
        let fits = |event: &Value| event["event"] == "continued" && event["count"] == count;
        self.bot.wait_for("continued", fits).await;
        self.harness.received_once_settled().await;
        let state = self.state().await;
        assert_eq!(state["continued"], count, "{state}");
        assert_eq!(state["noToken"], 0, "{state}");
        assert_eq!(state["errors"], 0, "{state}");
        state
    }

    /// Asserts that the bot received only these activities, and that its dialog still waits.
    pub async fn assert_waits_after(&self, activities: &Value) {
        self.harness.received_once_settled().await;
        let state = self.state().await;
        assert_eq!(&state["activities"], activities, "{state}");
        assert_eq!((&state["continued"], &state["errors"]), (&json!(0), &json!(0)), "{state}");
    }

    /// The texts that the bot sent in a conversation, at least one for each continuation there. Some bots answer the
    /// invoke before they send the text.
    pub async fn messages_said(&self, conversation: &Value) -> Vec<String> {
        let state = self.state().await;
        let continuations = state["continuations"].as_array().unwrap().iter();
        let count = continuations.filter(|continuation| continuation["conversation"] == *conversation).count();
        wait_for("what the bot says", async || {
            let sent = self.harness.stage.connector_calls(conversation.as_str());
            let said = sent.iter().filter_map(|call| call["activity"]["text"].as_str().map(str::to_owned));
            Some(said.collect::<Vec<_>>()).filter(|said| said.len() >= count)
        })
        .await
    }

    /// The name of the activity that continues a dialog in this mode.
    pub fn continuing_activity(&self) -> &'static str {
        if self.mode == "notify" { "tokens/response" } else { "signin/tokenExchange" }
    }
}

pub fn id_of(card: &Value) -> &str {
    card["tokenExchangeResource"]["id"].as_str().unwrap()
}

pub fn assert_exchanged(answer: &Answer, id: &str) {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!((&body["id"], &body["connectionName"]), (&json!(id), &json!("graph")), "{body}");
    // In the mode `forward` the answer is `BotBuilder`'s own, in which the member is null.
    assert!(body["failureDetail"].is_null(), "{body}");
}

pub fn assert_mismatch(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.json());
    assert!(answer.detail().starts_with("identity_mismatch:"), "{}", answer.json());
}

/// A channel's bearer token for another service URL than the stage's.
pub fn channel_token_for(harness: &Harness, service_url: &str) -> String {
    let now = harness.clock.now().unix_seconds();
    let claims = json!({
        "iss": harness.stage.channel_issuer(),
        "aud": harness.bot_app_id("demo"),
        "serviceurl": service_url,
        "nbf": now,
        "exp": now + 3600,
    });
    harness.stage.sign(Signer::Channel, &claims).unwrap()
}
