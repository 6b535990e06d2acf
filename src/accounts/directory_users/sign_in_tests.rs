#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;

use super::test_samples::{ADA, RIGHT, SHOP, assert_refused, hasher_with, is_accepted, profile, stage, users_in};
use super::{DirectoryUsers, PasswordCheck, RefusedSignIn};
use crate::domain::{PasswordExpiration, PasswordPolicy, Secret, TenantId};
use crate::records::Records;

#[tokio::test]
async fn the_right_password_is_accepted_and_others_are_refused() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let accepted = stage.sign_in("Ada@example.com", RIGHT).await;
    assert!(matches!(accepted, PasswordCheck::Accepted(user) if *user == ada));
    for (login, password, reason) in [
        (ADA, "correct hors", RefusedSignIn::WrongPassword),
        (ADA, "", RefusedSignIn::WrongPassword),
        (ADA, "Correct horse", RefusedSignIn::WrongPassword),
        ("eve@example.com", RIGHT, RefusedSignIn::UnknownUser),
        ("ada", RIGHT, RefusedSignIn::UnknownUser),
        ("", RIGHT, RefusedSignIn::UnknownUser),
    ] {
        assert_refused(&stage.sign_in(login, password).await, reason);
    }
    let password = Secret::from(RIGHT);
    let elsewhere = TenantId::new("other");
    let check = stage.users.check_password(&elsewhere, &stage.settings, ADA, &password, None).await.unwrap();
    assert_refused(&check, RefusedSignIn::UnknownUser);
}

#[tokio::test]
async fn wrong_passwords_in_a_row_lock_a_user_for_right_and_wrong_ones_also_across_a_restart() {
    let mut stage = stage();
    stage.lock_after(3);
    let ada = stage.create("ada", RIGHT).await;
    for _ in 0..3 {
        assert_eq!(stage.find(&ada.id).await.unwrap().locked_until, None);
        assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    }
    assert!(stage.find(&ada.id).await.unwrap().locked_until.is_some());
    for password in [RIGHT, "wrong"] {
        assert_refused(&stage.sign_in(ADA, password).await, RefusedSignIn::Locked);
    }
    stage.restart();
    assert_refused(&stage.sign_in(ADA, RIGHT).await, RefusedSignIn::Locked);
    stage.storage.clock.advance(Duration::from_secs(601));
    assert_eq!(stage.find(&ada.id).await.unwrap().locked_until, None);
    for _ in 0..2 {
        assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    }
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await), "the count begins anew after a lock");
}

#[tokio::test]
async fn a_right_password_in_between_begins_the_count_of_wrong_ones_anew() {
    let mut stage = stage();
    stage.lock_after(2);
    stage.create("ada", RIGHT).await;
    for _ in 0..3 {
        assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
        stage.restart();
        assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
    }
    stage.settings.passwords.advanced = false;
    for _ in 0..5 {
        assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    }
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await), "the policy is not in force");
}

#[tokio::test]
async fn an_administrator_ends_a_lock_by_an_active_user_and_by_a_new_password() {
    let mut stage = stage();
    stage.lock_after(1);
    let ada = stage.create("ada", RIGHT).await;
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    let mut silent = profile("ada");
    silent.active = None;
    stage.users.replace(&SHOP, &stage.settings, &ada.id, silent, None).await.unwrap();
    assert_refused(&stage.sign_in(ADA, RIGHT).await, RefusedSignIn::Locked);
    let unlocked = stage.users.replace(&SHOP, &stage.settings, &ada.id, profile("ada"), None).await.unwrap();
    assert_eq!(unlocked.locked_until, None);
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    let new = Secret::from("battery staple");
    stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &new).await.unwrap();
    assert!(is_accepted(&stage.sign_in(ADA, "battery staple").await));
}

