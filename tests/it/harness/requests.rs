//! The requests that channels, bots and the operator send to the application of a [`Harness`].

use bot_sso::dev::GrantKind;
use serde_json::Value;

use super::{ADMIN_TOKEN, Answer, Harness, activities};

impl Harness {
    /// The number of on-behalf-of requests that the token endpoint has received.
    pub fn exchanges(&self) -> u64 {
        self.stage.calls().count(GrantKind::OnBehalfOf)
    }

    pub async fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.base) };
        let mut request = self.http.request(method.parse().unwrap(), url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub(super) async fn form(&self, url: &str, form: &[(&str, &str)]) -> Value {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send("POST", url, &headers, body.into_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// The access token that a token endpoint of the stage gives for `form`.
    pub async fn token_request(&self, url: &str, form: &[(&str, &str)]) -> String {
        self.form(url, form).await["access_token"].as_str().unwrap().to_owned()
    }

    /// An exchangeable token of `user` for a connection of the bot `demo`.
    pub async fn user_token(&self, user: &str, connection: &str) -> String {
        self.user_token_for("demo", user, connection).await
    }

    pub async fn user_token_for(&self, bot: &str, user: &str, connection: &str) -> String {
        let connections = &self.stage.directory().connections;
        let connection = connections.iter().find(|entry| entry.name == connection && entry.bot == bot).unwrap();
        self.user_token_with_scope(user, &connection.exchange_scope).await
    }

    /// A token of `user` for `scope`, which the user's client has.
    pub async fn user_token_with_scope(&self, user: &str, scope: &str) -> String {
        let directory = self.stage.directory();
        let user = directory.find_user(user).unwrap();
        let client = directory.clients.iter().find(|client| client.client_id.starts_with("5e3ce6c0")).unwrap();
        let url = format!("{}/{}/oauth2/v2.0/token", self.stage.http_base(), user.tid);
        let form = [
            ("grant_type", "password"),
            ("client_id", client.client_id),
            ("username", user.principal_name),
            ("password", user.password),
            ("scope", scope),
        ];
        self.token_request(&url, &form).await
    }

    /// A channel's token for `bot`.
    pub async fn channel_token(&self, bot: &str) -> String {
        let manifest = self.stage.manifest(&self.base);
        let channel = &manifest["channel"];
        let answer = self
            .form(
                channel["token_endpoint"].as_str().unwrap(),
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", channel["client_id"].as_str().unwrap()),
                    ("client_secret", channel["client_secret"].as_str().unwrap()),
                    ("scope", &format!("{}/.default", self.bot_app_id(bot))),
                ],
            )
            .await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The bearer with which `bot` calls the Token Service.
    pub async fn bot_token(&self, bot: &str) -> String {
        self.app_token(self.bot_app_id(bot), "https://api.botframework.com/.default").await
    }

    /// Posts an activity to `demo` as the channel.
    pub async fn post(&self, activity: &Value) -> Answer {
        self.post_to("demo", activity).await
    }

    pub async fn post_to(&self, bot: &str, activity: &Value) -> Answer {
        let token = self.channel_token(bot).await;
        self.post_as(bot, &token, activity).await
    }

    pub async fn post_as(&self, bot: &str, bearer: &str, activity: &Value) -> Answer {
        self.post_bytes(bot, bearer, serde_json::to_vec(activity).unwrap()).await
    }

    pub async fn post_bytes(&self, bot: &str, bearer: &str, body: Vec<u8>) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        self.send("POST", &format!("/bots/{bot}/api/messages"), &headers, body).await
    }

    /// `GetToken` of the Token Service, as `demo`.
    pub async fn get_token(&self, channel: &str, user_id: &str, connection: &str) -> Answer {
        self.get_token_as("demo", &[("userId", user_id), ("connectionName", connection), ("channelId", channel)]).await
    }

    pub async fn get_token_as(&self, bot: &str, query: &[(&str, &str)]) -> Answer {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.token_service(bot, &format!("/api/usertoken/GetToken?{query}")).await
    }

    pub async fn token_service(&self, bot: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.bot_token(bot).await);
        self.send("GET", path, &[("authorization", &authorization)], Vec::new()).await
    }

    /// `SignOut` of the Token Service, as `demo`.
    pub async fn sign_out(&self, query: &[(&str, &str)]) -> Answer {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let authorization = format!("Bearer {}", self.bot_token("demo").await);
        let headers = [("authorization", authorization.as_str())];
        self.send("DELETE", &format!("/api/usertoken/SignOut?{query}"), &headers, Vec::new()).await
    }

    /// Signs a user out everywhere, as the operator does.
    pub async fn sign_out_everywhere(&self, user_key: &str) -> Answer {
        let authorization = format!("Bearer {ADMIN_TOKEN}");
        let url = format!("{}/admin/users/{user_key}/sign-out", self.operations);
        self.send("POST", &url, &[("authorization", &authorization)], Vec::new()).await
    }

    /// Requests a card as `demo` does; returns the whole sign-in resource.
    pub async fn sign_in_resource(&self, activity: &Value, connection: &str) -> Value {
        let state = activities::state_of(activity, connection);
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", &state).finish();
        let answer = self.token_service("demo", &format!("/api/botsignin/GetSignInResource?{query}")).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// The exchange id of a card issued for the user and conversation of `activity`.
    pub async fn card(&self, activity: &Value, connection: &str) -> String {
        self.sign_in_resource(activity, connection).await["tokenExchangeResource"]["id"].as_str().unwrap().to_owned()
    }
}
