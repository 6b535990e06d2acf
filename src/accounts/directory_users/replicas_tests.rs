#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::test_samples::{ADA, RIGHT, SHOP, assert_refused, directory, is_accepted, profile, small_hasher};
use super::{DirectoryUsers, PasswordCheck, RefusedSignIn, SignUp, UserChangeError, UserProfile};
use crate::accounts::directories::{Directories, FirstDirectory};
use crate::domain::{
    ClockAndEntropy, DirectorySettings, DirectoryUser, IdentityField, LockoutPolicy, PasswordPolicy, ProviderIdentity,
    Secret, SystemEntropy, UserKey, UserNames,
};
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};

/// The users and directories of replicas.
struct Stage {
    _beneath: ThrowawayReplicas,
    users: Vec<DirectoryUsers>,
    directories: Vec<Directories>,
    settings: DirectorySettings,
}

async fn stage() -> Stage {
    stage_with(DirectorySettings::default()).await
}

async fn stage_with(settings: DirectorySettings) -> Stage {
    let beneath = throwaway_replicas(2).await;
    let (mut users, mut directories) = (Vec::new(), Vec::new());
    for records in &beneath.replicas {
        let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
        users.push(DirectoryUsers::new(records, small_hasher(), ambient));
        let first = FirstDirectory { directory: directory(), settings: settings.clone() };
        directories.push(Directories::open(records, vec![first]).await.unwrap());
    }
    Stage { _beneath: beneath, users, directories, settings }
}

impl Stage {
    async fn create(&self, replica: usize, name: &str) -> Result<DirectoryUser, UserChangeError> {
        self.users[replica].create(&SHOP, &self.settings, profile(name), &Secret::from(RIGHT)).await
    }

    async fn sign_in(&self, replica: usize, password: &str) -> PasswordCheck {
        let password = Secret::from(password);
        self.users[replica].check_password(&SHOP, &self.settings, ADA, &password, None).await.unwrap()
    }

    /// Waits until the replica lists `total` users that match `query`.
    async fn wait_for_listed(&self, replica: usize, query: Option<&str>, total: usize) {
        while self.users[replica].list(&SHOP, 0, 10, query).await.unwrap().total != total {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sign_ups_with_one_name_on_two_replicas_at_once_one_makes_a_user() {
    let stage = stage().await;
    let sign_ups = (0..8).map(|number| {
        let (users, directories) = (&stage.users[number % 2], &stage.directories[number % 2]);
        let password = Secret::from(RIGHT);
        async move { users.sign_up(directories, &SHOP, profile("ada"), &password).await.unwrap() }
    });
    let created = join_all(sign_ups).await.into_iter().filter(|outcome| matches!(outcome, SignUp::Created(_))).count();
    assert_eq!(created, 1);
    for replica in 0..2 {
        stage.wait_for_listed(replica, None, 1).await;
    }
}

#[tokio::test]
async fn wrong_passwords_on_two_replicas_lock_a_user_together() {
    let lockout = Some(LockoutPolicy { attempts: 5, seconds: 600 });
    let passwords = PasswordPolicy { advanced: true, lockout, ..PasswordPolicy::default() };
    let stage = stage_with(DirectorySettings { passwords, ..DirectorySettings::default() }).await;
    stage.create(0, "ada").await.unwrap();
    for number in 0..5 {
        let check = stage.sign_in(number % 2, "wrong").await;
        assert_refused(&check, RefusedSignIn::WrongPassword);
        assert!(matches!(check, PasswordCheck::Refused(refusal) if refusal.has_locked == (number == 4)));
    }
    for replica in 0..2 {
        assert_refused(&stage.sign_in(replica, RIGHT).await, RefusedSignIn::Locked);
    }
}

#[tokio::test]
async fn wrong_passwords_on_two_replicas_reach_the_limit_of_a_minute_together() {
    let stage = stage().await;
    stage.create(0, "ada").await.unwrap();
    for number in 0..11 {
        assert_refused(&stage.sign_in(number % 2, "wrong").await, RefusedSignIn::WrongPassword);
    }
    for replica in 0..2 {
        assert!(matches!(stage.sign_in(replica, RIGHT).await, PasswordCheck::TooMany { .. }));
    }
}

#[tokio::test]
async fn a_password_that_was_set_on_one_replica_is_the_only_right_one_on_the_other() {
    let stage = stage().await;
    let ada = stage.create(0, "ada").await.unwrap();
    assert!(is_accepted(&stage.sign_in(1, RIGHT).await));
    let (policy, new) = (&stage.settings.passwords, Secret::from("battery staple"));
    stage.users[0].set_password(&SHOP, policy, &ada.id, &new).await.unwrap();
    assert_refused(&stage.sign_in(1, RIGHT).await, RefusedSignIn::WrongPassword);
    assert!(is_accepted(&stage.sign_in(1, "battery staple").await));
}

#[tokio::test]
async fn a_list_shows_what_another_replica_has_created_changed_and_deleted() {
    let stage = stage().await;
    stage.wait_for_listed(1, None, 0).await;
    let ada = stage.create(0, "ada").await.unwrap();
    stage.create(0, "ben").await.unwrap();
    stage.wait_for_listed(1, None, 2).await;
    stage.users[0].replace(&SHOP, &stage.settings, &ada.id, profile("eve"), None).await.unwrap();
    stage.wait_for_listed(1, Some("eve"), 1).await;
    stage.wait_for_listed(1, Some("ada"), 0).await;
    assert!(stage.users[0].delete(&SHOP, &ada.id).await.unwrap());
    stage.wait_for_listed(1, None, 1).await;
    assert!(stage.create(1, "ada").await.is_ok() && stage.create(0, "eve").await.is_ok(), "the names are free");
}

#[tokio::test]
async fn a_creation_on_another_replica_waits_for_a_change_of_the_identity_field_and_follows_it() {
    let stage = stage().await;
    let held = stage.users[0].hold(&SHOP).await.unwrap();
    assert!(held.is_empty);
    let nameless = UserProfile { user_name: None, ..profile("ada") };
    let (users, directories) = (stage.users[1].clone(), stage.directories[1].clone());
    let creation =
        tokio::spawn(async move { users.create_in(&directories, &SHOP, nameless, &Secret::from(RIGHT)).await });
    tokio::task::yield_now().await;
    let by_name = |settings: &mut DirectorySettings| {
        settings.identity_field = IdentityField::UserName;
        Ok::<_, ()>(())
    };
    stage.directories[0].change(&SHOP, by_name).await.unwrap();
    drop(held);
    assert!(matches!(creation.await.unwrap(), Err(UserChangeError::BadProfile(_))));
    stage.create(1, "ada").await.unwrap();
    assert!(!stage.users[0].hold(&SHOP).await.unwrap().is_empty);
}

#[tokio::test]
async fn first_sign_ins_of_one_person_on_two_replicas_at_once_make_one_user() {
    let stage = stage().await;
    let identity = ProviderIdentity {
        provider: "corp".to_owned(),
        key: UserKey::from_parts("https://idp.example", "1"),
        is_proven: true,
    };
    let users = join_all((0..6).map(|number| {
        let (users, identity) = (&stage.users[number % 2], identity.clone());
        async move { users.create_for_identity(&SHOP, identity, UserNames::default()).await.unwrap().id }
    }));
    let mut ids = users.await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
}
