//! The redemption of the code that a browser brings back, by [`DirectorySignIn`].

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::records::{DirectoryAtProvider, DirectoryIdentified};
use super::{DirectorySignIn, IdentifiedAtProvider};
use crate::domain::{Connection, Secret, UserKey, UserNames};
use crate::exchange::EndedTokens;
use crate::identity_provider::{Attempt, RedeemedToken};
use crate::observability::conceal;
use crate::sign_in::flow::{BrowserSecret, PROVIDER_BUDGET, ProviderRefusal, ReturnedCode, SignInError, SignInFailure};
use crate::token_validation::IdentifiedUser;
use crate::vault::SignOutMark;

/// How far the clock of a provider may be behind ours where a new sign-in was asked for.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);
/// What the operator learns where the provider has not asked the user.
const NOT_ASKED_HINT: &str = "auth_time of the ID token is older than the request, which had prompt=login: the provider did not ask \
                              the user to sign in anew, or its clock is behind";

/// A return of a browser with a code.
pub(super) struct LoginArrival {
    pub(super) connection: Arc<Connection>,
    pub(super) state: Secret,
    pub(super) browser: BrowserSecret,
    pub(super) record: DirectoryAtProvider,
    pub(super) code: Secret,
    pub(super) correlation_id: String,
}

impl DirectorySignIn {
    /// Joins the return that is under way for this step, or starts one in a task of its own: a browser that hangs up must not
    /// lose the code, which the provider accepts once.
    pub(super) async fn redeem_once(&self, arrival: LoginArrival) -> Result<IdentifiedAtProvider, SignInFailure> {
        let name = self.name_step(&arrival.state, &arrival.browser);
        let flight = self.flights.join(name, || {
            let sign_in = self.clone();
            async move { sign_in.redeem_and_identify(&arrival).await }
        });
        flight.outcome().await.unwrap_or_else(|| Err(SignInError::Storage.into()))
    }

    async fn redeem_and_identify(&self, arrival: &LoginArrival) -> Result<IdentifiedAtProvider, SignInFailure> {
        let LoginArrival { connection, state, browser, record, code, .. } = arrival;
        let handle = self.next_handle(state);
        let names = self.browsers.sign_ins.name_return(state, browser.secret(), code);
        let _lease = self.browsers.sign_ins.lease_step(&names.step).await?;
        // Another return may have come to its end since this one found the step.
        if let Some(identified) = self.find_identified(connection, &handle, browser).await? {
            return Ok(identified);
        }
        let begun = match self.departures.find(&names.step, record.sign_outs) {
            Some(begun) => begun,
            None => self.vault.sign_out_mark().await?,
        };
        let user = self.identify_once(arrival, &names.code, begun).await?;
        let identified = IdentifiedAtProvider {
            user: user.user,
            names: UserNames { display: user.display_name, given: user.given_name, family: user.family_name },
            account_name: user.account_name,
            authenticated_at: user.authenticated_at,
            return_to: record.return_to.clone(),
            outcome: None,
            handle,
            begun: Some(begun),
        };
        let kept = DirectoryIdentified::of(connection, &identified, None);
        self.browsers.sign_ins.put(&identified.handle, browser.secret(), &kept).await?;
        if let Err(error) = self.browsers.sign_ins.remove::<DirectoryAtProvider>(state).await {
            tracing::warn!(%error, "a step of a browser's sign-in stays kept until it expires");
        }
        Ok(identified)
    }

    /// Identifies the user. Over a shared store, a code that was refused at any replica is not sent again.
    async fn identify_once(
        &self,
        arrival: &LoginArrival,
        code_name: &[u8; 32],
        begun: SignOutMark,
    ) -> Result<IdentifiedUser, SignInFailure> {
        let Some(refusals) = &self.refusals else { return self.identify_since(arrival, begun).await };
        if let Some(failure) = refusals.find(code_name).await? {
            return Err(failure);
        }
        let identified = self.identify_since(arrival, begun).await;
        if let Err(failure) = &identified {
            refusals.remember(*code_name, failure).await;
        }
        identified
    }

