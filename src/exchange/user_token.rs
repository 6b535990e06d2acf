use std::time::Duration;

use crate::domain::{ClockAndEntropy, Connection, SecurityContext, Timestamp, UserKey, UserToken};
use crate::identity_provider::RedeemedToken;

/// Tokens obtained together are not refreshed together: each up to so much earlier or later than the issuer says
/// (entra-obo §4, row `refresh_in`).
const JITTER: Duration = Duration::from_mins(5);

/// Whose a redeemed token is, and how they had signed in.
#[derive(Clone, Copy, Debug)]
pub struct TokenOwner<'a> {
    /// The user.
    pub user: &'a UserKey,
    /// How the user had signed in.
    pub security_context: SecurityContext,
}

/// The token to be kept of what was redeemed. A refresh token that the connection did not ask for is dropped, and with it
/// the moment to use it.
#[must_use]
pub fn user_token(
    redeemed: RedeemedToken,
    connection: &Connection,
    owner: TokenOwner<'_>,
    ambient: &ClockAndEntropy,
) -> UserToken {
    let TokenOwner { user, security_context } = owner;
    let now = ambient.now();
    let refresh_token = redeemed.refresh_token.filter(|_| connection.asks_offline_access());
    let mut random = [0; 8];
    ambient.entropy.fill(&mut random);
    let asked_for = redeemed.refresh_at.filter(|_| refresh_token.is_some());
    UserToken {
        access_token: redeemed.access_token,
        expires_at: redeemed.expires_at,
        user: user.clone(),
        security_context,
        granted_scope: redeemed.granted_scope,
        obtained_at: now,
        refresh_token,
        refresh_at: asked_for.map(|at| spread(at, now, redeemed.expires_at, u64::from_le_bytes(random))),
    }
}

/// `at`, which lies between `from` and `to`, moved by chance: never by more than half of the time before it or after it, so that a short-lived token is not
/// refreshed at once, nor so late that it has ended.
fn spread(at: Timestamp, from: Timestamp, to: Timestamp, random: u64) -> Timestamp {
    let most = JITTER.min(from.until(at) / 2).min(at.until(to) / 2);
    let most = u64::try_from(most.as_millis()).unwrap_or(0);
    let drawn = random % (2 * most + 1);
    at.minus(Duration::from_millis(most)).plus(Duration::from_millis(drawn))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        BotName, ConnectionName, ConnectionRevision, ExchangePolicy, OffsetClock, Secret, SystemEntropy, TenantPolicy,
    };

    fn connection(scopes: &[&str]) -> Connection {
        Connection {
            bot: BotName::new("bot"),
            name: ConnectionName::new("graph"),
            identity_provider: "entra".to_owned(),
            client_id: "client".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            continuous_access: false,
            token_exchange_uri: None,
            provider_kind: crate::domain::ProviderKind::Entra,
            exchange_uris: Vec::new(),
            aad_resources: Vec::new(),
            exchange: ExchangePolicy {
                tenants: TenantPolicy::AnyOrganization,
                audiences: Vec::new(),
                required_scopes: Vec::new(),
                authorized_clients: Vec::new(),
                allow_v1: false,
            },
            revision: ConnectionRevision([0; 16]),
        }
    }

    fn kept(scopes: &[&str], refresh_token: Option<&str>) -> UserToken {
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
        user_token(redeemed, &connection(scopes), owner, &ambient)
    }

    #[test]
    fn a_refresh_token_is_kept_only_where_it_was_asked_for() {
        let asked_for = kept(&["User.Read", "Offline_Access"], Some("r"));
        assert!(asked_for.refresh_token.is_some() && asked_for.refresh_at.is_some());
        for token in [kept(&["User.Read"], Some("r")), kept(&["offline_access"], None)] {
            assert!(token.refresh_token.is_none() && token.refresh_at.is_none());
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn the_moment_lies_within_five_minutes_of_what_the_issuer_says() {
        let moments: Vec<_> =
            (0..2_000).map(|step| spread(at(50_000), at(0), at(100_000), step * 7_919 * 1_000)).collect();
        assert!(moments.iter().all(|moment| (at(49_700)..=at(50_300)).contains(moment)));
        assert!(moments.iter().any(|moment| *moment < at(49_800)));
        assert!(moments.iter().any(|moment| *moment > at(50_200)));
    }

    #[test]
    fn a_short_life_is_neither_refreshed_at_once_nor_too_late() {
        for random in [0, 1, u64::MAX, 123_456_789_012_345] {
            let moment = spread(at(100), at(0), at(160), random);
            assert!((at(70)..=at(130)).contains(&moment), "{moment:?}");
            assert_eq!(spread(at(0), at(0), at(160), random), at(0));
        }
    }
}
