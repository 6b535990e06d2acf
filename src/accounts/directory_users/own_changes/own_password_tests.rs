#![allow(clippy::unwrap_used, clippy::panic)]
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{OwnPasswordChange, OwnPasswordOutcome, PasswordReset};
use crate::accounts::directory_users::test_samples::{
    ADA, RIGHT, SHOP, Stage, assert_refused, is_accepted, profile, stage,
};
use crate::accounts::directory_users::{NamedUser, PasswordCheck, RefusedSignIn, UserChangeError, UserProfile};
use crate::accounts::passwords::PasswordFault;
use crate::domain::{
    AddressConfirmation, DirectoryUser, PasswordExpiration, PasswordPolicy, ProviderIdentity, Secret, UserKey,
    UserNames, UserStatus,
};

const NEW: &str = "battery staple";

fn change(user: NamedUser, old: &str, new: &str) -> OwnPasswordChange {
    OwnPasswordChange { user, old: Secret::from(old), new: Secret::from(new) }
}

impl Stage {
    async fn change_own(&self, id: &str, old: &str, new: &str) -> OwnPasswordOutcome {
        let change = change(NamedUser::Id(id.to_owned()), old, new);
        self.users.change_own_password(&SHOP, &self.settings, &change, None).await.unwrap()
    }

    async fn reset(&self, ada: &DirectoryUser, new: &str) -> Result<DirectoryUser, UserChangeError> {
        let password = Secret::from(new);
        let reset = PasswordReset {
            user_id: &ada.id,
            address: ADA,
            password_changes: ada.password_changes,
            password: &password,
        };
        self.users.reset_password(&SHOP, &self.settings.passwords, reset).await
    }

    async fn begin_pending(&self) -> DirectoryUser {
        let pending = UserProfile { status: None, ..profile("ada") };
        self.users.create(&SHOP, &self.settings, pending, &Secret::from(RIGHT)).await.unwrap()
    }
}

