#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{
    AppUsers, FormOutcome, FormOutcomes, FormTurn, LinkOutcome, LinkPurpose, MessageLimits, MessageRates,
    SelfServiceLink, SelfServiceLinks,
};
use crate::domain::{AppId, ClockAndEntropy, EndedAtSignOut as _, SystemEntropy, TenantId, UserKey};
use crate::records::testing::{ThrowawayReplicas, throwaway_records, throwaway_replicas};

fn app_users(beneath: &ThrowawayReplicas) -> Vec<AppUsers> {
    beneath.replicas.iter().map(|records| AppUsers::new(records, Arc::new(SystemEntropy))).collect()
}

fn person(name: &str) -> UserKey {
    UserKey::entra(name, "t")
}

#[tokio::test]
async fn first_sign_ins_of_one_person_at_an_app_on_two_replicas_at_once_get_one_id() {
    let (beneath, app) = (throwaway_replicas(2).await, AppId::new("app1"));
    let replicas = app_users(&beneath);
    let (app, ada) = (&app, &person("ada"));
    let sign_ins = (0..8).map(|number| {
        let users = &replicas[number % 2];
        async move { users.find_or_create(app, ada).await.unwrap() }
    });
    let users = join_all(sign_ins).await;
    assert_eq!(users.iter().map(|user| user.user_id.as_str()).collect::<HashSet<_>>().len(), 1);
    assert_eq!(users.iter().filter(|user| user.is_new).count(), 1);
}

#[tokio::test]
async fn an_id_that_is_linked_to_two_persons_on_two_replicas_at_once_is_one_persons() {
    let (beneath, app) = (throwaway_replicas(2).await, AppId::new("app1"));
    let replicas = app_users(&beneath);
    for number in 0..8 {
        let user_id = format!("u{number}");
        let (ada, ben) = (person("ada"), person("ben"));
        let linked = tokio::join!(replicas[0].link(&app, &user_id, &ada), replicas[1].link(&app, &user_id, &ben));
        let outcomes = [linked.0.unwrap(), linked.1.unwrap()];
        assert!(
            outcomes.contains(&LinkOutcome::Linked) && outcomes.contains(&LinkOutcome::LinkedToAnother),
            "{outcomes:?}"
        );
        let owner = replicas[0].find(&app, &user_id).await.unwrap().unwrap();
        assert_eq!(owner == ada, outcomes[0] == LinkOutcome::Linked);
        assert_eq!(replicas[1].unlink(&app, &user_id).await.unwrap(), Some(owner));
        assert_eq!(replicas[0].unlink(&app, &user_id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_sign_out_on_one_replica_ends_the_sign_in_at_an_app_on_the_other() {
    let (beneath, app) = (throwaway_replicas(2).await, AppId::new("app1"));
    let replicas = app_users(&beneath);
    replicas[0].find_or_create(&app, &person("ada")).await.unwrap();
    assert!(replicas[1].has_signed_in(&app, &person("ada")).await.unwrap());
    assert_eq!(replicas[0].end_for_user(&person("ada")).await.unwrap(), 1);
    assert!(!replicas[1].has_signed_in(&app, &person("ada")).await.unwrap());
}

#[tokio::test]
async fn a_link_of_a_message_is_used_on_one_of_two_replicas() {
    let (beneath, shop, purpose) = (throwaway_replicas(2).await, TenantId::new("shop"), LinkPurpose::ResetPassword);
    let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
    let replicas: Vec<_> =
        beneath.replicas.iter().map(|records| SelfServiceLinks::new(records, ambient.clone())).collect();
    let link = SelfServiceLink {
        purpose,
        user_id: "ada".to_owned(),
        address: None,
        password_changes: 1,
        client_id: None,
        return_to: None,
        grant_id: None,
    };
    for _ in 0..4 {
        let secret = replicas[0].draw(&shop, &link).await.unwrap();
        assert_eq!(replicas[1].find(&shop, purpose, secret.expose()).await.unwrap().as_ref(), Some(&link));
        let taken = join_all((0..6).map(|number| replicas[number % 2].take(&shop, purpose, secret.expose()))).await;
        assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().is_some()).count(), 1);
        replicas[0].note_used(&shop, &link, secret.expose()).await.unwrap();
        assert_eq!(replicas[1].find_used(&shop, purpose, secret.expose()).await.unwrap().as_ref(), Some(&link));
        assert_eq!(replicas[1].take(&shop, purpose, secret.expose()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_to_two_replicas_is_worked_at_once_and_both_get_its_outcome() {
    let (beneath, shop) = (throwaway_replicas(2).await, TenantId::new("shop"));
    let replicas: Vec<_> = beneath.replicas.iter().map(FormOutcomes::new).collect();
    let outcome = FormOutcome::LinkUsed { next: Some("https://app.example/".to_owned()) };
    let FormTurn::Begun(begun) = replicas[0].begin(&shop, b"form").await.unwrap() else { panic!("worked at already") };
    let (second, ()) = tokio::join!(replicas[1].begin(&shop, b"form"), begun.complete(&outcome));
    assert!(matches!(second.unwrap(), FormTurn::Done(found) if found == outcome));
    let failed = replicas[1].begin(&shop, b"another form").await.unwrap();
    assert!(matches!(failed, FormTurn::Begun(_)));
    drop(failed);
    assert!(
        matches!(replicas[0].begin(&shop, b"another form").await.unwrap(), FormTurn::Begun(_)),
        "it is tried again"
    );
    beneath.clock.advance(Duration::from_mins(3));
    assert!(matches!(replicas[0].begin(&shop, b"form").await.unwrap(), FormTurn::Begun(_)));
}

#[tokio::test]
async fn messages_of_two_replicas_to_one_address_count_together() {
    let beneath = throwaway_replicas(2).await;
    let most = |number| NonZeroU32::new(number).unwrap();
    let limits = MessageLimits { per_address: most(3), per_network: most(5), window: Duration::from_hours(1) };
    let replicas: Vec<_> =
        beneath.replicas.iter().map(|records| MessageRates::over(records, limits).unwrap()).collect();
    // All messages of the test lie in one window.
    let (now, hour) = (beneath.shared_clock.now().unix_millis(), 3_600_000);
    beneath.advance(Duration::from_millis(u64::try_from(hour - now % hour).unwrap())).await;
    for number in 0..3 {
        assert!(replicas[number % 2].admits(Some("192.0.2.1"), "message", "ada@example.com").await);
    }
    assert!(!replicas[1].admits(None, "message", "ada@example.com").await);
    assert!(replicas[1].admits(None, "warning", "ada@example.com").await);
    assert!(replicas[0].admits(Some("192.0.2.1"), "message", "ben@example.com").await);
    assert!(replicas[1].admits(Some("192.0.2.1"), "message", "ben@example.com").await);
    assert!(!replicas[0].admits(Some("192.0.2.1"), "message", "eve@example.com").await, "the network has caused five");
    assert!(MessageRates::over(&throwaway_records().records, limits).is_none());
}
