//! Mistakes in the configuration of a bot and its connection, and at what it calls.

use super::case::{Case, DEMO, Token, check_cases, failed, ok, skipped, warning};
use super::healthy;

pub const CASES: &[Case] = &[
    Case {
        settings: &[("bots.demo.allow_insecure_http", "true")],
        lines: &[ok("configuration", "can be used")],
        ..DEMO
    },
    Case {
        settings: &[("outbound.no_proxy", "[\"intern.example\"]")],
        lines: &[warning("configuration", "changes nothing without egress_proxy: write that too", "")],
        ..DEMO
    },
    Case {
        settings: &[("bots.demo.sdk", "\"agents\""), ("bots.demo.after_exchange", "\"forward\"")],
        lines: &[ok("after_exchange", "forward, with refusal_style")],
        ..DEMO
    },
    Case {
        settings: &[("bots.demo.sdk", "\"agents\""), ("bots.demo.after_exchange", "\"notify\"")],
        lines: &[failed("after_exchange", "notify, with refusal_style", "write after_exchange = \"forward\"")],
        ..DEMO
    },
    Case {
        settings: &[("bots.demo.endpoint", "\"http://127.77.83.29:9/x\"")],
        lines: &[failed("bot", "the host is unreachable", "start the bot, or correct the endpoint's address")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.client_secret", "{ env = \"WRONG_SECRET\" }")],
        lines: &[failed("credential", "refused: AADSTS7000215", "configure the secret's value (not its id)")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.client_secret.expires", "2024-01-31")],
        lines: &[warning("credential_end", "has ended on 2024-01-31", "replace the credential, write its end")],
        ..DEMO
    },
    Case { lines: &[skipped("credential_end", "is not stated", "expires = ")], ..DEMO },
    Case {
        settings: &[("server.public_url", "\"http://127.0.0.1:1234\"")],
        lines: &[failed("redirect_uri", "is not registered", "register http://127.0.0.1:1234/")],
        ..DEMO
    },
    Case {
        settings: &[("identity_providers.entra.jwks_url", "\"http://127.77.83.29:9/keys\"")],
        lines: &[
            failed("keys", "http://127.77.83.29:9/keys cannot be fetched", "check the address, and the way out"),
            skipped("clock", "http://127.77.83.29:9/keys cannot be fetched", ""),
        ],
        ..DEMO
    },
    Case {
        settings: &[
            ("channels.metadata_url", "\"http://127.77.83.29:9/keys\""),
            ("channels.allow_insecure_http", "true"),
        ],
        lines: &[failed("channel_metadata", "http://127.77.83.29:9/keys cannot be fetched", "check the address")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.token_exchange_uri", "\"api://another.example/app\"")],
        lines: &[warning("exchange_uri", "names neither the connection's client_id nor", "(Expose an API)")],
        ..DEMO
    },
    Case {
        settings: &[
            ("connections.demo-graph.scopes", "[\"User.Read\"]"),
            ("connections.demo-graph.aad_resources", "[]"),
        ],
        lines: &[warning("scopes", "User.Read: no refresh token is asked for", "add \"offline_access\" to scopes")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.authorized_clients", "[\"99999999-9999-4999-8999-999999999999\"]")],
        lines: &[warning("authorized_clients", "not all clients of Teams are among them", "and 5e3ce6c0-")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.required_granted_scopes", "[\"Calendars.Read\"]")],
        token: Token::Of("Ada"),
        lines: &[failed(
            "granted_scopes",
            "User.Read",
            "consent to Calendars.Read, or take it out of connections.demo-",
        )],
        ..DEMO
    },
];

#[tokio::test]
async fn each_mistake_of_a_configuration_has_a_line_that_says_what_to_change() {
    check_cases(&mut healthy().await, CASES).await;
}
