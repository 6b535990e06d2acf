use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::current::CurrentTokens;
use super::refresh_turns::RefreshTurns;
use super::unkept::{UnkeptToken, UnkeptTokens};
use crate::domain::{ClockAndEntropy, Connection, ConnectionName, Secret, TokenSlot, UserKey, UserToken};
use crate::exchange::parent_slots::WantedToken;
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{ObtainedToken, Outage, Reason, Redemption, Refusal, TokenValidators, UserRates};
use crate::identity_provider::{Attempt, Grant, RedeemError, RedeemFailure, RedeemedToken};
use crate::observability::{AuditEntry, AuditEvent, carry, conceal};
use crate::single_flight::SingleFlight;
use crate::vault::{KeptRecord, KeptToken, TokenVault, VaultError};

/// The identity provider must complete a redemption within this time, because a bot waits for it.
const REDEMPTION_BUDGET: Duration = Duration::from_secs(5);

/// A resource other than the one that a connection's own token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedResource<'a> {
    /// An entry of [`Connection::exchange_uris`], compared exactly.
    ExchangeUri(&'a str),
    /// An entry of [`Connection::aad_resources`], compared without trailing slashes.
    Aad(&'a str),
}

impl WantedResource<'_> {
    /// The scope to request for this resource, if the connection lists the resource.
    #[must_use]
    pub fn find_scope(&self, connection: &Connection) -> Option<ResourceScope> {
        match self {
            Self::ExchangeUri(uri) => {
                connection.exchange_uris.iter().find(|listed| listed == uri).map(|uri| read_exchange_uri(uri))
            }
            Self::Aad(resource) => {
                let resource = resource.trim_end_matches('/');
                let listed = connection.aad_resources.iter().find(|listed| listed.trim_end_matches('/') == resource);
                listed.map(|listed| default_scope(listed))
            }
        }
    }
}

/// A scope of a listed resource: `https://graph.microsoft.com/.default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceScope(String);

/// How long a caller with a kept token that has not ended waits for its successor.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(2);

/// One of the three answers; [`ObtainedToken::UserNeeded`] if the user must sign in first or the kept token yields no
/// token for the resource. A [`Refusal`] says what the identity provider refuses.
type ResourceTokenResult = Result<ObtainedToken, Refusal>;

/// Hands out a signed-in user's tokens for resources other than the connection's own. A token is exchanged on behalf of
/// the user if the kept token can be exchanged, else obtained with the refresh token. Each is kept in a slot of its
/// own, which a sign-out of the connection empties.
#[derive(Clone)]
pub struct ResourceTokens {
    current: CurrentTokens,
    exchange: ResourceExchange,
    flights: Arc<SingleFlight<TokenSlot, ResourceTokenResult>>,
}

/// The capabilities that get a token for a resource.
#[derive(Clone)]
pub struct ResourceExchange {
    /// Keeps the connection's token and the resource's token.
    pub vault: Arc<TokenVault>,
    /// Validates the connection's token as an assertion for the exchange on behalf of the user.
    pub validators: Arc<TokenValidators>,
    /// Redeems at the identity provider.
    pub redemption: Redemption,
    /// Limits how often each user may cause a redemption.
    pub rates: Arc<UserRates>,
    /// Holds refresh tokens that the store did not take.
    pub unkept: UnkeptTokens,
    /// Time and randomness.
    pub ambient: ClockAndEntropy,
}

impl ResourceTokens {
    /// Gets tokens by `exchange`; `current` finds the token of the signed-in user.
    #[must_use]
    pub fn new(current: CurrentTokens, exchange: ResourceExchange) -> Self {
        Self { current, exchange, flights: Arc::default() }
    }

