#![allow(clippy::unwrap_used)]

use super::*;
use crate::identity_provider::token_endpoint::EndpointRefusal;

/// Every row of the tables of this folder, and its hint.
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    let mut hints: Vec<_> =
        entra::numbers::BY_CODE.iter().map(|(code, _, hint)| (format!("AADSTS{code}"), *hint)).collect();
    hints.extend(b2c::BY_B2C_CODE.iter().map(|(code, _, hint)| (format!("AADB2C{code}"), *hint)));
    hints.extend(words::BY_ERROR.iter().map(|row| (format!("Entra: {}", row.word), row.entra)));
    hints.extend(words::BY_ERROR.iter().map(|row| (format!("others: {}", row.word), row.other)));
    hints.extend(exchange_words::BY_EXCHANGE_ERROR.iter().map(|(word, _, hint)| (format!("exchange: {word}"), *hint)));
    hints.extend(words::BY_SUBERROR.iter().map(|(word, _, hint)| (format!("suberror {word}"), *hint)));
    hints.extend(words::BY_DESCRIPTION.iter().map(|(text, _, hint)| (format!("description {text}"), *hint)));
    for meaning in [
        RefusalMeaning::Throttled,
        RefusalMeaning::ServerFault,
        RefusalMeaning::Misconfigured,
        RefusalMeaning::Refused,
        RefusalMeaning::Unknown,
    ] {
        hints.push((format!("an unknown word: {meaning:?}"), unknown_words::find_hint(meaning)));
    }
    hints.push(("a client's assertion".to_owned(), entra::hints::CLIENT_ASSERTION));
    hints.push(("a challenge in the browser".to_owned(), entra::hints::CLAIMS_CHALLENGE));
    let refusals = [
        EndpointRefusal { status: 429, ..EndpointRefusal::default() },
        EndpointRefusal { status: 503, ..EndpointRefusal::default() },
    ];
    for refusal in &refusals {
        hints.push((format!("Entra: {}", refusal.status), entra::classify(refusal).error.diagnostics.hint));
        hints.push((format!("others: {}", refusal.status), oauth::classify(refusal).error.diagnostics.hint));
    }
    let retry_after = Some(std::time::Duration::from_secs(5));
    for refusal in [
        EndpointRefusal { status: 400, retry_after, ..EndpointRefusal::default() },
        EndpointRefusal { status: 503, retry_after, ..EndpointRefusal::default() },
        EndpointRefusal { status: 400, claims: Some("{}".to_owned()), ..EndpointRefusal::default() },
        EndpointRefusal { status: 400, device_challenge: true, ..EndpointRefusal::default() },
    ] {
        hints.push((format!("Entra: {refusal:?}"), entra::classify(&refusal).error.diagnostics.hint));
    }
    hints
}

#[test]
fn call_without_a_response_is_transient_unless_the_host_rules_refused_it() {
    assert_eq!(
        classify_unanswered(&OutboundError::HostRefused { host: "h".into() }).error.failure,
        RedeemFailure::Misconfigured
    );
    for (error, retry) in [
        (OutboundError::Unreachable, true),
        (OutboundError::Broken, true),
        (OutboundError::TimedOut, false),
        (OutboundError::TooLarge, false),
    ] {
        let classified = classify_unanswered(&error);
        assert_eq!((classified.error.failure, classified.retry), (RedeemFailure::Transient, retry));
    }
}

fn refused<'a>(error: &'a str, description: &'a str) -> AuthorizationError<'a> {
    AuthorizationError { error: Some(error), description: Some(description), ..AuthorizationError::default() }
}

#[test]
fn a_browsers_error_is_read_by_its_number_before_its_word() {
    use RefusalMeaning as Means;
    for (error, description, meaning, number) in [
        ("access_denied", "", Means::AccessRefused, None),
        ("access_denied", "User is not assigned to the client application.", Means::AccessRefused, None),
        ("access_denied", "AADSTS65004: User declined to consent.", Means::Cancelled, Some(65_004)),
        ("access_denied", "AADB2C90118: The user has forgotten their password.", Means::PasswordForgotten, None),
        ("access_denied", "AADB2C90091: The user has cancelled.", Means::Cancelled, None),
        ("interaction_required", "AADSTS50105: not assigned", Means::Denied, Some(50_105)),
        ("interaction_required", "AADSTS16000: several", Means::WrongAccount, Some(16_000)),
        ("interaction_required", "", Means::Interaction, None),
        ("login_required", "", Means::SignInAgain, None),
        ("consent_required", "AADSTS65001", Means::Consent, Some(65_001)),
        ("account_selection_required", "", Means::AccountSelection, None),
        ("temporarily_unavailable", "authentication_expired", Means::PageExpired, None),
        ("temporarily_unavailable", "overloaded", Means::Transient, None),
        ("server_error", "AADSTSx", Means::ServerFault, None),
        ("invalid_request", "AADSTS50011: redirect URI", Means::Misconfigured, Some(50_011)),
        ("invalid_scope", "", Means::Misconfigured, None),
        ("Access Denied", "", Means::AccessRefused, None),
        ("LoginRequired", "", Means::SignInAgain, None),
        ("TEMPORARILY-UNAVAILABLE", "Authentication Expired", Means::PageExpired, None),
        ("expired-token", "", Means::Refused, None),
        ("Slow Down", "", Means::Throttled, None),
        ("TokenExpired", "", Means::Refused, None),
        ("unknown/words", "AADSTS999999999999: x AADSTS4711", Means::Unknown, Some(4711)),
    ] {
        let refusal = classify_authorization_error(&refused(error, description));
        assert_eq!((refusal.meaning, refusal.diagnostics.aadsts), (meaning, number), "{error} {description}");
        assert!(!refusal.diagnostics.hint.is_empty());
    }
    let cancel = AuthorizationError { subcode: Some("cancel"), ..refused("access_denied", "") };
    assert_eq!(classify_authorization_error(&cancel).meaning, RefusalMeaning::Cancelled);
    let challenged = AuthorizationError { has_claims: true, ..refused("access_denied", "") };
    assert_eq!(classify_authorization_error(&challenged).meaning, RefusalMeaning::Interaction);
    assert_eq!(classify_authorization_error(&AuthorizationError::default()).meaning, RefusalMeaning::Unknown);
}

#[test]
fn a_providers_words_are_cut_and_printable_in_the_diagnostics() {
    let long = "x\u{1b}\n\u{202e}".repeat(20_000);
    let diagnostics = classify_authorization_error(&refused(&long, &long)).diagnostics;
    for text in [diagnostics.error.unwrap(), diagnostics.description.unwrap()] {
        assert!(text.chars().count() <= 301, "{text}");
        assert!(!text.contains(|letter: char| letter.is_control() || letter == '\u{202e}'), "{text}");
    }
}
