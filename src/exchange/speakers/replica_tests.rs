//! Who spoke, where several replicas get the activities and the bot's calls.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::tests::{PARENT, bot, channel_account};
use super::*;
use crate::records::testing::{GatedStore, ThrowawayReplicas, throwaway_records, throwaway_replicas};

struct Fixture {
    beneath: ThrowawayReplicas,
    speakers: Vec<Speakers>,
    bot: Bot,
}

impl Fixture {
    async fn start() -> Self {
        let beneath = throwaway_replicas(2).await;
        let speakers = beneath.replicas.iter().map(Speakers::new).collect();
        Self { beneath, speakers, bot: bot(false) }
    }

    async fn note(&self, replica: usize, account: &Account) {
        self.speakers[replica].note(&self.bot, account, "").await.unwrap();
    }

    async fn find(&self, replica: usize) -> Option<Account> {
        self.speakers[replica].find_account_in_use(&self.bot, channel_account(), String::new).await.unwrap()
    }
}

fn parents() -> Account {
    channel_account().as_parent_account(PARENT)
}

#[tokio::test]
async fn the_account_that_spoke_at_one_replica_is_the_one_that_another_decides_by() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.find(1).await, Some(channel_account()), "none has spoken");
    fixture.note(0, &parents()).await;
    assert_eq!(fixture.find(1).await, Some(parents()));
    fixture.beneath.advance(Duration::from_mins(16)).await;
    fixture.note(1, &channel_account()).await;
    assert_eq!(fixture.find(0).await, Some(channel_account()), "the parent spoke too long ago to dispute it");
    assert_eq!(*fixture.speakers[0].find_last(&fixture.bot, &channel_account()).await.unwrap(), channel_account());
}

#[tokio::test]
async fn accounts_that_speak_at_two_replicas_dispute_the_user_id_at_both() {
    let fixture = Fixture::start().await;
    fixture.note(0, &channel_account()).await;
    fixture.note(1, &parents()).await;
    assert_eq!((fixture.find(0).await, fixture.find(1).await), (None, None));
    let signing_out = fixture.speakers[0].find_signing_out(&fixture.bot, &channel_account()).await.unwrap();
    assert_eq!(signing_out, [parents(), channel_account()]);
    // The same account again at the replica where it spoke before: the other replica's note lies in between.
    fixture.note(0, &channel_account()).await;
    let last = fixture.speakers[1].find_last(&fixture.bot, &channel_account()).await.unwrap().into_owned();
    assert_eq!(last, channel_account());
}

#[tokio::test]
async fn of_notes_at_the_same_time_none_is_lost() {
    let fixture = Fixture::start().await;
    for _ in 0..10 {
        let (channels, parents) = (channel_account(), parents());
        tokio::join!(fixture.note(0, &channels), fixture.note(1, &parents));
        let signing_out = fixture.speakers[0].find_signing_out(&fixture.bot, &channel_account()).await.unwrap();
        assert_eq!(signing_out.len(), 2, "{signing_out:?}");
        fixture.beneath.advance(Duration::from_mins(16)).await;
    }
}

#[tokio::test]
async fn a_replica_whose_bot_has_no_parents_learns_of_the_mark_of_another_replica() {
    let fixture = Fixture::start().await;
    let without_parents = Bot { callers: Vec::new(), ..fixture.bot.clone() };
    fixture.speakers[0].recall([&without_parents].into_iter()).await.unwrap();
    fixture.speakers[1].recall([&fixture.bot].into_iter()).await.unwrap();
    fixture.note(1, &parents()).await;
    while !fixture.speakers[0].shared.marked_bots.contains(&without_parents.name) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let found = fixture.speakers[0].find_account_in_use(&without_parents, channel_account(), String::new).await;
    assert_eq!(found.unwrap(), None, "a parent that this replica does not list gets no token, and not the channel's");
}

#[tokio::test]
async fn the_sender_of_the_last_activity_is_known_at_all_replicas() {
    let fixture = Fixture::start().await;
    let trusting = bot(true);
    let find = || fixture.speakers[1].find_sender(&trusting, &channel_account());
    fixture.speakers[0].note_sender(&trusting, &parents()).await;
    while find() != parents() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fixture.speakers[0].note_sender(&trusting, &channel_account()).await;
    while find() != channel_account() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_note_that_the_shared_store_does_not_take_is_an_error() {
    let beneath = throwaway_records();
    let store = GatedStore::shared_with_others(beneath.store.clone());
    let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
    let speakers = Speakers::new(&records);
    store.set_failing(true);
    speakers.note(&bot(false), &parents(), "").await.unwrap_err();
    store.set_failing(false);
    speakers.note(&bot(false), &parents(), "").await.unwrap();
    let found = speakers.find_account_in_use(&bot(false), channel_account(), String::new).await;
    assert_eq!(found.unwrap(), Some(parents()));
}
