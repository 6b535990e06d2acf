//! Two replicas that sign browsers in at one identity provider.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::{
    AuthorizationCodes, BrowserFlow, BrowserSecret, BrowserSignIns, CodeRedemption, DirectorySignIn, IdTokenValidators,
    MagicCodes, PageBrowsers, PageSignIn, ProviderAccess, ProviderAnswer, ProviderSessions, SignInCompletion,
    SignInReturn, SignInStart, SignedInTokens,
};
use crate::cards::{PendingSignIns, SignInOffer, StatedIdentity};
use crate::domain::test_samples::{sample_bot, sample_connection};
use crate::domain::{
    Account, Bot, BotName, ChannelId, Clock as _, ClockAndEntropy, Connection, OffsetClock, ProviderKind,
    Registrations, Secret, SharedClock, SystemEntropy, TokenSlot, UserKey,
};
use crate::exchange::{
    ClaimsChallenges, Redemption, SignInNeeds, SignInRequirements, Speakers, TokenRevocation, UserRates,
};
use crate::identity_provider::{
    AdmissionFuture, Attempt, AuthorizationRequest, AuthorizeFuture, Capabilities, Diagnostics, Grant,
    IdentityProvider, ProviderRegistry, RedeemError, RedeemFailure, RedeemFuture, RedeemedToken,
};
use crate::observability::Counters;
use crate::records::Records;
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};
use crate::token_validation::{DirectorySignatures, IdTokenValidator, OwnDirectory, TrustedIdTokenIssuer};
use crate::vault::TokenVault;

const ISSUER: &str = "https://provider.example";
/// The code that the identity provider refuses.
pub(super) const REFUSED_CODE: &str = "refused";

/// The identity provider of both replicas. Its codes are the nonces of the requests, and its user is Ada.
pub(super) struct CountingProvider {
    pub(super) clock: Arc<OffsetClock>,
    redemptions: AtomicUsize,
}

/// One replica.
pub(super) struct Replica {
    pub(super) vault: Arc<TokenVault>,
    pub(super) cards: Arc<PendingSignIns>,
    pub(super) codes: Arc<MagicCodes>,
    pub(super) start: SignInStart,
    pub(super) back: SignInReturn,
    pub(super) completion: SignInCompletion,
    pub(super) redemption: CodeRedemption,
    pub(super) pages: PageSignIn,
    pub(super) directories: DirectorySignIn,
}

/// Two replicas over one store, and the identity provider.
pub(super) struct Replicas {
    pub(super) here: Replica,
    pub(super) there: Replica,
    pub(super) provider: Arc<CountingProvider>,
    pub(super) bot: Arc<Bot>,
    pub(super) connection: Arc<Connection>,
    pub(super) slot: TokenSlot,
    _beneath: ThrowawayReplicas,
}

/// What the identity provider is sent with a browser.
pub(super) struct Sent {
    state: String,
    pub(super) code: String,
}

struct EverySignature;

impl DirectorySignatures for EverySignature {
    fn is_signed(&self, _: &str, _: &[u8], _: &str) -> bool {
        true
    }
}

impl CountingProvider {
    pub(super) fn redemptions(&self) -> usize {
        self.redemptions.load(Ordering::SeqCst)
    }

    fn redeem_code(&self, code: &str) -> Result<RedeemedToken, RedeemError> {
        if code == REFUSED_CODE {
            return Err(RedeemError { failure: RedeemFailure::Denied, diagnostics: Box::<Diagnostics>::default() });
        }
        let now = self.clock.now();
        let claims = json!({
            "iss": ISSUER, "aud": "client", "sub": "ada", "nonce": code,
            "iat": now.unix_seconds(), "exp": now.unix_seconds() + 3600,
        });
        let parts = [json!({ "alg": "RS256", "kid": "k" }).to_string(), claims.to_string(), "signature".to_owned()];
        let id_token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        Ok(RedeemedToken {
            access_token: Secret::from("A"),
            expires_at: now.plus(Duration::from_hours(1)),
            granted_scope: None,
            refresh_token: None,
            refresh_at: None,
            id_token: Some(Secret::new(id_token)),
        })
    }
}

impl IdentityProvider for CountingProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities { on_behalf_of: false, refresh_token: true, authorization_code: true }
    }

    /// Takes its time, so that returns at the same time certainly overlap.
    fn redeem<'a>(&'a self, _: &'a Connection, grant: Grant<'a>, _: Attempt) -> RedeemFuture<'a> {
        let Grant::AuthorizationCode { code, .. } = grant else { panic!("a code is redeemed") };
        self.redemptions.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            sleep(Duration::from_millis(200)).await;
            self.redeem_code(code.expose())
        })
    }

    fn authorize_url<'a>(&'a self, _: &'a Connection, request: AuthorizationRequest<'a>) -> AuthorizeFuture<'a> {
        let mut url = Url::parse(ISSUER).unwrap();
        let (state, nonce) = (request.state.expose(), request.nonce.expose());
        url.query_pairs_mut().append_pair("state", state).append_pair("nonce", nonce);
        Box::pin(async { Ok(url) })
    }

    fn admits_issuer<'a>(&'a self, _: Option<&'a str>) -> AdmissionFuture<'a> {
        Box::pin(async { Ok(true) })
    }
}

impl Sent {
    pub(super) fn with(url: &Url) -> Self {
        let find = |name: &str| url.query_pairs().find(|pair| pair.0 == name).unwrap().1.into_owned();
        Self { state: find("state"), code: find("nonce") }
    }

