use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot_sso::config;
use bot_sso::domain::{
    Account, BotName, ChannelId, Clock, ConnectionName, ConnectionRevision, Secret, SecurityContext, SystemClock,
    SystemEntropy, TokenSlot, UserKey, UserToken,
};
use bot_sso::records::Records;
use bot_sso::sealing::{KeyRing, Sealer};
use bot_sso::store::{Durability, EmbeddedStore, RedisSettings, RedisStore, Store};
use bot_sso::vault::TokenVault;
use futures_util::StreamExt;
use futures_util::stream;

use crate::processes::resident_of;
use crate::setting::{CONNECTION, TENANT, User};

/// The length of each token in bytes, which is that of a Graph token.
const TOKEN_BYTES: usize = 1680;
/// The number of users that are stored or read at the same time.
const CONCURRENT_USERS: usize = 512;
/// The file with the URL of the Redis, if the store is one.
pub const REDIS_URL: &str = "redis.url";

/// Runs this program in another role until it ends.
pub fn child(arguments: &[&str]) {
    let status = std::process::Command::new(std::env::current_exe().unwrap()).args(arguments).status().unwrap();
    assert!(status.success());
}

/// Stores tokens of `count` users through the vault, as an exchange does.
pub fn load(directory: &Path, count: usize) {
    in_runtime(async {
        let (vault, revision) = (vault(directory, 1024 * 1024).await, revision(directory));
        let begun = Instant::now();
        let keeping = stream::iter(0..count).map(|number| store_token(vault.clone(), revision, User(number)));
        keeping.buffer_unordered(CONCURRENT_USERS).for_each(|()| std::future::ready(())).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{count} users: loaded in {seconds:.1} s, {:.0} a second", count as f64 / seconds);
    });
}

/// Reads every user's token once, with enough memory for all of them.
pub fn hold(directory: &Path, count: usize) {
    in_runtime(async {
        let (vault, revision) = (vault(directory, u64::MAX / 2).await, revision(directory));
        let _ = vault.find(&slot(User(0)), revision).await;
        let (before, begun) = (resident_of("self"), Instant::now());
        let reading = stream::iter(0..count).map(|number| {
            let vault = vault.clone();
            async move {
                let begun = Instant::now();
                assert!(vault.find(&slot(User(number)), revision).await.unwrap().is_some());
                begun.elapsed()
            }
        });
        let mut times: Vec<Duration> = reading.buffer_unordered(CONCURRENT_USERS).collect().await;
        times.sort_unstable();
        let p99 = times[(times.len() - 1) * 99 / 100].as_secs_f64() * 1e3;
        println!("{count} users: a read takes {p99:.2} ms at p99, {CONCURRENT_USERS} at the same time");
        let each = (resident_of("self") - before) / count as u64;
        println!(
            "{count} users: read into memory in {:.1} s, {each} bytes a user, {} above the token's own {TOKEN_BYTES}",
            begun.elapsed().as_secs_f64(),
            each.saturating_sub(TOKEN_BYTES as u64)
        );
    });
}

pub fn in_runtime(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work);
}

async fn vault(directory: &Path, l1_bytes: u64) -> TokenVault {
    TokenVault::new(&records(directory).await, l1_bytes)
}

/// The records in the store of the bot-sso whose files are in `directory`.
pub async fn records(directory: &Path) -> Records {
    let clock = Arc::new(SystemClock);
    let sealer =
        Arc::new(Sealer::new(KeyRing::load(&directory.join("bot-sso.keys")).unwrap(), Arc::new(SystemEntropy)));
    let store: Arc<dyn Store> = match std::fs::read_to_string(directory.join(REDIS_URL)) {
        Ok(url) => Arc::new(RedisStore::open(&redis_settings(url), clock.clone()).await.unwrap()),
        Err(_) => {
            Arc::new(EmbeddedStore::open(&directory.join("bot-sso.db"), Durability::Normal, clock.clone()).unwrap())
        }
    };
    Records::new(store, sealer, clock)
}

fn redis_settings(url: String) -> RedisSettings {
    RedisSettings {
        url,
        user: None,
        password: None,
        ca_file: None,
        prefix: "bot-sso:".to_owned(),
        allow_volatile: false,
        wait_replicas: 0,
        heartbeat: Duration::from_millis(250),
    }
}

/// The revision of the configured connection, so that bot-sso takes the stored tokens for its own.
fn revision(directory: &Path) -> ConnectionRevision {
    let configuration = config::load(&directory.join("bot-sso.toml")).expect("the bench writes a valid configuration");
    let section = configuration.connections.iter().find(|section| section.key == CONNECTION).unwrap();
    section.connection.revision
}

fn slot(user: User) -> TokenSlot {
    TokenSlot {
        account: Account::of_channel(&BotName::new("help-desk"), ChannelId::new("msteams"), &user.channel_id()),
        connection: ConnectionName::new(CONNECTION),
    }
}

async fn store_token(vault: TokenVault, revision: ConnectionRevision, user: User) {
    let key = UserKey::entra(&user.object_id(), TENANT);
    let permit = vault.permit(&slot(user), &key).await.unwrap();
    let now = SystemClock.now();
    let token = UserToken {
        access_token: Secret::new("t".repeat(TOKEN_BYTES)),
        expires_at: now.plus(Duration::from_hours(3)),
        user: key,
        security_context: SecurityContext([1; 16]),
        granted_scope: Some("https://graph.microsoft.com/User.Read".to_owned()),
        obtained_at: now,
        signed_in_at: now,
        refresh_token: None,
        refresh_at: None,
        id_token: None,
    };
    vault.keep(permit, revision, token).await.unwrap();
}
