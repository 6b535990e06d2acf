//! The first step, by [`DirectorySignIn`].

use std::net::IpAddr;

use url::Url;

use super::records::{DirectoryAtProvider, LoginPlace};
use super::{DirectorySignIn, LoginAtProvider, account_without_person};
use crate::exchange::{PAGE_RATE_HINT, SignInNeed};
use crate::sign_in::flow::{BrowserSecret, SignInFailure, draw_verifier};

impl DirectorySignIn {
    /// Begins the sign-in of the browser at `address`. Returns the URL at the identity provider, to which the door redirects
    /// the browser. `browser` is the secret in the browser's cookie, or one that was drawn for it.
    ///
    /// # Errors
    /// [`SignInFailure`] if the browsers at the address begin too often, or the store or the identity provider fails.
    pub async fn begin(
        &self,
        login: LoginAtProvider,
        browser: &BrowserSecret,
        address: Option<IpAddr>,
        correlation_id: &str,
    ) -> Result<Url, SignInFailure> {
        let LoginAtProvider { connection, redirect_uri, asks_anew, return_to } = login;
        let account = account_without_person(&connection, "");
        let charged = self.browsers.rates.charge_page(&account, address, correlation_id).await;
        charged.map_err(|limited| SignInFailure::from(limited).explained(PAGE_RATE_HINT))?;
        let entropy = self.ambient.entropy.as_ref();
        let mut record = DirectoryAtProvider {
            place: LoginPlace::of(&connection),
            redirect_uri,
            return_to,
            nonce: draw_verifier(entropy),
            code_verifier: draw_verifier(entropy),
            asks_anew,
            begun_at: self.ambient.now(),
            sign_outs: None,
        };
        let state = self.browsers.sign_ins.draw_handle();
        let need = SignInNeed::default();
        let url = self.provider.authorize_url(&connection, &state, record.request(), &need).await?;
        // A sign-out from here on ends the sign-in of its user.
        let mark = self.vault.sign_out_mark().await?;
        self.departures.remember(self.name_step(&state, browser), mark);
        record.sign_outs = mark.stored();
        self.browsers.sign_ins.put(&state, browser.secret(), &record).await?;
        tracing::info!(
            correlation_id,
            bot = connection.holder.as_str(),
            connection = connection.name.as_str(),
            asks_anew,
            "a browser was sent to another identity provider"
        );
        Ok(url)
    }
}
