#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::time::Duration;

use super::limits::RefusalLimits;
use super::refusal::{ReachedLimit, TooManyRefusals};
use crate::accounts::directory_users::test_samples::SHOP;
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};

fn limits_of(beneath: &ThrowawayReplicas, longest_wait: Duration) -> Vec<RefusalLimits> {
    let limits = |records| RefusalLimits::waiting_for(records, beneath.shared_clock.clone(), longest_wait);
    beneath.replicas.iter().map(limits).collect()
}

async fn refuse(limits: &RefusalLimits, login: &str, address: Option<&str>) -> Result<(), TooManyRefusals> {
    let permit = limits.admit(&SHOP, login, address).await.unwrap()?;
    permit.refuse(Some("1")).await;
    Ok(())
}

#[tokio::test]
async fn refusals_of_one_login_count_together_on_two_replicas_and_one_of_them_says_that_the_limit_is_reached() {
    let beneath = throwaway_replicas(2).await;
    let replicas = limits_of(&beneath, Duration::from_secs(5));
    for number in 0..11 {
        refuse(&replicas[number % 2], "ada", None).await.unwrap();
    }
    let mut reached = Vec::new();
    for replica in [&replicas[0], &replicas[1], &replicas[0], &replicas[1]] {
        let refusal = refuse(replica, "ada", None).await.unwrap_err();
        assert!(refusal.retry_after > 1, "{refusal:?}");
        reached.extend(refusal.reached);
    }
    assert_eq!(reached, [ReachedLimit::OfUser]);
    refuse(&replicas[1], "ben", None).await.unwrap();
}

#[tokio::test]
async fn refusals_of_one_address_and_of_one_user_count_together_on_two_replicas() {
    let beneath = throwaway_replicas(2).await;
    let replicas = limits_of(&beneath, Duration::from_secs(5));
    for number in 0..30 {
        refuse(&replicas[number % 2], &format!("u{number}"), Some("192.0.2.1")).await.unwrap();
    }
    let refusal = refuse(&replicas[0], "one more", Some("192.0.2.1")).await.unwrap_err();
    assert_eq!(refusal.reached, Some(ReachedLimit::OfAddress));
    refuse(&replicas[0], "one more", Some("192.0.2.2")).await.unwrap();
    for number in 0..11 {
        let permit = replicas[number % 2].admit_user(&SHOP, "1").await.unwrap().unwrap();
        permit.refuse(None).await;
    }
    assert!(replicas[0].admit_user(&SHOP, "1").await.unwrap().is_err());
    assert!(replicas[1].admit_user(&SHOP, "1").await.unwrap().is_err());
}

#[tokio::test]
async fn parallel_guesses_on_two_replicas_are_no_more_than_on_one() {
    let beneath = throwaway_replicas(2).await;
    let impatient = limits_of(&beneath, Duration::ZERO);
    let mut running = Vec::new();
    for number in 0..11 {
        running.push(impatient[number % 2].admit(&SHOP, "ada", None).await.unwrap().unwrap());
    }
    for replica in &impatient {
        let refusal = replica.admit(&SHOP, "ada", None).await.unwrap().err().unwrap();
        assert_eq!((refusal.retry_after, refusal.reached), (1, None), "they may still turn out to be right");
    }
}

#[tokio::test]
async fn right_passwords_count_for_nothing_and_a_sign_in_waits_for_those_that_run_on_another_replica() {
    let beneath = throwaway_replicas(2).await;
    let replicas = limits_of(&beneath, Duration::from_secs(5));
    for _ in 0..3 {
        let mut running = Vec::new();
        for number in 0..11 {
            running.push(replicas[number % 2].admit(&SHOP, "ada", None).await.unwrap().unwrap());
        }
        let waiting = replicas[0].admit(&SHOP, "ada", None);
        let (waited, ()) = tokio::join!(waiting, async { drop(running) });
        assert!(waited.unwrap().is_ok());
    }
}
