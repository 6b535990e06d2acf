#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::{Ended, PendingSignIn, PendingSignIns, SignInOffer};
use crate::domain::{Account, BotName, ChannelId, ConnectionName, HolderName, Secret, SystemEntropy, TokenSlot};
use crate::records::testing::{ThrowawayRecords, throwaway_records};

struct Bench {
    pending: PendingSignIns,
    beneath: ThrowawayRecords,
}

fn bench() -> Bench {
    let beneath = throwaway_records();
    Bench { pending: over(&beneath), beneath }
}

fn over(beneath: &ThrowawayRecords) -> PendingSignIns {
    PendingSignIns::new(&beneath.records, Arc::new(SystemEntropy))
}

fn account(bot: &str, user: &str) -> Account {
    Account::of_channel(&BotName::new(bot), ChannelId::base_of("msteams"), user)
}

fn new(user: &str, connection: &str) -> SignInOffer {
    SignInOffer {
        account: account("helper", user),
        conversation: Some("19:x@thread".to_owned()),
        connection: ConnectionName::new(connection),
        offered_sso: true,
        stated: super::StatedIdentity::default(),
        final_redirect: None,
    }
}

fn ended_with(sign_in: &PendingSignIn) -> Ended<'_> {
    Ended { conversation: sign_in.conversation.as_deref(), begun_by: sign_in.begun_at }
}

#[tokio::test]
async fn a_begun_sign_in_is_found_by_its_card_also_after_a_restart() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    assert_eq!(begun.card_id.len(), 36);
    assert_eq!(begun.client_failure, None);
    for pending in [&bench.pending, &over(&bench.beneath)] {
        let found = pending.find_by_card(&HolderName::new("helper"), &begun.card_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&begun));
        assert_eq!(pending.list(&begun.account).await.unwrap().as_slice(), std::slice::from_ref(&begun));
    }
}

#[tokio::test]
async fn what_an_earlier_process_left_is_found_after_it_was_recalled() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    let pending = over(&bench.beneath);
    pending.recall().await.unwrap();
    let later = pending.begin(new("bob", "graph")).await.unwrap().0;
    for sign_in in [begun, later] {
        let found = pending.find_by_card(&HolderName::new("helper"), &sign_in.card_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&sign_in));
        assert_eq!(pending.list(&sign_in.account).await.unwrap(), [sign_in]);
    }
    assert_eq!(pending.find_by_card(&HolderName::new("helper"), "another").await.unwrap(), None);
}

