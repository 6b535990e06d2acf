//! The sections with a test or two each: limits, mail, outbound, store, token service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use crate::config::test_samples::{BOT_ID, MINIMAL, changed, problem_of, read};
use crate::config::{AuditSection, MailDeliverySection, MailServerEncryption, StorePlace};

#[test]
fn token_service_tenants_default_to_the_bots_and_app_token_tenants_include_callers() {
    let tenant = "tenant = \"22222222-2222-4222-8222-222222222222\"";
    let caller = "[[bots.help-desk.callers]]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n\
        tenant = \"77777777-7777-4777-8777-777777777777\"\nservice_urls = [\"https://parent.example.com\"]\n\
        channels = [\"MSTeams\"]\n";
    let text = format!("{}\n{caller}", changed(BOT_ID, &format!("{BOT_ID}\n{tenant}")));
    let configuration = read(&text).unwrap();
    let framework = "d6d49420-f39b-4df7-a1dc-d59a935871db";
    assert_eq!(configuration.token_service.tenants, ["22222222-2222-4222-8222-222222222222", framework]);
    assert_eq!(configuration.app_token_tenants().len(), 3);
    let caller = &configuration.bots[0].callers[0];
    assert_eq!(caller.service_url_prefixes, ["https://parent.example.com/"], "a prefix goes beyond the host");
    assert_eq!(caller.channels, ["msteams"]);
}

#[test]
fn a_proxy_may_be_private_but_its_host_is_not_called_in_plain_http() {
    let text = format!("[outbound]\negress_proxy = \"http://proxy.internal:3128\"\n{MINIMAL}");
    let configuration = read(&text).unwrap();
    assert_eq!(configuration.literal_hosts(), ["127.0.0.1", "proxy.internal"]);
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1"]);
    let text = format!("[outbound]\negress_proxy = \"http://me:hunter2@proxy.internal\"\n{MINIMAL}");
    assert!(!problem_of(&text).contains("hunter2"));
}

#[test]
fn numbers_stay_in_their_ranges() {
    let text = format!("[outbound]\nconnect_timeout_ms = 60000\nbot_timeout_ms = -1\n{MINIMAL}");
    let problems = read(&text).unwrap_err();
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["outbound.bot_timeout_ms", "outbound.connect_timeout_ms"], "{problems}");
}

#[test]
fn the_directory_of_the_store_must_exist() {
    let problem = problem_of(&format!("[store]\npath = \"nowhere/bot-sso.db\"\n{MINIMAL}"));
    assert!(problem.starts_with("store.path: the directory "), "{problem}");
}

