use std::time::Duration;

use crate::domain::{ClockAndEntropy, Connection, IdToken, Secret, SecurityContext, Timestamp, UserKey, UserToken};
use crate::identity_provider::RedeemedToken;
use crate::token_validation::IdTokenStatements;

/// The refresh of a token is moved by at most this much, so that tokens obtained together are not refreshed together
/// (docs/protocols/entra-obo.md §4, row `refresh_in`).
const MAX_JITTER: Duration = Duration::from_mins(5);

/// The user of a redeemed token, and the circumstances of the sign-in.
#[derive(Clone, Copy, Debug)]
pub struct TokenOwner<'a> {
    /// The user of the token.
    pub user: &'a UserKey,
    /// A digest of how the user signed in.
    pub security_context: SecurityContext,
}

/// Builds the token to keep from what the issuer returned. A refresh token that the connection did not ask for is
/// dropped, and so is the time of the refresh. The ID token is kept for apps alone (docs/service-role.md §ID tokens).
#[must_use]
pub fn user_token(
    redeemed: RedeemedToken,
    connection: &Connection,
    owner: TokenOwner<'_>,
    ambient: &ClockAndEntropy,
) -> UserToken {
    let TokenOwner { user, security_context } = owner;
    let now = ambient.now();
    let refresh_token = redeemed.refresh_token.filter(|_| connection.keeps_refresh_token());
    let mut random = [0; 8];
    ambient.entropy.fill(&mut random);
    let id_token = redeemed.id_token.filter(|_| connection.holder.find_app().is_some()).and_then(read_id_token);
    let refresh_at = redeemed.refresh_at.filter(|_| refresh_token.is_some());
    UserToken {
        access_token: redeemed.access_token,
        expires_at: redeemed.expires_at,
        user: user.clone(),
        security_context,
        granted_scope: redeemed.granted_scope,
        obtained_at: now,
        signed_in_at: now,
        refresh_token,
        refresh_at: refresh_at.map(|at| apply_jitter(at, now, redeemed.expires_at, u64::from_le_bytes(random))),
        id_token,
    }
}

/// An ID token with its end; `None` if it does not say when it ends, so that it could not be handed out.
fn read_id_token(raw: Secret) -> Option<IdToken> {
    let expires_at = IdTokenStatements::read(&raw)?.ends;
    Some(IdToken { raw, expires_at })
}

/// Moves `at`, which lies between `from` and `to`, by a random time. It moves by at most half of the time to `from` and
/// to `to`, so that a short-lived token is neither refreshed at once nor after its end.
fn apply_jitter(at: Timestamp, from: Timestamp, to: Timestamp, random: u64) -> Timestamp {
    let limit = MAX_JITTER.min(from.until(at) / 2).min(at.until(to) / 2);
    let limit = u64::try_from(limit.as_millis()).unwrap_or(0);
    let drawn = random % (2 * limit + 1);
    at.minus(Duration::from_millis(limit)).plus(Duration::from_millis(drawn))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::test_samples::sample_connection;
    use crate::domain::{OffsetClock, ProviderKind, Secret, SystemEntropy};

    fn connection(scopes: &[&str]) -> Connection {
        sample_connection("graph", ProviderKind::Entra, scopes)
    }

    fn build_token(scopes: &[&str], refresh_token: Option<&str>) -> UserToken {
        build_token_of(&connection(scopes), refresh_token)
    }

    fn build_token_of(connection: &Connection, refresh_token: Option<&str>) -> UserToken {
        let redeemed = RedeemedToken {
            access_token: Secret::from("a"),
            expires_at: at(3600),
            granted_scope: None,
            refresh_token: refresh_token.map(Secret::from),
            refresh_at: Some(at(1800)),
            id_token: None,
        };
        let user = UserKey::entra("o", "t");
        let owner = TokenOwner { user: &user, security_context: SecurityContext([0; 16]) };
        let ambient = ClockAndEntropy { clock: Arc::new(OffsetClock::default()), entropy: Arc::new(SystemEntropy) };
        user_token(redeemed, connection, owner, &ambient)
    }

    #[test]
    fn a_refresh_token_is_kept_only_if_the_connection_asks_for_offline_access() {
        let offline = build_token(&["User.Read", "Offline_Access"], Some("r"));
        assert!(offline.refresh_token.is_some() && offline.refresh_at.is_some());
        for token in [build_token(&["User.Read"], Some("r")), build_token(&["offline_access"], None)] {
            assert!(token.refresh_token.is_none() && token.refresh_at.is_none());
        }
    }

    #[test]
    fn other_providers_are_asked_for_a_refresh_token_in_other_ways_too() {
        use crate::domain::ProviderKind::{Entra, OpenIdConnect};
        for (kind, scope, by_parameter, is_kept) in [
            (OpenIdConnect, "openid", true, true),
            (OpenIdConnect, "offline.access", false, true),
            (OpenIdConnect, "offline", false, true),
            (OpenIdConnect, "refresh_token", false, true),
            (OpenIdConnect, "openid", false, false),
            (Entra, "offline", true, false),
        ] {
            let connection =
                Connection { provider_kind: kind, asks_offline_by_parameter: by_parameter, ..connection(&[scope]) };
            assert_eq!(
                build_token_of(&connection, Some("r")).refresh_token.is_some(),
                is_kept,
                "{scope} {by_parameter}"
            );
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn the_refresh_time_lies_within_five_minutes_of_the_issuers_time() {
        let moments: Vec<_> =
            (0..2_000).map(|step| apply_jitter(at(50_000), at(0), at(100_000), step * 7_919 * 1_000)).collect();
        assert!(moments.iter().all(|moment| (at(49_700)..=at(50_300)).contains(moment)));
        assert!(moments.iter().any(|moment| *moment < at(49_800)));
        assert!(moments.iter().any(|moment| *moment > at(50_200)));
    }

    #[test]
    fn a_short_lived_token_is_refreshed_neither_at_once_nor_after_its_end() {
        for random in [0, 1, u64::MAX, 123_456_789_012_345] {
            let moment = apply_jitter(at(100), at(0), at(160), random);
            assert!((at(70)..=at(130)).contains(&moment), "{moment:?}");
            assert_eq!(apply_jitter(at(0), at(0), at(160), random), at(0));
        }
    }
}
