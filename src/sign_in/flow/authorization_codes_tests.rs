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
use crate::records::Records;
use crate::records::testing::{ThrowawayRecords, throwaway_records, throwaway_replicas};
use crate::sign_in::browser_sign_ins::ReturnNames;
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
    _beneath: Option<ThrowawayRecords>,
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
        let fixture = Self::over(&beneath.records, Arc::new(RevokingProvider::default()));
        Self { _beneath: Some(beneath), ..fixture }
    }

    fn over(records: &Records, provider: Arc<RevokingProvider>) -> Self {
        let vault = Arc::new(TokenVault::new(records, 1 << 20));
        let mut registry = ProviderRegistry::default();
        registry.register(&connection(), provider.clone());
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(records)), Arc::new(SignInNeeds::new(records)));
        let redemption = Redemption::new(Arc::new(registry), requirements);
        let registrations = Arc::new(Registrations::new(vec![sample_bot()], vec![connection()]));
        let revocation = TokenRevocation::new(redemption, registrations, Arc::new(SystemEntropy));
        let codes = AuthorizationCodes::new(vault.clone(), revocation, records);
        let account = Account::of_channel(&BotName::new("bot"), ChannelId::new("webchat"), "wc-1");
        let slot = TokenSlot::new(&account, &ConnectionName::new("tickets"));
        Self { _beneath: None, vault, codes, provider, slot }
    }

    /// A code that was redeemed now; its ID token names Ada.
    async fn redeemed(&self) -> Arc<RedeemedCode> {
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
            requested: self.vault.sign_out_mark().await.unwrap(),
            slot: self.slot.clone(),
            generation: self.vault.generation(&self.slot).await.unwrap(),
            revision: connection().revision,
            presumed_user: Some(user("ada")),
        })
    }

    async fn assert_ended_and_revoked(&self) {
        assert!(self.codes.find(&STEP).await.unwrap().is_none());
        let refusal = self.codes.refusals().find(&CODE).await.unwrap().map(|failure| failure.error);
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
    fixture.codes.hold(STEP, fixture.redeemed().await).await;
    let account = Account::of_channel(&BotName::new("bot"), ChannelId::new("webchat"), "wc-2");
    let other = TokenSlot::new(&account, &ConnectionName::new("tickets"));
    fixture.codes.end(&[9; 32]).await;
    EndedAtSignOut::end(&fixture.codes, &[other]).await.unwrap();
    assert!(fixture.codes.find(&STEP).await.unwrap().is_some(), "another chat was signed out");
    EndedAtSignOut::end(&fixture.codes, std::slice::from_ref(&fixture.slot)).await.unwrap();
    fixture.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_and_revokes_the_tokens_whose_id_token_names_the_user() {
    let fixture = Fixture::start();
    fixture.codes.hold(STEP, fixture.redeemed().await).await;
    fixture.codes.end_for_user(&user("ben")).await.unwrap();
    assert!(fixture.codes.find(&STEP).await.unwrap().is_some(), "another user was signed out");
    fixture.codes.end_for_user(&user("ada")).await.unwrap();
    fixture.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn tokens_that_arrive_after_a_sign_out_are_not_held() {
    let fixture = Fixture::start();
    let code = fixture.redeemed().await;
    fixture.vault.take(&fixture.slot).await.unwrap();
    fixture.codes.hold(STEP, code).await;
    fixture.assert_ended_and_revoked().await;
    let fixture = Fixture::start();
    let code = fixture.redeemed().await;
    fixture.vault.raise_epoch(&user("ada")).await.unwrap();
    fixture.codes.hold(STEP, code).await;
    fixture.assert_ended_and_revoked().await;
}

/// Two replicas that share the provider.
async fn two_replicas() -> [Fixture; 2] {
    let (shared, provider) = (throwaway_replicas(2).await, Arc::new(RevokingProvider::default()));
    [0, 1].map(|number| Fixture::over(&shared.replicas[number], provider.clone()))
}

#[tokio::test]
async fn tokens_that_wait_at_one_replica_are_found_at_another_until_they_are_used() {
    let [here, there] = two_replicas().await;
    here.codes.hold(STEP, here.redeemed().await).await;
    let found = there.codes.find(&STEP).await.unwrap().expect("the browser may return here");
    let waiting = here.codes.find(&STEP).await.unwrap().unwrap();
    assert_eq!(found.redeemed.access_token.expose(), "A");
    assert_eq!(found.redeemed.refresh_token.as_ref().map(Secret::expose), Some("R"));
    assert_eq!(found.redeemed.expires_at, waiting.redeemed.expires_at);
    assert_eq!((found.code_name, &found.slot, found.revision), (CODE, &here.slot, waiting.revision));
    assert_eq!((&found.presumed_user, found.requested), (&Some(user("ada")), waiting.requested));
    there.codes.end(&STEP).await;
    assert!(there.codes.find(&STEP).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sign_out_at_another_replica_ends_and_revokes_the_tokens_that_wait() {
    let [here, there] = two_replicas().await;
    here.codes.hold(STEP, here.redeemed().await).await;
    EndedAtSignOut::end(&there.codes, std::slice::from_ref(&there.slot)).await.unwrap();
    there.assert_ended_and_revoked().await;

    let [here, there] = two_replicas().await;
    here.codes.hold(STEP, here.redeemed().await).await;
    there.vault.raise_epoch(&user("ada")).await.unwrap();
    let names = ReturnNames { step: STEP, code: CODE };
    let redeem = async { Err(SignInError::Storage.into()) };
    let refused = there.codes.settle_return(names, redeem, async |_| Ok(())).await.unwrap_err();
    assert_eq!(refused.error, SignInError::LinkUnknown);
    there.assert_ended_and_revoked().await;
}

#[tokio::test]
async fn a_failure_that_may_pass_is_not_remembered() {
    let codes = Fixture::start().codes;
    for error in [SignInError::Unavailable, SignInError::Misconfigured, SignInError::Storage] {
        codes.refusals().remember(CODE, &SignInFailure::from(error)).await;
        assert!(codes.refusals().find(&CODE).await.unwrap().is_none(), "{error:?}");
    }
    codes.refusals().remember(CODE, &SignInFailure::from(SignInError::StateUnknown)).await;
    assert!(codes.refusals().find(&CODE).await.unwrap().is_some());
}
