//! A sign-out everywhere while a sign-in comes to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::records::{PageAtProvider, PagePlace};
use super::redemption::{IdentifiedPerson, PageArrival};
use super::{AfterPageSignIn, NoteFuture, PageBrowsers, PageRealm, PageSignIn, PageSignInDone};
use crate::domain::test_samples::sample_connection;
use crate::domain::{
    ClockAndEntropy, Connection, HolderName, ProviderKind, Registrations, Secret, SecurityContext, SystemEntropy,
    UserKey, UserToken,
};
use crate::exchange::{
    ClaimsChallenges, Redemption, SignInNeed, SignInNeeds, SignInRequirements, Speakers, TokenRevocation, UserRates,
};
use crate::identity_provider::ProviderRegistry;
use crate::observability::Counters;
use crate::records::testing::{ThrowawayRecords, throwaway_records};
use crate::sign_in::browser_sign_ins::BrowserSignIns;
use crate::sign_in::flow::{AuthorizationCodes, BrowserSecret, ProviderAccess, SignInError, SignInFailure};
use crate::sign_in::identification::IdTokenValidators;
use crate::sign_in::provider_sessions::ProviderSessions;
use crate::sign_in::signed_in_tokens::SignedInTokens;
use crate::token_validation::IdentifiedUser;
use crate::vault::TokenVault;

/// The door's work, during which the person is signed out everywhere if `signs_out`.
struct DoorsWork {
    vault: Arc<TokenVault>,
    signs_out: bool,
}

impl AfterPageSignIn for DoorsWork {
    fn note<'a>(&'a self, _: &'a HolderName, user: &'a UserKey) -> NoteFuture<'a> {
        Box::pin(async move {
            if self.signs_out {
                assert_eq!(self.vault.raise_epoch(user).await.unwrap().count, 1, "the token is kept already");
            }
            Ok("noted".to_owned())
        })
    }
}

struct Fixture {
    beneath: ThrowawayRecords,
    vault: Arc<TokenVault>,
    sign_in: PageSignIn,
    connection: Arc<Connection>,
}

fn ada() -> UserKey {
    UserKey::entra("ada", "t")
}

impl Fixture {
    fn start() -> Self {
        let beneath = throwaway_records();
        let (records, entropy) = (&beneath.records, Arc::new(SystemEntropy));
        let clock = beneath.shared_clock.clone();
        let vault = Arc::new(TokenVault::new(records, 1 << 20));
        let connection = sample_connection("graph", ProviderKind::Entra, &[]);
        let registrations = Arc::new(Registrations::new(Vec::new(), vec![connection.clone()]));
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(records)), Arc::new(SignInNeeds::new(records)));
        let redemption = Redemption::new(Arc::new(ProviderRegistry::default()), requirements.clone());
        let revocation = TokenRevocation::new(redemption.clone(), registrations.clone(), entropy.clone());
        let rates = UserRates::new(NonZeroU32::MAX, clock.clone(), Arc::<Counters>::default(), records);
        let sign_ins = Arc::new(BrowserSignIns::new(records, entropy.clone()));
        let id_tokens = Arc::new(IdTokenValidators::new(HashMap::new()));
        let speakers = Speakers::new(records);
        let sign_in = PageSignIn::new(
            PageBrowsers { sign_ins, rates: Arc::new(rates) },
            ProviderAccess::new(
                redemption,
                id_tokens,
                ProviderSessions::new(records),
                Url::parse("https://sso.example/").unwrap(),
            ),
            SignedInTokens::new(vault.clone(), requirements, registrations, speakers),
            AuthorizationCodes::new(vault.clone(), revocation, records),
            ClockAndEntropy { clock, entropy },
        );
        Self { beneath, vault, sign_in, connection: Arc::new(connection) }
    }

    /// The return of a new browser with a code.
    fn arrival(&self) -> PageArrival {
        let Connection { holder, name, revision, .. } = &*self.connection;
        let place =
            PagePlace { realm: PageRealm::App, holder: holder.clone(), connection: name.clone(), revision: *revision };
        PageArrival {
            connection: self.connection.clone(),
            state: self.sign_in.browsers.sign_ins.draw_handle(),
            browser: BrowserSecret::draw(&SystemEntropy),
            record: PageAtProvider {
                place,
                redirect_uri: Url::parse("https://sso.example/back").unwrap(),
                return_to: "the door's text".to_owned(),
                nonce: Secret::from("n"),
                code_verifier: Secret::from("v"),
                need: SignInNeed::default(),
                is_renewed: false,
                asks_for_person: false,
                sign_outs: None,
            },
            code: Secret::from("c"),
            correlation_id: "id".to_owned(),
        }
    }

    /// Ends the sign-in of Ada, whose token was redeemed just now.
    async fn end(&self, signs_out: bool) -> Result<PageSignInDone, SignInFailure> {
        let arrival = self.arrival();
        let slot = arrival.record.place.slot(&ada());
        let permit = self.vault.permit(&slot, &ada()).await.unwrap();
        let user = IdentifiedUser {
            user: ada(),
            object_id: None,
            tenant_id: None,
            display_name: None,
            account_name: Some("ada@example.com".to_owned()),
            given_name: None,
            family_name: None,
            authenticated_at: None,
            session_id: None,
            security_context: SecurityContext([3; 16]),
        };
        let now = self.beneath.shared_clock.now();
        let token = UserToken {
            access_token: Secret::from("A"),
            expires_at: now.plus(Duration::from_hours(1)),
            user: ada(),
            security_context: SecurityContext([3; 16]),
            granted_scope: None,
            obtained_at: now,
            signed_in_at: now,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        let work = DoorsWork { vault: self.vault.clone(), signs_out };
        let sign_in = self.sign_in.clone().followed_by(Arc::new(work));
        sign_in.keep_and_describe(&arrival, IdentifiedPerson { user, slot, permit }, token).await
    }
}

#[tokio::test]
async fn a_sign_out_everywhere_during_the_doors_work_ends_the_sign_in() {
    let fixture = Fixture::start();
    let failure = fixture.end(true).await.unwrap_err();
    assert_eq!(failure.error, SignInError::StateUnknown);
    let done = fixture.end(false).await.unwrap();
    assert_eq!((done.note.as_str(), done.account_name.as_str()), ("noted", "ada@example.com"), "signed in anew");
}

#[tokio::test]
async fn a_completed_sign_in_is_answered_eight_times_and_another_one_as_often() {
    let fixture = Fixture::start();
    let admit = async |handle: &str| fixture.sign_in.admits_answer(&Secret::from(handle)).await;
    let mut admitted = 0;
    for _ in 0..300 {
        admitted += usize::from(admit("one").await);
    }
    assert_eq!((admitted, admit("other").await), (8, true));
}
