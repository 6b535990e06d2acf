use tokio::time::{Instant, timeout_at};
use url::Url;

use super::provider_access::ReturnedCode;
use super::records::{AtProvider, Identified};
use super::{
    BrowserFlow, BrowserSecret, PROVIDER_BUDGET, ProviderAccess, SignInError, SignInFailure, is_handle, slot_for_card,
};
use crate::cards::PendingSignIn;
use crate::domain::{ClockAndEntropy, Connection, Secret};
use crate::exchange::{TokenOwner, report_missing_scopes, user_token};
use crate::identity_provider::{Attempt, AuthorizationError, RedeemedToken, classify_authorization_error};
use crate::sign_in::SignedInTokens;
use crate::sign_in::browser_sign_ins::BrowserRecordLookup;
use crate::sign_in::magic_code::CodeGrant;

/// The authorization response that a browser brings from the identity provider (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Debug, Default)]
pub struct ProviderAnswer<'a> {
    /// `state`.
    pub state: Option<&'a str>,
    /// `code`.
    pub code: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
    /// `error_description`.
    pub error_description: Option<&'a str>,
    /// `error_subcode` or `suberror` (Entra).
    pub error_subcode: Option<&'a str>,
    /// Whether the response holds `claims` (Entra).
    pub has_claims: bool,
    /// `iss`.
    pub iss: Option<&'a str>,
}

impl ProviderAnswer<'_> {
    /// The error in the answer. The browser may have forged it, so it only selects the page that is shown.
    fn error(&self) -> AuthorizationError<'_> {
        AuthorizationError {
            error: self.error,
            description: self.error_description,
            subcode: self.error_subcode,
            has_claims: self.has_claims,
        }
    }
}

/// Where a browser that has returned goes next.
#[derive(Debug)]
pub enum NextStep {
    /// To the last step, which has this handle.
    Review(Secret),
    /// To the identity provider again, at this URL.
    Provider(Url),
}

/// The second step: the browser returns from the identity provider.
pub struct SignInReturn {
    pub(super) flow: BrowserFlow,
    pub(super) provider: ProviderAccess,
    pub(super) tokens: SignedInTokens,
    pub(super) ambient: ClockAndEntropy,
}

impl SignInReturn {
    /// Continues the sign-ins of `flow` that return from `provider`.
    #[must_use]
    pub fn new(flow: BrowserFlow, provider: ProviderAccess, tokens: SignedInTokens, ambient: ClockAndEntropy) -> Self {
        Self { flow, provider, tokens, ambient }
    }

    /// Accepts the browser's answer, redeems its code and identifies the user. Returns the next step. The
    /// door
    /// redirects the browser there, so that neither a reload nor the back button sends the code twice.
    ///
    /// # Errors
    /// [`SignInFailure`]. After [`SignInError::OtherBrowser`] the step stays kept for the browser that began the
    /// sign-in.
    pub async fn callback(
        &self,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<NextStep, SignInFailure> {
        let state = answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?;
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        let lookup = self.flow.browsers.take(&Secret::from(state), &browser.0).await?;
        let record: AtProvider = match lookup {
            BrowserRecordLookup::Step(record) => record,
            BrowserRecordLookup::OfAnotherBrowser => return Err(SignInError::OtherBrowser.into()),
            BrowserRecordLookup::Missing => return Err(SignInError::StateUnknown.into()),
        };
        let next_step = async {
            match self.identify(&record, &answer, correlation_id).await {
                Ok(identified) => Ok(NextStep::Review(self.flow.browsers.put(&browser.0, &identified).await?)),
                Err(failure) if failure.is_page_expired() && !record.is_second_request => {
                    Ok(NextStep::Provider(self.send_again(&record, browser, correlation_id).await?))
                }
                Err(failure) => Err(failure),
            }
        };
        next_step.await.map_err(|failure: SignInFailure| failure.on(record.channel.as_ref()))
    }

    async fn identify(
        &self,
        record: &AtProvider,
        answer: &ProviderAnswer<'_>,
        correlation_id: &str,
    ) -> Result<Identified, SignInFailure> {
        let card = self.flow.get_held_card(&record.card_id).await?;
        let connection = self.flow.find_connection(&card).filter(|connection| connection.revision == record.revision);
        let connection = connection.ok_or(SignInError::LinkUnknown)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let code = self.read_code(connection, answer, deadline).await?;
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: None };
        let redeemed = self.redeem(connection, &code, record, &card, attempt).await?;
        let user = self.provider.identify(connection, &redeemed, &record.nonce, deadline).await?;
        // The epoch is read as soon as the user is known, so that a later sign-out everywhere invalidates the grant.
        let epoch = self.tokens.read_epoch(&slot_for_card(&card), &user.user).await?;
        let owner = TokenOwner { user: &user.user, security_context: user.security_context };
        let token = user_token(redeemed, connection, owner, &self.ambient);
        report_missing_scopes(&token, connection, correlation_id);
        let grant = CodeGrant { card_id: card.card_id, revision: connection.revision, token, epoch };
        Ok(Identified::new(user, card.offer.account.realm.channel().cloned(), grant))
    }

    /// Reads the code from the answer. The issuer is checked first, because an error from another issuer must not count
    /// as this
    /// issuer's error either (RFC 9207 §2.4).
    async fn read_code(
        &self,
        connection: &Connection,
        answer: &ProviderAnswer<'_>,
        deadline: Instant,
    ) -> Result<Secret, SignInFailure> {
        let provider = self.provider.find(connection)?;
        let admitted = timeout_at(deadline, provider.admits_issuer(answer.iss)).await;
        if !admitted.map_err(|_| SignInError::Unavailable)?? {
            return Err(SignInError::IssuerMismatch.into());
        }
        match (answer.error, answer.code.filter(|code| !code.is_empty())) {
            (None, Some(code)) => Ok(Secret::from(code)),
            _ => Err(classify_authorization_error(&answer.error()).into()),
        }
    }

    async fn redeem(
        &self,
        connection: &Connection,
        code: &Secret,
        record: &AtProvider,
        card: &PendingSignIn,
        attempt: Attempt,
    ) -> Result<RedeemedToken, SignInFailure> {
        let correlation_id = attempt.correlation_id.clone();
        let returned = ReturnedCode { code, record, account: &card.account };
        let redeemed = self.provider.redeem(connection, returned, attempt).await;
        if let Err(error) = &redeemed {
            self.tokens.requirements().add(&slot_for_card(card), &error.failure, &correlation_id).await;
        }
        Ok(redeemed?)
    }
}
