#![allow(clippy::unwrap_used)]
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::counts::MAX_COUNTED;
use super::limits::RefusalLimits;
use crate::accounts::directory_users::test_samples::SHOP;
use crate::domain::OffsetClock;
use crate::records::testing::throwaway_records;

async fn refuse(limits: &RefusalLimits, login: &str) -> bool {
    match limits.admit(&SHOP, login, None).await.unwrap() {
        Ok(permit) => {
            permit.refuse(None).await;
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn logins_beyond_those_that_have_room_are_counted_as_one_until_a_minute_has_passed() {
    let clock = Arc::new(OffsetClock::default());
    let limits = RefusalLimits::new(&throwaway_records().records, clock.clone());
    for number in 0..MAX_COUNTED {
        assert!(refuse(&limits, &number.to_string()).await);
    }
    for number in 0..11 {
        assert!(refuse(&limits, &format!("other {number}")).await);
    }
    assert!(!refuse(&limits, "one more").await, "the others are limited together");
    assert!(refuse(&limits, "0").await, "a login that is counted by itself is not");
    assert!(limits.counted_logins() <= MAX_COUNTED + 1);
    clock.advance(Duration::from_mins(1));
    assert!(refuse(&limits, "one more").await);
    assert!(limits.counted_logins() <= 2);
}

#[tokio::test]
async fn a_login_that_was_never_refused_takes_no_memory() {
    let limits = RefusalLimits::new(&throwaway_records().records, Arc::new(OffsetClock::default()));
    for number in 0..100 {
        drop(limits.admit(&SHOP, &number.to_string(), None).await.unwrap().unwrap());
    }
    assert_eq!(limits.counted_logins(), 0);
}

#[tokio::test]
async fn a_login_with_the_same_text_in_another_directory_is_counted_by_itself() {
    let limits = RefusalLimits::new(&throwaway_records().records, Arc::new(OffsetClock::default()));
    for _ in 0..11 {
        assert!(refuse(&limits, "ada").await);
    }
    assert!(!refuse(&limits, "ada").await);
    assert!(limits.admit(&crate::domain::TenantId::new("other"), "ada", None).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_sign_in_that_waits_too_long_for_others_is_refused_and_those_behind_it_move_up() {
    let limits =
        RefusalLimits::waiting_for(&throwaway_records().records, Arc::new(OffsetClock::default()), Duration::ZERO);
    let mut running = Vec::new();
    for _ in 0..11 {
        running.push(limits.admit(&SHOP, "ada", None).await.unwrap().unwrap());
    }
    let refused = limits.admit(&SHOP, "ada", None).await.unwrap().err().unwrap();
    assert_eq!((refused.retry_after, refused.reached), (1, None));
    drop(running);
    assert!(limits.admit(&SHOP, "ada", None).await.unwrap().is_ok());
    assert_eq!(limits.counted_logins(), 0, "a place that was given up takes no memory");
}

#[tokio::test]
async fn sign_ins_that_wait_begin_in_the_order_in_which_they_came_and_none_overtakes() {
    let limits = RefusalLimits::new(&throwaway_records().records, Arc::new(OffsetClock::default()));
    let mut running = Vec::new();
    for _ in 0..11 {
        running.push(limits.admit(&SHOP, "ada", None).await.unwrap().unwrap());
    }
    let mut first = Box::pin(limits.admit(&SHOP, "ada", None));
    let mut second = Box::pin(limits.admit(&SHOP, "ada", None));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    running.pop();
    let mut newcomer = Box::pin(limits.admit(&SHOP, "ada", None));
    assert!(poll(&mut newcomer).is_pending());
    assert!(poll(&mut second).is_pending());
    let Poll::Ready(Ok(Ok(permit))) = poll(&mut first) else { unreachable!() };
    running.push(permit);
    drop(running.remove(0));
    assert!(poll(&mut newcomer).is_pending());
    assert!(poll(&mut second).is_ready());
}

/// Polls `future` once.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
