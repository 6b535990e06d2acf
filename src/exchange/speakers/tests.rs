#![allow(clippy::unwrap_used)]
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::*;
use crate::domain::test_samples::sample_bot;
use crate::domain::{BotName, CallerEntry, ChannelId, DataSubject, PersonalData as _, UserKey};
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};

pub(super) const PARENT: &str = "a";

/// A bot with one parent.
pub(super) fn bot(vouches_for_channel_users: bool) -> Bot {
    let parent = CallerEntry {
        app_id: PARENT.to_owned(),
        tenant_id: "t".to_owned(),
        service_url_prefixes: Vec::new(),
        channels: vec!["msteams".to_owned()],
        vouches_for_channel_users,
    };
    Bot { callers: vec![parent], ..sample_bot() }
}

pub(super) fn channel_account() -> Account {
    Account::of_channel(&BotName::new("bot"), ChannelId::new("msteams"), "29:ada")
}

struct Fixture {
    beneath: ThrowawayRecords,
    store: Arc<GatedStore>,
    speakers: Speakers,
    bot: Bot,
}

impl Fixture {
    fn start(bot: Bot) -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let speakers = Speakers::new(&records);
        Self { beneath, store, speakers, bot }
    }

    async fn note_channel(&self) {
        self.speakers.note(&self.bot, &channel_account(), "").await.unwrap();
    }

    async fn note_parent(&self) {
        self.speakers.note(&self.bot, &channel_account().as_parent_account(PARENT), "").await.unwrap();
    }

    async fn find(&self) -> Result<Option<Account>, RecordError> {
        self.speakers.find_account_in_use(&self.bot, channel_account(), String::new).await
    }

    /// The record's sealed bytes, which differ after each write.
    async fn stored(&self) -> Option<Bytes> {
        let key = self.speakers.shared.histories.key_from_texts(&channel_account().key_parts());
        self.beneath.store.get(key).await.unwrap()
    }
}

#[tokio::test]
async fn the_record_is_written_when_the_account_changes_and_otherwise_once_a_minute() {
    let fixture = Fixture::start(bot(false));
    fixture.note_channel().await;
    let first = fixture.stored().await;
    assert!(first.is_some());
    fixture.beneath.clock.advance(Duration::from_secs(50));
    fixture.note_channel().await;
    assert_eq!(fixture.stored().await, first, "the same account within a minute");
    fixture.beneath.clock.advance(Duration::from_secs(11));
    fixture.note_channel().await;
    let second = fixture.stored().await;
    assert_ne!(second, first);
    fixture.note_parent().await;
    assert_ne!(fixture.stored().await, second, "another account");
}

#[tokio::test]
async fn a_bot_without_parents_apart_reads_and_writes_nothing() {
    for bot in [Bot { callers: Vec::new(), ..bot(false) }, bot(true)] {
        let fixture = Fixture::start(bot);
        fixture.note_channel().await;
        assert_eq!(fixture.find().await.unwrap(), Some(channel_account()));
        assert_eq!(*fixture.speakers.find_last(&fixture.bot, &channel_account()).await.unwrap(), channel_account());
        assert_eq!((fixture.store.reads.load(Ordering::SeqCst), fixture.stored().await), (0, None));
    }
}

#[tokio::test]
async fn a_user_id_that_is_in_memory_needs_no_read() {
    let fixture = Fixture::start(bot(false));
    fixture.note_parent().await;
    let reads = fixture.store.reads.load(Ordering::SeqCst);
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account().as_parent_account(PARENT)));
    fixture.note_parent().await;
    assert_eq!(fixture.store.reads.load(Ordering::SeqCst), reads);
}

#[tokio::test]
async fn while_the_store_takes_no_record_memory_knows_who_spoke_and_the_next_note_writes_it() {
    let fixture = Fixture::start(bot(false));
    fixture.store.puts_fail.store(true, Ordering::SeqCst);
    fixture.note_parent().await;
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account().as_parent_account(PARENT)));
    assert_eq!(fixture.stored().await, None);
    fixture.store.puts_fail.store(false, Ordering::SeqCst);
    fixture.note_parent().await;
    assert!(fixture.stored().await.is_some());
}

#[tokio::test]
async fn what_was_noted_while_the_store_could_not_be_read_is_joined_with_the_record() {
    let earlier = Fixture::start(bot(false));
    earlier.note_channel().await;
    let records =
        Records::new(earlier.store.clone(), earlier.beneath.sealer.clone(), earlier.beneath.shared_clock.clone());
    let speakers = Speakers::new(&records);
    let fixture = Fixture { speakers, ..earlier };
    fixture.store.reads_fail.store(true, Ordering::SeqCst);
    fixture.note_parent().await;
    assert!(fixture.find().await.is_err(), "an outage is no answer");
    fixture.store.reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(fixture.find().await.unwrap(), None, "the channel's account spoke before, too");
    fixture.beneath.clock.advance(Duration::from_mins(15));
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account().as_parent_account(PARENT)));
}

#[tokio::test]
async fn a_dispute_of_a_clock_that_was_far_ahead_ends_after_fifteen_minutes_of_the_right_clock() {
    let fixture = Fixture::start(bot(false));
    let ahead = Duration::from_hours(24 * 3650);
    fixture.beneath.clock.advance(ahead);
    fixture.note_parent().await;
    fixture.note_channel().await;
    assert_eq!(fixture.find().await.unwrap(), None);
    fixture.beneath.clock.set_back(ahead);
    assert_eq!(fixture.find().await.unwrap(), None, "no token to the wrong account meanwhile");
    fixture.beneath.clock.advance(Duration::from_mins(14));
    assert_eq!(fixture.find().await.unwrap(), None);
    fixture.beneath.clock.advance(Duration::from_mins(2));
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account()));
}

#[tokio::test]
async fn a_dispute_that_was_stored_by_a_clock_far_ahead_ends_after_a_restart_too() {
    let earlier = Fixture::start(bot(false));
    let ahead = Duration::from_hours(24);
    earlier.beneath.clock.advance(ahead);
    earlier.note_channel().await;
    earlier.note_parent().await;
    let stored = earlier.stored().await;
    earlier.beneath.clock.set_back(ahead);
    let records =
        Records::new(earlier.store.clone(), earlier.beneath.sealer.clone(), earlier.beneath.shared_clock.clone());
    let speakers = Speakers::new(&records);
    let fixture = Fixture { speakers, ..earlier };
    assert_eq!(fixture.find().await.unwrap(), None);
    assert_ne!(fixture.stored().await, stored, "the record is written with times that the clock has reached");
    fixture.beneath.clock.advance(Duration::from_mins(16));
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account().as_parent_account(PARENT)));
}

#[tokio::test]
async fn an_erasure_forgets_who_spoke_in_memory_and_in_the_store() {
    let fixture = Fixture::start(bot(false));
    fixture.note_parent().await;
    let ada = DataSubject {
        user: UserKey::entra("ada", "t"),
        accounts: vec![channel_account().as_parent_account(PARENT), channel_account()],
    };
    let exported = fixture.speakers.export(&ada).await.unwrap();
    assert_eq!(exported.len(), 1);
    assert!(exported.iter().all(|object| object["parent"] == PARENT && object["subject"] == "29:ada"), "{exported:?}");
    assert_eq!(fixture.speakers.erase(&ada).await.unwrap(), 1);
    assert!(fixture.stored().await.is_none());
    assert_eq!(fixture.find().await.unwrap(), Some(channel_account()), "none is known to have spoken");
    fixture.note_parent().await;
    assert!(fixture.stored().await.is_some(), "what is said afterwards is noted again");
}