#[test]
fn a_store_is_in_a_file_or_on_a_server() {
    let with = |lines: &str| format!("[store]\n{lines}\n{MINIMAL}");
    let shared = |lines: &str| match read(&with(lines)).unwrap().store.place {
        StorePlace::Shared(shared) => *shared,
        StorePlace::File(file) => panic!("{file:?}"),
    };
    let plain = shared("url = \"redis://redis.internal:6379/2\"");
    assert_eq!((plain.url.as_str(), plain.prefix.as_str()), ("redis://redis.internal:6379/2", "bot-sso:"));
    assert_eq!((plain.l1_trust, plain.l1_grace), (Duration::from_secs(1), Duration::from_secs(30)));
    assert!(!plain.allow_volatile && plain.wait_replicas == 0 && plain.user.is_none() && plain.password.is_none());
    let full = shared(
        "url = \"rediss+sentinel://a,b/main\"\nuser = \"sso\"\npassword = { env = \"GRAPH_CLIENT_SECRET\" }\nprefix = \"x:\"\n\
         allow_volatile = true\nwait_replicas = 1\nl1_trust_ms = 500\nl1_grace_s = 0",
    );
    assert!(full.password.is_some() && full.allow_volatile && full.l1_grace.is_zero() && full.wait_replicas == 1);
    for (lines, start) in [
        ("url = \"redis://h\"\npath = \"bot-sso.db\"", "store.path: is of a store in a file"),
        ("url = \"redis://h\"\ndurability = \"full\"", "store.durability: is of a store in a file"),
        ("prefix = \"x:\"", "store.prefix: is only used with a store on a server"),
        ("l1_grace_s = 0", "store.l1_grace_s: is only used with a store on a server"),
        ("url = \"redis.internal:6379\"", "store.url: is no address of a store"),
        ("url = \"https://h\"", "store.url: begins with \"https\""),
        ("url = \"redis://\"", "store.url: names no server"),
        ("url = \"redis://h\"\nuser = \"sso\"", "store.user: has no password"),
        ("url = \"redis://h\"\nprefix = \"a b\"", "store.prefix: is no prefix of keys"),
        ("url = \"redis://h\"\nwait_replicas = 99", "store.wait_replicas: 99 is above"),
        ("url = \"redis://h\"\nl1_trust_ms = 1", "store.l1_trust_ms: 1 is below"),
        ("url = \"redis://h\"\nca_file = \"nowhere.pem\"", "store.ca_file: "),
        ("urll = \"redis://h\"", "store.urll: "),
    ] {
        let problem = problem_of(&with(lines));
        assert!(problem.starts_with(start), "{problem}");
    }
    let problem = problem_of(&with("url = \"redis://me:hunter2@h\""));
    assert!(problem.starts_with("store.url: has a user or a password") && !problem.contains("hunter2"), "{problem}");
}

#[test]
fn limits_have_defaults_and_a_range() {
    let limits = read(MINIMAL).unwrap().limits;
    assert_eq!((limits.parent_requests_per_second.get(), limits.user_exchanges_per_minute.get()), (500, 120));
    assert_eq!((limits.channel_requests_per_second, limits.token_service_requests_per_second), (None, None));
    let text = format!("{MINIMAL}\n[limits]\nchannel_requests_per_second = 7\n");
    assert_eq!(read(&text).unwrap().limits.channel_requests_per_second.unwrap().get(), 7);
    for key in [
        "parent_requests_per_second",
        "channel_requests_per_second",
        "token_service_requests_per_second",
        "user_exchanges_per_minute",
    ] {
        for (wrong, bound) in [(0, "below the smallest value 1"), (1_000_001, "above the largest value 1000000")] {
            let problem = problem_of(&format!("{MINIMAL}\n[limits]\n{key} = {wrong}\n"));
            assert_eq!(problem, format!("limits.{key}: {wrong} is {bound}: write a number from 1 to 1000000"));
        }
    }
}

