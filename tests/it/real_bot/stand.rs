//! The bot behind the gateway, a channel in front of it, and what the scenarios assert about both.

use std::time::Duration;

use bot_sso::dev::Signer;
use bot_sso::domain::Clock;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::peers::{Peer, Program, free_port};
use crate::harness::{Answer, Harness, Options};

const OAUTH_CARD: &str = "application/vnd.microsoft.card.oauth";
/// Node starts slowly when every core is busy.
const START_LIMIT: Duration = Duration::from_mins(1);
/// For a turn of the bot.
pub const TURN_LIMIT: Duration = Duration::from_secs(15);
/// A second continuation would have come by then.
const SETTLING: Duration = Duration::from_millis(400);

/// The bot behind the gateway.
pub struct Stand {
    pub harness: Harness,
    bot: Peer,
    bot_base: String,
    mode: &'static str,
}

impl Stand {
    pub async fn set(mode: &'static str, scenario: &str, handler: &str) -> Self {
        let bot_base = format!("http://127.0.0.1:{}", free_port());
        let endpoint = Some(format!("{bot_base}/api/messages"));
        let harness = Harness::with(Options { after_exchange: mode, endpoint, ..Options::default() }).await;
        let environment = environment(&harness, &bot_base, handler);
        let program = Program { peer: "botbuilder", script: "bot.mjs" };
        let mut bot = Peer::start(&program, &format!("real-bot-{scenario}-{mode}"), &environment);
        bot.wait_for("listening", START_LIMIT, |event| event["event"] == "listening").await;
        Self { harness, bot, bot_base, mode }
    }

    /// Sends a message that needs a sign-in, and returns the content of the card the bot sent for it.
    pub async fn card_for(&self, message: &Value) -> Value {
        let conversation = message["conversation"]["id"].as_str().unwrap();
        let before = self.harness.stage.sent(Some(conversation)).len();
        assert_eq!(self.harness.post(message).await.status, 200);
        let sent = self.harness.stage.sent(Some(conversation));
        assert_eq!(sent.len(), before + 1, "{sent:?}");
        let attachment = &sent[before]["activity"]["attachments"][0];
        assert_eq!(attachment["contentType"], OAUTH_CARD, "{sent:?}");
        attachment["content"].clone()
    }

    pub async fn state(&self) -> Value {
        self.harness.send("GET", &format!("{}/state", self.bot_base), &[], Vec::new()).await.json()
    }

    /// Waits for the dialog's `count`th continuation, and a little longer for one too many.
    pub async fn continued(&mut self, count: u64) -> Value {
        let fits = |event: &Value| event["event"] == "continued" && event["count"] == count;
        self.bot.wait_for("continued", TURN_LIMIT, fits).await;
        sleep(SETTLING).await;
        let state = self.state().await;
        assert_eq!(state["continued"], count, "{state}");
        assert_eq!(state["noToken"], 0, "{state}");
        assert_eq!(state["errors"], 0, "{state}");
        state
    }

    /// Asserts that the bot got nothing but these activities, and that its dialog still waits.
    pub async fn waits_after(&self, activities: &Value) {
        sleep(SETTLING).await;
        let state = self.state().await;
        assert_eq!(&state["activities"], activities, "{state}");
        assert_eq!((&state["continued"], &state["errors"]), (&json!(0), &json!(0)), "{state}");
    }

    /// What the bot said in words in a conversation.
    pub fn said(&self, conversation: &Value) -> Vec<String> {
        let sent = self.harness.stage.sent(conversation.as_str());
        sent.iter().filter_map(|call| call["activity"]["text"].as_str().map(str::to_owned)).collect()
    }

    /// The name of the activity that continues a dialog in this mode.
    pub fn cause(&self) -> &'static str {
        if self.mode == "notify" { "tokens/response" } else { "signin/tokenExchange" }
    }
}

/// The table of `tests/peers/botbuilder/README.md`.
fn environment(harness: &Harness, bot_base: &str, handler: &str) -> Vec<(&'static str, String)> {
    let stage = harness.stage.http_base();
    let tenant = harness.stage.directory().main_tenant_id();
    let metadata = format!("{stage}/channel/v1/.well-known/openidconfiguration");
    vec![
        ("PORT", bot_base.rsplit(':').next().unwrap().to_owned()),
        ("MicrosoftAppId", harness.bot_app_id("demo").to_owned()),
        ("MicrosoftAppType", "UserAssignedMsi".to_owned()),
        ("MicrosoftAppTenantId", tenant.to_owned()),
        ("IDENTITY_ENDPOINT", format!("{stage}/msi/token")),
        ("IDENTITY_HEADER", "any".to_owned()),
        ("OAuthUrl", harness.base.clone()),
        ("ToChannelFromBotLoginUrl", format!("{stage}/{tenant}")),
        ("ToChannelFromBotOAuthScope", "https://api.botframework.com".to_owned()),
        ("ToBotFromChannelTokenIssuer", harness.stage.channel_issuer()),
        ("ToBotFromChannelOpenIdMetadataUrl", metadata.clone()),
        ("ToBotFromEmulatorOpenIdMetadataUrl", metadata),
        ("ValidateAuthority", "false".to_owned()),
        ("CallerId", "urn:botframework:azure".to_owned()),
        ("CONNECTION_NAME", "graph".to_owned()),
        ("GRAPH_URL", format!("{stage}/graph/v1.0/me")),
        ("HANDLER", handler.to_owned()),
    ]
}

pub fn id_of(card: &Value) -> &str {
    card["tokenExchangeResource"]["id"].as_str().unwrap()
}

pub fn assert_exchanged(answer: &Answer, id: &str) {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!((&body["id"], &body["connectionName"]), (&json!(id), &json!("graph")), "{body}");
    // BotBuilder's own answer, in `forward`, holds a null.
    assert!(body["failureDetail"].is_null(), "{body}");
}

pub fn assert_mismatch(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.json());
    assert!(answer.detail().starts_with("identity_mismatch:"), "{}", answer.json());
}

/// A channel's bearer for another service URL than the stage's.
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
