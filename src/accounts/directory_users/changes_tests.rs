#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::Arc;

use super::test_samples::{SHOP, Stage, profile, small_hasher, stage, users_in};
use super::{PasswordCheck, UserChangeError, UserProfile};
use crate::domain::{DirectorySettings, IdentityField, PasswordPolicy, Secret, UserEmail, UserStatus};
use crate::records::Records;
use crate::records::testing::GatedStore;

const RIGHT: &str = "correct horse";

impl Stage {
    async fn is_password(&self, name: &str, password: &str) -> bool {
        let login = format!("{name}@example.com");
        let check = self.users.check_password(&SHOP, &self.settings, &login, &Secret::from(password), None).await;
        matches!(check.unwrap(), PasswordCheck::Accepted(_))
    }

    async fn is_found(&self, login: &str) -> bool {
        self.users.find_by_login(&SHOP, &self.settings, login).await.unwrap().is_some()
    }

    fn gated_store(&mut self) -> Arc<GatedStore> {
        let store = GatedStore::new(self.storage.store.clone());
        let records = Records::new(store.clone(), self.storage.sealer.clone(), self.storage.shared_clock.clone());
        self.users = users_in(&self.storage, &records, small_hasher());
        store
    }
}

fn email(value: &str) -> UserEmail {
    UserEmail { value: value.to_owned(), primary: false }
}

fn with_emails(values: &[&str]) -> UserProfile {
    UserProfile { emails: values.iter().map(|value| email(value)).collect(), ..profile("ada") }
}

#[tokio::test]
async fn values_that_no_user_can_have_are_refused() {
    let stage = stage();
    let (long, many) = ("x".repeat(255), vec![email("a@b"); 11]);
    let long_email = format!("{}@example.com", "x".repeat(243));
    let name = |name: &str| UserProfile { user_name: Some(name.to_owned()), ..profile("ada") };
    let mut two_primaries = with_emails(&["a@example.com", "b@example.com"]);
    two_primaries.emails.iter_mut().for_each(|email| email.primary = true);
    let mut long_display = profile("ada");
    long_display.names.display = Some(long.clone());
    let bad = [
        name(&long),
        name("a\nb"),
        name("a\u{7f}"),
        long_display,
        two_primaries,
        with_emails(&[]),
        with_emails(&[""]),
        with_emails(&["@example.com"]),
        with_emails(&["ada@"]),
        with_emails(&["ada"]),
        with_emails(&["a@b@c"]),
        with_emails(&["a b@example.com"]),
        with_emails(&[&long_email]),
        with_emails(&["ada@example.com", "ADA@example.com"]),
        UserProfile { emails: many, ..profile("ada") },
    ];
    for profile in bad {
        let text = format!("{profile:?}");
        let created = stage.users.create(&SHOP, &stage.settings, profile, &Secret::from(RIGHT)).await;
        assert!(matches!(created, Err(UserChangeError::BadProfile(_))), "{text}");
    }
    let by_name = DirectorySettings { identity_field: IdentityField::UserName, ..DirectorySettings::default() };
    let nameless = UserProfile { user_name: Some("  ".to_owned()), ..profile("ada") };
    let created = stage.users.create(&SHOP, &by_name, nameless, &Secret::from(RIGHT)).await;
    assert!(matches!(created, Err(UserChangeError::BadProfile(_))));
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_user_is_created_as_written_without_the_spaces_around_values() {
    let stage = stage();
    let mut written = with_emails(&[" Ada@Example.com ", "second@example.com"]);
    (written.active, written.status, written.user_name) = (None, None, Some(" Ada ".to_owned()));
    (written.names.given, written.names.family) = (Some(" Ada".to_owned()), Some(String::new()));
    let user = stage.users.create(&SHOP, &stage.settings, written, &Secret::from(RIGHT)).await.unwrap();
    assert_eq!((user.user_name.as_deref(), user.email()), (Some("Ada"), Some("Ada@Example.com")));
    assert_eq!((user.names.given.as_deref(), user.names.family.as_deref()), (Some("Ada"), None));
    assert_eq!(user.emails.iter().map(|email| email.primary).collect::<Vec<_>>(), [true, false]);
    assert_eq!((user.active, user.status), (true, UserStatus::Pending));
    assert!(uuid::Uuid::try_parse(&user.id).is_ok());
    assert!(stage.is_found("SECOND@example.com").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_users_who_are_created_at_once_with_one_address_one_is_created() {
    let stage = stage();
    let creations: Vec<_> = (0..8)
        .map(|number| {
            let (users, settings) = (stage.users.clone(), stage.settings.clone());
            let profile = UserProfile { user_name: Some(format!("u{number}")), ..profile("ada") };
            tokio::spawn(async move { users.create(&SHOP, &settings, profile, &Secret::from(RIGHT)).await })
        })
        .collect();
    let mut created = 0;
    for creation in creations {
        match creation.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert!(matches!(error, UserChangeError::Taken)),
        }
    }
    assert_eq!((created, stage.users.list(&SHOP, 0, 9, None).await.unwrap().total), (1, 1));
}

#[tokio::test]
async fn a_changed_name_or_address_is_free_for_others_and_one_of_another_user_is_not() {
    let stage = stage();
    let (ada, ben) = (stage.create("ada", RIGHT).await, stage.create("ben", RIGHT).await);
    let replace = async |id: &str, profile| stage.users.replace(&SHOP, &stage.settings, id, profile, None).await;
    for taken in [
        UserProfile { user_name: Some("BEN".to_owned()), ..profile("ada") },
        with_emails(&["ada@example.com", "Ben@example.com"]),
    ] {
        assert!(matches!(replace(&ada.id, taken).await, Err(UserChangeError::Taken)));
    }
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()));
    assert!(stage.is_found("ada@example.com").await);
    replace(&ada.id, profile("adele")).await.unwrap();
    assert!(!stage.is_found("ada@example.com").await && stage.is_found("adele@example.com").await);
    assert!(stage.is_password("adele", RIGHT).await);
    replace(&ben.id, profile("ada")).await.unwrap();
    assert!(stage.is_found("ada@example.com").await);
    assert!(matches!(replace("unknown", profile("eve")).await, Err(UserChangeError::Unknown)));
    assert!(matches!(replace(&ada.id, with_emails(&[])).await, Err(UserChangeError::BadProfile(_))));
}

