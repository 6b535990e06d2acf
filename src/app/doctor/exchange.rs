//! The exchange of a client's token, really tried.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT, describe};
use crate::config::ConnectionSection;
use crate::domain::{ExchangeableToken, SharedEntropy};
use crate::exchange::{missing_scopes, withheld_scopes};
use crate::identity_provider::{Attempt, Grant, IdentityProvider, RedeemFailure, RedeemedToken};

/// Exchanges `token` as a sign-in does. The provider's answer is looked at and dropped: nothing of it is kept or shown but
/// the names of the granted scopes.
pub(super) async fn check(
    section: &ConnectionSection,
    token: &ExchangeableToken,
    provider: &Arc<dyn IdentityProvider>,
    entropy: &SharedEntropy,
) -> Vec<Finding> {
    let subject = format!("{} exchange", section.place());
    let attempt = Attempt { correlation_id: entropy.uuid(), deadline: Instant::now() + QUESTION_TIMEOUT, claims: None };
    let asked = provider.redeem(&section.connection, Grant::OnBehalfOf(token), attempt);
    match timeout(QUESTION_TIMEOUT, asked).await {
        Ok(Ok(redeemed)) => {
            let exchanged =
                Finding::ok(DoctorCheck::Consent, subject, "the provider exchanges the token: the user has consented");
            vec![exchanged, check_granted(section, &redeemed)]
        }
        Ok(Err(error)) => {
            let user_helps = match error.failure {
                RedeemFailure::ConsentRequired | RedeemFailure::InteractionRequired { .. } | RedeemFailure::Refused => {
                    "the user gets a card, and can cure it by signing in: "
                }
                RedeemFailure::AssertionExpired => "the client has to get a fresh token: ",
                _ => "",
            };
            let mut refused = describe(&error);
            refused.seen.insert_str(0, user_helps);
            vec![refused.into_finding(DoctorCheck::Consent, subject)]
        }
        Err(_) => {
            let seen = "unknown: the provider does not answer in time";
            vec![
                Finding::failed(DoctorCheck::Consent, subject, seen)
                    .advise("check the network, and the provider's status"),
            ]
        }
    }
}

fn check_granted(section: &ConnectionSection, redeemed: &RedeemedToken) -> Finding {
    let subject = format!("{} granted scopes", section.place());
    let connection = &section.connection;
    let granted = redeemed.granted_scope.as_deref();
    let seen = granted.map_or_else(|| "the provider names none, so all that were asked for".to_owned(), printable);
    let missing = missing_scopes(connection, redeemed, false);
    if !missing.is_empty() {
        return Finding::failed(DoctorCheck::GrantedScopes, subject, seen).advise(format!(
            "let the user or an administrator consent to {}, or take it out of {}.required_granted_scopes",
            missing.join(" "),
            section.place()
        ));
    }
    let withheld = withheld_scopes(connection, granted);
    if withheld.is_empty() {
        return Finding::ok(DoctorCheck::GrantedScopes, subject, seen);
    }
    Finding::warning(
        DoctorCheck::GrantedScopes,
        subject,
        format!("{seen}; asked for and not granted: {}", withheld.join(" ")),
    )
    .advise("add the permissions to the app registration and consent to them, or ask for less in scopes")
}

/// The names of scopes, in letters that are harmless on a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(400).collect()
}
