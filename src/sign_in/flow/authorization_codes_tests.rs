//! Tokens whose users could not be identified yet, and a sign-out meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::authorization_codes::AuthorizationCodes;
use super::redeemed_code::RedeemedCode;
use super::{SignInError, SignInFailure};
use crate::domain::test_samples::{sample_bot, sample_connection};
use crate::domain::{
    Account, BotName, ChannelId, Connection, ConnectionName, EndedAtSignOut, ProviderKind, Registrations, Secret,
    SystemEntropy, Timestamp, TokenSlot, UserKey,
};
use crate::exchange::{ClaimsChallenges, Redemption, SignInNeeds, SignInRequirements, TokenRevocation};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Grant, IdentityProvider,
    ProviderRegistry, RedeemFuture, RedeemedToken, RevocableTokens, RevocationFuture, RevocationOutcome,
};
use crate::records::testing::{ThrowawayRecords, throwaway_records};
use crate::vault::TokenVault;

const STEP: [u8; 32] = [1; 32];
const CODE: [u8; 32] = [2; 32];

/// A provider that takes revocations alone, and notes them.
#[derive(Default)]
struct RevokingProvider {
    revoked: Mutex<Vec<String>>,
    revocation: Notify,
}

impl IdentityProvider for RevokingProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: false, refresh_token: true, authorization_code: true }
    }

    fn redeem<'a>(&'a self, _: &'a Connection, _: Grant<'a>, _: Attempt) -> RedeemFuture<'a> {
        panic!("nothing is redeemed")
    }

    fn authorize_url<'a>(&'a self, _: &'a Connection, _: AuthorizationRequest<'a>) -> AuthorizeFuture<'a> {
        panic!("no browser begins")
    }

    fn admits_issuer<'a>(&'a self, _: Option<&'a str>) -> AdmissionFuture<'a> {
        panic!("no browser returns")
    }

    fn revoke<'a>(&'a self, tokens: RevocableTokens<'a>) -> RevocationFuture<'a> {
        let refresh_token = tokens.refresh_token.map(Secret::expose).unwrap_or_default();
        let (access_token, subject) = (tokens.access_token.expose(), tokens.user.subject());
        self.revoked.lock().unwrap().push(format!("{refresh_token} {access_token} {subject}"));
        self.revocation.notify_one();
        Box::pin(async { Ok(RevocationOutcome::Revoked) })
    }
}

struct Fixture {
    _beneath: ThrowawayRecords,
    vault: Arc<TokenVault>,
    codes: AuthorizationCodes,
    provider: Arc<RevokingProvider>,
    slot: TokenSlot,
}

fn connection() -> Connection {
    sample_connection("tickets", ProviderKind::OpenIdConnect, &["openid"])
}

fn user(subject: &str) -> UserKey {
    UserKey::from_parts("https://elsewhere.example", subject)
}

impl Fixture {
    fn start() -> Self {
        let beneath = throwaway_records();
        let records = &beneath.records;
        let vault = Arc::new(TokenVault::new(records, records.single_writer().unwrap(), 1 << 20));
        let provider = Arc::new(RevokingProvider::default());
        let mut registry = ProviderRegistry::default();
        registry.register(&connection(), provider.clone());
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(records)), Arc::new(SignInNeeds::new(records)));
        let redemption = Redemption::new(Arc::new(registry), requirements);
        let registrations = Arc::new(Registrations::new(vec![sample_bot()], vec![connection()]));
        let revocation = TokenRevocation::new(redemption, registrations, Arc::new(SystemEntropy));
        let codes = AuthorizationCodes::new(vault.clone(), revocation, beneath.shared_clock.clone());
        let account = Account::of_channel(&BotName::new("bot"), ChannelId::new("webchat"), "wc-1");
        let slot = TokenSlot::new(&account, &ConnectionName::new("tickets"));
        Self { _beneath: beneath, vault, codes, provider, slot }
    }

    /// A code that was redeemed now; its ID token names Ada.
    fn redeemed(&self) -> Arc<RedeemedCode> {
        Arc::new(RedeemedCode {
            redeemed: RedeemedToken {
                access_token: Secret::from("A"),
                expires_at: Timestamp::from_unix_seconds(i64::from(u32::MAX)),
                granted_scope: None,
                refresh_token: Some(Secret::from("R")),
                refresh_at: None,
                id_token: None,
            },
            code_name: CODE,
            requested: self.vault.sign_out_mark(),
            slot: self.slot.clone(),
            generation: self.vault.generation(&self.slot),
            revision: connection().revision,
            presumed_user: Some(user("ada")),
        })
    }

    async fn assert_ended_and_revoked(&self) {
        assert!(self.codes.find(&STEP).is_none());
        let refusal = self.codes.find_refusal(&CODE).map(|failure| failure.error);
        assert_eq!(refusal, Some(SignInError::LinkUnknown), "the browser's next return has an answer");
        while self.provider.revoked.lock().unwrap().is_empty() {
            self.provider.revocation.notified().await;
        }
        assert_eq!(*self.provider.revoked.lock().unwrap(), ["R A ada"]);
    }
}

#[tokio::test]
async fn a_sign_out_of_the_chat_ends_and_revokes_the_tokens_that_wait_for_it() {
    let fixture = Fixture::start();
    fixture.codes.hold(STEP, fixture.redeemed());
    let account = Account::of_channel(&BotName::new("bot"), ChannelId::new("webchat"), "wc-2");
    let other = TokenSlot::new(&account, &ConnectionName::new("tickets"));
    fixture.codes.end(&[9; 32]);
    EndedAtSignOut::end(&fixture.codes, &[other]).await.unwrap();
    assert!(fixture.codes.find(&STEP).is_some(), "another chat was signed out");
    EndedAtSignOut::end(&fixture.codes, std::slice::from_ref(&fixture.slot)).await.unwrap();
    fixture.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_and_revokes_the_tokens_whose_id_token_names_the_user() {
    let fixture = Fixture::start();
    fixture.codes.hold(STEP, fixture.redeemed());
    fixture.codes.end_for_user(&user("ben")).await.unwrap();
    assert!(fixture.codes.find(&STEP).is_some(), "another user was signed out");
    fixture.codes.end_for_user(&user("ada")).await.unwrap();
    fixture.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn tokens_that_arrive_after_a_sign_out_are_not_held() {
    let fixture = Fixture::start();
    let code = fixture.redeemed();
    fixture.vault.take(&fixture.slot).await.unwrap();
    fixture.codes.hold(STEP, code);
    fixture.assert_ended_and_revoked().await;
    let fixture = Fixture::start();
    let code = fixture.redeemed();
    fixture.vault.raise_epoch(&user("ada")).await.unwrap();
    fixture.codes.hold(STEP, code);
    fixture.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn a_failure_that_may_pass_is_not_remembered() {
    let codes = Fixture::start().codes;
    for error in [SignInError::Unavailable, SignInError::Misconfigured, SignInError::Storage] {
        codes.remember(CODE, &SignInFailure::from(error));
        assert!(codes.find_refusal(&CODE).is_none(), "{error:?}");
    }
    codes.remember(CODE, &SignInFailure::from(SignInError::StateUnknown));
    assert!(codes.find_refusal(&CODE).is_some());
}
