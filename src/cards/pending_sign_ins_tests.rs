#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::{FinishedCard, PendingSignIns, SignInOffer};
use crate::domain::{
    Account, BotName, ChannelId, ConnectionName, ConversationId, HolderName, Secret, SystemEntropy, TokenSlot,
};
use crate::records::testing::{ThrowawayRecords, throwaway_records};

struct Fixture {
    pending: PendingSignIns,
    storage: ThrowawayRecords,
}

fn fixture() -> Fixture {
    let storage = throwaway_records();
    Fixture { pending: open(&storage), storage }
}

fn open(storage: &ThrowawayRecords) -> PendingSignIns {
    PendingSignIns::new(&storage.records, Arc::new(SystemEntropy))
}

fn account(bot: &str, user: &str) -> Account {
    Account::of_channel(&BotName::new(bot), ChannelId::new("msteams"), user)
}

fn offer(user: &str, connection: &str) -> SignInOffer {
    SignInOffer {
        account: account("helper", user),
        conversation: Some(ConversationId::new("19:x@thread")),
        connection: ConnectionName::new(connection),
        offered_sso: true,
        stated: super::StatedIdentity::default(),
        final_redirect: None,
    }
}

#[tokio::test]
async fn a_pending_sign_in_is_found_by_its_card_before_and_after_a_restart() {
    let fixture = fixture();
    let begun = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    assert_eq!(begun.card_id.len(), 36);
    for pending in [&fixture.pending, &open(&fixture.storage)] {
        let found = pending.find_by_card(&HolderName::new("helper"), &begun.card_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&begun));
        assert_eq!(pending.list_answerable(&begun.account).await.unwrap().as_slice(), std::slice::from_ref(&begun));
    }
}

#[tokio::test]
async fn a_pending_sign_in_of_an_earlier_process_is_found_after_recall() {
    let fixture = fixture();
    let begun = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    let pending = open(&fixture.storage);
    pending.recall().await.unwrap();
    let later = pending.begin(offer("bob", "graph")).await.unwrap().0;
    for sign_in in [begun, later] {
        let found = pending.find_by_card(&HolderName::new("helper"), &sign_in.card_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&sign_in));
        assert_eq!(pending.list_answerable(&sign_in.account).await.unwrap(), [sign_in]);
    }
    assert_eq!(pending.find_by_card(&HolderName::new("helper"), "another").await.unwrap(), None);
}

#[tokio::test]
async fn a_pending_sign_in_is_not_found_for_another_bot_user_or_card() {
    let fixture = fixture();
    let begun = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    assert_eq!(fixture.pending.find_by_card(&HolderName::new("other"), &begun.card_id).await.unwrap(), None);
    assert_eq!(fixture.pending.find_by_card(&HolderName::new("helper"), "").await.unwrap(), None);
    assert!(fixture.pending.list_answerable(&account("helper", "bob")).await.unwrap().is_empty());
    assert!(fixture.pending.list_answerable(&account("other", "alice")).await.unwrap().is_empty());
}

#[tokio::test]
async fn pending_sign_ins_are_listed_most_recent_first_even_within_a_millisecond() {
    let fixture = fixture();
    let mut expected = Vec::new();
    for number in 0..12 {
        if number == 6 {
            fixture.storage.clock.advance(Duration::from_secs(1));
        }
        expected.insert(0, fixture.pending.begin(offer("alice", &format!("c{number}"))).await.unwrap().0);
    }
    assert_eq!(fixture.pending.list_answerable(&account("helper", "alice")).await.unwrap(), expected);
}

#[tokio::test]
async fn finish_removes_all_cards_of_one_connection_in_one_conversation() {
    let fixture = fixture();
    for connection in ["graph", "files", "graph"] {
        fixture.pending.begin(offer("alice", connection)).await.unwrap();
    }
    let nowhere = SignInOffer { conversation: None, ..offer("alice", "graph") };
    fixture.pending.begin(nowhere).await.unwrap();
    let elsewhere = SignInOffer { conversation: Some(ConversationId::new("elsewhere")), ..offer("alice", "graph") };
    let elsewhere = fixture.pending.begin(elsewhere).await.unwrap().0;
    let bobs = fixture.pending.begin(offer("bob", "graph")).await.unwrap().0;
    let (alice, graph) = (account("helper", "alice"), ConnectionName::new("graph"));
    let (conversation, begun_by) = (bobs.conversation.clone(), elsewhere.begun_at);
    for _ in 0..2 {
        fixture
            .pending
            .finish(&alice, &graph, FinishedCard { conversation: conversation.as_ref(), begun_by })
            .await
            .unwrap();
    }
    let left = fixture.pending.list_answerable(&alice).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(left[0], elsewhere);
    assert_eq!(left[1].connection, ConnectionName::new("files"));
    assert_eq!(fixture.pending.list_answerable(&bobs.account).await.unwrap(), [bobs]);
}

