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
use crate::observability::carry;
use crate::sign_in::magic_code::CodeGrant;

impl SignInReturn {
    /// Joins the redemption that is under way for this step, or starts one in a task of its own: a browser that hangs up
    /// must not lose the code, which the provider accepts once.
    pub(super) async fn redeem_once(&self, arrival: Arrival) -> Result<Secret, SignInFailure> {
        let name = self.flow.browsers.name_step(&arrival.state, &arrival.browser.0, "");
        let flight = self.flights.join(name, || {
            let back = self.clone();
            carry(async move { back.redeem_and_identify(&arrival).await })
        });
        flight.outcome().await.unwrap_or_else(|| Err(SignInError::Storage.into()))
    }

    /// Redeems the code and keeps the next step.
    async fn redeem_and_identify(&self, arrival: &Arrival) -> Result<Secret, SignInFailure> {
        let Arrival { state, next, browser, code, .. } = arrival;
        let names = self.flow.browsers.name_return(state, &browser.0, code);
        let _lease = self.flow.browsers.lease_step(&names.step).await?;
        // Another return, perhaps at another replica, may have come to its end since this one found the step.
        if self.is_identified(next, browser).await? {
            return Ok(next.clone());
        }
        let settle = |code: Arc<RedeemedCode>| async move { self.identify_and_put(arrival, &code).await };
        self.codes.settle_return(names, self.ask_provider(arrival, names.code), settle).await?;
        if let Err(error) = self.flow.browsers.remove::<AtProvider>(state).await {
            tracing::warn!(%error, "a step of a browser's sign-in stays kept until it expires");
        }
        Ok(next.clone())
    }

    async fn ask_provider(&self, arrival: &Arrival, code_name: [u8; 32]) -> Result<RedeemedCode, SignInFailure> {
        let Arrival { record, code, correlation_id, .. } = arrival;
        let requested = self.tokens.vault().sign_out_mark().await?;
        let card = self.flow.get_held_card(&record.card_id).await?;
        let slot = slot_for_card(&card);
        // The generation is drawn before the code is redeemed, so that a sign-out afterwards supersedes it.
        let generation = self.tokens.vault().generation(&slot).await?;
        let connection = self.find_connection(&card, record)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let attempt = Attempt { correlation_id: correlation_id.clone(), deadline, claims: None };
        let returned = ReturnedCode { code, request: record.request(&self.provider), account: &card.account };
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
}
