use crate::config::review::{Place, Review};

use super::raw::RawConnection;

/// The scopes without which a token is of no use, at `place.required_granted_scopes`. Each has been checked. `requested` are the connection's
/// scopes. A scope that is not among them may still be granted, because some providers grant a scope under another name
/// than the one that was requested.
pub(super) fn validate_granted_scopes(
    raw: &mut RawConnection,
    requested: Option<&[String]>,
    review: &mut Review<'_>,
    place: &Place,
) -> Vec<String> {
    let at = place.key("required_granted_scopes");
    let required = std::mem::take(&mut raw.required_granted_scopes);
    let Some(requested) = requested.filter(|_| !review.is_reported(&place.key("scopes"))) else { return required };
    let grants = |scope: &str| {
        let same =
            |other: &String| other.eq_ignore_ascii_case(scope) || other.rsplit('/').next() == scope.rsplit('/').next();
        requested.iter().any(|other| same(other) || other.ends_with("/.default"))
    };
    for (index, scope) in required.iter().enumerate().filter(|(_, scope)| !grants(scope)) {
        if review.is_reported(&at.index(index)) {
            continue;
        }
        let message = format!(
            "{scope:?} is not among scopes: if the provider does not grant it under another name, no user gets a token"
        );
        review.warn(&at.index(index), message);
    }
    required
}