    /// The token for `scope` of the user whose connection token is `wanted`. Returned at once if one is kept with enough
    /// of its lifetime left. The user is needed if no user is signed in, or if neither the kept token nor a refresh token
    /// can get a token for `scope`. While no token can be obtained for an outage, a kept one serves until it ends.
    ///
    /// # Errors
    /// [`Refusal`] if the identity provider refuses, or if it or the store is not available.
    pub async fn get(
        &self,
        wanted: WantedToken<'_>,
        scope: &ResourceScope,
        correlation_id: &str,
    ) -> ResourceTokenResult {
        let WantedToken { slot, connection, .. } = wanted;
        let signed_in = self.current.try_get(wanted.into()).await.map_err(|error| store_failed(&error))?;
        let own = resource_slot(slot, scope);
        let signed_in = match signed_in {
            ObtainedToken::Token(token) => token,
            ObtainedToken::Unavailable(outage) => return self.find_kept_despite(outage, slot, &own, connection).await,
            ObtainedToken::UserNeeded => return Ok(ObtainedToken::UserNeeded),
        };
        let kept = self.exchange.vault.find(&own, connection.revision).await.map_err(|error| store_failed(&error))?;
        let fits = |token: &UserToken| is_of_same_sign_in(token, &signed_in);
        if let Some(kept) = kept.filter(|kept| fits(kept)) {
            return Ok(ObtainedToken::Token(kept));
        }
        let unended = self.exchange.vault.find_unended(&own, connection.revision).await;
        let is_kept = unended.map_err(|error| store_failed(&error))?.is_some_and(|kept| fits(&kept));
        let flight = self.flights.join(own.clone(), || {
            let redemption = ResourceRedemption {
                exchange: self.exchange.clone(),
                slot: slot.clone(),
                own: own.clone(),
                connection: Arc::clone(connection),
                turns: Arc::clone(&self.current.shared.tokens.turns),
                scope: scope.clone(),
                correlation_id: correlation_id.to_owned(),
            };
            let user = signed_in.user.clone();
            carry(async move { redemption.run(&user).await })
        });
        let patience = if is_kept { RENEWAL_PATIENCE } else { REDEMPTION_BUDGET };
        let outcome = timeout_at(Instant::now() + patience, flight.outcome()).await;
        match outcome.ok().flatten().unwrap_or_else(|| Err(deadline_exceeded())) {
            Ok(ObtainedToken::Token(token)) if !fits(&token) => Ok(ObtainedToken::UserNeeded),
            Err(refusal) if is_kept && refusal.reason.is_outage_or_own_fault() => {
                let kept = self.find_despite(refusal, &own, connection, correlation_id).await?;
                if fits(&kept) { Ok(ObtainedToken::Token(kept)) } else { Ok(ObtainedToken::UserNeeded) }
            }
            outcome => outcome,
        }
    }

    /// The kept token of the resource while the connection's own token has ended and cannot be renewed for an outage:
    /// the ended token still says whose it is. Unavailable if none is kept.
    async fn find_kept_despite(
        &self,
        outage: Outage,
        slot: &TokenSlot,
        own: &TokenSlot,
        connection: &Connection,
    ) -> ResourceTokenResult {
        let vault = &self.exchange.vault;
        let signed_in = vault.read(slot, connection.revision).await.map_err(|error| store_failed(&error))?;
        let kept = vault.find_unended(own, connection.revision).await.map_err(|error| store_failed(&error))?;
        let fits = |kept: &Arc<UserToken>| signed_in.is_some_and(|record| is_of_same_sign_in(kept, &record.token));
        Ok(kept.filter(fits).map_or(ObtainedToken::Unavailable(outage), ObtainedToken::Token))
    }

    /// Finds the token in `own`, which has not ended and could not be renewed because of `refusal`.
    async fn find_despite(
        &self,
        refusal: Refusal,
        own: &TokenSlot,
        connection: &Connection,
        correlation_id: &str,
    ) -> Result<Arc<UserToken>, Refusal> {
        // The next callers need not wait for another attempt.
        self.exchange.vault.defer_renewal(own);
        // The token is looked up again, because the user may have signed out meanwhile.
        let found = self.exchange.vault.find_unended(own, connection.revision).await;
        let Some(kept) = found.map_err(|error| store_failed(&error))? else { return Err(refusal) };
        refusal.report_overridden(&connection.holder, &connection.name, correlation_id);
        Ok(kept)
    }
}

