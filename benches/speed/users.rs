use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

use crate::processes::{Process, RedisServer, Run, free_port, resident_of};
use crate::setting::{CONNECTION, TENANT, User, write_configuration};

/// The length of each token in bytes, which is that of a Graph token.
const TOKEN_BYTES: usize = 1680;
const REVISION: ConnectionRevision = ConnectionRevision([7; 16]);
/// The number of users that are stored or read at the same time.
const CONCURRENT_USERS: usize = 512;
/// The file with the URL of the Redis, if the store is one.
const REDIS_URL: &str = "redis.url";

/// Fills a store with `count` users, starts bot-sso with it, then loads all users into memory; prints the cost of each
/// step. Filling and loading run in processes of their own, so that neither counts the other's memory. With `in_redis`
/// the store is a Redis that appends to its file every second, else the embedded one.
pub fn run(server: &Path, directory: &Path, count: usize, in_redis: bool) {
    let port = free_port();
    let redis = in_redis.then(|| RedisServer::start(&directory.join("redis")));
    let store = redis.as_ref().map_or_else(String::new, |redis| format!("[store]\nurl = \"{}\"\n", redis.url()));
    write_configuration(directory, port, 9, &store);
    if let Some(redis) = &redis {
        std::fs::write(directory.join(REDIS_URL), redis.url()).unwrap();
    }
    child(&["load-users", directory.to_str().unwrap(), &count.to_string()]);
    let bytes = match &redis {
        Some(_) => std::fs::read_dir(directory.join("redis/appendonlydir")).unwrap().map(size_of_entry).sum(),
        None => std::fs::metadata(directory.join("bot-sso.db")).unwrap().len(),
    };
    println!("{count} users: {:.0} MB on disk, {} bytes a user", bytes as f64 / 1e6, bytes / count as u64);
    if let Some(redis) = &redis {
        println!("{count} users: redis-server has {:.0} MB resident", redis.resident() as f64 / 1e6);
    }
    let (process, started) = Process::bot_sso(server, directory, port, Run::OnMeasuredCore);
    std::thread::sleep(Duration::from_secs(2));
    println!(
        "{count} users: bot-sso listens after {} ms, resident {:.1} MB",
        started.as_millis(),
        process.resident() as f64 / 1e6
    );
    drop(process);
    child(&["hold-users", directory.to_str().unwrap(), &count.to_string()]);
}

fn size_of_entry(entry: std::io::Result<std::fs::DirEntry>) -> u64 {
    entry.unwrap().metadata().unwrap().len()
}

pub fn child(arguments: &[&str]) {
    let status = std::process::Command::new(std::env::current_exe().unwrap()).args(arguments).status().unwrap();
    assert!(status.success());
}

/// Stores tokens of `count` users through the vault, as an exchange does.
pub fn load(directory: &Path, count: usize) {
    in_runtime(async {
        let vault = vault(directory, 1024 * 1024).await;
        let begun = Instant::now();
        let keeping = stream::iter(0..count).map(|number| store_token(vault.clone(), User(number)));
        keeping.buffer_unordered(CONCURRENT_USERS).for_each(|()| std::future::ready(())).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{count} users: loaded in {seconds:.1} s, {:.0} a second", count as f64 / seconds);
    });
}

/// Reads every user's token once, with enough memory for all of them.
pub fn hold(directory: &Path, count: usize) {
    in_runtime(async {
        let vault = vault(directory, u64::MAX / 2).await;
        let _ = vault.find(&slot(User(0)), REVISION).await;
        let (before, begun) = (resident_of("self"), Instant::now());
        let reading = stream::iter(0..count).map(|number| {
            let vault = vault.clone();
            async move {
                let begun = Instant::now();
                assert!(vault.find(&slot(User(number)), REVISION).await.unwrap().is_some());
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

fn slot(user: User) -> TokenSlot {
    TokenSlot {
        account: Account::of_channel(&BotName::new("help-desk"), ChannelId::new("msteams"), &user.channel_id()),
        connection: ConnectionName::new(CONNECTION),
    }
}

async fn store_token(vault: TokenVault, user: User) {
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
    vault.keep(permit, REVISION, token).await.unwrap();
}
