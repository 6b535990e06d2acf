//! All problems are reported at once, each with what to write instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::load;
use crate::config::test_samples::{directory, read};

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let text = r#"
        [server]
        public_ulr = "https://sso.example.com"
        workers = "many"
        listen = [3978]
        [outbound]
        private_networks = ["everything"]
        [bots.one]
        app_id = "x"
        after_exchange = "notfy"
        [bots.two]
        endpoint = "http://bot.example.com/api/messages"
        [[bots.two.callers]]
        app_id = 5
        [connections.graph]
        bot = "onee"
        client_secret = "hunter2"
        scopes = []
        allow_v1 = "no"
        [keys]
        file = "nowhere.keys"
    "#;
    let problems = read(text).unwrap_err();
    let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "server.public_ulr",
        "server.workers",
        "server.listen[0]",
        "bots.one.after_exchange",
        "bots.two.callers[0].app_id",
        "connections.graph.client_secret",
        "connections.graph.allow_v1",
        "server.public_url",
        "outbound.private_networks[0]",
        "bots.one.app_id",
        "bots.one.endpoint",
        "bots.two.app_id",
        "bots.two.endpoint",
        "bots.two.callers[0].tenant",
        "bots.two.callers[0].service_urls",
        "bots.two.callers[0].channels",
        "connections.graph.bot",
        "connections.graph.scopes",
        "connections.graph.tenants",
        "keys.file",
    ];
    for path in expected {
        assert!(paths.contains(&path), "{path} is not in\n{problems}");
    }
    assert_eq!(paths.len(), expected.len(), "{problems}");
    let text = problems.to_string();
    assert!(text.contains("server.public_ulr: unknown key \"public_ulr\": did you mean public_url?"), "{text}");
    assert!(text.contains("unknown word \"notfy\": did you mean notify?"), "{text}");
    assert!(text.contains("connections.graph.bot: there is no bots.onee: did you mean \"one\"?"), "{text}");
    assert!(text.contains("nowhere.keys cannot be read"), "{text}");
    assert!(text.contains("bot-sso keys create"), "{text}");
    assert_eq!(text.lines().count(), expected.len(), "one line a problem");
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let problems = load(&directory().path().join("none.toml")).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert!(problems.to_string().contains("none.toml cannot be read"), "{problems}");
}