#[track_caller]
fn changed(outcome: OwnPasswordOutcome) -> DirectoryUser {
    match outcome {
        OwnPasswordOutcome::Changed(user) => *user,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(outcome: OwnPasswordOutcome) -> PasswordCheck {
    match outcome {
        OwnPasswordOutcome::Refused(check) => check,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_user_who_knows_the_password_changes_it_and_all_sessions_end() {
    let mut stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let user = changed(stage.change_own(&ada.id, RIGHT, NEW).await);
    assert!(user.ended_sessions > ada.ended_sessions);
    assert_eq!((user.password_changes, user.revoked_grants), (1, ada.revoked_grants));
    stage.restart();
    assert!(is_accepted(&stage.sign_in(ADA, NEW).await) && !is_accepted(&stage.sign_in(ADA, RIGHT).await));
    let by_login = change(NamedUser::Login(" Ada@example.com".to_owned()), NEW, RIGHT);
    let outcome = stage.users.change_own_password(&SHOP, &stage.settings, &by_login, None).await.unwrap();
    assert_eq!(changed(outcome).password_changes, 2);
}

#[tokio::test]
async fn a_wrong_present_password_counts_as_at_a_sign_in_whether_or_not_there_is_such_a_user() {
    let mut stage = stage();
    stage.lock_after(3);
    let ada = stage.create("ada", RIGHT).await;
    for _ in 0..3 {
        assert_refused(&refused(stage.change_own(&ada.id, "wrong", NEW).await), RefusedSignIn::WrongPassword);
    }
    assert_refused(&refused(stage.change_own(&ada.id, RIGHT, NEW).await), RefusedSignIn::Locked);
    assert_refused(&stage.sign_in(ADA, RIGHT).await, RefusedSignIn::Locked);
    for _ in 0..11 {
        let check = refused(stage.change_own("unknown", "wrong", NEW).await);
        assert_refused(&check, RefusedSignIn::UnknownUser);
    }
    let check = refused(stage.change_own("unknown", "wrong", NEW).await);
    assert!(matches!(check, PasswordCheck::TooMany { .. }), "{check:?}");
    assert_eq!(stage.find(&ada.id).await.unwrap().ended_sessions, ada.ended_sessions);
}

#[tokio::test]
async fn a_user_waits_between_two_changes_but_not_after_a_password_that_others_have_set_or_that_has_expired() {
    let mut stage = stage();
    let expiration = Some(PasswordExpiration { days: 1 });
    let min_hours_between_changes = Some(48);
    stage.settings.passwords =
        PasswordPolicy { advanced: true, expiration, min_hours_between_changes, ..PasswordPolicy::default() };
    let ada = stage.create("ada", RIGHT).await;
    let first = changed(stage.change_own(&ada.id, RIGHT, NEW).await);
    match stage.change_own(&ada.id, NEW, "third password").await {
        OwnPasswordOutcome::TooSoon { user_id, until } => {
            assert_eq!(user_id, ada.id);
            // The change has counted from the check of the present password on.
            let wait = until.unix_millis() - first.modified_at.unix_millis();
            assert!((47 * 3_600_000..=48 * 3_600_000).contains(&wait), "{wait}");
        }
        other => panic!("{other:?}"),
    }
    let wrong = refused(stage.change_own(&ada.id, "wrong", "third password").await);
    assert_refused(&wrong, RefusedSignIn::WrongPassword);
    assert_eq!(stage.find(&ada.id).await, Some(first));
    stage.storage.clock.advance(Duration::from_hours(25));
    changed(stage.change_own(&ada.id, NEW, "third password").await);
    let policy = stage.settings.passwords.clone();
    stage.settings.passwords.advanced = false;
    changed(stage.change_own(&ada.id, "third password", RIGHT).await);
    stage.settings.passwords = policy;
    assert!(matches!(stage.change_own(&ada.id, RIGHT, NEW).await, OwnPasswordOutcome::TooSoon { .. }));
    stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &Secret::from("from ops")).await.unwrap();
    assert!(
        matches!(stage.change_own(&ada.id, "from ops", NEW).await, OwnPasswordOutcome::TooSoon { .. }),
        "the wait counts from the user's own last change"
    );
}

#[tokio::test]
async fn a_new_password_that_the_rules_refuse_changes_nothing() {
    let mut stage = stage();
    let (reuse, prevents_user_name) = (Some(2), true);
    stage.settings.passwords =
        PasswordPolicy { advanced: true, reuse, prevents_user_name, ..PasswordPolicy::default() };
    let ada = stage.create("ada", RIGHT).await;
    for (new, fault) in [
        ("short", PasswordFault::Length),
        ("xx ada xx", PasswordFault::ContainsName),
        (RIGHT, PasswordFault::Reused(2)),
    ] {
        match stage.change_own(&ada.id, RIGHT, new).await {
            OwnPasswordOutcome::NotSet { error: UserChangeError::BadPassword(found), .. } => assert_eq!(found, fault),
            other => panic!("{other:?}"),
        }
        assert!(matches!(stage.reset(&ada, new).await, Err(UserChangeError::BadPassword(found)) if found == fault));
    }
    assert_eq!(stage.find(&ada.id).await, Some(ada));
}

#[tokio::test]
async fn a_user_who_has_to_confirm_the_address_cannot_change_the_password_by_the_present_one() {
    let mut stage = stage();
    stage.settings.self_service.confirmation = AddressConfirmation::Required;
    let ada = stage.begin_pending().await;
    let check = refused(stage.change_own(&ada.id, RIGHT, NEW).await);
    assert!(matches!(check, PasswordCheck::Unconfirmed { .. }), "{check:?}");
}

#[tokio::test]
async fn of_two_changes_at_once_by_the_same_password_one_is_made() {
    let (stage, store) = stage().gated();
    let ada = stage.create("ada", RIGHT).await;
    let mut gate = store.hold_next_get();
    let (users, settings) = (stage.users.clone(), stage.settings.clone());
    let slow = change(NamedUser::Id(ada.id.clone()), RIGHT, "slow password");
    let slow = tokio::spawn(async move { users.change_own_password(&SHOP, &settings, &slow, None).await.unwrap() });
    // Four reads: of the user, after the check of the password, before the sessions end, and before the hash is written.
    for _ in 0..3 {
        gate.reached().await;
        let next = store.hold_next_get();
        gate.open();
        gate = next;
    }
    gate.reached().await;
    changed(stage.change_own(&ada.id, RIGHT, NEW).await);
    gate.open();
    match slow.await.unwrap() {
        OwnPasswordOutcome::NotSet { error, .. } => assert!(error.has_ended_sessions(), "{error:?}"),
        other => panic!("{other:?}"),
    }
    assert!(is_accepted(&stage.sign_in(ADA, NEW).await));
}

#[tokio::test]
async fn a_change_that_the_store_refuses_after_the_sessions_have_ended_says_so() {
    let (stage, store) = stage().gated();
    let ada = stage.create("ada", RIGHT).await;
    let mut gate = store.hold_next_get();
    let (users, settings) = (stage.users.clone(), stage.settings.clone());
    let slow = change(NamedUser::Id(ada.id.clone()), RIGHT, NEW);
    let slow = tokio::spawn(async move { users.change_own_password(&SHOP, &settings, &slow, None).await.unwrap() });
    // Four reads: of the user, after the check of the password, before the sessions end, and before the hash is written.
    for _ in 0..3 {
        gate.reached().await;
        let next = store.hold_next_get();
        gate.open();
        gate = next;
    }
    gate.reached().await;
    store.puts_fail.store(true, Ordering::SeqCst);
    gate.open();
    match slow.await.unwrap() {
        OwnPasswordOutcome::NotSet { error, .. } => assert!(error.has_ended_sessions(), "{error:?}"),
        other => panic!("{other:?}"),
    }
    store.puts_fail.store(false, Ordering::SeqCst);
    assert!(stage.find(&ada.id).await.unwrap().ended_sessions > ada.ended_sessions);
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await), "the old password stays");
}

#[tokio::test]
async fn a_reset_sets_the_password_confirms_the_address_and_ends_sessions_refresh_tokens_and_a_lock() {
    let mut stage = stage();
    stage.lock_after(1);
    let ada = stage.begin_pending().await;
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    let user = stage.reset(&ada, NEW).await.unwrap();
    assert_eq!((user.status, user.locked_until), (UserStatus::Confirmed, None));
    assert!(user.ended_sessions > ada.ended_sessions && user.revoked_grants > ada.revoked_grants);
    assert!(is_accepted(&stage.sign_in(ADA, NEW).await));
    let again = stage.reset(&ada, "third password").await;
    assert!(matches!(again, Err(UserChangeError::ChangedMeanwhile)), "{again:?}");
    assert_eq!(stage.find(&ada.id).await, Some(user));
}

#[tokio::test]
async fn a_link_for_a_password_is_good_no_longer_once_the_password_address_or_user_is_another() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &Secret::from("from ops")).await.unwrap();
    assert!(matches!(stage.reset(&ada, NEW).await, Err(UserChangeError::ChangedMeanwhile)));
    let ada = stage.find(&ada.id).await.unwrap();
    stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("moved"), None).await.unwrap();
    assert!(
        matches!(stage.reset(&ada, NEW).await, Err(UserChangeError::ChangedMeanwhile)),
        "a link to the old address"
    );
    let disabled = UserProfile { active: Some(false), ..profile("ada") };
    stage.users.replace(&SHOP, &stage.settings, &ada.id, disabled, None).await.unwrap();
    assert!(matches!(stage.reset(&ada, NEW).await, Err(UserChangeError::ChangedMeanwhile)), "not active");
    stage.users.delete(&SHOP, &ada.id).await.unwrap();
    assert!(matches!(stage.reset(&ada, NEW).await, Err(UserChangeError::Unknown)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_resets_at_once_by_one_link_one_sets_the_password() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let resets: Vec<_> = (0..6)
        .map(|number| {
            let (users, ada) = (stage.users.clone(), ada.clone());
            tokio::spawn(async move {
                let password = Secret::from(format!("password {number}").as_str());
                let (user_id, password_changes) = (&*ada.id, ada.password_changes);
                let reset = PasswordReset { user_id, address: ADA, password_changes, password: &password };
                users.reset_password(&SHOP, &PasswordPolicy::default(), reset).await.is_ok()
            })
        })
        .collect();
    let mut done = 0;
    for reset in resets {
        done += u32::from(reset.await.unwrap());
    }
    assert_eq!((done, stage.find(&ada.id).await.unwrap().password_changes), (1, 1));
}

#[tokio::test]
async fn a_user_whose_address_changes_while_a_reset_runs_keeps_the_password() {
    let (stage, store) = stage().gated();
    let ada = stage.create("ada", RIGHT).await;
    let mut gate = store.hold_next_get();
    let (users, user) = (stage.users.clone(), ada.clone());
    let reset = tokio::spawn(async move {
        let password = Secret::from(NEW);
        let (user_id, password_changes) = (&*user.id, user.password_changes);
        let reset = PasswordReset { user_id, address: ADA, password_changes, password: &password };
        users.reset_password(&SHOP, &PasswordPolicy::default(), reset).await
    });
    // Three reads: of the user, before the sessions end, and before the hash is written.
    for _ in 0..2 {
        gate.reached().await;
        let next = store.hold_next_get();
        gate.open();
        gate = next;
    }
    gate.reached().await;
    stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("moved"), None).await.unwrap();
    gate.open();
    assert!(reset.await.unwrap().unwrap_err().has_ended_sessions());
    assert!(is_accepted(&stage.sign_in("moved@example.com", RIGHT).await));
}

