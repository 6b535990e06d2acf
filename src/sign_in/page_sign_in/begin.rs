//! The first step, by [`PageSignIn`].

use std::net::IpAddr;

use url::Url;

use super::needs::account_without_person;
use super::records::{PageAtProvider, PagePlace};
use super::{PageSignIn, PageSignInRequest};
use crate::domain::Secret;
use crate::exchange::PAGE_RATE_HINT;
use crate::sign_in::browser_sign_ins::BrowserRecordLookup;
use crate::sign_in::flow::{BrowserSecret, SignInFailure, draw_verifier};

impl PageSignIn {
    /// Begins the sign-in of the browser at `address`. Returns the URL at the identity provider, to which the door redirects
    /// the browser. `browser` is the secret in the browser's cookie, or one that was drawn for it.
    ///
    /// # Errors
    /// [`SignInFailure`] if the browser begins too often, or the store or the identity provider fails.
    pub async fn begin(
        &self,
        request: PageSignInRequest,
        browser: &BrowserSecret,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let place = PagePlace::of(&request);
        let charged =
            self.browsers.rates.charge_page(&account_without_person(&place, ""), address, correlation_id).await;
        charged.map_err(|limited| SignInFailure::from(limited).explained(PAGE_RATE_HINT))?;
        let need = self.find_need_of_browser(&place, browser).await?;
        let PageSignInRequest { connection, redirect_uri, return_to, .. } = request;
        let record = PageAtProvider {
            place,
            redirect_uri,
            return_to,
            nonce: draw_verifier(self.ambient.entropy.as_ref()),
            code_verifier: draw_verifier(self.ambient.entropy.as_ref()),
            need,
            is_renewed: false,
            asks_for_person: false,
            sign_outs: None,
        };
        let state = self.browsers.sign_ins.draw_handle();
        let url = self.provider.authorize_url(&connection, &state, record.request(), &record.need).await?;
        let record = self.keep_departure(&state, browser, record).await?;
        tracing::info!(
            correlation_id,
            bot = record.place.holder.as_str(),
            connection = record.place.connection.as_str(),
            ask_consent = record.need.consent,
            claims = record.need.claims.is_some(),
            choose_account = record.need.choose_account,
            "a browser was sent to the identity provider"
        );
        Ok(url)
    }

    /// Keeps the step of a browser that is sent to the provider. A step that is kept already stays and is returned: the browser
    /// has made the same request twice.
    pub(super) async fn keep_departure(
        &self,
        state: &Secret,
        browser: &BrowserSecret,
        record: PageAtProvider,
    ) -> Result<PageAtProvider, SignInFailure> {
        // A sign-out from here on ends the sign-in of its user.
        let mark = self.tokens.vault().sign_out_mark().await?;
        let record = PageAtProvider { sign_outs: mark.stored(), ..record };
        let existing = self.browsers.sign_ins.put_first(state, browser.secret(), &record).await?;
        if let Some(existing) = existing.map(BrowserRecordLookup::of_this_browser).transpose()?.flatten() {
            return Ok(existing);
        }
        self.departures.remember(self.name_step(state, browser), mark);
        Ok(record)
    }
}