/// A resource's token must belong to the same user and the same kind of sign-in as the connection's token.
fn is_of_same_sign_in(token: &UserToken, signed_in: &UserToken) -> bool {
    token.user == signed_in.user && token.security_context == signed_in.security_context
}

/// The slots in which tokens for the listed resources of `connection` may be kept; the slot of its own token is not
/// one.
pub(super) fn resource_slots<'a>(
    slot: &'a TokenSlot,
    connection: &'a Connection,
) -> impl Iterator<Item = TokenSlot> + 'a {
    let uris = connection.exchange_uris.iter().map(|uri| read_exchange_uri(uri));
    let resources = connection.aad_resources.iter().map(|resource| default_scope(resource));
    uris.chain(resources).map(|scope| resource_slot(slot, &scope))
}

/// The slot of a resource's token. Its name contains a line feed, which no connection's name can contain.
fn resource_slot(slot: &TokenSlot, scope: &ResourceScope) -> TokenSlot {
    let connection = ConnectionName::new(&format!("{}\n{}", slot.connection, scope.0));
    TokenSlot { account: slot.account.clone(), connection }
}

/// The scope for all permissions of the app at `resource`. A trailing slash is part of the resource's name and stays.
fn default_scope(resource: &str) -> ResourceScope {
    if resource.ends_with("/.default") {
        return ResourceScope(resource.to_owned());
    }
    ResourceScope(format!("{resource}/.default"))
}

/// Reads a URI that is either a scope (`api://<id>/access_as_user`) or a bare resource. An ambiguous URI counts as a
/// scope, because the operator can append `/.default` to a resource.
fn read_exchange_uri(uri: &str) -> ResourceScope {
    let (_, rest) = uri.split_once("://").unwrap_or(("", uri));
    let is_bare = rest.rsplit_once('/').is_none_or(|(_, last)| {
        let is_guid = uuid::Uuid::try_parse(last).is_ok();
        last.is_empty() || is_guid || last.starts_with("botid-")
    });
    if is_bare { default_scope(uri) } else { ResourceScope(uri.to_owned()) }
}

/// One redemption: wait until no other replica obtains the token → draw a permit → check that the user is still signed in →
/// redeem → keep.
struct ResourceRedemption {
    exchange: ResourceExchange,
    slot: TokenSlot,
    own: TokenSlot,
    connection: Arc<Connection>,
    turns: Arc<RefreshTurns>,
    scope: ResourceScope,
    correlation_id: String,
}

impl ResourceRedemption {
    async fn run(self, user: &UserKey) -> ResourceTokenResult {
        let turn =
            self.turns.take_resource(&self.own, REDEMPTION_BUDGET).await.map_err(|error| store_failed(&error))?;
        let Some(_turn) = turn else { return Err(deadline_exceeded()) };
        let vault = &self.exchange.vault;
        // The permit comes first: a sign-out after it revokes the permit, and a sign-out before it is seen by `find`.
        let permit = vault.permit(&self.own, user).await.map_err(|error| store_failed(&error))?;
        let mut signed_in = self.exchange.unkept.find_unended(&self.slot, self.connection.revision, vault).await;
        if signed_in.is_none() {
            let kept = vault.find_unended(&self.slot, self.connection.revision).await;
            signed_in = kept.map_err(|error| store_failed(&error))?;
        }
        let signed_in = signed_in.filter(|token| token.user == *user);
        let Some(signed_in) = signed_in else { return Ok(ObtainedToken::UserNeeded) };
        if let Some(kept) = self.find_of_other_replica(&signed_in).await? {
            return Ok(ObtainedToken::Token(kept));
        }
        let Some(redeemed) = self.redeem(&signed_in).await? else { return Ok(ObtainedToken::UserNeeded) };
        // Only the connection's own token keeps a refresh token.
        let redeemed = RedeemedToken { refresh_token: None, ..redeemed };
        let owner = TokenOwner { user, security_context: signed_in.security_context };
        let token = user_token(redeemed, &self.connection, owner, &self.exchange.ambient);
        let kept = match vault.keep(permit, self.connection.revision, token).await {
            Err(VaultError::SignedOut) => return Ok(ObtainedToken::UserNeeded),
            kept => kept.map_err(|error| store_failed(&error))?,
        };
        let (bot, connection) = (self.slot.account.holder.as_str(), self.slot.connection.as_str());
        let (correlation_id, scope) = (self.correlation_id.as_str(), self.scope.0.as_str());
        tracing::info!(correlation_id, bot, connection, scope, user = %conceal(&kept.user), "a token for a resource is kept");
        let entry = AuditEntry::new(AuditEvent::ResourceTokenExchanged).slot(&self.slot).user(&kept.user);
        entry.correlation_id(correlation_id).detail(scope).write();
        Ok(ObtainedToken::Token(kept))
    }

