//! The operator's listener.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::Environment;
use crate::config::test_samples::{MINIMAL, SECRET, read_with};

#[test]
fn the_operators_listener_is_on_loopback_unless_allowed_otherwise_and_has_a_long_token() {
    const TOKEN: &str = "admin_token = { env = \"ADMIN\" }";
    const LONG: &str = "0123456789abcdef";
    let with = |section: &str, token: &str| {
        let text = format!("{MINIMAL}\n[operations]\n{section}\n");
        read_with(&text, &Environment::of([("ADMIN", token), SECRET]))
    };
    let plain = with(TOKEN, LONG).unwrap().operations.unwrap();
    assert_eq!((plain.listen.to_string().as_str(), plain.admin_token.expose()), ("127.0.0.1:3981", LONG));
    assert!(!format!("{plain:?}").contains(LONG));
    for (section, token, start) in [
        ("", LONG, "operations.admin_token: is missing"),
        (TOKEN, "0123456789abcde", "operations.admin_token: leads to no token"),
        (TOKEN, "0123456789 abcdef", "operations.admin_token: leads to no token"),
        ("admin_token = \"0123456789abcdef\"", LONG, "operations.admin_token: a secret is never written"),
        (
            &format!("listen = \"0.0.0.0:3981\"\n{TOKEN}"),
            LONG,
            "operations.listen: \"0.0.0.0:3981\" is not a loopback address",
        ),
        (&format!("listen = \"3981\"\n{TOKEN}"), LONG, "operations.listen: \"3981\" is not an address"),
        (&format!("adress = 1\n{TOKEN}"), LONG, "operations.adress: unknown key"),
    ] {
        let problems = with(section, token).unwrap_err();
        assert!(problems.0.len() == 1 && problems.to_string().starts_with(start), "{problems}");
        assert!(!problems.to_string().contains("0123456789"), "{problems}");
    }
    for (section, start) in [
        ("health_listen = \"3982\"", "operations.health_listen: \"3982\" is not an address"),
        (
            "health_listen = \"127.0.0.1:3981\"",
            "operations.health_listen: 127.0.0.1:3981 is the address of operations.listen",
        ),
        ("metrics_token = { env = \"ABSENT\" }", "operations.metrics_token: the environment variable ABSENT"),
    ] {
        let problems = with(&format!("{section}\n{TOKEN}"), LONG).unwrap_err();
        assert!(problems.0.len() == 1 && problems.to_string().starts_with(start), "{problems}");
    }
    let remote = with(&format!("listen = \"0.0.0.0:3981\"\nallow_remote = true\n{TOKEN}"), LONG).unwrap();
    assert!(remote.warnings.iter().any(|warning| warning.path == "operations.listen"), "it has no TLS");
}

#[test]
fn the_read_token_is_another_one_than_the_admin_token_and_the_metrics_token() {
    let with = |read: &str| {
        let section =
            "admin_token = { env = \"ADMIN\" }\nmetrics_token = { env = \"METRICS\" }\nread_token = { env = \"READ\" }";
        let text = format!("{MINIMAL}\n[operations]\n{section}\n");
        let tokens = [("ADMIN", "admin-of-the-test"), ("METRICS", "metrics-of-the-test"), ("READ", read), SECRET];
        read_with(&text, &Environment::of(tokens))
    };
    let right = with("reader-of-the-test").unwrap().operations.unwrap();
    assert_eq!(right.read_token.unwrap().expose(), "reader-of-the-test");
    for (read, start) in [
        ("admin-of-the-test", "operations.read_token: is the same as operations.admin_token"),
        ("metrics-of-the-test", "operations.read_token: is the same as operations.metrics_token"),
        ("short", "operations.read_token: leads to no token"),
    ] {
        let problems = with(read).unwrap_err();
        assert!(problems.0.len() == 1 && problems.to_string().starts_with(start), "{problems}");
        assert!(!problems.to_string().contains("of-the-test"), "{problems}");
    }
}

#[test]
fn further_hosts_are_names_without_scheme_and_port() {
    let with = |hosts: &str| {
        let text = format!("{MINIMAL}\n[operations]\nhosts = [{hosts:?}]\nadmin_token = {{ env = \"ADMIN\" }}\n");
        read_with(&text, &Environment::of([("ADMIN", "0123456789abcdef"), SECRET]))
    };
    for (written, host) in [
        ("ops.example.com", "ops.example.com"),
        ("OPS.example.com", "ops.example.com"),
        ("OPS.example.com.", "ops.example.com"),
    ] {
        assert_eq!(with(written).unwrap().operations.unwrap().hosts, [host]);
    }
    for written in ["https://ops.example.com/", "ops.example.com:3981", "*.example.com", ""] {
        let problem = with(written).unwrap_err().to_string();
        let write = match written {
            "" => "it as \"ops.example.com\"",
            "*.example.com" => "the whole name of each host, since there are no patterns here",
            _ => "\"ops.example.com\"",
        };
        let start = format!("operations.hosts[0]: {written:?} is no host name: write {write}");
        assert_eq!(problem.trim_end(), start);
    }
}

#[test]
fn the_health_listener_may_be_remote_and_its_metrics_then_want_a_token() {
    const TOKEN: &str = "admin_token = { env = \"ADMIN\" }";
    let read = |section: &str| {
        let text = format!("{MINIMAL}\n[operations]\n{TOKEN}\n{section}\n");
        read_with(&text, &Environment::of([("ADMIN", "0123456789abcdef"), SECRET])).unwrap()
    };
    let places = |section: &str| -> Vec<String> {
        read(section).warnings.into_iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect()
    };
    let plain = read("").operations.unwrap();
    assert!(plain.health_listen.is_none() && !plain.health_metrics && plain.metrics_token.is_none());
    let remote = "health_listen = \"0.0.0.0:3982\"";
    assert_eq!(places(remote), [""; 0]);
    let open = places(&format!("{remote}\nhealth_metrics = true"));
    assert!(open.len() == 1 && open[0].starts_with("operations.health_metrics: lets the network read"), "{open:?}");
    assert_eq!(places(&format!("{remote}\nhealth_metrics = true\nmetrics_token = {{ env = \"ADMIN\" }}")), [""; 0]);
    let useless = places("health_metrics = true");
    assert!(useless.len() == 1 && useless[0].contains("no effect without health_listen"), "{useless:?}");
}