#[tokio::test]
async fn identities_that_were_linked_before_the_owner_of_the_address_was_heard_of_go_with_a_reset() {
    let stage = stage();
    let of_eve = ProviderIdentity { provider: "contoso".to_owned(), key: UserKey::entra("eve", "t"), is_proven: true };
    let ada = stage.begin_pending().await;
    stage.users.link_identity(&SHOP, &ada.id, of_eve.clone()).await.unwrap();
    let user = stage.reset(&ada, NEW).await.unwrap();
    assert!(user.identities.is_empty());
    assert_eq!(stage.users.find_by_identity(&SHOP, &of_eve.key).await.unwrap(), None);
    let own = ProviderIdentity { provider: "contoso".to_owned(), key: UserKey::entra("ada", "t"), is_proven: true };
    let linked = stage.users.link_identity(&SHOP, &ada.id, own.clone()).await.unwrap();
    let user = stage.reset(&linked, "third password").await.unwrap();
    assert_eq!(user.identities, [own]);
}

#[tokio::test]
async fn what_was_begun_under_a_password_before_the_address_was_confirmed_ends_with_the_confirmation() {
    let stage = stage();
    let of_eve = ProviderIdentity { provider: "contoso".to_owned(), key: UserKey::entra("eve", "t"), is_proven: true };
    let ada = stage.begin_pending().await;
    let ada = stage.users.link_identity(&SHOP, &ada.id, of_eve.clone()).await.unwrap();
    let user = stage.users.confirm_address(&SHOP, &ada.id, ADA).await.unwrap().unwrap();
    assert!(user.status == UserStatus::Confirmed && user.identities.is_empty(), "{user:?}");
    assert!(user.ended_sessions > ada.ended_sessions && user.revoked_grants > ada.revoked_grants);
    assert_eq!(stage.users.find_by_identity(&SHOP, &of_eve.key).await.unwrap(), None);
    let linked_late = stage.users.link_own_identity(&SHOP, &ada, of_eve.clone()).await;
    assert!(matches!(linked_late, Err(UserChangeError::ChangedMeanwhile)), "by a session of before");
    let linked = stage.users.link_identity(&SHOP, &ada.id, of_eve).await.unwrap();
    let again = stage.users.confirm_address(&SHOP, &ada.id, ADA).await.unwrap();
    assert_eq!(again, Some(linked), "what came after the confirmation stays");
}

