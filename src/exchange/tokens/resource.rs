use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::current::CurrentTokens;
use crate::domain::{ClockAndEntropy, Connection, ConnectionName, TokenSlot, UserKey, UserToken};
use crate::exchange::parent_slots::WantedToken;
use crate::exchange::user_token::{TokenOwner, user_token};
use crate::exchange::{Reason, Redemption, Refusal, TokenValidators, UserRates};
use crate::identity_provider::{Attempt, Grant, RedeemError, RedeemFailure, RedeemedToken};
use crate::single_flight::SingleFlight;
use crate::vault::{KeptRecord, TokenVault, VaultError};

/// A redemption is over within this, whatever the identity provider does: a bot waits for it.
const BUDGET: Duration = Duration::from_secs(5);

/// A resource beside those that a connection's own token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedResource<'a> {
    /// Of [`Connection::exchange_uris`], exactly.
    ExchangeUri(&'a str),
    /// Of [`Connection::aad_resources`], with or without a trailing slash.
    Aad(&'a str),
}

impl WantedResource<'_> {
    /// What is asked for there, if the operator has listed the resource.
    #[must_use]
    pub fn find_scope(&self, connection: &Connection) -> Option<ResourceScope> {
        match self {
            Self::ExchangeUri(uri) => {
                connection.exchange_uris.iter().find(|listed| listed == uri).map(|uri| of_exchange_uri(uri))
            }
            Self::Aad(resource) => {
                let resource = resource.trim_end_matches('/');
                let listed = connection.aad_resources.iter().find(|listed| listed.trim_end_matches('/') == resource);
                listed.map(|listed| of_resource(listed))
            }
        }
    }
}

/// A scope of a listed resource: `https://graph.microsoft.com/.default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceScope(String);

/// The token, if there can be one.
type Given = Result<Option<Arc<UserToken>>, Refusal>;

/// Gives a signed-in user's tokens for other resources than their connection's own: exchanged on behalf of the user where
/// the kept token allows that, else had by its refresh token. Each is kept in a slot of its own, which signing out of the
/// connection ends.
#[derive(Clone)]
pub struct ResourceTokens {
    current: CurrentTokens,
    exchange: ResourceExchange,
    flights: Arc<SingleFlight<TokenSlot, Given>>,
}

/// What gets a token for a resource by a signed-in user's token.
#[derive(Clone)]
pub struct ResourceExchange {
    /// Where both tokens are kept.
    pub vault: Arc<TokenVault>,
    /// Says whether the signed-in user's token can be exchanged on behalf of the user.
    pub validators: Arc<TokenValidators>,
    /// Redeems.
    pub redemption: Redemption,
    /// How often a user may cause that.
    pub rates: Arc<UserRates>,
    /// Time and randomness.
    pub ambient: ClockAndEntropy,
}

impl ResourceTokens {
    /// Tokens by `exchange`; `current` says who is signed in.
    #[must_use]
    pub fn new(current: CurrentTokens, exchange: ResourceExchange) -> Self {
        Self { current, exchange, flights: Arc::default() }
    }

    /// The token for `scope` of the user whose own token is `wanted`; at once where one is kept. None if nobody is signed
    /// in, or if what is kept of them brings no other tokens.
    ///
    /// # Errors
    /// [`Refusal`]: what the identity provider said, or that it or the store could not be asked.
    pub async fn get(&self, wanted: WantedToken<'_>, scope: &ResourceScope, correlation_id: &str) -> Given {
        let connection = wanted.connection;
        let slot = &*self.current.slot_in_use(wanted).await.map_err(|error| store_failed(&error))?;
        let signed_in = self.current.get_in(slot, connection).await.map_err(|error| store_failed(&error))?;
        let Some(signed_in) = signed_in else { return Ok(None) };
        let own = resource_slot(slot, scope);
        let kept = self.exchange.vault.find(&own, connection.revision).await.map_err(|error| store_failed(&error))?;
        // Of the same person, who had signed in in the same way.
        let fits =
            |token: &UserToken| token.user == signed_in.user && token.security_context == signed_in.security_context;
        if let Some(kept) = kept.filter(|kept| fits(kept)) {
            return Ok(Some(kept));
        }
        let flight = self.flights.join(own.clone(), || {
            let redemption = ResourceRedemption {
                exchange: self.exchange.clone(),
                slot: slot.clone(),
                own,
                connection: Arc::clone(connection),
                scope: scope.clone(),
                correlation_id: correlation_id.to_owned(),
            };
            let user = signed_in.user.clone();
            async move { redemption.run(&user).await }
        });
        let outcome = timeout_at(Instant::now() + BUDGET, flight.outcome()).await;
        let redeemed = outcome.ok().flatten().unwrap_or_else(|| Err(too_late()))?;
        Ok(redeemed.filter(|token| fits(token)))
    }
}

