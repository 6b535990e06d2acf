//! The redemption of the code that a browser brings back, by [`PageSignIn`].

use std::sync::Arc;

use tokio::time::Instant;

use super::records::{PageAtProvider, PageCompleted};
use super::{PageSignIn, PageSignInDone, PageStep};
use crate::domain::{Connection, Secret, TokenSlot, UserToken};
use crate::exchange::{TokenOwner, report_missing_scopes, user_token};
use crate::identity_provider::Attempt;
use crate::observability::{carry, conceal};
use crate::sign_in::flow::{BrowserSecret, PROVIDER_BUDGET, RedeemedCode, ReturnedCode, SignInError, SignInFailure};
use crate::sign_in::signed_in_tokens::audit_sign_in;
use crate::token_validation::IdentifiedUser;
use crate::vault::Permit;

/// A return of a browser with a code.
pub(super) struct PageArrival {
    pub(super) connection: Arc<Connection>,
    pub(super) state: Secret,
    pub(super) browser: BrowserSecret,
    pub(super) record: PageAtProvider,
    pub(super) code: Secret,
    pub(super) correlation_id: String,
}

/// A person who was identified, and where their token may be kept.
pub(super) struct IdentifiedPerson {
    pub(super) user: IdentifiedUser,
    pub(super) slot: TokenSlot,
    pub(super) permit: Permit,
}

impl PageSignIn {
    /// Joins the return that is under way for this step, or starts one in a task of its own: a browser that hangs up must not
    /// lose the code, which the provider accepts once.
    pub(super) async fn redeem_once(&self, arrival: PageArrival) -> Result<PageStep, SignInFailure> {
        let name = self.name_step(&arrival.state, &arrival.browser);
        let flight = self.flights.join(name, || {
            let page_sign_in = self.clone();
            carry(async move { page_sign_in.redeem_and_complete(&arrival).await })
        });
        flight.outcome().await.unwrap_or_else(|| Err(SignInError::Storage.into()))
    }

    async fn redeem_and_complete(&self, arrival: &PageArrival) -> Result<PageStep, SignInFailure> {
        let PageArrival { connection, state, browser, code, .. } = arrival;
        let names = self.browsers.sign_ins.name_return(state, browser.secret(), code);
        let _lease = self.browsers.sign_ins.lease_step(&names.step).await?;
        // Another return may have come to its end since this one found the step.
        if let Some(step) = self.find_outcome(connection, state, browser).await? {
            return Ok(step);
        }
        let settle = |code: Arc<RedeemedCode>| async move { self.complete(arrival, &code).await };
        let step = self.codes.settle_return(names, self.ask_provider(arrival, names.code), settle).await?;
        if let Err(error) = self.browsers.sign_ins.remove::<PageAtProvider>(state).await {
            tracing::warn!(%error, "a step of a browser's sign-in stays kept until it expires");
        }
        Ok(step)
    }

    async fn ask_provider(&self, arrival: &PageArrival, code_name: [u8; 32]) -> Result<RedeemedCode, SignInFailure> {
        let PageArrival { connection, browser, record, code, correlation_id, .. } = arrival;
        let requested = self.tokens.vault().sign_out_mark().await?;
        let of_browser = self.slot_of_browser(&record.place, browser);
        let attempt = Attempt {
            correlation_id: correlation_id.clone(),
            deadline: Instant::now() + PROVIDER_BUDGET,
            claims: None,
        };
        let returned = ReturnedCode { code, request: record.request(), account: &of_browser.account };
        let of_browsers_slot = self.tokens.vault().generation(&of_browser).await?;
        let redeemed = match self.provider.redeem(connection, returned, attempt).await {
            Ok(redeemed) => redeemed,
            Err(error) => {
                self.tokens.requirements().add(&of_browser, &error.failure, correlation_id).await;
                return Err(self.note_failure(&record.place, browser, error.into(), correlation_id).await);
            }
        };
        let presumed_user = self.provider.presume_user(connection, &redeemed);
        let slot = presumed_user.as_ref().map_or(of_browser, |user| record.place.slot(user));
        // The code is used up, so a store that fails now must not lose its tokens. Then the user's epoch alone ends them.
        let generation = self.tokens.vault().generation(&slot).await.unwrap_or(of_browsers_slot);
        let revision = connection.revision;
        Ok(RedeemedCode { redeemed, code_name, requested, slot, generation, revision, presumed_user })
    }

