use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::failure::ProviderRefusal;
use super::records::{AtProvider, Identified};
use super::{BrowserSecret, PROVIDER_BUDGET, SignInError, SignInFailure, SignInFlow, is_handle, slot_of};
use crate::cards::PendingSignIn;
use crate::domain::{Connection, Secret};
use crate::exchange::{note_further_lack, user_token};
use crate::identity_provider::{Attempt, Diagnostics, Grant, IdentityProvider, RedeemError, RedeemedToken};
use crate::sign_in::browser_sign_ins::Found;
use crate::sign_in::magic_code::CodeGrant;
use crate::token_validation::IdentifiedUser;

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

impl SignInFlow {
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
        let taken = self.parts.browsers.take(&Secret::from(state), &browser.0).await?;
        let record: AtProvider = match taken {
            Found::Here(record) => record,
            Found::OfAnotherBrowser => return Err(SignInError::OtherBrowser.into()),
            Found::Nothing => return Err(SignInError::StateUnknown.into()),
        };
        let identified = self.identify(&record, &answer, correlation_id).await;
        let handed_on = async { Ok(self.parts.browsers.put(&browser.0, &identified?).await?) };
        handed_on.await.map_err(|failure: SignInFailure| failure.on(record.channel.as_ref()))
    }

    async fn identify(
        &self,
        record: &AtProvider,
        answer: &ProviderAnswer<'_>,
        correlation_id: &str,
    ) -> Result<Identified, SignInFailure> {
        let card = self.parts.exchange.pending.find_held(&record.card_id).await?.ok_or(SignInError::LinkUnknown)?;
        let connection = self.connection_of(&card).filter(|connection| connection.revision == record.revision);
        let connection = connection.ok_or(SignInError::LinkUnknown)?;
        let exchange = &self.parts.exchange;
        let provider = exchange.providers.find(connection).ok_or(SignInError::Misconfigured)?;
        let deadline = Instant::now() + PROVIDER_BUDGET;
        // First: an error of another issuer's is not this one's either (RFC 9207 §2.4).
        let admitted = timeout_at(deadline, provider.admits_issuer(answer.iss)).await;
        if !admitted.map_err(|_| SignInError::Unavailable)?? {
            return Err(SignInError::IssuerMismatch.into());
        }
        let code = match (answer.error, answer.code.filter(|code| !code.is_empty())) {
            (None, Some(code)) => Secret::from(code),
            (error, _) => return Err(refused(error.unwrap_or("no code"), answer.error_description)),
        };
        let attempt = Attempt { correlation_id: correlation_id.to_owned(), deadline, claims: None };
        let work = self.redeem((provider, connection), (&code, record), (&card, attempt));
        let redeemed = timeout_at(deadline, work).await.map_err(|_| SignInError::Unavailable)?;
        if let Err(error) = &redeemed {
            note_further_lack(exchange, &slot_of(&card), &error.failure, correlation_id).await;
        }
        let redeemed = redeemed?;
        let work = self.identify_by(connection, (&redeemed, record));
        let user = timeout_at(deadline, work).await.map_err(|_| SignInError::Unavailable)??;
        // As early as the user is known: a sign-out everywhere from here on ends what comes of this.
        let epoch = exchange.vault.permit(&slot_of(&card), &user.user).await?.epoch();
        let present = (exchange.clock.now(), exchange.entropy.as_ref());
        let token = user_token(redeemed, connection, (&user.user, user.security_context), present);
        let grant = CodeGrant { card_id: card.card_id, revision: connection.revision, token, epoch };
        Ok(Identified::new(user, card.offer.account.realm.channel().cloned(), grant))
    }

    async fn redeem(
        &self,
        (provider, connection): (&Arc<dyn IdentityProvider>, &Connection),
        (code, record): (&Secret, &AtProvider),
        (card, attempt): (&PendingSignIn, Attempt),
    ) -> Result<RedeemedToken, RedeemError> {
        let (code_verifier, redirect_uri) = (&record.code_verifier, &self.parts.redirect_uri);
        let asker = card.account.key_parts().join(" ");
        let grant = Grant::AuthorizationCode { code, code_verifier, redirect_uri, asker: &asker };
        provider.redeem(connection, grant, attempt).await
    }

    async fn identify_by(
        &self,
        connection: &Connection,
        (redeemed, record): (&RedeemedToken, &AtProvider),
    ) -> Result<IdentifiedUser, SignInFailure> {
        let raw = redeemed.id_token.as_ref().ok_or(SignInError::IdTokenRejected { check: "absent" })?;
        Ok(self.parts.id_tokens.validate(connection, raw, &record.nonce).await?)
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
