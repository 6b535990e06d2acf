//! Values for the tests of this folder.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::LazyLock;

use super::{DirectoryUsers, UserProfile};
use crate::accounts::passwords::{HashParameters, PasswordHasher};
use crate::domain::{
    ClockAndEntropy, DirectorySettings, DirectoryUser, Secret, SystemEntropy, TenantId, UserEmail, UserNames,
    UserStatus,
};
use crate::records::Records;
use crate::records::testing::{ThrowawayRecords, throwaway_records};

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
    DirectoryUsers::new(records, storage.records.single_writer().unwrap(), hasher, ambient)
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