#[tokio::test]
async fn a_right_password_that_is_being_checked_as_the_user_is_locked_disabled_or_deleted_is_refused() {
    let (mut stage, store) = stage().gated();
    stage.lock_after(1);
    for reason in [RefusedSignIn::Locked, RefusedSignIn::NotActive, RefusedSignIn::UnknownUser] {
        let ada = stage.create("ada", RIGHT).await;
        let gate = store.hold_next_get();
        let sign_in = stage.spawn_sign_in(ADA, RIGHT);
        gate.reached().await;
        // The sign-in has read which user has the login. The next read is the one before the hash is checked.
        let before_check = store.hold_next_get();
        gate.open();
        before_check.reached().await;
        match reason {
            RefusedSignIn::Locked => assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword),
            RefusedSignIn::NotActive => {
                let mut disabled = profile("ada");
                disabled.active = Some(false);
                stage.users.replace(&SHOP, &stage.settings, &ada.id, disabled, None).await.unwrap();
            }
            _ => assert!(stage.users.delete(&SHOP, &ada.id).await.unwrap()),
        }
        before_check.open();
        assert_refused(&sign_in.await.unwrap(), reason);
        stage.users.delete(&SHOP, &ada.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_of_a_password_that_is_checked_while_sessions_end_or_the_password_changes_has_ended() {
    let (stage, store) = stage().gated();
    let ada = stage.create("ada", RIGHT).await;
    for changes_password in [false, true] {
        let gate = store.hold_next_get();
        let sign_in = stage.spawn_sign_in(ADA, RIGHT);
        gate.reached().await;
        let before_check = store.hold_next_get();
        gate.open();
        before_check.reached().await;
        if changes_password {
            let new = Secret::from("battery staple");
            stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &new).await.unwrap();
        } else {
            assert!(stage.users.end_sessions(&SHOP, &ada.id).await.unwrap());
        }
        before_check.open();
        match sign_in.await.unwrap() {
            PasswordCheck::Accepted(user) if !changes_password => {
                assert!(user.ended_sessions < stage.find(&ada.id).await.unwrap().ended_sessions);
            }
            PasswordCheck::Refused(refusal) if changes_password => {
                assert_eq!(refusal.reason, RefusedSignIn::WrongPassword);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_count_of_failures_and_an_administrators_change_do_not_undo_each_other() {
    let (mut stage, store) = stage().gated();
    stage.lock_after(1);
    let ada = stage.create("ada", RIGHT).await;
    let mut gate = store.hold_next_get();
    let guess = stage.spawn_sign_in(ADA, "wrong");
    // Three reads: of the login, of the user, and of the user whose failures are counted.
    for _ in 0..2 {
        gate.reached().await;
        let next = store.hold_next_get();
        gate.open();
        gate = next;
    }
    gate.reached().await;
    let mut renamed = profile("ada");
    (renamed.active, renamed.names.display) = (None, Some("Ada L.".to_owned()));
    stage.users.replace(&SHOP, &stage.settings, &ada.id, renamed, None).await.unwrap();
    gate.open();
    assert_refused(&guess.await.unwrap(), RefusedSignIn::WrongPassword);
    let user = stage.find(&ada.id).await.unwrap();
    assert_eq!((user.names.display.as_deref(), user.locked_until.is_some()), (Some("Ada L."), true));
}

#[tokio::test]
async fn a_user_who_is_not_active_is_refused_with_any_password() {
    let stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    let mut disabled = profile("ada");
    disabled.active = Some(false);
    stage.users.replace(&SHOP, &stage.settings, &ada.id, disabled, None).await.unwrap();
    for password in [RIGHT, "wrong"] {
        assert_refused(&stage.sign_in(ADA, password).await, RefusedSignIn::NotActive);
    }
}

#[tokio::test]
async fn only_the_right_password_learns_that_it_has_expired() {
    let mut stage = stage();
    let expiration = Some(PasswordExpiration { days: 2 });
    stage.settings.passwords = PasswordPolicy { advanced: true, expiration, ..PasswordPolicy::default() };
    let ada = stage.create("ada", RIGHT).await;
    stage.storage.clock.advance(Duration::from_hours(47));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
    stage.storage.clock.advance(Duration::from_hours(1));
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    for _ in 0..20 {
        let check = stage.sign_in(ADA, RIGHT).await;
        assert!(matches!(check, PasswordCheck::Expired { user_id } if user_id == ada.id));
    }
    let new = Secret::from("battery staple");
    stage.users.set_password(&SHOP, &stage.settings.passwords, &ada.id, &new).await.unwrap();
    assert!(is_accepted(&stage.sign_in(ADA, "battery staple").await));
}

#[tokio::test]
async fn a_hash_of_older_parameters_is_renewed_at_a_sign_in_which_changes_nothing_else() {
    let mut stage = stage();
    let ada = stage.create("ada", RIGHT).await;
    stage.users = users_in(&stage.storage, &stage.storage.records, hasher_with(16));
    let hash_of = async |users: &DirectoryUsers| users.store.find(&SHOP, &ada.id).await.unwrap().unwrap().hash;
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    assert!(hash_of(&stage.users).await.contains("m=8,"));
    let at_once = join_all((0..9).map(|_| stage.sign_in(ADA, RIGHT))).await;
    assert!(at_once.iter().all(is_accepted), "{at_once:?}");
    assert!(hash_of(&stage.users).await.contains("m=16,"));
    assert_eq!(stage.find(&ada.id).await, Some(ada.clone()));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn a_sign_in_writes_nothing_unless_a_hash_is_outdated_and_succeeds_also_if_that_cannot_be_stored() {
    let (mut stage, store) = stage().gated();
    stage.create("ada", RIGHT).await;
    store.puts_fail.store(true, Ordering::SeqCst);
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
    assert_refused(&stage.sign_in(ADA, "wrong").await, RefusedSignIn::WrongPassword);
    let records = Records::new(store.clone(), stage.storage.sealer.clone(), stage.storage.shared_clock.clone());
    stage.users = users_in(&stage.storage, &records, hasher_with(16));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn a_refused_login_without_a_user_costs_the_reads_and_the_write_of_one_with_a_user() {
    let (mut stage, store) = stage().gated();
    stage.lock_after(5);
    stage.create("ada", RIGHT).await;
    let mut costs = Vec::new();
    for login in [ADA, "nobody@example.com"] {
        let before = store.reads.load(Ordering::SeqCst);
        assert!(matches!(stage.sign_in(login, "wrong").await, PasswordCheck::Refused(_)));
        costs.push(store.reads.load(Ordering::SeqCst) - before);
        store.puts_fail.store(true, Ordering::SeqCst);
        let password = Secret::from("wrong");
        let failed = stage.users.check_password(&SHOP, &stage.settings, login, &password, None).await;
        assert!(failed.is_err(), "{login} writes");
        store.puts_fail.store(false, Ordering::SeqCst);
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(stage.users.list(&SHOP, 0, 9, None).await.unwrap().total, 1);
}

#[tokio::test]
async fn the_refusal_that_locks_a_user_says_so_and_no_other() {
    let mut stage = stage();
    stage.lock_after(2);
    stage.create("ada", RIGHT).await;
    let mut locking = Vec::new();
    for _ in 0..3 {
        match stage.sign_in(ADA, "wrong").await {
            PasswordCheck::Refused(refusal) => locking.push(refusal.has_locked),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(locking, [false, true, false]);
}