    /// The answer with the code.
    pub(super) fn answer(&self) -> ProviderAnswer<'_> {
        self.answer_with(&self.code)
    }

    pub(super) fn answer_with<'a>(&'a self, code: &'a str) -> ProviderAnswer<'a> {
        ProviderAnswer { state: Some(&self.state), code: Some(code), ..ProviderAnswer::default() }
    }

    /// The answer that the provider's page had expired.
    pub(super) fn expired(&self) -> ProviderAnswer<'_> {
        ProviderAnswer {
            state: Some(&self.state),
            error: Some("temporarily_unavailable"),
            error_description: Some("authentication_expired"),
            ..ProviderAnswer::default()
        }
    }
}

impl Replica {
    fn new(records: &Records, setting: &Setting) -> Self {
        let (clock, entropy) = (records.clock().clone(), Arc::new(SystemEntropy));
        let ambient = ClockAndEntropy { clock: clock.clone(), entropy: entropy.clone() };
        let vault = Arc::new(TokenVault::new(records, 1 << 20));
        let cards = Arc::new(PendingSignIns::new(records, entropy.clone()));
        let codes = Arc::new(MagicCodes::new(records));
        let requirements =
            SignInRequirements::new(Arc::new(ClaimsChallenges::new(records)), Arc::new(SignInNeeds::new(records)));
        let registrations =
            Arc::new(Registrations::new(vec![(*setting.bot).clone()], vec![(*setting.connection).clone()]));
        let mut registry = ProviderRegistry::default();
        registry.register(&setting.connection, setting.provider.clone());
        let redemption = Redemption::new(Arc::new(registry), requirements.clone());
        let revocation = TokenRevocation::new(redemption.clone(), registrations.clone(), entropy.clone());
        let rates = Arc::new(UserRates::new(NonZeroU32::MAX, clock.clone(), Arc::<Counters>::default(), records));
        let sign_ins = Arc::new(BrowserSignIns::new(records, entropy.clone()));
        let provider = ProviderAccess::new(
            redemption,
            Arc::new(validators(clock)),
            ProviderSessions::new(records),
            Url::parse("https://sso.example/back").unwrap(),
        );
        let tokens = SignedInTokens::new(vault.clone(), requirements, registrations.clone(), Speakers::new(records));
        let returned = AuthorizationCodes::new(vault.clone(), revocation.clone(), records);
        let browsers = PageBrowsers { sign_ins: sign_ins.clone(), rates: rates.clone() };
        let flow = BrowserFlow::new(cards.clone(), sign_ins, registrations);
        Self {
            start: SignInStart::new(flow.clone(), provider.clone(), tokens.clone(), rates, entropy),
            back: SignInReturn::new(flow.clone(), provider.clone(), tokens.clone(), returned.clone(), ambient.clone()),
            completion: SignInCompletion::new(flow, tokens.clone(), codes.clone()),
            redemption: CodeRedemption::new(codes.clone(), tokens.clone(), cards.clone()),
            pages: PageSignIn::new(browsers.clone(), provider.clone(), tokens, returned, ambient.clone()),
            directories: DirectorySignIn::new(browsers, provider, vault.clone(), revocation, ambient),
            vault,
            cards,
            codes,
        }
    }
}

/// What both replicas have in common beside the store.
struct Setting {
    bot: Arc<Bot>,
    connection: Arc<Connection>,
    provider: Arc<CountingProvider>,
}

fn validators(clock: SharedClock) -> IdTokenValidators {
    let (issuer, tenant) = (ISSUER.to_owned(), "elsewhere".to_owned());
    let trust = TrustedIdTokenIssuer::Directory(OwnDirectory { issuer, tenant, signatures: Arc::new(EverySignature) });
    IdTokenValidators::new(HashMap::from([("provider".to_owned(), IdTokenValidator::new(trust, clock))]))
}

/// The user of the identity provider.
pub(super) fn ada() -> UserKey {
    UserKey::of_directory("elsewhere", "ada")
}

impl Replicas {
    pub(super) async fn start() -> Self {
        let beneath = throwaway_replicas(2).await;
        let connection = Arc::new(sample_connection("tickets", ProviderKind::OpenIdConnect, &["openid"]));
        let provider = Arc::new(CountingProvider { clock: beneath.clock.clone(), redemptions: AtomicUsize::new(0) });
        let setting = Setting { bot: Arc::new(sample_bot()), connection, provider };
        let [here, there] = [0, 1].map(|number| Replica::new(&beneath.replicas[number], &setting));
        let Setting { bot, connection, provider } = setting;
        let account = Account::of_channel(&BotName::new("bot"), ChannelId::new("webchat"), "wc-1");
        let slot = TokenSlot::new(&account, &connection.name);
        Self { here, there, provider, bot, connection, slot, _beneath: beneath }
    }

    /// A browser that has followed the link of a card to the first replica, and what it was sent to the provider with.
    pub(super) async fn begin(&self) -> (BrowserSecret, Sent) {
        let offer = SignInOffer {
            account: self.slot.account.clone(),
            conversation: None,
            connection: self.slot.connection.clone(),
            offered_sso: false,
            stated: StatedIdentity::default(),
            final_redirect: None,
        };
        let (_, link) = self.here.cards.begin(offer).await.unwrap();
        let browser = BrowserSecret::draw(&SystemEntropy);
        let url = self.here.start.begin(link.expose(), &browser, None, "id").await.unwrap();
        (browser, Sent::with(&url))
    }
}