#[tokio::test]
async fn a_card_can_be_answered_for_fifteen_minutes() {
    let fixture = fixture();
    let begun = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    fixture.storage.clock.advance(Duration::from_secs(14 * 60 + 50));
    assert!(fixture.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().is_some());
    fixture.storage.clock.advance(Duration::from_secs(10));
    assert!(fixture.pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap().is_none());
    assert!(fixture.pending.list_answerable(&begun.account).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_pending_sign_ins() {
    let fixture = fixture();
    let first = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    for _ in 0..40 {
        fixture.pending.begin(offer("alice", "graph")).await.unwrap();
    }
    let list = fixture.pending.list_answerable(&first.account).await.unwrap();
    assert_eq!(list.len(), 32);
    assert!(!list.contains(&first), "the oldest are removed");
}

#[tokio::test]
async fn a_link_finds_its_card_for_fifteen_minutes() {
    let fixture = fixture();
    let (begun, link) = fixture.pending.begin(offer("alice", "graph")).await.unwrap();
    assert_eq!(fixture.pending.find_by_link(&link).await.unwrap(), Some(begun.clone()));
    for other in ["another", &begun.card_id, &begun.card_id.replace('-', "")] {
        assert_eq!(fixture.pending.find_by_link(&Secret::from(other)).await.unwrap(), None, "{other}");
    }
    assert!(
        link.expose().len() == 32 && !link.expose().contains(&begun.card_id[..8]),
        "the link does not contain the card id"
    );
    fixture.storage.clock.advance(Duration::from_mins(15));
    assert_eq!(fixture.pending.find_by_link(&link).await.unwrap(), None);
}

#[tokio::test]
async fn an_extended_card_is_found_for_its_browser_only_until_thirty_minutes_after_the_offer() {
    let fixture = fixture();
    let (begun, link) = fixture.pending.begin(offer("alice", "graph")).await.unwrap();
    fixture.storage.clock.advance(Duration::from_mins(14));
    assert!(fixture.pending.extend_for_browser(&begun.card_id, false).await.unwrap());
    assert!(!fixture.pending.extend_for_browser("another", false).await.unwrap());
    fixture.storage.clock.advance(Duration::from_mins(15));
    for pending in [&fixture.pending, &open(&fixture.storage)] {
        assert_eq!(pending.find_for_browser(&begun.card_id).await.unwrap(), Some(begun.clone()));
        assert_eq!(pending.find_by_link(&link).await.unwrap(), None);
        assert_eq!(pending.find_by_card(&begun.account.holder, &begun.card_id).await.unwrap(), None);
        assert!(pending.list_answerable(&begun.account).await.unwrap().is_empty());
    }
    fixture.storage.clock.advance(Duration::from_mins(1));
    assert_eq!(fixture.pending.find_for_browser(&begun.card_id).await.unwrap(), None);
}

#[tokio::test]
async fn a_card_remembers_over_a_restart_that_its_browser_is_away() {
    let fixture = fixture();
    let (begun, link) = fixture.pending.begin(offer("alice", "graph")).await.unwrap();
    assert_eq!(begun.browser_away_since, None);
    for is_away in [true, false] {
        fixture.pending.extend_for_browser(&begun.card_id, is_away).await.unwrap();
        let found = open(&fixture.storage).find_by_link(&link).await.unwrap().unwrap();
        assert_eq!(found.browser_away_since.is_some(), is_away);
    }
}

#[tokio::test]
async fn a_sign_out_removes_the_pending_sign_ins_of_its_slots_including_extended_ones() {
    let fixture = fixture();
    let begun = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    let other = fixture.pending.begin(offer("alice", "mail")).await.unwrap().0;
    let bobs = fixture.pending.begin(offer("bob", "graph")).await.unwrap().0;
    fixture.pending.extend_for_browser(&begun.card_id, false).await.unwrap();
    fixture.storage.clock.advance(Duration::from_mins(14));
    let restarted = open(&fixture.storage);
    restarted.recall().await.unwrap();
    fixture.storage.clock.advance(Duration::from_mins(2));
    let slot = TokenSlot { account: begun.account.clone(), connection: begun.connection.clone() };
    restarted.end(&[slot]).await.unwrap();
    assert_eq!(restarted.find_for_browser(&begun.card_id).await.unwrap(), None);
    fixture.pending.end(&[]).await.unwrap();
    let again = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    let slot = TokenSlot { account: again.account.clone(), connection: again.connection.clone() };
    let fresh = fixture.pending.begin(offer("alice", "mail")).await.unwrap().0;
    fixture.pending.end(&[slot]).await.unwrap();
    assert_eq!(fixture.pending.list_answerable(&other.account).await.unwrap(), [fresh]);
    assert!(fixture.pending.list_answerable(&bobs.account).await.unwrap().is_empty(), "the card has expired");
}

#[tokio::test]
async fn finish_card_removes_older_cards_of_the_same_connection() {
    let fixture = fixture();
    let first = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    let second = fixture.pending.begin(offer("alice", "graph")).await.unwrap().0;
    let other = fixture.pending.begin(offer("alice", "mail")).await.unwrap().0;
    fixture.pending.finish_card(&second.card_id).await.unwrap();
    fixture.pending.finish_card(&second.card_id).await.unwrap();
    assert_eq!(fixture.pending.find_for_browser(&first.card_id).await.unwrap(), None);
    assert_eq!(fixture.pending.list_answerable(&other.account).await.unwrap(), [other]);
}
