//! Clients' tokens that a check refuses, or that the provider does not exchange.

use super::case::{Case, DEMO, Token, check_cases, failed};
use super::healthy;

pub const CASES: &[Case] = &[
    Case {
        token: Token::Text("no token"),
        lines: &[failed("token_form", "taken would be at most 32768 bytes, in three parts", "is no JSON Web Token")],
        ..DEMO
    },
    Case {
        token: Token::With("iss", "https://evil.example/v2.0"),
        lines: &[failed("token_issuer", "iss=https://evil.example/v2.0", "has another issuer: check authority")],
        ..DEMO
    },
    Case {
        token: Token::With("ver", "1.0"),
        lines: &[failed("token_version", "ver=1.0", "has another version than its issuer")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.tenants", "[\"99999999-9999-4999-8999-999999999999\"]")],
        token: Token::Of("Ada"),
        lines: &[failed("token_tenant", "taken would be 99999999-", "add it to the connection's tenants")],
        ..DEMO
    },
    Case { token: Token::Forged, lines: &[failed("token_signature", "kid=", "names a key that the issuer's")], ..DEMO },
    Case {
        token: Token::With("aud", "api://another-app"),
        lines: &[failed("token_audience", "aud=api://another-app", "webApplicationInfo in the Teams manifest")],
        ..DEMO
    },
    Case {
        token: Token::Ended,
        lines: &[failed("token_lifetime", "taken would be now=", "fetch a fresh one")],
        ..DEMO
    },
    Case {
        token: Token::With("idtyp", "app"),
        lines: &[failed("token_user", "idtyp=app", "an application's own, without a user")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.required_scopes", "[\"manage\"]")],
        token: Token::Of("Ada"),
        lines: &[failed("token_scopes", "taken would be manage", "change the connection's required_scopes")],
        ..DEMO
    },
    Case {
        settings: &[("connections.demo-graph.authorized_clients", "[\"99999999-9999-4999-8999-999999999999\"]")],
        token: Token::Of("Ada"),
        lines: &[failed("token_client", "taken would be 99999999-", "add the client to authorized_clients")],
        ..DEMO
    },
    Case {
        token: Token::Of("Cleo"),
        lines: &[failed("consent", "refused: AADSTS65001", "consent on the sign-in page, or grant admin consent")],
        ..DEMO
    },
    Case {
        token: Token::Of("Dan"),
        lines: &[failed("consent", "refused: AADSTS50076", "requires a second factor")],
        ..DEMO
    },
    Case {
        arguments: &[
            "--connection",
            "graph",
            "--user",
            "99999999-9999-4999-8999-999999999999@22222222-2222-4222-8222-222222222222",
        ],
        token: Token::Of("Ada"),
        lines: &[failed("user", "the token is of another user", "let this user's client get the token")],
        ..DEMO
    },
];

#[tokio::test]
async fn each_mistake_of_a_token_has_a_line_that_says_what_to_change() {
    check_cases(&mut healthy().await, CASES).await;
}
