#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use std::time::Duration;

use futures_util::future::join_all;

use super::test_samples::{ADA, RIGHT, SHOP, assert_refused, hasher_with, is_accepted, profile, stage, users_in};
use super::{PasswordCheck, RefusedSignIn, UserProfile};
use crate::domain::{AddressConfirmation, Secret, UserEmail, UserStatus};

#[tokio::test]
async fn after_eleven_refusals_within_a_minute_a_login_is_refused_without_a_check_whether_or_not_a_user_has_it() {
    let stage = stage();
    stage.create("ada", RIGHT).await;
    stage.create("ben", RIGHT).await;
    for login in [ADA, "nobody@example.com"] {
        for _ in 0..11 {
            assert!(matches!(stage.sign_in(login, "wrong").await, PasswordCheck::Refused(_)));
        }
        for text in [login.to_owned(), format!(" {} ", login.to_uppercase())] {
            let check = stage.sign_in(&text, RIGHT).await;
            assert!(matches!(check, PasswordCheck::TooMany { retry_after: 1..=60, .. }), "{text} {check:?}");
        }
    }
    assert!(is_accepted(&stage.sign_in("ben@example.com", RIGHT).await), "others may sign in");
    stage.storage.clock.advance(Duration::from_secs(50));
    assert!(matches!(stage.sign_in(ADA, RIGHT).await, PasswordCheck::TooMany { retry_after: 1..=10, .. }));
    stage.storage.clock.advance(Duration::from_secs(10));
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn after_thirty_refusals_within_a_minute_an_address_is_refused_for_every_login() {
    let stage = stage();
    stage.create("ada", RIGHT).await;
    for number in 0..30 {
        let check = stage.sign_in_from(&format!("u{number}@example.com"), "wrong", Some("192.0.2.1")).await;
        assert_refused(&check, RefusedSignIn::UnknownUser);
    }
    let limited = stage.sign_in_from(ADA, RIGHT, Some("192.0.2.1")).await;
    assert!(matches!(limited, PasswordCheck::TooMany { retry_after: 1..=60, .. }), "{limited:?}");
    assert!(is_accepted(&stage.sign_in_from(ADA, RIGHT, Some("192.0.2.2")).await));
    assert!(is_accepted(&stage.sign_in_from(ADA, RIGHT, None).await));
    stage.storage.clock.advance(Duration::from_mins(1));
    assert!(is_accepted(&stage.sign_in_from(ADA, RIGHT, Some("192.0.2.1")).await));
}

#[tokio::test]
async fn right_passwords_count_for_no_limit_one_after_the_other_or_at_once() {
    let stage = stage();
    stage.create("ada", RIGHT).await;
    for _ in 0..40 {
        assert!(is_accepted(&stage.sign_in_from(ADA, RIGHT, Some("192.0.2.1")).await));
    }
    let at_once = join_all((0..60).map(|_| stage.sign_in_from(ADA, RIGHT, Some("192.0.2.1")))).await;
    assert!(at_once.iter().all(is_accepted), "{at_once:?}");
}

#[tokio::test]
async fn right_passwords_of_a_user_who_has_to_confirm_the_address_count_as_wrong_ones_do() {
    let mut stage = stage();
    stage.settings.self_service.confirmation = AddressConfirmation::Required;
    let pending = UserProfile { status: Some(UserStatus::Pending), ..profile("ada") };
    stage.users.create(&SHOP, &stage.settings, pending, &Secret::from(RIGHT)).await.unwrap();
    stage.create("ben", RIGHT).await;
    for _ in 0..11 {
        let check = stage.sign_in_from(ADA, RIGHT, Some("192.0.2.1")).await;
        assert!(matches!(check, PasswordCheck::Unconfirmed { .. }), "{check:?}");
    }
    let limited = stage.sign_in(ADA, RIGHT).await;
    assert!(matches!(limited, PasswordCheck::TooMany { .. }), "{limited:?}");
    for number in 0..19 {
        stage.sign_in_from(&format!("u{number}@example.com"), "wrong", Some("192.0.2.1")).await;
    }
    let limited = stage.sign_in_from("ben@example.com", RIGHT, Some("192.0.2.1")).await;
    assert!(matches!(limited, PasswordCheck::TooMany { .. }), "the network is limited as well: {limited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_no_more_than_eleven_are_answered_as_guesses() {
    let stage = stage();
    stage.create("ada", RIGHT).await;
    let guesses: Vec<_> = (0..100).map(|_| stage.spawn_sign_in(ADA, "wrong")).collect();
    let (mut refused, mut too_many) = (0, 0);
    for guess in guesses {
        match guess.await.unwrap() {
            PasswordCheck::Refused(_) => refused += 1,
            PasswordCheck::TooMany { .. } => too_many += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((refused, too_many), (11, 89));
}

#[tokio::test]
async fn a_sign_in_whose_caller_goes_away_leaves_room_for_the_next_one() {
    let (stage, store) = stage().gated();
    stage.create("ada", RIGHT).await;
    for _ in 0..40 {
        let gate = store.hold_next_get();
        let guess = stage.spawn_sign_in(ADA, "wrong");
        gate.reached().await;
        guess.abort();
        assert!(guess.await.unwrap_err().is_cancelled());
    }
    assert!(is_accepted(&stage.sign_in(ADA, RIGHT).await));
}

#[tokio::test]
async fn a_sign_in_that_finds_the_threads_busy_counts_for_no_limit() {
    let mut stage = stage();
    stage.create("ada", RIGHT).await;
    stage.users = users_in(&stage.storage, &stage.storage.records, hasher_with(4096));
    let mut busy = 0;
    for _ in 0..2 {
        let logins: Vec<_> = (0..200).map(|number| format!("u{number}@example.com")).collect();
        let checks = join_all(logins.iter().map(|login| stage.sign_in(login, "wrong"))).await;
        busy += checks.iter().filter(|check| matches!(check, PasswordCheck::Busy)).count();
        assert!(!checks.iter().any(|check| matches!(check, PasswordCheck::TooMany { .. })));
    }
    assert!(busy > 0, "the threads were never busy");
}

#[tokio::test]
async fn a_user_with_several_addresses_is_guessed_eleven_times_in_all_and_then_refused_without_a_word_on_it() {
    let stage = stage();
    let mut several = profile("ada");
    let second = UserEmail { value: "second@example.com".to_owned(), primary: false };
    several.emails.push(second);
    let ada = stage.users.create(&SHOP, &stage.settings, several, &Secret::from(RIGHT)).await.unwrap();
    for _ in 0..11 {
        let check = stage.sign_in(ADA, "wrong").await;
        assert!(matches!(check, PasswordCheck::Refused(refusal) if refusal.user_id.as_ref() == Some(&ada.id)));
    }
    // "Too many" would say that both addresses are the same user's.
    for password in ["wrong", RIGHT] {
        assert_refused(&stage.sign_in("second@example.com", password).await, RefusedSignIn::Limited);
    }
    let limited = stage.sign_in(ADA, RIGHT).await;
    assert!(
        matches!(&limited, PasswordCheck::TooMany { user_id, .. } if user_id.as_ref() == Some(&ada.id)),
        "{limited:?}"
    );
    stage.storage.clock.advance(Duration::from_mins(1));
    assert!(is_accepted(&stage.sign_in("second@example.com", RIGHT).await));
}
