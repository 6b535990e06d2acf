use tokio::time::{Instant, timeout_at};

use super::failure::ProviderRefusal;
use super::provider_access::ReturnedCode;
use super::records::{AtProvider, Identified};
use super::{
    BrowserFlow, BrowserSecret, PROVIDER_BUDGET, ProviderAccess, SignInError, SignInFailure, is_handle, slot_of,
};
use crate::cards::PendingSignIn;
use crate::domain::{ClockAndEntropy, Connection, Secret};
use crate::exchange::{TokenOwner, user_token};
use crate::identity_provider::{Attempt, Diagnostics, RedeemedToken};
use crate::sign_in::SignedInTokens;
use crate::sign_in::browser_sign_ins::Found;
use crate::sign_in::magic_code::CodeGrant;

/// Longest error code that goes to the log, in characters.
const LONGEST_ERROR: usize = 64;

/// What a browser brings back from the identity provider (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Debug, Default)]
pub struct ProviderAnswer<'a> {
    /// `state`.
    pub state: Option<&'a str>,
    /// `code`.
    pub code: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
    /// `error_description`, of which a number is logged at most.
    pub error_description: Option<&'a str>,
    /// `iss`.
    pub iss: Option<&'a str>,
}

/// The second step: the browser is back from the identity provider.
pub struct SignInReturn {
    flow: BrowserFlow,
    provider: ProviderAccess,
    tokens: SignedInTokens,
    ambient: ClockAndEntropy,
}

impl SignInReturn {
    /// Returns in `flow` from `provider`.
    #[must_use]
    pub fn new(flow: BrowserFlow, provider: ProviderAccess, tokens: SignedInTokens, ambient: ClockAndEntropy) -> Self {
        Self { flow, provider, tokens, ambient }
    }

    /// Takes the browser's answer, redeems its code and learns who has signed in. Returns the handle of the next step: the
    /// browser is sent on, so that neither reload nor back button brings a code twice.
    ///
    /// # Errors
    /// [`SignInFailure`]. With [`SignInError::OtherBrowser`] nothing is used up: the right browser may still come.
    pub async fn callback(
        &self,
        answer: ProviderAnswer<'_>,
        browser: Option<&BrowserSecret>,
        correlation_id: &str,
    ) -> Result<Secret, SignInFailure> {
        let state = answer.state.filter(|state| is_handle(state)).ok_or(SignInError::StateUnknown)?;
        let browser = browser.ok_or(SignInError::OtherBrowser)?;
        let taken = self.flow.browsers.take(&Secret::from(state), &browser.0).await?;
        let record: AtProvider = match taken {
            Found::Here(record) => record,
            Found::OfAnotherBrowser => return Err(SignInError::OtherBrowser.into()),
            Found::Nothing => return Err(SignInError::StateUnknown.into()),
        };
        let identified = self.identify(&record, &answer, correlation_id).await;
        let handed_on = async { Ok(self.flow.browsers.put(&browser.0, &identified?).await?) };
        handed_on.await.map_err(|failure: SignInFailure| failure.on(record.channel.as_ref()))
    }

    async fn identify(
        &self,
        record: &AtProvider,
        answer: &ProviderAnswer<'_>,
        correlation_id: &str,
    ) -> Result<Identified, SignInFailure> {
        let card = self.flow.held_card(&record.card_id).await?;
        let connection = self.flow.connection_of(&card).filter(|connection| connection.revision == record.revision);
        let connection = connection.ok_or(SignInError::LinkUnknown)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        let code = self.code_of(connection, answer, deadline).await?;
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: None };
        let redeemed = self.redeem(connection, &code, record, &card, attempt).await?;
        let user = self.provider.identify(connection, &redeemed, &record.nonce, deadline).await?;
        // As early as the user is known: a sign-out everywhere from here on ends what comes of this.
        let epoch = self.tokens.epoch(&slot_of(&card), &user.user).await?;
        let owner = TokenOwner { user: &user.user, security_context: user.security_context };
        let token = user_token(redeemed, connection, owner, &self.ambient);
        let grant = CodeGrant { card_id: card.card_id, revision: connection.revision, token, epoch };
        Ok(Identified::new(user, card.offer.account.realm.channel().cloned(), grant))
    }

    /// The code in an answer that is this issuer's. An error of another issuer's is not this one's either (RFC 9207 §2.4),
    /// so the issuer is looked at first.
    async fn code_of(
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
            (error, _) => Err(refused(error.unwrap_or("no code"), answer.error_description)),
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
            self.tokens.requirements().add(&slot_of(card), &error.failure, &correlation_id).await;
        }
        Ok(redeemed?)
    }
}

/// The provider's refusal as it comes through the browser, which may have written it itself: it decides about a page and
/// nothing else (RFC 6749 §4.1.2.1, `OpenID` Connect Core §3.1.2.6).
fn refused(code: &str, description: Option<&str>) -> SignInFailure {
    let error = match code {
        "access_denied" => SignInError::ProviderRefused(ProviderRefusal::Cancelled),
        "consent_required" => SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
        "unauthorized_client"
        | "invalid_client"
        | "invalid_request"
        | "invalid_scope"
        | "unsupported_response_type" => SignInError::Misconfigured,
        "server_error" | "temporarily_unavailable" => SignInError::Unavailable,
        _ => SignInError::ProviderRefused(ProviderRefusal::Other),
    };
    let printable = code.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(LONGEST_ERROR);
    let diagnostics = Diagnostics {
        error: Some(printable.collect()),
        aadsts: description.and_then(aadsts_of),
        hint: "the identity provider has sent the browser back with an error",
        ..Diagnostics::default()
    };
    SignInFailure { error, channel: None, diagnostics: Box::new(diagnostics) }
}

fn aadsts_of(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_only_its_code_and_number_are_looked_at() {
        let long = "x\u{1b}\n".repeat(100);
        for (error, description, meaning, number) in [
            (
                "access_denied",
                Some("AADSTS65004: User declined"),
                SignInError::ProviderRefused(ProviderRefusal::Cancelled),
                Some(65_004),
            ),
            (
                "consent_required",
                Some("AADSTS65001"),
                SignInError::ProviderRefused(ProviderRefusal::ConsentMissing),
                Some(65_001),
            ),
            ("server_error", Some("AADSTSx"), SignInError::Unavailable, None),
            ("invalid_scope", Some("AADSTS70011: …"), SignInError::Misconfigured, Some(70_011)),
            (&long, None, SignInError::ProviderRefused(ProviderRefusal::Other), None),
        ] {
            let failure = refused(error, description);
            assert_eq!(failure.error, meaning);
            assert_eq!(failure.diagnostics.aadsts, number);
            let logged = failure.diagnostics.error.unwrap_or_default();
            assert!(logged.len() <= LONGEST_ERROR && !logged.contains(char::is_control), "{logged}");
        }
    }
}