    /// Identifies the user and keeps the token, or sends the browser to the provider again if more is needed of this person.
    async fn complete(&self, arrival: &PageArrival, code: &RedeemedCode) -> Result<PageStep, SignInFailure> {
        let PageArrival { connection, state, browser, record, correlation_id, .. } = arrival;
        let person = self.identify(arrival, code).await?;
        if !record.asks_for_person
            && let Some(need) = self.find_need_of_person(&person.slot, connection.revision, &record.need).await?
        {
            let again = PageAtProvider { need, asks_for_person: true, ..record.clone() };
            return Ok(PageStep::Provider(self.send_again(connection, state, browser, again).await?));
        }
        let owner = TokenOwner { user: &person.user.user, security_context: person.user.security_context };
        let token = user_token(code.redeemed.clone(), connection, owner, &self.ambient);
        report_missing_scopes(&token, connection, correlation_id);
        Ok(PageStep::Done(self.keep_and_describe(arrival, person, token).await?))
    }

    async fn identify(&self, arrival: &PageArrival, code: &RedeemedCode) -> Result<IdentifiedPerson, SignInFailure> {
        let PageArrival { connection, state, browser, record, correlation_id, .. } = arrival;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let user = match self.provider.identify(connection, &code.redeemed, &record.nonce, deadline).await {
            Ok(user) => user,
            Err(failure) => return Err(self.note_failure(&record.place, browser, failure, correlation_id).await),
        };
        let slot = record.place.slot(&user.user);
        // A sign-out everywhere ends what the user began before it.
        let departed = self.departures.find(&self.name_step(state, browser), record.sign_outs);
        let requested = departed.unwrap_or(code.requested);
        let permit = self.tokens.permit_since(&slot, &user.user, requested).await?;
        Ok(IdentifiedPerson { user, slot, permit })
    }

    /// Keeps the token and what comes of it. A sign-out that runs after the token is kept and before the door's work is done
    /// cannot end what that work gives out, so the result counts only if the person is still signed in afterwards.
    pub(super) async fn keep_and_describe(
        &self,
        arrival: &PageArrival,
        person: IdentifiedPerson,
        token: UserToken,
    ) -> Result<PageSignInDone, SignInFailure> {
        let completed = self.keep(arrival, person, token).await?;
        self.describe(completed, self.next_handle(&arrival.state)).await
    }

    /// Keeps the token, does the door's work, and keeps the result for the browser.
    async fn keep(
        &self,
        arrival: &PageArrival,
        person: IdentifiedPerson,
        token: UserToken,
    ) -> Result<PageCompleted, SignInFailure> {
        let PageArrival { connection, state, browser, record, correlation_id, .. } = arrival;
        let IdentifiedPerson { user: identified, slot, permit } = person;
        let user = identified.user.clone();
        let epoch = permit.epoch();
        self.tokens.keep(permit, connection.revision, token, None).await?;
        audit_sign_in(&slot, &user, "browser");
        let note = match &self.after {
            Some(after) => after.note(&record.place.holder, &user).await?,
            None => String::new(),
        };
        let account_name = identified.account_name.or(identified.display_name);
        let completed = PageCompleted {
            place: record.place.clone(),
            account_name: account_name.unwrap_or_else(|| user.subject().to_owned()),
            user,
            epoch,
            return_to: record.return_to.clone(),
            note,
        };
        self.browsers.sign_ins.put(&self.next_handle(state), browser.secret(), &completed).await?;
        self.end_needs(&slot, self.slot_of_browser(&record.place, browser)).await;
        tracing::info!(
            correlation_id,
            bot = slot.account.holder.as_str(),
            connection = slot.connection.as_str(),
            user = %conceal(&completed.user),
            "a browser sign-in was completed"
        );
        Ok(completed)
    }
}