/// The slots of all tokens that may be kept for resources of `connection`, beside the one of its own token.
pub(super) fn resource_slots<'a>(
    slot: &'a TokenSlot,
    connection: &'a Connection,
) -> impl Iterator<Item = TokenSlot> + 'a {
    let uris = connection.exchange_uris.iter().map(|uri| of_exchange_uri(uri));
    let resources = connection.aad_resources.iter().map(|resource| of_resource(resource));
    uris.chain(resources).map(|scope| resource_slot(slot, &scope))
}

/// No connection can be called so: names hold no control characters.
fn resource_slot(slot: &TokenSlot, scope: &ResourceScope) -> TokenSlot {
    let connection = ConnectionName::new(&format!("{}\n{}", slot.connection, scope.0));
    TokenSlot { account: slot.account.clone(), connection }
}

/// Everything that the app may have there. A slash at the resource's end is part of its name and stays.
fn of_resource(resource: &str) -> ResourceScope {
    if resource.ends_with("/.default") {
        return ResourceScope(resource.to_owned());
    }
    ResourceScope(format!("{resource}/.default"))
}

/// Either a scope, `api://<id>/access_as_user`, or a bare resource. Where the two cannot be told apart it is a scope: the
/// operator can write `/.default`.
fn of_exchange_uri(uri: &str) -> ResourceScope {
    let (_, rest) = uri.split_once("://").unwrap_or(("", uri));
    let is_bare = rest.rsplit_once('/').is_none_or(|(_, last)| {
        let is_guid = uuid::Uuid::try_parse(last).is_ok();
        last.is_empty() || is_guid || last.starts_with("botid-")
    });
    if is_bare { of_resource(uri) } else { ResourceScope(uri.to_owned()) }
}

/// One redemption: draw the right to keep → see that the user is still signed in → redeem → keep.
struct ResourceRedemption {
    exchange: ResourceExchange,
    slot: TokenSlot,
    own: TokenSlot,
    connection: Arc<Connection>,
    scope: ResourceScope,
    correlation_id: String,
}

impl ResourceRedemption {
    async fn run(self, user: &UserKey) -> Given {
        let vault = &self.exchange.vault;
        // In this order: a sign-out that comes later takes the permit back, one that came before is seen.
        let permit = vault.permit(&self.own, user).await.map_err(|error| store_failed(&error))?;
        let signed_in = vault.find(&self.slot, self.connection.revision).await;
        let signed_in = signed_in.map_err(|error| store_failed(&error))?.filter(|token| token.user == *user);
        let Some(signed_in) = signed_in else { return Ok(None) };
        let Some(redeemed) = self.redeem(&signed_in).await? else { return Ok(None) };
        // The connection's own token holds what further ones are had by.
        let redeemed = RedeemedToken { refresh_token: None, ..redeemed };
        let owner = TokenOwner { user, security_context: signed_in.security_context };
        let token = user_token(redeemed, &self.connection, owner, &self.exchange.ambient);
        let kept = match vault.keep(permit, self.connection.revision, token).await {
            Err(VaultError::SignedOut) => return Ok(None),
            kept => kept.map_err(|error| store_failed(&error))?,
        };
        let (bot, connection) = (self.slot.account.holder.as_str(), self.slot.connection.as_str());
        let (correlation_id, scope) = (self.correlation_id.as_str(), self.scope.0.as_str());
        tracing::info!(correlation_id, bot, connection, scope, user = %kept.user, "a token for a resource is kept");
        Ok(Some(kept))
    }

