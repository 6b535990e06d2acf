//! Several applications over one Redis store: with the stage, the keys, the clock and the bot of a [`Harness`].

use std::net::TcpListener;
use std::sync::Arc;

use bot_sso::bot_connector::ContinuationDelivery;
use serde_json::Value;

use super::application::{ApplicationStart, configuration_of};
use super::configuration::ConfigurationText;
use super::entropy::next_tag;
use super::redis::RedisServer;
use super::waiting::PATIENCE;
use super::{ADMIN_TOKEN, Answer, Harness, Options, Received, Surroundings};

/// Replicas. The first one is the harness's own application; the public address of all is the harness's.
pub struct Replicas {
    pub harness: Harness,
    pub server: Arc<RedisServer>,
    others: Vec<Replica>,
}

/// A replica beside the first.
struct Replica {
    base: String,
    operations: String,
    handle: Option<actix_web::dev::ServerHandle>,
    delivery: ContinuationDelivery,
}

impl Replicas {
    /// Starts `count` replicas with the same settings on the server that all tests share.
    pub async fn start(count: usize, options: Options) -> Self {
        Self::on(RedisServer::shared().await, count, options).await
    }

    /// Starts `count` replicas on `server`.
    pub async fn on(server: Arc<RedisServer>, count: usize, mut options: Options) -> Self {
        options.store = server.new_store();
        let harness = Surroundings::start().await.run(&options).await;
        let mut others = Vec::new();
        for _ in 1..count {
            others.push(Replica::start(&harness, &options).await);
        }
        Self { harness, server, others }
    }

    /// The number of replicas.
    pub fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// The address of a replica; 0 is the first.
    pub fn base(&self, replica: usize) -> &str {
        if replica == 0 { &self.harness.base } else { &self.others[replica - 1].base }
    }

    /// The address of a replica's listener for the operator.
    pub fn operations(&self, replica: usize) -> &str {
        if replica == 0 { &self.harness.operations } else { &self.others[replica - 1].operations }
    }

    /// Posts an activity to `demo` at one replica as the channel.
    pub async fn post(&self, replica: usize, activity: &Value) -> Answer {
        let bearer = self.harness.channel_token("demo").await;
        self.post_as(replica, &bearer, activity).await
    }

    pub async fn post_as(&self, replica: usize, bearer: &str, activity: &Value) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let url = format!("{}/bots/demo/api/messages", self.base(replica));
        self.harness.send("POST", &url, &headers, serde_json::to_vec(activity).unwrap()).await
    }

    /// Posts one activity to every replica at the same time, and returns the answers in the order of the replicas.
    pub async fn post_to_all(&self, activity: &Value) -> Vec<Answer> {
        let bearer = self.harness.channel_token("demo").await;
        let posts = (0..self.count()).map(|replica| self.post_as(replica, &bearer, activity));
        futures_util::future::join_all(posts).await
    }

    /// `GetToken` of the Token Service at one replica, as `demo`, for a user on Teams and the connection `graph`.
    pub async fn get_token(&self, replica: usize, user_id: &str) -> Answer {
        let query = format!("userId={user_id}&connectionName=graph&channelId=msteams");
        self.token_service(replica, "GET", &format!("/api/usertoken/GetToken?{query}")).await
    }

    /// An operation of the Token Service at one replica, as `demo`.
    pub async fn token_service(&self, replica: usize, method: &str, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.harness.bot_token("demo").await);
        let url = format!("{}{path}", self.base(replica));
        self.harness.send(method, &url, &[("authorization", &authorization)], Vec::new()).await
    }

    /// Signs a user out everywhere at one replica, as the operator does. Needs `Options::operations`.
    pub async fn sign_out_everywhere(&self, replica: usize, user_key: &str) -> Answer {
        let authorization = format!("Bearer {ADMIN_TOKEN}");
        let url = format!("{}/admin/users/{user_key}/sign-out", self.operations(replica));
        self.harness.send("POST", &url, &[("authorization", &authorization)], Vec::new()).await
    }

    /// The answer of a replica's readiness probe. Needs `Options::operations`.
    pub async fn readiness(&self, replica: usize) -> Answer {
        self.harness.send("GET", &format!("{}/readyz", self.operations(replica)), &[], Vec::new()).await
    }

    /// All requests that the bot has received, after every event delivery of every replica has ended.
    pub async fn received_once_settled(&self) -> Vec<Received> {
        for replica in &self.others {
            assert!(replica.delivery.finish(PATIENCE).await, "the bot is still being told of a token");
        }
        self.harness.received_once_settled().await
    }

    /// Ends a replica other than the first, without a drain.
    pub async fn stop(&mut self, replica: usize) {
        if let Some(handle) = self.others[replica - 1].handle.take() {
            handle.stop(false).await;
        }
    }
}

impl Replica {
    async fn start(harness: &Harness, options: &Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let directory = harness.directory.path();
        let public = Some(harness.base.as_str());
        let text =
            ConfigurationText { stage: &harness.stage, bot: &harness.bot, base: &base, public, directory, options };
        let configuration = configuration_of(&text.write(), options);
        let start =
            ApplicationStart { configuration, listener: &listener, clock: harness.clock.clone(), tag: &next_tag() };
        let running = start.run(options.anonymous).await;
        let handle = Some(running.handle);
        Self { base, operations: running.operations, handle, delivery: running.delivery }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            tokio::spawn(handle.stop(false));
        }
    }
}