#[tokio::test]
async fn other_bots_users_and_cards_find_nothing() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    assert_eq!(bench.pending.find_by_card(&HolderName::new("other"), &begun.card_id).await.unwrap(), None);
    assert_eq!(bench.pending.find_by_card(&HolderName::new("helper"), "").await.unwrap(), None);
    assert!(bench.pending.list(&account("helper", "bob")).await.unwrap().is_empty());
    assert!(bench.pending.list(&account("other", "alice")).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_most_recent_comes_first_also_within_a_millisecond() {
    let bench = bench();
    let mut expected = Vec::new();
    for number in 0..12 {
        if number == 6 {
            bench.beneath.clock.advance(Duration::from_secs(1));
        }
        expected.insert(0, bench.pending.begin(new("alice", &format!("c{number}"))).await.unwrap().0);
    }
    assert_eq!(bench.pending.list(&account("helper", "alice")).await.unwrap(), expected);
}

#[tokio::test]
async fn finishing_ends_all_of_one_connection_in_one_conversation() {
    let bench = bench();
    for connection in ["graph", "files", "graph"] {
        bench.pending.begin(new("alice", connection)).await.unwrap();
    }
    let nowhere = SignInOffer { conversation: None, ..new("alice", "graph") };
    bench.pending.begin(nowhere).await.unwrap();
    let elsewhere = SignInOffer { conversation: Some("elsewhere".into()), ..new("alice", "graph") };
    let elsewhere = bench.pending.begin(elsewhere).await.unwrap().0;
    let bobs = bench.pending.begin(new("bob", "graph")).await.unwrap().0;
    let (alice, graph) = (account("helper", "alice"), ConnectionName::new("graph"));
    let (conversation, begun_by) = (bobs.conversation.clone(), elsewhere.begun_at);
    for _ in 0..2 {
        bench.pending.finish(&alice, &graph, Ended { conversation: conversation.as_deref(), begun_by }).await.unwrap();
    }
    let left = bench.pending.list(&alice).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(left[0], elsewhere);
    assert_eq!(left[1].connection, ConnectionName::new("files"));
    assert_eq!(bench.pending.list(&bobs.account).await.unwrap(), [bobs]);
}

#[tokio::test]
async fn a_promise_stands_for_fifteen_minutes() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    bench.beneath.clock.advance(Duration::from_secs(14 * 60 + 50));
    assert!(bench.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().is_some());
    bench.beneath.clock.advance(Duration::from_secs(10));
    assert!(bench.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().is_none());
    assert!(bench.pending.list(&begun.account).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_clients_failure_is_noted_bounded_and_revives_nothing() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    bench.beneath.clock.advance(Duration::from_mins(10));
    bench.pending.record_client_failure(&begun, "resourcematch\u{1b}[31m failed\n").await.unwrap();
    let noted = bench.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().unwrap();
    assert_eq!(noted.client_failure.as_deref(), Some("resourcematch[31mfailed"));
    assert_eq!(noted.begun_at, begun.begun_at);
    assert_eq!(bench.pending.list(&begun.account).await.unwrap(), [noted]);

    bench.pending.record_client_failure(&begun, &"x".repeat(5000)).await.unwrap();
    let noted = bench.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().unwrap();
    assert_eq!(noted.client_failure.map(|code| code.len()), Some(64));

    bench.beneath.clock.advance(Duration::from_mins(5));
    assert!(bench.pending.list(&begun.account).await.unwrap().is_empty(), "noting does not prolong it");

    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    bench.pending.finish(&begun.account, &begun.connection, ended_with(&begun)).await.unwrap();
    bench.pending.record_client_failure(&begun, "late").await.unwrap();
    assert!(bench.pending.list(&begun.account).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_has_a_bounded_number_of_them() {
    let bench = bench();
    let first = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    for _ in 0..40 {
        bench.pending.begin(new("alice", "graph")).await.unwrap();
    }
    let list = bench.pending.list(&first.account).await.unwrap();
    assert_eq!(list.len(), 32);
    assert!(!list.contains(&first), "the oldest are forgotten");
}

#[tokio::test]
async fn a_link_leads_to_its_card_for_fifteen_minutes() {
    let bench = bench();
    let (begun, link) = bench.pending.begin(new("alice", "graph")).await.unwrap();
    assert_eq!(bench.pending.find_by_link(&link).await.unwrap(), Some(begun.clone()));
    for other in ["another", &begun.card_id, &begun.card_id.replace('-', "")] {
        assert_eq!(bench.pending.find_by_link(&Secret::from(other)).await.unwrap(), None, "{other}");
    }
    assert!(link.expose().len() == 32 && !link.expose().contains(&begun.card_id[..8]), "neither says the other");
    bench.beneath.clock.advance(Duration::from_mins(15));
    assert_eq!(bench.pending.find_by_link(&link).await.unwrap(), None);
}

#[tokio::test]
async fn a_card_whose_link_was_followed_is_held_until_the_browser_must_be_back_and_good_for_nothing_else() {
    let bench = bench();
    let (begun, link) = bench.pending.begin(new("alice", "graph")).await.unwrap();
    bench.beneath.clock.advance(Duration::from_mins(14));
    assert!(bench.pending.hold(&begun.card_id).await.unwrap());
    assert!(!bench.pending.hold("another").await.unwrap());
    bench.beneath.clock.advance(Duration::from_mins(15));
    for pending in [&bench.pending, &over(&bench.beneath)] {
        assert_eq!(pending.find_held(&begun.card_id).await.unwrap(), Some(begun.clone()));
        assert_eq!(pending.find_by_link(&link).await.unwrap(), None);
        assert_eq!(pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap(), None);
        assert!(pending.list(&begun.account).await.unwrap().is_empty());
    }
    bench.beneath.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.pending.find_held(&begun.card_id).await.unwrap(), None);
}

#[tokio::test]
async fn a_sign_out_ends_what_was_offered_for_its_slots_also_what_is_held() {
    let bench = bench();
    let begun = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    let other = bench.pending.begin(new("alice", "mail")).await.unwrap().0;
    let bobs = bench.pending.begin(new("bob", "graph")).await.unwrap().0;
    bench.pending.hold(&begun.card_id).await.unwrap();
    bench.beneath.clock.advance(Duration::from_mins(14));
    let held = over(&bench.beneath);
    held.recall().await.unwrap();
    bench.beneath.clock.advance(Duration::from_mins(2));
    let slot = TokenSlot { account: begun.account.clone(), connection: begun.connection.clone() };
    held.end(&[slot]).await.unwrap();
    assert_eq!(held.find_held(&begun.card_id).await.unwrap(), None);
    bench.pending.end(&[]).await.unwrap();
    let again = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    let slot = TokenSlot { account: again.account.clone(), connection: again.connection.clone() };
    let fresh = bench.pending.begin(new("alice", "mail")).await.unwrap().0;
    bench.pending.end(&[slot]).await.unwrap();
    assert_eq!(bench.pending.list(&other.account).await.unwrap(), [fresh]);
    assert!(bench.pending.list(&bobs.account).await.unwrap().is_empty(), "that one is over by now");
}

#[tokio::test]
async fn finishing_a_card_ends_its_companions() {
    let bench = bench();
    let first = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    let second = bench.pending.begin(new("alice", "graph")).await.unwrap().0;
    let other = bench.pending.begin(new("alice", "mail")).await.unwrap().0;
    bench.pending.finish_card(&second.card_id).await.unwrap();
    bench.pending.finish_card(&second.card_id).await.unwrap();
    assert_eq!(bench.pending.find_held(&first.card_id).await.unwrap(), None);
    assert_eq!(bench.pending.list(&other.account).await.unwrap(), [other]);
}
