//! The return of a browser from the identity provider, by [`PageSignIn`].

use std::sync::Arc;

use url::Url;

use super::records::{PageAtProvider, PageCompleted, PagePlace};
use super::redemption::PageArrival;
use super::{PageSignIn, PageSignInDone, PageSignInFailure, PageStep, require_browser};
use crate::domain::{Connection, Secret};
use crate::exchange::SignInNeed;
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::flow::{
    BrowserSecret, ProviderAnswer, ProviderRefusal, SignInError, SignInFailure, draw_verifier, is_handle,
};

/// How often one sign-in sends its browser to the provider: once, once more because the provider's page had expired, and
/// once more because more is needed of the person who has signed in.
const MAX_REQUESTS: usize = 3;

/// What is known about a browser that returns.
enum Progress {
    /// The sign-in is complete.
    Done(PageCompleted, Secret),
    /// The browser was sent to the provider again.
    SentAgain { state: Secret, record: PageAtProvider },
    /// The browser has not brought a code that was accepted.
    AtProvider(PageAtProvider),
}

impl PageSignIn {
    /// Accepts the browser's answer, redeems its code, identifies the user and keeps the token. The door may be asked again
    /// with the same answer, and gets the same result as long as the user is signed in. `connection` is that of the door's
    /// add-in or app: a sign-in that was begun for another one is unknown here.
    ///
    /// # Errors
    /// [`PageSignInFailure`]. After [`SignInError::OtherBrowser`] the step stays kept for the browser that began the
    /// sign-in. After an outage the step stays open, and the browser may return again.
    pub async fn callback(
        &self,
        connection: &Arc<Connection>,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<PageStep, PageSignInFailure> {
        let state = Secret::from(answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?);
        let browser = require_browser(browser)?;
        let record = match self.find_progress(connection, &state, browser).await? {
            Progress::Done(completed, handle) => {
                return Ok(PageStep::Done(self.describe_again(completed, handle).await?));
            }
            Progress::SentAgain { state, record } => {
                let url = self.provider.authorize_url(connection, &state, record.request(), &record.need).await;
                return url
                    .map(PageStep::Provider)
                    .map_err(|failure| PageSignInFailure::of(failure, &record.return_to));
            }
            Progress::AtProvider(record) => record,
        };
        let return_to = record.return_to.clone();
        let arrived = async {
            let code = match self.provider.read_code(connection, &answer).await {
                Ok(code) => code,
                Err(failure) if failure.is_page_expired() && !record.is_renewed => {
                    let renewed = PageAtProvider { is_renewed: true, ..record };
                    return Ok(PageStep::Provider(self.send_again(connection, &state, browser, renewed).await?));
                }
                Err(failure) => return Err(self.note_failure(&record.place, browser, failure, correlation_id).await),
            };
            let (connection, browser, correlation_id) =
                (Arc::clone(connection), browser.clone(), correlation_id.to_owned());
            self.redeem_once(PageArrival { connection, state, browser, record, code, correlation_id }).await
        };
        arrived.await.map_err(|failure| PageSignInFailure::of(failure, &return_to))
    }

    /// The result of the completed sign-in with this handle, for the browser that made it.
    ///
    /// # Errors
    /// [`PageSignInFailure`]: [`SignInError::StateUnknown`] if there is no such result, or no longer, because it has expired
    /// or the user was signed out.
    pub async fn find_done(
        &self,
        connection: &Connection,
        handle: &str,
        browser: Option<&BrowserSecret>,
    ) -> Result<PageSignInDone, PageSignInFailure> {
        let handle = Secret::from(Some(handle).filter(|handle| is_handle(handle)).ok_or(SignInError::StateUnknown)?);
        let browser = require_browser(browser)?;
        let completed = self.find_step::<PageCompleted>(&handle, browser).await?;
        let completed = completed.filter(|completed| completed.place.is_at(connection));
        self.describe_again(completed.ok_or(SignInError::StateUnknown)?, handle).await
    }

    /// Finds how far the sign-in that began with `state` has come: each further request has the handle that follows the
    /// request before, and so has the result.
    async fn find_progress(
        &self,
        connection: &Connection,
        state: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Progress, SignInFailure> {
        let (mut handle, mut sent_again) = (state.clone(), None);
        for _ in 0..MAX_REQUESTS {
            let next = self.next_handle(&handle);
            if let Some(completed) = self.find_step::<PageCompleted>(&next, browser).await?
                && completed.place.is_at(connection)
            {
                return Ok(Progress::Done(completed, next));
            }
            if let Some(record) = self.find_step::<PageAtProvider>(&next, browser).await? {
                sent_again = Some((next.clone(), record));
            }
            handle = next;
        }
        let is_ours = |record: &PageAtProvider| record.place.is_at(connection);
        if let Some((state, record)) = sent_again.filter(|(_, record)| is_ours(record)) {
            return Ok(Progress::SentAgain { state, record });
        }
        let record = self.find_step::<PageAtProvider>(state, browser).await?.filter(is_ours);
        Ok(Progress::AtProvider(record.ok_or(SignInError::StateUnknown)?))
    }

    /// What another return has made of the step `state` since this one found it. Over a shared store, another replica may have
    /// sent the browser to the provider again.
    pub(super) async fn find_outcome(
        &self,
        connection: &Connection,
        state: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Option<PageStep>, SignInFailure> {
        let progress = if self.browsers.sign_ins.is_shared() {
            self.find_progress(connection, state, browser).await?
        } else {
            let next = self.next_handle(state);
            let Some(completed) = self.find_step(&next, browser).await? else { return Ok(None) };
            Progress::Done(completed, next)
        };
        Ok(match progress {
            Progress::Done(completed, handle) => Some(PageStep::Done(self.describe(completed, handle).await?)),
            Progress::SentAgain { state, record } => Some(PageStep::Provider(
                self.provider.authorize_url(connection, &state, record.request(), &record.need).await?,
            )),
            Progress::AtProvider(_) => None,
        })
    }

    async fn find_step<T: BrowserStep>(
        &self,
        handle: &Secret,
        browser: &BrowserSecret,
    ) -> Result<Option<T>, SignInFailure> {
        Ok(self.browsers.sign_ins.find(handle, browser.secret()).await?.of_this_browser()?)
    }

    /// What a door gets of a sign-in that was completed before.
    async fn describe_again(
        &self,
        completed: PageCompleted,
        handle: Secret,
    ) -> Result<PageSignInDone, PageSignInFailure> {
        let return_to = completed.return_to.clone();
        self.describe(completed, handle).await.map_err(|failure| PageSignInFailure::of(failure, &return_to))
    }

    /// What a door gets of a completed sign-in, as long as the user is signed in.
    pub(super) async fn describe(
        &self,
        completed: PageCompleted,
        handle: Secret,
    ) -> Result<PageSignInDone, SignInFailure> {
        if !self.is_signed_in(&completed).await? {
            return Err(SignInError::StateUnknown.into());
        }
        let PageCompleted { user, account_name, return_to, note, .. } = completed;
        Ok(PageSignInDone { user, account_name, return_to, note, handle })
    }

    /// Whether the token of the user is still there, and no sign-out everywhere came in between.
    async fn is_signed_in(&self, completed: &PageCompleted) -> Result<bool, SignInFailure> {
        let (vault, slot) = (self.tokens.vault(), completed.place.slot(&completed.user));
        let held = vault.read(&slot, completed.place.revision).await?;
        let is_held = held.is_some_and(|held| held.token.user == completed.user);
        Ok(is_held && vault.permit(&slot, &completed.user).await?.epoch() == completed.epoch)
    }

    /// Sends the browser of the step `state` to the provider once more, as `record` says, with a nonce and a code verifier of
    /// its own. The `state` of that request follows from the first, so a browser that repeats its return gets the same.
    pub(super) async fn send_again(
        &self,
        connection: &Connection,
        state: &Secret,
        browser: &BrowserSecret,
        record: PageAtProvider,
    ) -> Result<Url, SignInFailure> {
        let entropy = self.ambient.entropy.as_ref();
        let (nonce, code_verifier) = (draw_verifier(entropy), draw_verifier(entropy));
        let next = self.next_handle(state);
        let record = self.keep_departure(&next, browser, PageAtProvider { nonce, code_verifier, ..record }).await?;
        self.provider.authorize_url(connection, &next, record.request(), &record.need).await
    }

    /// Remembers for the next sign-in of this browser what `failure` says that it needs: another account, or consent.
    pub(super) async fn note_failure(
        &self,
        place: &PagePlace,
        browser: &BrowserSecret,
        failure: SignInFailure,
        correlation_id: &str,
    ) -> SignInFailure {
        let slot = self.slot_of_browser(place, browser);
        let requirements = self.tokens.requirements();
        if failure.error.is_of_account() {
            requirements.want_other_account(&slot, correlation_id).await;
        }
        if failure.error == SignInError::ProviderRefused(ProviderRefusal::ConsentMissing) {
            let need = SignInNeed { consent: true, ..SignInNeed::default() };
            requirements.join(&slot, need, correlation_id).await;
        }
        failure
    }
}