    async fn redeem(&self, signed_in: &UserToken) -> Result<Option<RedeemedToken>, Refusal> {
        self.exchange.rates.charge(&self.slot.account.as_channel_account(), &self.correlation_id)?;
        // The same connection, asking for this alone.
        let narrowed = Connection { scopes: vec![self.scope.0.clone()], ..(*self.connection).clone() };
        let assertion = self.exchange.validators.validate(&self.connection, &signed_in.access_token).await;
        if let Some(assertion) = assertion.ok().filter(|assertion| assertion.user == signed_in.user) {
            return Ok(Some(self.ask(&narrowed, Grant::OnBehalfOf(&assertion)).await?));
        }
        let record = self.exchange.vault.read(&self.slot, self.connection.revision).await;
        let record = record.map_err(|error| store_failed(&error))?;
        let Some(record) = record.filter(|record| record.token.user == signed_in.user) else { return Ok(None) };
        let Some(refresh_token) = record.token.refresh_token.clone() else { return Ok(None) };
        let grant = Grant::RefreshToken { refresh_token: &refresh_token, user: &signed_in.user };
        let redeemed = self.ask(&narrowed, grant).await?;
        self.keep_rotated(record, &redeemed).await;
        Ok(Some(redeemed))
    }

    async fn ask(&self, narrowed: &Connection, grant: Grant<'_>) -> Result<RedeemedToken, Refusal> {
        let deadline = Instant::now() + BUDGET;
        let attempt = Attempt { correlation_id: self.correlation_id.clone(), deadline, claims: None };
        let redeemed = self.exchange.redemption.redeem(narrowed, grant, attempt).await;
        if let Err(RedeemError { failure: failure @ RedeemFailure::InteractionRequired { .. }, .. }) = &redeemed {
            // Consent to another resource is not what the connection's own sign-in can ask for; proofs are.
            let requirements = self.exchange.redemption.requirements();
            requirements.remember(&self.slot, failure, None, &self.correlation_id).await;
        }
        Ok(redeemed?)
    }

    /// An issuer that rotates refresh tokens takes the old one no more. Whoever was quicker has a newer one.
    async fn keep_rotated(&self, record: KeptRecord, redeemed: &RedeemedToken) {
        let Some(refresh_token) = redeemed.refresh_token.clone() else { return };
        let token = UserToken { refresh_token: Some(refresh_token), ..record.token.clone() };
        match self.exchange.vault.replace(record, token).await {
            Ok(_) | Err(VaultError::Overtaken | VaultError::SignedOut) => {}
            Err(error) => tracing::warn!(correlation_id = self.correlation_id, %error, "a refresh token is lost"),
        }
    }
}

fn too_late() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the identity provider did not answer in time")
}

fn store_failed(error: &impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a token for a resource cannot be read or kept");
    Refusal::local(Reason::TemporarilyUnavailable, "the store failed: see the error logged before this")
}

#[cfg(test)]
mod tests {
    use super::{of_exchange_uri, of_resource};

    #[test]
    fn a_bare_resource_is_asked_for_everything_and_a_scope_for_itself() {
        let guid = "88888888-8888-4888-8888-888888888888";
        for bare in [
            &format!("api://{guid}"),
            "api://botid-1",
            &format!("api://sso.example.com/botid-{guid}"),
            &format!("api://sso.example.com/{guid}"),
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/",
        ] {
            assert_eq!(of_exchange_uri(bare).0, format!("{bare}/.default"));
        }
        for scope in
            ["https://graph.microsoft.com/User.Read", &format!("api://{guid}/access_as_user"), "api://x/.default"]
        {
            assert_eq!(of_exchange_uri(scope).0, scope);
        }
        assert_eq!(of_resource("https://graph.microsoft.com/").0, "https://graph.microsoft.com//.default");
        assert_eq!(of_resource("https://graph.microsoft.com/.default").0, "https://graph.microsoft.com/.default");
    }
}
