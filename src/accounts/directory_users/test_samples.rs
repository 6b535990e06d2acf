//! Values for the tests of this folder.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::LazyLock;

use super::{DirectoryUsers, PasswordCheck, RefusedSignIn, UserProfile};
use crate::accounts::directories::{Directories, FirstDirectory};
use crate::accounts::passwords::{HashParameters, PasswordHasher};
use crate::domain::{
    ClockAndEntropy, Directory, DirectorySettings, DirectoryUser, LockoutPolicy, ManagedBy, PasswordPolicy, Secret,
    SystemEntropy, TenantId, UserEmail, UserNames, UserStatus,
};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};

/// The directory of most tests.
pub(super) static SHOP: LazyLock<TenantId> = LazyLock::new(|| TenantId::new("shop"));

/// Users in a folder of their own.
pub(super) struct Stage {
    pub(super) storage: ThrowawayRecords,
    pub(super) users: DirectoryUsers,
    pub(super) settings: DirectorySettings,
}

pub(super) fn small_hasher() -> PasswordHasher {
    hasher_with(8)
}

pub(super) fn hasher_with(memory_kib: u32) -> PasswordHasher {
    PasswordHasher::start(HashParameters { memory_kib, passes: 1 }, Arc::new(SystemEntropy))
}

pub(super) fn stage() -> Stage {
    let storage = throwaway_records();
    let users = users_in(&storage, &storage.records, small_hasher());
    Stage { storage, users, settings: DirectorySettings::default() }
}

/// The users that `records` have, which lie in `storage`.
pub(super) fn users_in(storage: &ThrowawayRecords, records: &Records, hasher: PasswordHasher) -> DirectoryUsers {
    let ambient = ClockAndEntropy { clock: storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    DirectoryUsers::new(records, hasher, ambient)
}

/// A user who signs in by the address `<name>@example.com` and the name `<name>`.
pub(super) fn profile(name: &str) -> UserProfile {
    UserProfile {
        user_name: Some(name.to_owned()),
        emails: vec![UserEmail { value: format!("{name}@example.com"), primary: true }],
        names: UserNames::default(),
        active: Some(true),
        status: Some(UserStatus::Confirmed),
    }
}

impl Stage {
    /// The directory of most tests, with the settings of the stage.
    pub(super) async fn directories(&self) -> Directories {
        let first = FirstDirectory { directory: directory(), settings: self.settings.clone() };
        Directories::open(&self.storage.records, vec![first]).await.unwrap()
    }

    /// The same users after a restart of the program.
    pub(super) fn restart(&mut self) {
        self.users = users_in(&self.storage, &self.storage.reopened(), small_hasher());
    }

    pub(super) async fn create(&self, name: &str, password: &str) -> DirectoryUser {
        self.users.create(&SHOP, &self.settings, profile(name), &Secret::from(password)).await.unwrap()
    }

    pub(super) async fn find(&self, id: &str) -> Option<DirectoryUser> {
        self.users.find(&SHOP, id).await.unwrap()
    }
}

pub(super) fn directory() -> Directory {
    Directory {
        name: "shop".to_owned(),
        tenant: SHOP.clone(),
        issuer: "http://127.0.0.1:1/oauth/v4/shop".to_owned(),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

pub(super) const RIGHT: &str = "correct horse";
pub(super) const ADA: &str = "ada@example.com";

impl Stage {
    pub(super) async fn sign_in(&self, login: &str, password: &str) -> PasswordCheck {
        self.sign_in_from(login, password, None).await
    }

    pub(super) async fn sign_in_from(&self, login: &str, password: &str, address: Option<&str>) -> PasswordCheck {
        let password = Secret::from(password);
        self.users.check_password(&SHOP, &self.settings, login, &password, address).await.unwrap()
    }

    /// The stage with `users` over a store whose operations the test holds back or lets fail.
    pub(super) fn gated(mut self) -> (Self, Arc<GatedStore>) {
        let store = GatedStore::new(self.storage.store.clone());
        let records = Records::new(store.clone(), self.storage.sealer.clone(), self.storage.shared_clock.clone());
        self.users = users_in(&self.storage, &records, small_hasher());
        (self, store)
    }

    /// Begins a sign-in in a task of its own.
    pub(super) fn spawn_sign_in(&self, login: &str, password: &str) -> tokio::task::JoinHandle<PasswordCheck> {
        let (users, settings) = (self.users.clone(), self.settings.clone());
        let (login, password) = (login.to_owned(), Secret::from(password));
        tokio::spawn(async move { users.check_password(&SHOP, &settings, &login, &password, None).await.unwrap() })
    }

    pub(super) fn lock_after(&mut self, attempts: u8) {
        let lockout = Some(LockoutPolicy { attempts, seconds: 600 });
        self.settings.passwords = PasswordPolicy { advanced: true, lockout, ..PasswordPolicy::default() };
    }
}

pub(super) fn is_accepted(check: &PasswordCheck) -> bool {
    matches!(check, PasswordCheck::Accepted(_))
}

#[track_caller]
pub(super) fn assert_refused(check: &PasswordCheck, reason: RefusedSignIn) {
    assert!(
        matches!(check, PasswordCheck::Refused(refusal) if refusal.reason == reason),
        "{check:?} is not {reason:?}"
    );
}
