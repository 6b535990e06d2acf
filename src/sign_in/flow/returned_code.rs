//! The redemption of the code that a browser brings back, by [`SignInReturn`].

use std::sync::Arc;

use tokio::time::Instant;

use super::provider_access::ReturnedCode;
use super::records::{AtProvider, Identified};
use super::redeemed_code::{Arrival, RedeemedCode};
use super::{PROVIDER_BUDGET, SignInError, SignInFailure, SignInReturn, slot_for_card};
use crate::cards::PendingSignIn;
use crate::domain::Secret;
use crate::exchange::{TokenOwner, report_missing_scopes, user_token};
use crate::identity_provider::Attempt;
use crate::sign_in::magic_code::CodeGrant;

impl SignInReturn {
    /// Joins the redemption that is under way for this step, or starts one in a task of its own: a browser that hangs up
    /// must not lose the code, which the provider accepts once.
    pub(super) async fn redeem_once(&self, arrival: Arrival) -> Result<Secret, SignInFailure> {
        let name = self.name_return(&arrival, "");
        let flight = self.flights.join(name, || {
            let back = self.clone();
            async move { back.redeem_and_identify(&arrival).await }
        });
        flight.outcome().await.unwrap_or_else(|| Err(SignInError::Storage.into()))
    }

    /// Redeems the code and keeps the next step. If an outage comes between the two, the tokens are held under the name
    /// of the step, and the browser's next return starts with them.
    async fn redeem_and_identify(&self, arrival: &Arrival) -> Result<Secret, SignInFailure> {
        let Arrival { state, next, browser, .. } = arrival;
        // Another return may have come to its end since this one found the step.
        if self.is_identified(next, browser).await? {
            return Ok(next.clone());
        }
        let step_name = self.name_return(arrival, "");
        let code = match self.codes.find(&step_name) {
            Some(code) => code,
            None => Arc::new(self.redeem(arrival).await?),
        };
        if let Err(failure) = self.identify_and_put(arrival, &code).await {
            if failure.error.may_pass() {
                self.codes.hold(step_name, code);
            } else {
                self.codes.remember(code.code_name, &failure);
                self.codes.end(&step_name);
            }
            return Err(failure);
        }
        self.codes.end(&step_name);
        if let Err(error) = self.flow.browsers.remove::<AtProvider>(state).await {
            tracing::warn!(%error, "a step of a browser's sign-in stays kept until it expires");
        }
        Ok(next.clone())
    }

    /// Redeems the code. A refusal that concerns the code or its user is remembered, and such a code is not sent again.
    async fn redeem(&self, arrival: &Arrival) -> Result<RedeemedCode, SignInFailure> {
        let code_name = self.name_return(arrival, arrival.code.expose());
        if let Some(failure) = self.codes.find_refusal(&code_name) {
            return Err(failure);
        }
        let redeemed = self.ask_provider(arrival, code_name).await;
        if let Err(failure) = &redeemed {
            self.codes.remember(code_name, failure);
        }
        redeemed
    }

    async fn ask_provider(&self, arrival: &Arrival, code_name: [u8; 32]) -> Result<RedeemedCode, SignInFailure> {
        let Arrival { record, code, correlation_id, .. } = arrival;
        let requested = self.tokens.vault().sign_out_mark();
        let card = self.flow.get_held_card(&record.card_id).await?;
        let slot = slot_for_card(&card);
        // The generation is drawn before the code is redeemed, so that a sign-out afterwards supersedes it.
        let generation = self.tokens.vault().generation(&slot);
        let connection = self.find_connection(&card, record)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let attempt = Attempt { correlation_id: correlation_id.clone(), deadline, claims: None };
        let returned = ReturnedCode { code, record, account: &card.account };
        let redeemed = self.provider.redeem(connection, returned, attempt).await;
        if let Err(error) = &redeemed {
            self.tokens.requirements().add(&slot, &error.failure, correlation_id).await;
        }
        let redeemed = redeemed?;
        let presumed_user = self.provider.presume_user(connection, &redeemed);
        let revision = connection.revision;
        Ok(RedeemedCode { redeemed, code_name, requested, slot, generation, revision, presumed_user })
    }

    async fn identify_and_put(&self, arrival: &Arrival, code: &RedeemedCode) -> Result<(), SignInFailure> {
        let Arrival { next, browser, record, correlation_id, .. } = arrival;
        let card = self.flow.get_held_card(&record.card_id).await?;
        let identified = self.identify(&card, record, code, correlation_id).await?;
        Ok(self.flow.browsers.put(next, &browser.0, &identified).await?)
    }

    async fn identify(
        &self,
        card: &PendingSignIn,
        record: &AtProvider,
        code: &RedeemedCode,
        correlation_id: &str,
    ) -> Result<Identified, SignInFailure> {
        let connection = self.find_connection(card, record)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let user = match self.provider.identify(connection, &code.redeemed, &record.nonce, deadline).await {
            Ok(user) => user,
            Err(failure) => return Err(self.note_failure(card, failure, correlation_id).await),
        };
        // The epoch is read as soon as the user is known, so that a later sign-out everywhere invalidates the grant.
        let epoch = self.tokens.read_epoch(&slot_for_card(card), &user.user, code.requested).await?;
        let owner = TokenOwner { user: &user.user, security_context: user.security_context };
        let token = user_token(code.redeemed.clone(), connection, owner, &self.ambient);
        report_missing_scopes(&token, connection, correlation_id);
        let grant = CodeGrant { card_id: card.card_id.clone(), revision: connection.revision, token, epoch };
        Ok(Identified::new(user, card.offer.account.realm.channel().cloned(), grant))
    }

    fn name_return(&self, arrival: &Arrival, code: &str) -> [u8; 32] {
        self.flow.browsers.name_step(&arrival.state, &arrival.browser.0, code)
    }
}
