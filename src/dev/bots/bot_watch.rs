use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use url::Url;

use crate::dev::tenant::{BotEntry, Directory};

/// How long a bot may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause between two looks for a bot that does not answer yet.
const PAUSE: Duration = Duration::from_secs(2);

/// A bot with an endpoint of its own, at which nothing listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilentBot {
    /// Its name.
    pub name: &'static str,
    /// The address at which it should take activities.
    pub endpoint: &'static str,
}

/// The bots with endpoints of their own at which nothing listens. A bot that is started later is reached then.
pub(in crate::dev) async fn find_silent_bots(directory: &Directory) -> Vec<SilentBot> {
    still_silent(directory.bots.iter().filter_map(own_endpoint).collect()).await
}

/// Logs which bots do not answer, and when each of them does. Ends when all have answered.
pub(in crate::dev) async fn watch_silent_bots(mut silent: Vec<SilentBot>) {
    for SilentBot { name, endpoint } in &silent {
        tracing::warn!(
            bot = name,
            endpoint,
            "the bot does not answer yet: its activities are answered 502 until it is started"
        );
    }
    let mut looks = interval(PAUSE);
    while !silent.is_empty() {
        looks.tick().await;
        let left = still_silent(silent.clone()).await;
        for SilentBot { name, endpoint } in silent.iter().filter(|bot| !left.contains(bot)) {
            tracing::info!(bot = name, endpoint, "the bot answers");
        }
        silent = left;
    }
}

fn own_endpoint(bot: &BotEntry) -> Option<SilentBot> {
    bot.endpoint.map(|endpoint| SilentBot { name: bot.name, endpoint })
}

async fn still_silent(bots: Vec<SilentBot>) -> Vec<SilentBot> {
    let mut silent = Vec::new();
    for bot in bots {
        if !is_listening(bot.endpoint).await {
            silent.push(bot);
        }
    }
    silent
}

/// Whether something accepts connections at the host and the port of `address`. A request would be an activity to the bot.
async fn is_listening(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    // A URL puts an IPv6 address in brackets, and the system's resolver does not.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port))).await, Ok(Ok(_)))
}