#[test]
fn the_audit_stream_is_off_and_goes_to_a_file_or_to_standard_error() {
    let with = |section: &str| format!("{section}\n{MINIMAL}");
    let audit = |section: &str| read(&with(section)).unwrap().audit;
    assert_eq!(audit(""), None);
    for section in ["[audit]", "[audit]\noutput = \"stderr\""] {
        assert_eq!(audit(section), Some(AuditSection::StandardError), "{section}");
    }
    for section in ["[audit]\nfile = \"audit.jsonl\"", "[audit]\noutput = \"file\"\nfile = \"audit.jsonl\""] {
        assert!(matches!(audit(section), Some(AuditSection::File(file)) if file.ends_with("audit.jsonl")), "{section}");
    }
    for (section, start) in [
        ("output = \"file\"", "audit.file: is missing"),
        ("output = \"stderr\"\nfile = \"audit.jsonl\"", "audit.file: is not used with output = \"stderr\""),
        ("file = \"nowhere/audit.jsonl\"", "audit.file: the directory "),
        ("file = \"bot-sso.db\"", "audit.file: is the file of the store or of the key ring, too"),
        ("output = \"journal\"", "audit.output: "),
    ] {
        let problem = problem_of(&with(&format!("[audit]\n{section}")));
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn mail_is_encrypted_unless_its_server_is_on_this_machine() {
    use MailServerEncryption::{None, StartTls, Tls};
    let mail = |lines: &str| format!("[mail]\nfrom = \"sso@example.com\"\n{lines}\n{MINIMAL}");
    let server = |lines: &str| match read(&mail(lines)).unwrap().mail.unwrap().delivery {
        MailDeliverySection::Server(server) => (server.port, server.encryption),
        MailDeliverySection::Outbox(folder) => panic!("{folder:?}"),
    };
    assert_eq!(server("host = \"smtp.example.com\""), (587, StartTls));
    assert_eq!(server("host = \"smtp.example.com\"\nencryption = \"tls\""), (465, Tls));
    assert_eq!(server("host = \"smtp.example.com\"\nport = 2525"), (2525, StartTls));
    for host in ["127.0.0.1", "::1", "localhost"] {
        assert_eq!(server(&format!("host = \"{host}\"\nencryption = \"none\"")), (25, None));
    }
    for (lines, start) in [
        (
            "host = \"smtp.example.com\"\nencryption = \"none\"",
            "mail.encryption: \"none\" is for a mail server on this machine",
        ),
        (
            "host = \"10.0.0.1\"\nencryption = \"none\"",
            "mail.encryption: \"none\" is for a mail server on this machine",
        ),
        ("host = \"smtp.example.com\"\nencryption = \"ssl\"", "mail.encryption: "),
        ("host = \"smtp.example.com\"\nport = 70000", "mail.port: 70000 is above the largest value 65535"),
    ] {
        let problem = problem_of(&mail(lines));
        assert!(problem.starts_with(start), "{problem}");
    }
    let warnings = read(&mail("host = \"smtp.example.com\"\nport = 465")).unwrap().warnings;
    assert!(matches!(warnings.as_slice(), [warning] if warning.path == "mail.port"), "{warnings:?}");
}

#[test]
fn mail_needs_a_sender_a_server_or_an_outbox_and_both_halves_of_the_credentials() {
    let mail = |lines: &str| format!("[mail]\n{lines}\n{MINIMAL}");
    let from = "from = \"sso@example.com\"";
    let host = "host = \"smtp.example.com\"";
    let password = "password = { env = \"GRAPH_CLIENT_SECRET\" }";
    for (lines, start) in [
        (host.to_owned(), "mail.from: is missing"),
        (from.to_owned(), "mail.host: is missing"),
        (
            format!("{host}\nfrom = \"Sign-in <sso@example.com>\""),
            "mail.from: \"Sign-in <sso@example.com>\" is not one address: write \"sso@example.com\"",
        ),
        (format!("{host}\nfrom = \"sso@example.com, b@example.com\""), "mail.from: "),
        (
            format!("{from}\nhost = \"smtp.example.com:2525\""),
            "mail.host: \"smtp.example.com:2525\" is no host name: write \"smtp.example.com\", and port = 2525 beside it",
        ),
        (format!("{from}\nhost = \"smtps://smtp.example.com\""), "mail.host: "),
        (format!("{from}\n{host}\nuser = \"me\""), "mail.password: is missing"),
        (format!("{from}\n{host}\n{password}"), "mail.user: is missing"),
        (format!("{from}\noutbox = \"nowhere\""), "mail.outbox: the directory "),
        (format!("{from}\n{host}\noutbox = \".\""), "mail.host: is not used with outbox"),
    ] {
        let problem = problem_of(&mail(&lines));
        assert!(problem.starts_with(start), "{problem}");
    }
    let configuration = read(&mail(&format!("{from}\n{host}\nuser = \"me\"\n{password}"))).unwrap();
    let Some(MailDeliverySection::Server(server)) = configuration.mail.map(|mail| mail.delivery) else { panic!() };
    let credentials = server.credentials.unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.expose()), ("me", "hunter2"));
}
