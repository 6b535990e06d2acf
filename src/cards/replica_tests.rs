//! Pending sign-ins, where the requests of one sign-in reach several replicas.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use super::{FinishedCard, PendingSignIn, PendingSignIns, SignInOffer, StatedIdentity};
use crate::domain::{
    Account, BotName, ChannelId, ConnectionName, ConversationId, HolderName, Secret, SystemEntropy, TokenSlot,
};
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};

struct Fixture {
    _beneath: ThrowawayReplicas,
    cards: Vec<PendingSignIns>,
}

async fn fixture() -> Fixture {
    let beneath = throwaway_replicas(2).await;
    let mut cards = Vec::new();
    for records in &beneath.replicas {
        let pending = PendingSignIns::new(records, Arc::new(SystemEntropy));
        pending.recall().await.unwrap();
        cards.push(pending);
    }
    Fixture { _beneath: beneath, cards }
}

fn alice() -> Account {
    Account::of_channel(&BotName::new("helper"), ChannelId::new("msteams"), "29:alice")
}

fn graph() -> ConnectionName {
    ConnectionName::new("graph")
}

fn conversation() -> ConversationId {
    ConversationId::new("19:x@thread")
}

async fn begin(cards: &PendingSignIns) -> (PendingSignIn, Secret) {
    let offer = SignInOffer {
        account: alice(),
        conversation: Some(conversation()),
        connection: graph(),
        offered_sso: true,
        stated: StatedIdentity::default(),
        final_redirect: None,
    };
    cards.begin(offer).await.unwrap()
}

#[tokio::test]
async fn a_card_that_one_replica_offers_is_found_followed_and_finished_at_another() {
    let Fixture { _beneath, cards } = fixture().await;
    // The other replica has looked before there was a card.
    assert!(cards[1].list_answerable(&alice()).await.unwrap().is_empty());
    let (card, link) = begin(&cards[0]).await;
    assert_eq!(cards[1].find_by_card(&HolderName::new("helper"), &card.card_id).await.unwrap(), Some(card.clone()));
    assert_eq!(cards[1].find_by_link(&link).await.unwrap(), Some(card.clone()));
    assert!(cards[1].extend_for_browser(&card.card_id, true).await.unwrap());
    let followed = cards[0].find_for_browser(&card.card_id).await.unwrap().unwrap();
    assert!(followed.browser_away_since.is_some());
    let finished = FinishedCard { conversation: card.conversation.as_ref(), begun_by: card.begun_at };
    cards[1].finish(&alice(), &graph(), finished).await.unwrap();
    assert_eq!(cards[0].find_by_card(&HolderName::new("helper"), &card.card_id).await.unwrap(), None);
    assert!(!cards[0].extend_for_browser(&card.card_id, false).await.unwrap(), "a finished card does not come back");
}

#[tokio::test]
async fn a_sign_out_at_one_replica_ends_the_cards_of_all() {
    let Fixture { _beneath, cards } = fixture().await;
    begin(&cards[0]).await;
    begin(&cards[1]).await;
    assert_eq!(cards[0].list_answerable(&alice()).await.unwrap().len(), 2);
    cards[1].end(&[TokenSlot::new(&alice(), &graph())]).await.unwrap();
    assert!(cards[0].list_answerable(&alice()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failure_reported_to_one_replica_counts_for_the_offers_of_another_until_a_sign_in_succeeds_there() {
    let Fixture { _beneath, cards } = fixture().await;
    let (card, _) = begin(&cards[0]).await;
    assert!(card.offered_sso);
    let failed = cards[0].record_client_failure(&alice(), &conversation()).await.unwrap();
    assert_eq!(failed, Some(card));
    assert!(!begin(&cards[1]).await.0.offered_sso);
    cards[1].end_client_failures(&alice(), &graph(), Some(&conversation())).await.unwrap();
    assert!(begin(&cards[0]).await.0.offered_sso);
}

#[tokio::test]
async fn failures_that_two_replicas_get_at_the_same_time_are_all_kept() {
    let Fixture { _beneath, cards } = fixture().await;
    let rooms = ["19:a", "19:b", "19:c", "19:d"].map(ConversationId::new);
    for room in &rooms {
        let (mut card, _) = begin(&cards[0]).await;
        card.offer.conversation = Some(room.clone());
        cards[1].begin(card.offer).await.unwrap();
    }
    let account = alice();
    let (one, other) = (&cards[0], &cards[1]);
    let reported = tokio::join!(
        one.record_client_failure(&account, &rooms[0]),
        other.record_client_failure(&account, &rooms[1]),
        one.record_client_failure(&account, &rooms[2]),
        other.record_client_failure(&account, &rooms[3]),
    );
    let (a, b, c, d) = reported;
    assert!([a, b, c, d].into_iter().all(|reported| reported.unwrap().is_some()));
    for room in &rooms {
        let (mut card, _) = begin(&cards[0]).await;
        card.offer.conversation = Some(room.clone());
        card.offer.offered_sso = true;
        assert!(!cards[0].begin(card.offer).await.unwrap().0.offered_sso, "{room}");
    }
}
