//! The return of a browser from the identity provider, by [`DirectorySignIn`].

use std::sync::Arc;

use super::records::{DirectoryAtProvider, DirectoryIdentified};
use super::redemption::LoginArrival;
use super::{DirectorySignIn, IdentifiedAtProvider};
use crate::domain::{Connection, Secret, UserKey};
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::flow::{BrowserSecret, ProviderAnswer, SignInError, SignInFailure, is_handle};
use crate::sign_in::page_sign_in::PageSignInFailure;

impl DirectorySignIn {
    /// Accepts the browser's answer, redeems its code and identifies the person. The door may be asked again with the same answer,
    /// and gets the same result. `connection` is that of the door's provider: a sign-in that was begun for another one is unknown
    /// here.
    ///
    /// # Errors
    /// [`PageSignInFailure`]. After [`SignInError::OtherBrowser`] the step stays kept for the browser that began the
    /// sign-in.
    pub async fn callback(
        &self,
        connection: &Arc<Connection>,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<IdentifiedAtProvider, PageSignInFailure> {
        let state = Secret::from(answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?);
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        if let Some(identified) = self.find_identified(connection, &self.next_handle(&state), browser).await? {
            // A return may have been answered half: its browser hung up, and repeats it after a sign-out.
            let begun = identified.begun.or_else(|| self.departures.find(&self.name_step(&state, browser), None));
            if let Some(mark) = begun
                && self.vault.may_be_signed_out_since(mark, &identified.user).await?
            {
                return Err(SignInError::StateUnknown.into());
            }
            return Ok(IdentifiedAtProvider { begun, ..identified });
        }
        let record = self.find_step::<DirectoryAtProvider>(&state, browser).await?;
        let record = record.filter(|record| record.place.is_at(connection)).ok_or(SignInError::StateUnknown)?;
        let return_to = record.return_to.clone();
        let arrived = async {
            let code = self.provider.read_code(connection, &answer).await?;
            let (connection, browser, correlation_id) =
                (Arc::clone(connection), browser.clone(), correlation_id.to_owned());
            self.redeem_once(LoginArrival { connection, state, browser, record, code, correlation_id }).await
        };
        arrived.await.map_err(|failure| PageSignInFailure::of(failure, &return_to))
    }

    /// The person whom the sign-in with this handle has shown, for the browser that made it.
    ///
    /// # Errors
    /// [`SignInFailure`]: [`SignInError::StateUnknown`] if there is no such result, or no longer.
    pub async fn find(
        &self,
        connection: &Connection,
        handle: &str,
        browser: Option<&BrowserSecret>,
    ) -> Result<IdentifiedAtProvider, SignInFailure> {
        let handle = Secret::from(Some(handle).filter(|handle| is_handle(handle)).ok_or(SignInError::StateUnknown)?);
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        Ok(self.find_identified(connection, &handle, browser).await?.ok_or(SignInError::StateUnknown)?)
    }

    /// Notes what the door has made of the sign-in, for the browser's next return.
    ///
    /// # Errors
    /// [`SignInFailure`] if the store fails.
    pub async fn note_outcome(
        &self,
        connection: &Connection,
        identified: &IdentifiedAtProvider,
        browser: &BrowserSecret,
        outcome: &str,
    ) -> Result<(), SignInFailure> {
        let noted = DirectoryIdentified::of(connection, identified, Some(outcome.to_owned()));
        Ok(self.browsers.sign_ins.put(&identified.handle, browser.secret(), &noted).await?)
    }

    /// Forgets the result of a sign-in, which the door has used up.
    ///
    /// # Errors
    /// [`SignInFailure`] if the store fails.
    pub async fn end(&self, identified: &IdentifiedAtProvider) -> Result<(), SignInFailure> {
        Ok(self.browsers.sign_ins.remove::<DirectoryIdentified>(&identified.handle).await?)
    }

    /// Whether `user`, whom the door has found for the person, may have been signed out everywhere since the browser was sent to the
    /// provider. Read what is known of the user first. It may be so as well if it is not remembered when the browser was sent, unless the
    /// door has noted an outcome before, whose session it asks for.
    ///
    /// # Errors
    /// [`SignInFailure`] if a shared store fails.
    pub async fn may_be_signed_out(
        &self,
        identified: &IdentifiedAtProvider,
        user: &UserKey,
    ) -> Result<bool, SignInFailure> {
        Ok(match identified.begun {
            Some(mark) => self.vault.may_be_signed_out_since(mark, user).await?,
            None => identified.outcome.is_none(),
        })
    }

    pub(super) async fn find_identified(
        &self,
        connection: &Connection,
        handle: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Option<IdentifiedAtProvider>, SignInFailure> {
        let found = self.find_step::<DirectoryIdentified>(handle, browser).await?;
        let found = found.filter(|found| found.place.is_at(connection));
        Ok(found.map(|found| found.describe(handle.clone())))
    }

    async fn find_step<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Option<T>, SignInFailure> {
        Ok(self.browsers.sign_ins.find(handle, browser.secret()).await?.of_this_browser()?)
    }
}