    /// The token that another replica has obtained since this one looked for it.
    async fn find_of_other_replica(&self, signed_in: &UserToken) -> Result<Option<Arc<UserToken>>, Refusal> {
        if !self.turns.are_shared() {
            return Ok(None);
        }
        let kept = self.exchange.vault.find(&self.own, self.connection.revision).await;
        let kept = kept.map_err(|error| store_failed(&error))?;
        Ok(kept.filter(|kept| is_of_same_sign_in(kept, signed_in)))
    }

    async fn redeem(&self, signed_in: &UserToken) -> Result<Option<RedeemedToken>, Refusal> {
        self.exchange.rates.charge(&self.slot.account, &self.correlation_id).await?;
        // The same connection with `scope` as its only scope.
        // The required scopes are those of the connection's own resource.
        let narrowed = Connection {
            scopes: vec![self.scope.0.clone()],
            required_granted_scopes: Vec::new(),
            ..(*self.connection).clone()
        };
        let assertion = self.exchange.validators.validate(&self.connection, &signed_in.access_token).await;
        let keys_failure = match assertion {
            Ok(assertion) if assertion.user == signed_in.user => {
                return Ok(Some(self.redeem_grant(&narrowed, Grant::OnBehalfOf(&assertion)).await?));
            }
            Ok(_) => None,
            Err(refusal) => Some(refusal).filter(|refusal| refusal.reason.is_outage_or_own_fault()),
        };
        self.redeem_refresh_token(&narrowed, &signed_in.user, keys_failure).await
    }

    /// `None` if no refresh token of `user` is kept. `keys_failure` is why the kept token could not be
    /// exchanged, if that is not its own fault.
    async fn redeem_refresh_token(
        &self,
        narrowed: &Connection,
        user: &UserKey,
        keys_failure: Option<Refusal>,
    ) -> Result<Option<RedeemedToken>, Refusal> {
        let turn = self.turns.take(&self.slot, REDEMPTION_BUDGET).await.map_err(|error| store_failed(&error))?;
        let Some(_turn) = turn else { return Err(deadline_exceeded()) };
        let record = self.exchange.vault.read(&self.slot, self.connection.revision).await;
        let record = record.map_err(|error| store_failed(&error))?;
        let Some(record) = record.filter(|record| record.token.user == *user) else { return Ok(None) };
        let Some(refresh_token) = record.token.refresh_token.clone() else {
            // Without the issuer's keys it is not known whether the token itself can be exchanged.
            return keys_failure.map_or(Ok(None), Err);
        };
        // The stored refresh token may be used up already.
        let unkept = self.exchange.unkept.find_successor(&self.slot, &refresh_token);
        let newest = unkept.as_ref().and_then(|unkept| unkept.kept.token.refresh_token.as_ref());
        let newest = newest.unwrap_or(&refresh_token);
        let grant = Grant::RefreshToken { refresh_token: newest, user };
        let redeemed = self.redeem_grant(narrowed, grant).await?;
        self.keep_rotated(record, refresh_token, &redeemed).await;
        Ok(Some(redeemed))
    }

