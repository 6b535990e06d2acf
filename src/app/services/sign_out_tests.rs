//! Sign-outs everywhere against what is under way at the same moment, over a store that a test holds back or makes fail.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::tests::configuration_with;
use super::*;
use crate::accounts::UserProfile;
use crate::app::metrics::build_metrics;
use crate::domain::{
    Application, DirectoryUser, ExchangeObservation, ProviderIdentity, Secret, SignInMethod, SystemEntropy, TenantId,
    UserEmail, UserKey, UserNames,
};
use crate::endpoints::directory::redemption::{GrantRefusal, GrantRequest, PresentedCode};
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};
use crate::sessions::{NewSession, Session};
use crate::sign_out::{SignOutCause, SignOutOrigin};
use crate::token_issuer::{CodeContent, GrantOutcome, NewGrant, UserGrant};

const DIRECTORIES: &str =
    "[directories.market]\nsso = { is_active = true }\n[directories.harbour]\nsso = { is_active = true }\n";
const SHOP: &str = "shop";
const SHOP_PAGE: &str = "https://shop.example/signed-in";

/// The services of an application with the directories `market` and `harbour`.
struct Setting {
    store: Arc<GatedStore>,
    services: Services,
    ambient: ClockAndEntropy,
    _beneath: ThrowawayRecords,
    _folder: tempfile::TempDir,
}

impl Setting {
    async fn start() -> Self {
        let (beneath, folder) = (throwaway_records(), tempfile::tempdir().unwrap());
        let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
        let config = configuration_with(folder.path(), DIRECTORIES);
        let metrics = build_metrics(&config, ambient.clock.as_ref(), ExchangeObservation::default());
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let directories = DirectoryServices::open(&config, &records, &ambient, metrics.directories()).await.unwrap();
        let opened = OpenedCollections { records: &records, directories };
        let services = build_services(&config, ambient.clone(), opened, metrics, false).unwrap();
        Self { store, services, ambient, _beneath: beneath, _folder: folder }
    }

    fn directories(&self) -> &DirectoryServices {
        self.services.directories.as_ref().unwrap()
    }

    async fn create_user(&self, tenant: &TenantId) -> DirectoryUser {
        let profile = UserProfile {
            emails: vec![UserEmail { value: "ada@example.com".to_owned(), primary: true }],
            names: UserNames::default(),
            user_name: None,
            active: Some(true),
            status: None,
        };
        let (directories, password) = (self.directories(), Secret::from("a-password-of-ada"));
        directories.users.create_in(&directories.directories, tenant, profile, &password).await.unwrap()
    }

    async fn link(&self, tenant: &TenantId, user: &DirectoryUser, key: &UserKey) {
        let identity = ProviderIdentity { provider: "company".to_owned(), key: key.clone(), is_proven: true };
        self.directories().users.link_identity(tenant, &user.id, identity).await.unwrap();
    }

    /// Begins a grant of `user` to the shop. Returns its refresh token.
    async fn begin_grant(&self, tenant: &TenantId, user: &DirectoryUser) -> String {
        let now = self.ambient.now();
        let grants = &self.directories().grants;
        let grant = UserGrant {
            id: grants.draw_id(),
            client_id: SHOP.to_owned(),
            user_id: user.id.clone(),
            scope: "openid".to_owned(),
            session_id: None,
            method: SignInMethod::Password,
            auth_time: now,
            revoked_grants: user.revoked_grants,
            begun_at: now,
            last_used_at: now,
        };
        let new = NewGrant { grant, access_seconds: 3600, refresh_seconds: Some(86_400) };
        grants.begin(tenant, new).await.unwrap().unwrap().unwrap().expose().to_owned()
    }

    /// Issues a code of `user` to the shop.
    async fn issue_code(&self, tenant: &TenantId, user: &DirectoryUser) -> Secret {
        let content = CodeContent {
            client_id: SHOP.to_owned(),
            redirect_uri: SHOP_PAGE.to_owned(),
            user_id: user.id.clone(),
            scope: "openid".to_owned(),
            nonce: None,
            challenge: None,
            session_id: None,
            method: SignInMethod::Password,
            auth_time: self.ambient.now(),
            ended_sessions: user.ended_sessions,
            revoked_grants: user.revoked_grants,
            grant_id: self.directories().grants.draw_id(),
        };
        self.directories().codes.issue(tenant, content).await.unwrap()
    }

    async fn begin_session(&self, tenant: &TenantId, user: &DirectoryUser) -> Session {
        let (directories, method) = (self.directories(), SignInMethod::Password);
        let view = directories.directories.find(tenant.as_str()).unwrap();
        let new = NewSession {
            user_id: &user.id,
            ended_sessions: user.ended_sessions,
            method: &method,
            browser: "",
            browser_secret: None,
        };
        directories.sessions.begin(&view.directory, &view.settings.sso, new, &[]).await.unwrap().unwrap().0
    }

    async fn sign_out(&self, user: &UserKey) -> bool {
        let cause = SignOutCause { correlation_id: "1".to_owned(), client: None, origin: SignOutOrigin::Operator };
        self.services.sign_out.everywhere(user, cause).await.is_ok()
    }

    /// The user's numbers of ended sessions and of revoked grants.
    async fn numbers(&self, tenant: &TenantId, user: &DirectoryUser) -> [u64; 2] {
        let found = self.directories().users.find(tenant, &user.id).await.unwrap().unwrap();
        [found.ended_sessions, found.revoked_grants]
    }
}

fn market() -> TenantId {
    TenantId::new("market")
}

fn key_of(tenant: &TenantId, user: &DirectoryUser) -> UserKey {
    UserKey::of_directory(tenant.as_str(), &user.id)
}

