use super::engine::ExchangeParts;
use super::needs::SignInNeed;
use crate::domain::{ClaimsChallenge, TokenSlot};
use crate::identity_provider::RedeemFailure;
use crate::records::RecordError;

/// Remembers what an attempt to get a token lacked, so that the browser which comes next asks the user for exactly that;
/// where it lacked nothing that can be asked for, what is remembered stays. `tried` is the challenge that went with the
/// attempt: no other waits for the user any more.
pub(super) async fn note_lack(
    parts: &ExchangeParts,
    slot: &TokenSlot,
    (failure, tried): (&RedeemFailure, Option<&ClaimsChallenge>),
    correlation_id: &str,
) {
    let Some(need) = need_of(failure, tried) else { return };
    if let Err(error) = parts.needs.put(slot, &need).await {
        not_noted(&error, correlation_id);
    }
}

/// Remembers what the browser's own attempt lacked, beside what is remembered already: whoever follows a link may be
/// somebody else than its owner, and must not make theirs forgotten.
pub async fn note_further_lack(parts: &ExchangeParts, slot: &TokenSlot, failure: &RedeemFailure, correlation_id: &str) {
    let Some(need) = need_of(failure, None) else { return };
    let noted = async {
        let earlier = parts.needs.get(slot, None).await?;
        parts.needs.put(slot, &earlier.joined(need)).await
    };
    if let Err(error) = noted.await {
        not_noted(&error, correlation_id);
    }
}

fn not_noted(error: &RecordError, correlation_id: &str) {
    tracing::warn!(correlation_id, %error, "the browser will not ask for what an attempt lacked");
}

fn need_of(failure: &RedeemFailure, tried: Option<&ClaimsChallenge>) -> Option<SignInNeed> {
    let need = match failure {
        RedeemFailure::ConsentRequired => SignInNeed { consent: true, claims: tried.cloned() },
        RedeemFailure::InteractionRequired { claims } => {
            let wanted = claims.as_deref().and_then(ClaimsChallenge::parse);
            SignInNeed { consent: false, claims: wanted.or_else(|| tried.cloned()) }
        }
        _ => SignInNeed::default(),
    };
    (need != SignInNeed::default()).then_some(need)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_and_claims_are_remembered_and_nothing_else_is() {
        let tried = ClaimsChallenge::parse(r#"{"tried":1}"#);
        let wanted = ClaimsChallenge::parse(r#"{"wanted":1}"#);
        let interaction =
            |claims: Option<&str>| RedeemFailure::InteractionRequired { claims: claims.map(str::to_owned) };
        for (failure, need) in [
            (RedeemFailure::ConsentRequired, Some(SignInNeed { consent: true, claims: tried.clone() })),
            (interaction(Some(r#"{"wanted":1}"#)), Some(SignInNeed { consent: false, claims: wanted })),
            (interaction(Some("nonsense")), Some(SignInNeed { consent: false, claims: tried.clone() })),
            (interaction(None), Some(SignInNeed { consent: false, claims: tried.clone() })),
            (RedeemFailure::Denied, None),
            (RedeemFailure::Transient, None),
        ] {
            assert_eq!(need_of(&failure, tried.as_ref()), need, "{failure:?}");
        }
        assert_eq!(need_of(&interaction(None), None), None, "nothing in particular");
    }
}
