//! Connections of bots whose users are those of a directory: a card leads through the browser session of the directory.

mod attacks;
mod endings;
mod journeys;

use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::fixture::{ADA, Directories, MARKET, Setup};
use super::forms::forms;
use crate::harness::{Answer, activities};

/// The application of the directory that stands for the connection `market` of the bot `demo`.
pub const CLIENT_ID: &str = "bot-sso.demo.market";

/// The connections of the bot `demo` to the directories: one of each, and one that shows a page at each sign-in.
const CONNECTIONS: &str = r#"
[connections.demo-market]
bot = "demo"
name = "market"
identity_provider = "market"
scopes = ["email"]

[connections.demo-campus]
bot = "demo"
name = "campus"
identity_provider = "campus"

[connections.demo-market-asking]
bot = "demo"
name = "asking"
identity_provider = "market"
prompt = "login"
"#;

/// The application, and Ada, who is a user of the directory `market`.
pub struct MarketBot {
    pub directories: Directories,
    /// Ada's id in the directory.
    pub ada: String,
}

impl MarketBot {
    pub async fn start() -> Self {
        let directories = Directories::with(Setup { tables: CONNECTIONS, ..Setup::default() }).await;
        let ada = directories.create_user(&MARKET, &ADA).await;
        Self { directories, ada }
    }

    /// The link of a card for the Web Chat user `chat_user`.
    pub async fn card(&self, chat_user: &str, connection: &str) -> String {
        let harness = &self.directories.harness;
        let ada = activities::teams(harness, &harness.user("Ada"));
        let activity = activities::on_channel(ada, "webchat", chat_user);
        let resource = harness.sign_in_resource(&activity, connection).await;
        assert!(resource["tokenExchangeResource"].is_null(), "{resource}");
        resource["signInLink"].as_str().unwrap().to_owned()
    }

    /// `GetToken` of the Web Chat user `chat_user`.
    pub async fn get_token(&self, chat_user: &str) -> Answer {
        self.directories.harness.get_token("webchat", chat_user, "market").await
    }

    /// `GetToken` with the code that the user types into the chat.
    pub async fn redeem(&self, chat_user: &str, code: &str) -> Answer {
        let query = [("userId", chat_user), ("connectionName", "market"), ("channelId", "webchat"), ("code", code)];
        self.directories.harness.get_token_as("demo", &query).await
    }

    /// Signs the Web Chat user `chat_user` in as the user of the directory whose session `browser` has; returns the token.
    pub async fn sign_in(&self, browser: &mut Browser, chat_user: &str) -> String {
        let question = browser.visit(&self.card(chat_user, "market").await).await;
        let code = confirm(browser, question).await.code();
        token_of(&self.redeem(chat_user, &code).await)
    }

    /// Whether introspection says that a token is good.
    pub async fn is_active(&self, token: &str) -> bool {
        self.directories.is_active(&super::fixture::SHOP, token).await
    }

    /// Changes Ada in the management API.
    pub async fn change_ada(&self, active: bool) {
        let body =
            json!({ "emails": [{ "value": ADA.email, "primary": true }], "displayName": ADA.name, "active": active });
        let path = format!("/cloud_directory/Users/{}", self.ada);
        let changed = self.directories.manage(&MARKET, "PUT", &path, &body).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }

    /// The key by which the operator names Ada, as a part of a path.
    pub fn ada_key(&self) -> String {
        format!("cloud_directory:{}%2F{}", MARKET.tenant, self.ada)
    }
}

/// Answers the question whether the user began this sign-in; returns the page with the code.
pub async fn confirm(browser: &mut Browser, question: Page) -> Answer {
    let Page { url, answer } = question;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = forms(&answer.text()).into_iter().next();
    assert!(found.is_some(), "no question: {url} {}", answer.text());
    let answer = browser.post(url.as_str(), &[("decision", "continue")]).await;
    browser.follow(Page { url, answer }).await.answer
}

pub fn token_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body: Value = answer.json();
    assert_eq!(body["connectionName"], "market");
    body["token"].as_str().unwrap().to_owned()
}
