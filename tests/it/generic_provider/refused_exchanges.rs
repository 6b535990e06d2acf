//! What providers answer to an exchange that they do not make, and what clients and operators are told.

use serde_json::Value;

use super::exchanges::{Exchanges, ExchangingConnection, OF_ENTRA};
use crate::harness::refusals::assert_refused;
use crate::harness::{activities, logs};

fn asking_for(name: &'static str, scenario: &str) -> ExchangingConnection {
    ExchangingConnection::new(name, format!("{OF_ENTRA}, parameters = {{ scenario = \"{scenario}\" }}"))
}

#[tokio::test]
async fn each_refusal_of_the_provider_reaches_the_client_by_its_meaning_and_the_operator_by_a_hint() {
    let connections = [
        asking_for("denied", "denied"),
        asking_for("unauthorized", "unauthorized"),
        asking_for("no-access-token", "n_a"),
        asking_for("saml", "saml"),
        ExchangingConnection::new("target", format!("{OF_ENTRA}, audience = [\"unknown\"]")),
        ExchangingConnection::new("unknown-user", OF_ENTRA),
        ExchangingConnection::new("unknown-bearer", format!("{OF_ENTRA}, grant = \"jwt_bearer\"")),
        asking_for("hung-up", "hang_up"),
        asking_for("throttled", "throttled"),
        ExchangingConnection::new("afterwards", OF_ENTRA),
    ];
    let fixture = Exchanges::start("refused", &connections).await;
    // Cleo is linked to no account of the provider.
    for (connection, user, status, reason, hint) in [
        ("denied", "Ada", 400, "denied", "policy refuses the exchange"),
        ("unauthorized", "Ada", 400, "misconfigured", "allow this client to exchange tokens"),
        ("no-access-token", "Ada", 400, "misconfigured", "N_A"),
        ("saml", "Ada", 400, "misconfigured", "issued_token_type"),
        ("target", "Ada", 400, "misconfigured", "token_exchange.audience"),
        ("unknown-user", "Cleo", 400, "misconfigured", "RFC 8693"),
        ("unknown-bearer", "Cleo", 412, "interaction_required", "sign in by the card"),
        ("hung-up", "Ada", 500, "temporarily_unavailable", "connection to the token endpoint broke"),
        // The provider's limit concerns the user at all connections, so it comes last.
        ("throttled", "Ada", 500, "temporarily_unavailable", "too many requests"),
        ("afterwards", "Ada", 500, "temporarily_unavailable", "no request was sent"),
    ] {
        let message = activities::message(&fixture.harness, &fixture.user(user), "hello");
        let answer = fixture.exchange(&message, connection, &fixture.entra_token(user).await).await;
        assert_refused(connection, &answer, status, reason);
        let lines = logs::lines_of(&answer.correlation_id());
        let has_hint = |line: &Value| line["hint"].as_str().is_some_and(|text| text.contains(hint));
        assert!(lines.iter().any(has_hint), "{connection}: {lines:?}");
    }
    let hung_up = fixture.seen().iter().filter(|seen| seen["scenario"] == "hang_up").count();
    assert!((2..=3).contains(&hung_up), "a broken connection is tried again: {hung_up}");
}
