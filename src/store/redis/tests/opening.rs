//! Which servers are refused, and what is said of them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::{key, open, record};
use crate::domain::Secret;
use crate::store::testing::RedisServer;
use crate::store::testing::shared_conformance::{Listening, Told};
use crate::store::{RedisSettings, Store, StoreError};

async fn refusal(settings: &RedisSettings) -> String {
    match open(settings).await {
        Err(error @ StoreError::Unusable { .. }) => error.to_string(),
        Err(error) => panic!("not refused for good: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

#[tokio::test]
async fn a_server_that_keeps_nothing_is_refused_unless_that_is_wanted() {
    let server = RedisServer::start_with(&["--appendonly", "no"]);
    let mut settings = server.settings();
    let refused = refusal(&settings).await;
    assert!(refused.contains("in memory only") && refused.contains("appendonly yes"), "{refused}");
    settings.allow_volatile = true;
    open(&settings).await.unwrap().put(key(1), record(b"", None)).await.unwrap();
    let () = server.query(&["CONFIG", "SET", "save", "900 1"]);
    settings.allow_volatile = false;
    open(&settings).await.expect("a server that saves its memory keeps records");
}

#[tokio::test]
async fn a_server_that_may_drop_records_is_refused() {
    let server = RedisServer::start_with(&["--appendonly", "yes", "--maxmemory", "100mb"]);
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let () = server.query(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let refused = refusal(&server.settings()).await;
        assert!(refused.contains(policy) && refused.contains("noeviction"), "{refused}");
    }
    let () = server.query(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    open(&server.settings()).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let master = RedisServer::start_on_port(&["--appendonly", "yes"]);
    let port = master.port.to_string();
    let replica = RedisServer::start_with(&["--appendonly", "yes", "--replicaof", "127.0.0.1", &port]);
    assert!(refusal(&replica.settings()).await.contains("replica"));
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_repeated() {
    let server = RedisServer::start_with(&["--appendonly", "yes", "--requirepass", "right-password"]);
    let mut settings = server.settings();
    refusal(&settings).await;
    settings.password = Some(Secret::from("wrong-password"));
    let refused = refusal(&settings).await;
    assert!(!refused.contains("wrong-password"), "{refused}");
    assert!(!format!("{settings:?}").contains("wrong-password"));
    settings.password = Some(Secret::from("right-password"));
    open(&settings).await.unwrap().put(key(1), record(b"", None)).await.unwrap();
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused() {
    let settings = RedisServer::start().settings();
    let wrong = |url: &str| RedisSettings { url: url.to_owned(), ..settings.clone() };
    assert!(refusal(&wrong("redis://user:s3cret@db")).await.contains("settings of their own"));
    assert!(refusal(&RedisSettings { prefix: "a{b}:".to_owned(), ..settings.clone() }).await.contains("brace"));
    let with_file = RedisSettings { ca_file: Some("/nowhere.pem".into()), ..settings.clone() };
    assert!(refusal(&with_file).await.contains("without TLS"));
    let with_tls = RedisSettings { url: "rediss://127.0.0.1:1".to_owned(), ..with_file };
    assert!(refusal(&with_tls).await.contains("/nowhere.pem cannot be read"));
}

/// The rights of `RedisSettings`.
const RIGHTS: &str = "-@all +get +getrange +set +del +zadd +zrem +zrange +zrevrangebyscore +zremrangebyscore +zscore \
                      +exists +incrby +persist +pexpire +pttl +time +eval +evalsha +scan +publish +subscribe +ping +role \
                      +info +config|get +select +wait";

fn add_user(server: &RedisServer, rights: &str, prefix: &str) {
    let (keys, channels) = (format!("~{prefix}*"), format!("&{prefix}*"));
    let mut command =
        vec!["ACL", "SETUSER", "bot-sso", "on", ">p4ssword", "resetkeys", "resetchannels", &keys, &channels];
    command.extend(rights.split_whitespace());
    let () = server.query(&command);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_the_described_rights_can_do_everything_and_touch_nothing_else() {
    let server = RedisServer::start();
    let mut settings = server.settings();
    add_user(&server, RIGHTS, &settings.prefix);
    (settings.user, settings.password) = (Some("bot-sso".to_owned()), Some(Secret::from("p4ssword")));
    let store = open(&settings).await.unwrap();
    let mut listening = Listening::begin(&store).await;
    let marked = |value| crate::store::Record { mark: Some(5), ..record(value, Some(9)) };
    store.put(key(1), marked(b"one")).await.unwrap();
    store.put_if_absent(key(2), marked(b"two")).await.unwrap();
    store.compare_and_put(key(2), Some("two".into()), marked(b"three")).await.unwrap();
    let far = crate::store::Record { expires_at: record(b"", None).expires_at.plus(Duration::MAX), ..marked(b"far") };
    store.put(key(3), far).await.unwrap();
    assert_eq!(store.get(key(1)).await.unwrap().as_deref(), Some(b"one".as_slice()));
    assert_eq!(store.members(key(9), 9).await.unwrap().len(), 3);
    assert_eq!(store.list_all(None, 1000).await.unwrap().records.len(), 3);
    assert_eq!(
        store.list_expiring_by(record(b"", None).expires_at.plus(Duration::from_mins(1)), 9).await.unwrap().len(),
        2
    );
    assert_eq!((store.list_marks().await.unwrap(), store.count_marked(5).await.unwrap()), (vec![5], 3));
    store.take(key(1)).await.unwrap();
    store.remove(vec![key(2)]).await.unwrap();
    assert_eq!(store.members(key(9), 9).await.unwrap().len(), 1);
    let ticket = store.acquire_lease(key(4), Duration::from_mins(1)).await.unwrap().unwrap();
    assert!(store.renew_lease(key(4), ticket, Duration::from_mins(1)).await.unwrap());
    store.release_lease(key(4), ticket).await.unwrap();
    store.add_to_count(key(5), 1, Duration::from_mins(1)).await.unwrap();
    store.publish("news".into()).await.unwrap();
    listening.wait_for(&Told::Received("news".into())).await;

    settings.prefix = "elsewhere:".to_owned();
    assert!(open(&settings).await.is_err(), "not even its channels");
}

#[tokio::test]
async fn a_user_who_may_not_ask_for_the_settings_can_use_a_server_that_appends() {
    let server = RedisServer::start();
    let mut settings = server.settings();
    add_user(&server, &RIGHTS.replace("+config|get ", ""), &settings.prefix);
    (settings.user, settings.password) = (Some("bot-sso".to_owned()), Some(Secret::from("p4ssword")));
    open(&settings).await.unwrap();
    let () = server.query(&["CONFIG", "SET", "appendonly", "no"]);
    let refused = refusal(&settings).await;
    assert!(refused.contains("allow `CONFIG GET`"), "{refused}");
}

/// Writes a certificate authority, and a certificate of it for 127.0.0.1.
fn write_certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let server_key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).unwrap().signed_by(&server_key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), server_key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_tls_is_used_only_if_the_configured_authority_vouches_for_it() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_certificates(folder.path());
    write_certificates(other.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, private_key, authority) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let server = RedisServer::start_on_tls_port(&[
        "--appendonly",
        "yes",
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &private_key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-auth-clients",
        "no",
    ]);
    let mut settings = server.settings();
    settings.url = format!("rediss://127.0.0.1:{}", server.port);
    settings.ca_file = Some(authority.into());
    let store = Arc::new(open(&settings).await.unwrap());
    store.put(key(1), record(b"kept", None)).await.unwrap();
    assert!(store.get(key(1)).await.unwrap().is_some());
    Listening::begin(&*store).await.wait_for(&Told::Answered).await;

    settings.ca_file = Some(other.path().join("ca.pem"));
    let error = open(&settings).await.err().expect("another authority does not vouch for it").to_string();
    assert!(error.contains("certificate"), "{error}");
    settings.ca_file = None;
    assert!(open(&settings).await.is_err(), "neither do those of the system");
    settings.ca_file = Some(folder.path().join("server.key"));
    assert!(refusal(&settings).await.contains("contains no certificates"));
}