#[tokio::test]
async fn a_user_who_is_disabled_has_no_sessions_and_refresh_tokens_also_when_enabled_again() {
    let mut stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let mut numbers = Vec::new();
    for active in [Some(true), None, Some(false), None, Some(false), Some(true)] {
        let written = UserProfile { active, ..profile("ada") };
        stage.users.replace(&SHOP, &stage.settings, &ada.id, written, None).await.unwrap();
        stage.restart();
        let user = stage.find(&ada.id).await.unwrap();
        numbers.push([u64::from(user.active), user.ended_sessions, user.revoked_grants]);
    }
    assert_eq!(numbers, [[1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 1], [0, 1, 1], [1, 1, 1]]);
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_is_the_only_right_one_also_after_a_restart() {
    let mut stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let policy = stage.settings.passwords.clone();
    let bad = stage.users.set_password(&SHOP, &policy, &ada.id, &Secret::from("short")).await;
    assert!(matches!(bad, Err(UserChangeError::BadPassword(_))));
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()), "nothing has begun");
    let changed = stage.users.set_password(&SHOP, &policy, &ada.id, &Secret::from("battery staple")).await.unwrap();
    assert!(changed.ended_sessions > ada.ended_sessions);
    assert_eq!(changed.revoked_grants, ada.revoked_grants);
    stage.restart();
    assert_eq!(stage.find(&ada.id).await, Some(changed.clone()));
    assert!(stage.is_password("ada", "battery staple").await && !stage.is_password("ada", RIGHT).await);
    let third = Secret::from("third password");
    let replaced = stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("adele"), Some(&third)).await.unwrap();
    assert!(replaced.ended_sessions > changed.ended_sessions);
    assert!(stage.is_password("adele", "third password").await && !stage.is_password("adele", RIGHT).await);
    let unknown = stage.users.set_password(&SHOP, &policy, "unknown", &third).await;
    assert!(matches!(unknown, Err(UserChangeError::Unknown)));
}

#[tokio::test]
async fn the_last_passwords_cannot_be_used_again_and_a_refused_one_ends_no_session() {
    let mut stage = stage();
    let ada = stage.create("ada", "password 0").await;
    stage.settings.passwords = PasswordPolicy { advanced: true, reuse: Some(8), ..PasswordPolicy::default() };
    let set = async |policy: &PasswordPolicy, number: u8| {
        stage.users.set_password(&SHOP, policy, &ada.id, &Secret::from(format!("password {number}").as_str())).await
    };
    let policy = stage.settings.passwords.clone();
    for number in 1..=7 {
        set(&policy, number).await.unwrap();
    }
    let before = stage.find(&ada.id).await.unwrap().ended_sessions;
    for number in 0..=7 {
        assert!(matches!(set(&policy, number).await, Err(UserChangeError::BadPassword(_))), "{number}");
    }
    assert_eq!(stage.find(&ada.id).await.unwrap().ended_sessions, before);
    assert!(set(&PasswordPolicy { reuse: Some(1), ..policy.clone() }, 6).await.is_ok());
    assert!(set(&PasswordPolicy { reuse: Some(1), ..policy.clone() }, 6).await.is_err());
    assert!(set(&PasswordPolicy { advanced: false, ..policy.clone() }, 6).await.is_ok());
    set(&policy, 8).await.unwrap();
    assert!(set(&policy, 0).await.is_ok(), "the ninth last");
}

