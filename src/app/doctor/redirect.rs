//! Whether this program's address is registered as a redirect URI, which the sign-in behind the card needs.

use std::sync::Arc;

use tokio::time::{Instant, timeout};
use url::Url;

use super::{DoctorCheck, Finding, QUESTION_TIMEOUT, report_refusal};
use crate::config::ConnectionSection;
use crate::domain::{Secret, SharedEntropy};
use crate::identity_provider::{AuthorizationRequest, IdentityProvider};
use crate::outbound::{HttpAnswer, Outbound};

/// More of a sign-in page is not read.
const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// The numbers with which Entra says that a redirect URI is not registered, or that none is.
const NUMBERS_OF_ENTRA: [&str; 3] = ["AADSTS50011", "AADSTS500113", "AADSTS900971"];
/// A code challenge has this many characters (RFC 7636 §4.2).
const CHALLENGE_LENGTH: usize = 43;

/// Asks the provider for a sign-in without a page (`prompt=none`). A provider sends the refusal of that to a registered address,
/// and shows a page for another one (RFC 6749 §4.1.2.1).
pub(super) async fn check(
    section: &ConnectionSection,
    provider: &Arc<dyn IdentityProvider>,
    redirect_uri: &Url,
    outbound: &Outbound,
    entropy: &SharedEntropy,
) -> Finding {
    let subject = format!("{} redirect URI {redirect_uri}", section.place());
    let (state, nonce) = (Secret::new(entropy.hex_id()), Secret::new(entropy.hex_id()));
    let challenge: String = entropy.hex_id().repeat(2).chars().take(CHALLENGE_LENGTH).collect();
    let request = AuthorizationRequest {
        redirect_uri,
        state: &state,
        nonce: &nonce,
        code_challenge: &challenge,
        ask_consent: false,
        choose_account: false,
        asks_anew: false,
        claims: None,
        tenant: None,
    };
    let address = match timeout(QUESTION_TIMEOUT, provider.authorize_url(&section.connection, request)).await {
        Ok(Ok(address)) => ask_silently(address),
        Ok(Err(error)) => {
            return report_refusal(DoctorCheck::RedirectUri, subject, &error);
        }
        Err(_) => {
            return Finding::failed(DoctorCheck::RedirectUri, subject, "unknown: the provider does not answer in time");
        }
    };
    match outbound.get(&address, Instant::now() + QUESTION_TIMEOUT, MAX_PAGE_BYTES).await {
        Ok(answer) => judge(&answer, section, subject, redirect_uri),
        Err(error) => {
            Finding::skipped(DoctorCheck::RedirectUri, subject, format!("unknown: the sign-in page: {error}"))
        }
    }
}

/// The address with `prompt=none`, instead of another `prompt`.
fn ask_silently(mut address: Url) -> Url {
    let kept: Vec<(String, String)> = address
        .query_pairs()
        .filter(|(name, _)| name != "prompt")
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    address.query_pairs_mut().clear().extend_pairs(kept).append_pair("prompt", "none");
    address
}

fn judge(answer: &HttpAnswer, section: &ConnectionSection, subject: String, redirect_uri: &Url) -> Finding {
    let location = answer.header("location").and_then(|text| Url::parse(text).ok());
    let returns = |location: &Url| location.origin() == redirect_uri.origin() && location.path() == redirect_uri.path();
    if location.as_ref().is_some_and(returns) {
        return Finding::ok(DoctorCheck::RedirectUri, subject, "the provider sends browsers back to it");
    }
    let page = String::from_utf8_lossy(&answer.body);
    let number = NUMBERS_OF_ENTRA.iter().find(|number| has_number(&page, number));
    if number.is_some() || (400..500).contains(&answer.status) && names_redirect_uri(&page) {
        let number = number.map(|number| format!(" ({number})")).unwrap_or_default();
        let advice = format!(
            "register {redirect_uri}, exactly so, as a redirect URI (platform \"Web\") of the app {}; if that is not the \
             address under which users reach this service, correct server.public_url",
            section.connection.client_id
        );
        return Finding::failed(DoctorCheck::RedirectUri, subject, format!("is not registered{number}")).advise(advice);
    }
    let seen = match &location {
        Some(location) => {
            let host = location.host_str().unwrap_or_default();
            format!("cannot be told: the provider sends browsers to {host} first")
        }
        None => format!("cannot be told: the provider answers with a page (status {})", answer.status),
    };
    Finding::skipped(DoctorCheck::RedirectUri, subject, seen).advise("sign in once with the card's button")
}

/// Whether `page` has `number`, and not only a longer one that begins with it.
fn has_number(page: &str, number: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|letter: char| letter.is_ascii_digit());
    page.match_indices(number).any(|(at, _)| page.get(at + number.len()..).is_some_and(is_end))
}

/// Whether `page` writes of a redirect URI. A page that only repeats the question's own address does not.
fn names_redirect_uri(page: &str) -> bool {
    let page = page.to_ascii_lowercase().replace("redirect_uri=", "").replace("redirect_uri%3d", "");
    ["redirect_uri", "redirect uri", "redirect-uri", "reply address"].iter().any(|words| page.contains(words))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_number_is_found_whole_and_an_echo_of_the_question_is_no_refusal() {
        assert!(has_number("AADSTS50011: the reply address", "AADSTS50011"));
        assert!(has_number("AADSTS500112 or AADSTS50011", "AADSTS50011"));
        assert!(!has_number("AADSTS500113: no reply address", "AADSTS50011"));
        assert!(
            names_redirect_uri("error: invalid Redirect_URI") && names_redirect_uri("the reply address is unknown")
        );
        assert!(!names_redirect_uri("cannot GET /authorize?client_id=1&redirect_uri=https%3A%2F%2Fa.example"));
    }

    #[test]
    fn the_question_asks_for_no_page_whatever_prompt_the_connection_has() {
        let address = ask_silently(Url::parse("https://idp.example/authorize?a=1%262&prompt=consent&b=x+y").unwrap());
        assert_eq!(address.as_str(), "https://idp.example/authorize?a=1%262&b=x+y&prompt=none");
    }
}