#[tokio::test]
async fn a_user_who_came_from_a_provider_keeps_the_identity_when_the_address_is_confirmed() {
    let stage = stage();
    for by_reset in [false, true] {
        let name = if by_reset { "reset" } else { "confirmation" };
        let own = ProviderIdentity { provider: "contoso".to_owned(), key: UserKey::entra(name, "t"), is_proven: true };
        let created = stage.users.create_for_identity(&SHOP, own.clone(), UserNames::default()).await.unwrap();
        let pending = UserProfile { user_name: None, status: None, ..profile("ada") };
        let ada = stage.users.replace(&SHOP, &stage.settings, &created.id, pending, None).await.unwrap();
        assert_eq!((ada.status, ada.has_password), (UserStatus::Pending, false));
        let user = if by_reset {
            stage.reset(&ada, NEW).await.unwrap()
        } else {
            let user = stage.users.confirm_address(&SHOP, &ada.id, ADA).await.unwrap().unwrap();
            assert_eq!((user.ended_sessions, user.revoked_grants), (ada.ended_sessions, ada.revoked_grants));
            user
        };
        assert_eq!((user.status, &user.identities), (UserStatus::Confirmed, &vec![own.clone()]), "{name}");
        let found = stage.users.find_by_identity(&SHOP, &own.key).await.unwrap();
        assert_eq!(found.map(|found| found.id), Some(user.id), "{name}");
        stage.users.delete(&SHOP, &created.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_without_a_password_is_refused_with_any_and_gets_one_by_others_or_by_a_link() {
    let mut stage = stage();
    stage.lock_after(1);
    stage.settings.passwords.reuse = Some(8);
    let identity =
        ProviderIdentity { provider: "contoso".to_owned(), key: UserKey::entra("ada", "t"), is_proven: true };
    let ada = stage.users.create_for_identity(&SHOP, identity, UserNames::default()).await.unwrap();
    let written = UserProfile { status: Some(UserStatus::Confirmed), ..profile("ada") };
    let ada = stage.users.replace(&SHOP, &stage.settings, &ada.id, written, None).await.unwrap();
    assert!(!ada.has_password);
    for password in ["", RIGHT, "wrong"] {
        assert_refused(&stage.sign_in(ADA, password).await, RefusedSignIn::WrongPassword);
        let change = stage.change_own(&ada.id, password, NEW).await;
        assert_refused(&refused(change), RefusedSignIn::WrongPassword);
    }
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()), "there is no password that could be guessed");
    let user = stage.reset(&ada, RIGHT).await.unwrap();
    assert!(user.has_password && is_accepted(&stage.sign_in(ADA, RIGHT).await));
    changed(stage.change_own(&ada.id, RIGHT, NEW).await);
    let reused = stage.change_own(&ada.id, NEW, RIGHT).await;
    assert!(matches!(reused, OwnPasswordOutcome::NotSet { error: UserChangeError::BadPassword(_), .. }));
}