    async fn redeem_grant(&self, narrowed: &Connection, grant: Grant<'_>) -> Result<RedeemedToken, Refusal> {
        let deadline = Instant::now() + REDEMPTION_BUDGET;
        let attempt = Attempt { correlation_id: self.correlation_id.clone(), deadline, claims: None };
        let redeemed = self.exchange.redemption.redeem(narrowed, grant, attempt).await;
        if let Err(RedeemError { failure: failure @ RedeemFailure::InteractionRequired { .. }, .. }) = &redeemed {
            // The connection's own sign-in can ask for a second factor, but not for consent to another resource.
            let requirements = self.exchange.redemption.requirements();
            requirements.remember(&self.slot, failure, None, &self.correlation_id).await;
        }
        redeemed.map_err(refusal_of)
    }

    /// Keeps the new refresh token of an issuer that rotates them, because the one that was sent is no longer valid. If
    /// another writer replaced the kept token meanwhile, that token stays. If the store does not take the new one, it
    /// waits in memory beside `stored`, the refresh token of `record`.
    async fn keep_rotated(&self, record: KeptRecord, stored: Secret, redeemed: &RedeemedToken) {
        let Some(refresh_token) = redeemed.refresh_token.clone() else { return };
        let ResourceExchange { vault, unkept, .. } = &self.exchange;
        let (permit, revision) = (record.permit.clone(), self.connection.revision);
        let token = UserToken { refresh_token: Some(refresh_token), ..record.token.clone() };
        let kept = KeptToken { revision, token: token.clone(), code_mark: record.code_mark };
        match vault.replace(record, token).await {
            Ok(_) | Err(VaultError::RecordChanged | VaultError::SignedOut) => unkept.end(&self.slot),
            Err(error) => {
                unkept.hold(&self.slot, UnkeptToken { used: stored, kept, permit }, vault, &self.turns);
                // A sign-out that came before it was held could not end it: looking for it does.
                drop(unkept.find_unended(&self.slot, revision, vault).await);
                let correlation_id = self.correlation_id.as_str();
                tracing::warn!(correlation_id, %error, "a rotated refresh token waits in memory: the store failed");
            }
        }
    }
}

/// A refused credential of the client is an outage here: it concerns no resource, and a token is obtained as soon as the
/// operator renews the credential.
fn refusal_of(error: RedeemError) -> Refusal {
    let is_of_client = error.failure == RedeemFailure::Misconfigured
        && (error.diagnostics.error.is_none() || error.diagnostics.has_error("invalid_client"));
    let refusal = Refusal::from(error);
    if is_of_client { Refusal { reason: Reason::TemporarilyUnavailable(Outage::FAULT), ..refusal } } else { refusal }
}

fn deadline_exceeded() -> Refusal {
    Refusal::fault("the identity provider did not answer in time")
}

fn store_failed(error: &impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a token for a resource cannot be read or kept");
    Refusal::fault("the store failed: see the error logged before this")
}

#[cfg(test)]
mod tests {
    use super::{default_scope, read_exchange_uri};

    #[test]
    fn a_bare_resource_becomes_its_default_scope_and_a_scope_stays_as_it_is() {
        let guid = "88888888-8888-4888-8888-888888888888";
        for bare in [
            &format!("api://{guid}"),
            "api://botid-1",
            &format!("api://sso.example.com/botid-{guid}"),
            &format!("api://sso.example.com/{guid}"),
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
        ] {
            assert_eq!(read_exchange_uri(bare).0, format!("{bare}/.default"));
        }
        for scope in
            ["https://graph.microsoft.com/User.Read", &format!("api://{guid}/access_as_user"), "api://x/.default"]
        {
            assert_eq!(read_exchange_uri(scope).0, scope);
        }
        assert_eq!(default_scope("https://graph.microsoft.com/").0, "https://graph.microsoft.com//.default");
        assert_eq!(default_scope("https://graph.microsoft.com/.default").0, "https://graph.microsoft.com/.default");
    }
}
