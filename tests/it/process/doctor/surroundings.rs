//! What a sign-in depends on beside the configuration: this machine's clock, mail, the store and its keys, and the running service.

use std::io::Write as _;

use bot_sso::domain::{Clock as _, SystemClock};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::case::{Case, DEMO, check_cases, failed, ok, skipped, warning};
use super::healthy;
use crate::harness::raw::ScriptedServer;
use crate::harness::redis::RedisServer;
use crate::process::operations::port_of;
use crate::process::operations_health::wait_for_readiness;
use crate::process::setting::{Setting, bot_sso};

pub const CLOCK_CASES: [Case; 3] = [
    Case { lines: &[ok("clock", "")], ..DEMO },
    Case { lines: &[warning("clock", "s ahead", "timedatectl set-ntp true")], ..DEMO },
    Case { lines: &[failed("clock", "s behind", "timedatectl set-ntp true")], ..DEMO },
];

/// Mail belongs to directories, and not to one bot.
pub const MAIL_CASES: &[Case] = &[
    Case { arguments: &[], lines: &[ok("mail", "writable")], ..DEMO },
    Case {
        settings: &[("mail", "{ from = \"sso@example.com\", host = \"127.77.83.29\", port = 9 }")],
        arguments: &[],
        lines: &[failed("mail", "the mail server is unreachable", "check mail.host and mail.port")],
        ..DEMO
    },
];

pub const STORE_CASES: &[Case] = &[
    Case { lines: &[ok("store", "is not there yet: the first start makes it")], ..DEMO },
    Case {
        settings: &[("store.path", "\"/\"")],
        lines: &[failed("store", "is no file", "write the path of a file")],
        ..DEMO
    },
    Case {
        settings: &[("store", "{ url = \"redis://127.77.83.29:9\" }")],
        lines: &[failed("store", "the store is unavailable", "let the server of store.url answer")],
        ..DEMO
    },
];

/// A store on a server, whose records the ring can open.
pub const SHARED_STORE: Case =
    Case { lines: &[ok("store", "ok"), ok("key_ring", "has the keys of all records")], ..DEMO };
/// The same with another ring.
pub const SHARED_STORE_WITH_ANOTHER_RING: Case = Case {
    lines: &[ok("store", "ok"), failed("key_ring", "lacks sealing key ", "copy the key file of the replica")],
    ..DEMO
};

/// The service runs, and nothing fails.
pub const RUNNING: Case = Case {
    lines: &[ok("service", "ok"), ok("store", "ok"), ok("key_ring", "is a key ring"), ok("key_ring", "ok")],
    ..DEMO
};
/// The service runs. Its file of keys was replaced, and the channels' keys cannot be fetched.
pub const RUNNING_BADLY: Case = Case {
    lines: &[
        failed("service", "channel", "docs/operating.md, Health"),
        failed("key_ring", "keys.file does not hold the keys in use any more", "docs/operating.md, Health"),
        ok("key_ring", "is a key ring"),
    ],
    ..DEMO
};
pub const NOT_RUNNING: Case = Case { lines: &[skipped("service", "does not answer on operations.listen", "")], ..DEMO };

/// All of these cases.
pub fn list_cases() -> Vec<Case> {
    let single = [SHARED_STORE, SHARED_STORE_WITH_ANOTHER_RING, RUNNING, RUNNING_BADLY, NOT_RUNNING];
    [&CLOCK_CASES, MAIL_CASES, STORE_CASES, &single].concat()
}

/// Publishes a key set with the time of a clock that differs by `seconds` from this machine's.
fn publish_time(seconds: i64) -> ScriptedServer {
    ScriptedServer::start(move |stream| {
        let theirs = OffsetDateTime::from_unix_timestamp(SystemClock.now().unix_seconds() + seconds).unwrap();
        let date = theirs.format(&Rfc2822).unwrap().replace("+0000", "GMT");
        let head = format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: 11\r\nconnection: close\r\n\r\n");
        stream.write_all(format!("{head}{{\"keys\":[]}}").as_bytes()).unwrap();
    })
}

/// Puts a new ring in the place of the setting's.
fn replace_ring(setting: &Setting) {
    let (file, new) = (setting.path("bot-sso.keys"), setting.path("other.keys"));
    let created = bot_sso(&["keys", "create", new.to_str().unwrap()]);
    assert!(created.status.success(), "{created:?}");
    std::fs::rename(new, file).unwrap();
}

#[tokio::test]
async fn a_clock_that_differs_from_the_providers_has_a_line() {
    let mut setting = healthy().await;
    let [same, ahead, behind] = CLOCK_CASES;
    check_cases(&mut setting, &[same]).await;
    for (case, seconds) in [(ahead, -200), (behind, 1000)] {
        let server = publish_time(seconds);
        setting.set("identity_providers.entra.jwks_url", server.url("/keys"));
        check_cases(&mut setting, &[case]).await;
    }
}

#[tokio::test]
async fn mail_that_cannot_be_sent_has_a_line() {
    check_cases(&mut healthy().await, MAIL_CASES).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_used_and_a_ring_without_its_keys_have_lines() {
    let mut setting = healthy().await;
    check_cases(&mut setting, STORE_CASES).await;
    let server = RedisServer::shared().await;
    let shared: toml::Table = server.new_store().parse().unwrap();
    setting.set("store", shared);
    let service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.stop().await;
    check_cases(&mut setting, &[SHARED_STORE]).await;
    replace_ring(&setting);
    check_cases(&mut setting, &[SHARED_STORE_WITH_ANOTHER_RING]).await;
}

#[tokio::test]
async fn the_running_service_tells_its_own_checks() {
    let mut setting = healthy().await;
    let listen = |setting: &mut Setting, port: &str| setting.set("operations.listen", format!("127.0.0.1:{port}"));
    let service = setting.serve().await;
    let port = port_of(&service);
    listen(&mut setting, &port);
    wait_for_readiness(&setting, &port, 200).await;
    check_cases(&mut setting, &[RUNNING]).await;
    service.stop().await;
    check_cases(&mut setting, &[NOT_RUNNING]).await;
    listen(&mut setting, "0");
    setting.set("channels.jwks_url", "https://127.0.0.1:1/keys");
    let service = setting.serve().await;
    let port = port_of(&service);
    listen(&mut setting, &port);
    replace_ring(&setting);
    wait_for_readiness(&setting, &port, 503).await;
    check_cases(&mut setting, &[RUNNING_BADLY]).await;
    service.stop().await;
}