#[tokio::test]
async fn a_refresh_that_is_under_way_gives_no_token_and_the_one_that_it_used_is_good_no_more() {
    let setting = Setting::start().await;
    let user = setting.create_user(&market()).await;
    let refresh_token = setting.begin_grant(&market(), &user).await;
    let grants = setting.directories().grants.clone();
    let gate = setting.store.hold_next_get();
    let (under_way, token) = (grants.clone(), refresh_token.clone());
    let refresh = tokio::spawn(async move { under_way.rotate(&market(), SHOP, &token, 86_400).await.unwrap() });
    gate.reached().await;
    assert!(setting.sign_out(&key_of(&market(), &user)).await);
    gate.open();
    assert!(matches!(refresh.await.unwrap(), GrantOutcome::Unknown));
    assert!(grants.find_by_any_refresh_token(&market(), &refresh_token).await.unwrap().is_none());
    assert!(grants.list_of_user(&market(), &user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_redemption_of_a_code_that_is_under_way_gives_no_token_and_leaves_no_grant() {
    let setting = Setting::start().await;
    let user = setting.create_user(&market()).await;
    let code = setting.issue_code(&market(), &user).await;
    let redemption = setting.directories().build_redemption(&setting.ambient);
    let view = setting.directories().directories.find("market").unwrap();
    let code_is_read = setting.store.hold_next_get();
    let under_way = tokio::spawn(async move {
        let application = Application::own(SHOP, "Shop", SHOP_PAGE.to_owned());
        let request = GrantRequest { view: &view, application: &application, correlation_id: "1", client: None };
        let presented = PresentedCode { code: code.expose(), redirect_uri: Some(SHOP_PAGE), code_verifier: None };
        redemption.redeem_code(request, presented).await
    });
    code_is_read.reached().await;
    let user_is_read = setting.store.hold_next_get();
    code_is_read.open();
    user_is_read.reached().await;
    assert!(setting.sign_out(&key_of(&market(), &user)).await);
    user_is_read.open();
    let refusal = under_way.await.unwrap().unwrap_err();
    assert!(matches!(refusal, GrantRefusal::Refused(check) if check.name == "code_user"), "{refusal:?}");
    assert!(setting.directories().grants.list_of_user(&market(), &user.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_session_whose_use_is_being_noted_does_not_come_back() {
    let setting = Setting::start().await;
    let user = setting.create_user(&market()).await;
    let session = setting.begin_session(&market(), &user).await;
    let sessions = setting.directories().sessions.clone();
    let view = setting.directories().directories.find("market").unwrap();
    let gate = setting.store.hold_next_get();
    let earlier = Session { last_used_at: crate::domain::Timestamp::from_unix_seconds(0), ..session.clone() };
    let (under_way, at) = (sessions.clone(), view.clone());
    let use_of_it =
        tokio::spawn(async move { under_way.touch(&at.directory, &at.settings.sso, &earlier).await.unwrap() });
    gate.reached().await;
    assert!(setting.sign_out(&key_of(&market(), &user)).await);
    gate.open();
    use_of_it.await.unwrap();
    assert!(!sessions.end(&market(), &session.id).await.unwrap(), "there is no such session");
    assert_eq!(setting.numbers(&market(), &user).await, [1, 1]);
}

#[tokio::test]
async fn all_keys_of_a_person_are_signed_out_whichever_of_them_is_named() {
    let setting = Setting::start().await;
    let harbour = TenantId::new("harbour");
    let (here, there) = (setting.create_user(&market()).await, setting.create_user(&harbour).await);
    let company = UserKey::entra("a0000000-1111-4222-8333-00000000ada0", "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50");
    setting.link(&market(), &here, &company).await;
    setting.link(&harbour, &there, &company).await;
    let keys = [company.clone(), key_of(&market(), &here), key_of(&harbour, &there)];
    for (times, named) in (1..).zip(&keys) {
        let mark = setting.services.vault.sign_out_mark().await.unwrap();
        assert!(setting.sign_out(named).await);
        for key in &keys {
            assert!(setting.services.vault.may_be_signed_out_since(mark, key).await.unwrap(), "{named}: {key}");
        }
        assert_eq!(setting.numbers(&market(), &here).await, [times; 2], "{named}");
        assert_eq!(setting.numbers(&harbour, &there).await, [times; 2], "{named}");
    }
    let other = UserKey::entra("b0000000-1111-4222-8333-00000000ada0", "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50");
    let mark = setting.services.vault.sign_out_mark().await.unwrap();
    assert!(setting.sign_out(&other).await);
    assert!(!setting.services.vault.may_be_signed_out_since(mark, &company).await.unwrap());
}

#[tokio::test]
async fn what_the_store_did_not_let_end_is_ended_in_the_background() {
    let setting = Setting::start().await;
    let user = setting.create_user(&market()).await;
    let key = key_of(&market(), &user);
    setting.begin_session(&market(), &user).await;
    setting.begin_grant(&market(), &user).await;
    let mark = setting.services.vault.sign_out_mark().await.unwrap();
    setting.store.puts_fail.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(!setting.sign_out(&key).await);
    assert!(
        setting.services.vault.may_be_signed_out_since(mark, &key).await.unwrap(),
        "the tokens have ended in memory"
    );
    setting.store.puts_fail.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(setting.numbers(&market(), &user).await, [0, 0]);
    let completed = async {
        while setting.numbers(&market(), &user).await != [1, 1] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // A bound, so that the test fails instead of hanging.
    tokio::time::timeout(Duration::from_mins(1), completed).await.unwrap();
}
