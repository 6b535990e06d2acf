#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use super::{PendingSignIn, PendingSignIns, SignInOffer, StatedIdentity};
use crate::domain::{Account, BotName, ChannelId, ConnectionName, ConversationId, SystemEntropy};
use crate::records::testing::{ThrowawayRecords, throwaway_records};

fn open(storage: &ThrowawayRecords) -> PendingSignIns {
    PendingSignIns::new(&storage.records, Arc::new(SystemEntropy))
}

fn alice() -> Account {
    Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:alice")
}

fn graph() -> ConnectionName {
    ConnectionName::new("graph")
}

fn at(conversation: &str) -> ConversationId {
    ConversationId::new(conversation)
}

async fn offer(cards: &PendingSignIns, connection: &str, conversation: Option<&str>) -> PendingSignIn {
    let offer = SignInOffer {
        account: alice(),
        conversation: conversation.map(ConversationId::new),
        connection: ConnectionName::new(connection),
        offered_sso: true,
        stated: StatedIdentity::default(),
        final_redirect: None,
    };
    cards.begin(offer).await.unwrap().0
}

#[tokio::test]
async fn a_failure_counts_against_the_newest_silent_offer_of_its_own_conversation() {
    let storage = throwaway_records();
    let cards = open(&storage);
    assert_eq!(cards.record_client_failure(&alice(), &at("k1")).await.unwrap(), None, "there is no card");
    let older = offer(&cards, "mail", Some("k1")).await;
    let newer = offer(&cards, "graph", Some("k1")).await;
    offer(&cards, "files", Some("k2")).await;
    assert_eq!(cards.record_client_failure(&alice(), &at("k1")).await.unwrap().as_ref(), Some(&newer));
    for (connection, conversation, is_silent) in
        [("graph", "k1", false), ("graph", "k2", true), ("mail", "k1", true), ("files", "k2", true)]
    {
        let offered = offer(&cards, connection, Some(conversation)).await.offered_sso;
        assert_eq!(offered, is_silent, "{connection} {conversation}");
    }
    assert_eq!(older.connection.as_str(), "mail");
}

#[tokio::test]
async fn a_failure_in_the_thread_of_a_message_counts_in_the_whole_conversation() {
    let storage = throwaway_records();
    let cards = open(&storage);
    let (thread, whole) = ("19:a@thread.tacv2;messageid=1", "19:a@thread.tacv2");
    let offered = offer(&cards, "graph", Some(whole)).await;
    assert_eq!(cards.record_client_failure(&alice(), &at(thread)).await.unwrap(), Some(offered));
    for conversation in [whole, thread, "19:a@thread.tacv2;messageid=2"] {
        assert!(!offer(&cards, "graph", Some(conversation)).await.offered_sso, "{conversation}");
    }
    assert!(offer(&cards, "graph", Some("19:b@thread.tacv2;messageid=1")).await.offered_sso);
    cards.end_client_failures(&alice(), &graph(), Some(&at("19:a@thread.tacv2;messageid=3"))).await.unwrap();
    assert!(offer(&cards, "graph", Some(thread)).await.offered_sso);
}

#[tokio::test]
async fn a_failure_counts_for_fifteen_minutes_and_across_a_restart() {
    let storage = throwaway_records();
    let cards = open(&storage);
    offer(&cards, "graph", Some("k1")).await;
    cards.record_client_failure(&alice(), &at("k1")).await.unwrap();
    storage.clock.advance(Duration::from_secs(14 * 60 + 59));
    let restarted = open(&storage);
    restarted.recall().await.unwrap();
    for cards in [&cards, &restarted] {
        assert!(!offer(cards, "graph", Some("k1")).await.offered_sso);
    }
    storage.clock.advance(Duration::from_secs(1));
    for cards in [&cards, &restarted] {
        assert!(offer(cards, "graph", Some("k1")).await.offered_sso);
    }
}

#[tokio::test]
async fn a_success_ends_the_failures_of_its_connection_and_conversation() {
    let storage = throwaway_records();
    let cards = open(&storage);
    for conversation in ["k1", "k2"] {
        offer(&cards, "graph", Some(conversation)).await;
        cards.record_client_failure(&alice(), &at(conversation)).await.unwrap();
    }
    cards.end_client_failures(&alice(), &ConnectionName::new("mail"), Some(&at("k1"))).await.unwrap();
    let shown = offer(&cards, "graph", Some("k1")).await;
    assert!(!shown.offered_sso, "a success with another connection ends nothing");
    cards.finish_card(&shown.card_id).await.unwrap();
    assert!(offer(&cards, "graph", Some("k1")).await.offered_sso, "the card was answered");
    assert!(!offer(&cards, "graph", Some("k2")).await.offered_sso);
    cards.end_client_failures(&alice(), &graph(), Some(&at("k2"))).await.unwrap();
    assert!(offer(&cards, "graph", Some("k2")).await.offered_sso);
}

#[tokio::test]
async fn a_failure_of_a_card_without_a_conversation_counts_with_and_without_one() {
    let storage = throwaway_records();
    let cards = open(&storage);
    offer(&cards, "graph", None).await;
    assert!(cards.record_client_failure(&alice(), &at("k1")).await.unwrap().is_some());
    for conversation in [None, Some("k1")] {
        assert!(!offer(&cards, "graph", conversation).await.offered_sso, "{conversation:?}");
    }
    assert!(offer(&cards, "graph", Some("k2")).await.offered_sso);
    cards.end_client_failures(&alice(), &graph(), Some(&at("k1"))).await.unwrap();
    for conversation in [None, Some("k1")] {
        assert!(offer(&cards, "graph", conversation).await.offered_sso, "{conversation:?}");
    }
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_failures() {
    let storage = throwaway_records();
    let cards = open(&storage);
    for number in 0..40 {
        let conversation = format!("k{number}");
        offer(&cards, "graph", Some(&conversation)).await;
        cards.record_client_failure(&alice(), &at(&conversation)).await.unwrap();
    }
    for (conversation, is_silent) in [("k0", true), ("k7", true), ("k8", false), ("k39", false)] {
        assert_eq!(offer(&cards, "graph", Some(conversation)).await.offered_sso, is_silent, "{conversation}");
    }
}