    /// Identifies the user, who was not signed out since `begun`, and has signed in anew if the provider was told to ask.
    async fn identify_since(
        &self,
        arrival: &LoginArrival,
        begun: SignOutMark,
    ) -> Result<IdentifiedUser, SignInFailure> {
        let user = self.identify(arrival).await?;
        if self.vault.may_be_signed_out_since(begun, &user.user).await? {
            return Err(SignInError::StateUnknown.into());
        }
        check_freshness(&arrival.record, &user)?;
        Ok(user)
    }

    /// Redeems the code and validates the ID token.
    async fn identify(&self, arrival: &LoginArrival) -> Result<IdentifiedUser, SignInFailure> {
        let LoginArrival { connection, browser, record, code, correlation_id, .. } = arrival;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let attempt = Attempt { correlation_id: correlation_id.clone(), deadline, claims: None };
        let account = self.account_of_browser(connection, browser);
        let returned = ReturnedCode { code, request: record.request(), account: &account };
        let redeemed = self.provider.redeem(connection, returned, attempt).await?;
        let presumed = self.provider.presume_user(connection, &redeemed);
        let identified = self.provider.identify(connection, &redeemed, &record.nonce, deadline).await;
        self.drop_tokens(connection, redeemed, presumed);
        let identified = identified?;
        tracing::info!(
            correlation_id,
            bot = connection.holder.as_str(),
            connection = connection.name.as_str(),
            user = %conceal(&identified.user),
            "a user was identified at another identity provider"
        );
        Ok(identified)
    }

    /// Drops the tokens of a sign-in. A refresh token would outlive it, so the provider is asked to revoke that, in the background.
    /// An access token alone ends by itself soon, and some providers take the user's consent back when it is revoked.
    fn drop_tokens(&self, connection: &Connection, redeemed: RedeemedToken, presumed: Option<UserKey>) {
        let RedeemedToken { access_token, refresh_token: refresh_token @ Some(_), .. } = redeemed else { return };
        let ended =
            presumed.map(|user| EndedTokens { revision: connection.revision, user, access_token, refresh_token });
        self.revocation.begin(ended);
    }
}

/// Refuses a user whom the provider has not asked to sign in anew although it was told to, where its token says so.
fn check_freshness(record: &DirectoryAtProvider, user: &IdentifiedUser) -> Result<(), SignInFailure> {
    let is_old = user.authenticated_at.is_some_and(|at| at.plus(CLOCK_TOLERANCE) < record.begun_at);
    if record.asks_anew && is_old {
        let refused = SignInError::ProviderRefused(ProviderRefusal::SignInAgain);
        return Err(SignInFailure::from(refused).explained(NOT_ASKED_HINT));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use url::Url;

    use super::super::records::LoginPlace;
    use super::*;
    use crate::domain::test_samples::sample_connection;
    use crate::domain::{ProviderKind, SecurityContext, Timestamp};

    #[test]
    fn a_sign_in_that_was_to_be_new_is_refused_if_the_token_says_that_it_is_older_than_the_request() {
        let at = Timestamp::from_unix_seconds;
        let connection = sample_connection("staff", ProviderKind::OpenIdConnect, &[]);
        for (asks_anew, authenticated_at, is_accepted) in [
            (true, Some(at(1000)), true),
            (true, Some(at(940)), true),
            (true, Some(at(939)), false),
            (true, None, true),
            (false, Some(at(1)), true),
        ] {
            let record = DirectoryAtProvider {
                place: LoginPlace::of(&connection),
                redirect_uri: Url::parse("https://sso.example/back").unwrap(),
                return_to: String::new(),
                nonce: Secret::from("n"),
                code_verifier: Secret::from("v"),
                asks_anew,
                begun_at: at(1000),
                sign_outs: None,
            };
            let user = IdentifiedUser {
                user: UserKey::from_parts("https://issuer.example", "ada"),
                object_id: None,
                tenant_id: None,
                display_name: None,
                account_name: None,
                given_name: None,
                family_name: None,
                authenticated_at,
                session_id: None,
                security_context: SecurityContext([3; 16]),
            };
            let checked = check_freshness(&record, &user);
            assert_eq!(checked.is_ok(), is_accepted, "{asks_anew} {authenticated_at:?}");
        }
    }
}