#[tokio::test]
async fn a_password_with_the_users_name_or_address_is_refused_at_each_kind_of_change() {
    let mut stage = stage();
    stage.settings.passwords = PasswordPolicy { advanced: true, prevents_user_name: true, ..PasswordPolicy::default() };
    let ada = stage.create("ada", RIGHT).await;
    let (bad, settings) = (Secret::from("xx ADELE xx"), &stage.settings);
    let refused = [
        stage.users.create(&SHOP, settings, profile("adele"), &bad).await,
        stage.users.replace(&SHOP, settings, &ada.id, profile("adele"), Some(&bad)).await,
        stage.users.set_password(&SHOP, &settings.passwords, &ada.id, &Secret::from("ada@EXAMPLE.com")).await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(UserChangeError::BadPassword(_))), "{refused:?}");
    }
    assert_eq!(stage.find(&ada.id).await, Some(ada));
}

#[tokio::test]
async fn a_creation_that_is_broken_off_between_its_writes_leaves_the_names_free_and_no_user() {
    let mut stage = stage();
    let store = stage.gated_store();
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 0);
    for completed_writes in 0..3 {
        let mut gate = store.hold_next_put();
        let (users, settings) = (stage.users.clone(), stage.settings.clone());
        let creation =
            tokio::spawn(
                async move { users.create(&SHOP, &settings, profile("ada"), &Secret::from(RIGHT)).await.unwrap() },
            );
        for _ in 0..completed_writes {
            gate.reached().await;
            let next = store.hold_next_put();
            gate.open();
            gate = next;
        }
        gate.reached().await;
        creation.abort();
        assert!(creation.await.unwrap_err().is_cancelled());
        assert!(!stage.is_found("ada@example.com").await);
        assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 0);
    }
    stage.create("ada", RIGHT).await;
    assert!(stage.is_found("ada@example.com").await);
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_change_of_the_name_that_is_broken_off_leaves_the_user_as_before() {
    let mut stage = stage();
    let store = stage.gated_store();
    let ada = stage.create("ada", RIGHT).await;
    let gate = store.hold_next_put();
    let (users, settings, id) = (stage.users.clone(), stage.settings.clone(), ada.id.clone());
    let change =
        tokio::spawn(async move { users.replace(&SHOP, &settings, &id, profile("adele"), None).await.unwrap() });
    gate.reached().await;
    let second = store.hold_next_put();
    gate.open();
    second.reached().await;
    change.abort();
    assert!(change.await.unwrap_err().is_cancelled());
    stage.restart();
    assert!(stage.is_found("ada@example.com").await && !stage.is_found("adele@example.com").await);
    stage.create("adele", RIGHT).await;
    assert!(stage.is_found("ada@example.com").await && stage.is_found("adele@example.com").await);
}

#[tokio::test]
async fn a_new_password_that_cannot_be_stored_says_that_the_sessions_have_ended() {
    let mut stage = stage();
    let store = stage.gated_store();
    let ada = stage.create("ada", RIGHT).await;
    let (users, policy, id) = (stage.users.clone(), stage.settings.passwords.clone(), ada.id.clone());
    let mut gate = store.hold_next_get();
    let new = Secret::from("battery staple");
    let change = tokio::spawn(async move { users.set_password(&SHOP, &policy, &id, &new).await });
    // Three reads: of the user, of the user whose sessions end, and of the user who gets the password.
    for _ in 0..2 {
        gate.reached().await;
        let next = store.hold_next_get();
        gate.open();
        gate = next;
    }
    gate.reached().await;
    store.puts_fail.store(true, std::sync::atomic::Ordering::SeqCst);
    gate.open();
    let error = change.await.unwrap().unwrap_err();
    assert!(error.has_ended_sessions(), "{error}");
    assert!(stage.find(&ada.id).await.unwrap().ended_sessions > ada.ended_sessions);
    let short = stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &Secret::from("short")).await;
    assert!(!short.unwrap_err().has_ended_sessions());
}

#[tokio::test]
async fn a_user_who_is_created_while_the_identity_field_changes_has_what_users_then_sign_in_by() {
    let stage = stage();
    let directories = stage.directories().await;
    let held = stage.users.hold(&SHOP).await.unwrap();
    assert!(held.is_empty);
    let nameless = UserProfile { user_name: None, ..profile("ada") };
    let (users, present) = (stage.users.clone(), directories.clone());
    let creation = tokio::spawn(async move { users.create_in(&present, &SHOP, nameless, &Secret::from(RIGHT)).await });
    // The creation has begun under the old settings, or begins under the new ones: it may not end before the change.
    tokio::task::yield_now().await;
    let by_name = |settings: &mut DirectorySettings| {
        settings.identity_field = IdentityField::UserName;
        Ok::<_, ()>(())
    };
    directories.change(&SHOP, by_name).await.unwrap();
    drop(held);
    assert!(matches!(creation.await.unwrap(), Err(UserChangeError::BadProfile(_))));
    assert!(stage.users.hold(&SHOP).await.unwrap().is_empty);
}
