//! Conversations with skills over two replicas.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::domain::{Account, BotName, ChannelId, ConversationId, SkillName, SystemEntropy};
use crate::records::testing::{ThrowawayReplicas, throwaway_replicas};

/// The conversations as two replicas see them.
struct Fixture {
    beneath: ThrowawayReplicas,
    a: SkillConversations,
    b: SkillConversations,
}

impl Fixture {
    async fn start() -> Self {
        let beneath = throwaway_replicas(2).await;
        let [a, b] = [0, 1].map(|number| SkillConversations::new(&beneath.replicas[number], Arc::new(SystemEntropy)));
        Self { beneath, a, b }
    }
}

fn user(id: &str) -> Account {
    Account::of_channel(&BotName::new("assistant"), ChannelId::new("msteams"), id)
}

/// An activity of the user `id` in the parent's conversation `conversation`. The user speaks to the parent in `19:a`.
fn activity_of(id: &str, conversation: &str) -> SkillConversationOpening {
    SkillConversationOpening {
        parent: BotName::new("assistant"),
        skill: SkillName::new("weather"),
        parent_conversation_id: conversation.to_owned(),
        parent_service_url: "https://assistant.example.com/api/skills/".to_owned(),
        account: Some(user(id)),
        user_conversation: Some(ConversationId::new("19:a")),
        addressing: format!(r#"{{"from":"{id}"}}"#),
    }
}

async fn find_of_ada(conversations: &SkillConversations) -> Option<String> {
    let (skill, place) = (SkillName::new("weather"), ConversationId::new("19:a"));
    let found = conversations.find_of_user(&skill, &user("29:ada"), &place, PlaceRule::Any).await.unwrap();
    found.map(|found| found.id.clone())
}

#[tokio::test]
async fn a_conversation_that_is_opened_at_one_replica_is_answered_at_another() {
    let Fixture { a, b, .. } = Fixture::start().await;
    let opened = a.open(activity_of("29:ada", "p1")).await.unwrap();
    assert!(b.find(&opened.id).await.unwrap().is_some_and(|found| found == opened));
    assert!(b.open(activity_of("29:ada", "p1")).await.unwrap() == opened);
    b.note_activity(&opened, "given at b", GivenActivity::PassedOn).await.unwrap();
    assert_eq!(a.find_activity(&opened, "given at b").await.unwrap(), Some(GivenActivity::PassedOn));
}

#[tokio::test]
async fn a_second_user_who_speaks_at_another_replica_makes_the_conversation_shared_everywhere() {
    let Fixture { a, b, .. } = Fixture::start().await;
    let opened = a.open(activity_of("29:ada", "p1")).await.unwrap();
    assert_eq!(find_of_ada(&b).await.as_ref(), Some(&opened.id));
    b.open(activity_of("29:ben", "p1")).await.unwrap();
    assert!(a.find(&opened.id).await.unwrap().unwrap().is_shared, "no token is exchanged in it any more");
    assert!(a.open(activity_of("29:ada", "p1")).await.unwrap().is_shared);
    assert_eq!(find_of_ada(&a).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_activities_at_two_replicas_open_one_conversation_and_lose_no_user() {
    let Fixture { a, b, .. } = Fixture::start().await;
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let conversations = if number % 2 == 0 { a.clone() } else { b.clone() };
            let user = if number < 6 { "29:ada" } else { "29:ben" };
            tokio::spawn(async move { conversations.open(activity_of(user, "p1")).await.unwrap().id.clone() })
        })
        .collect();
    let mut ids = HashSet::new();
    for caller in callers {
        ids.insert(caller.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    let id = ids.into_iter().next().unwrap();
    assert!(a.find(&id).await.unwrap().unwrap().is_shared && b.find(&id).await.unwrap().unwrap().is_shared);
}

#[tokio::test]
async fn the_conversation_that_a_user_used_last_is_the_same_at_every_replica() {
    let Fixture { beneath, a, b } = Fixture::start().await;
    let first = a.open(activity_of("29:ada", "first")).await.unwrap().id.clone();
    beneath.clock.advance(Duration::from_secs(10));
    let second = b.open(activity_of("29:ada", "second")).await.unwrap().id.clone();
    assert_eq!(find_of_ada(&a).await.as_ref(), Some(&second));
    beneath.clock.advance(Duration::from_secs(10));
    a.open(activity_of("29:ada", "first")).await.unwrap();
    a.finish_writes(&first).await;
    assert_eq!(find_of_ada(&b).await.as_ref(), Some(&first), "the use at the other replica counts");
}

#[tokio::test]
async fn a_conversation_that_is_in_use_at_two_replicas_outlives_seven_days() {
    let Fixture { beneath, a, b } = Fixture::start().await;
    let id = a.open(activity_of("29:ada", "p1")).await.unwrap().id.clone();
    for day in 0..10 {
        beneath.clock.advance(Duration::from_hours(24));
        let replica = if day % 2 == 0 { &a } else { &b };
        assert_eq!(replica.open(activity_of("29:ada", "p1")).await.unwrap().id, id);
        replica.finish_writes(&id).await;
    }
    beneath.clock.advance(Duration::from_hours(7 * 24));
    assert!(a.find(&id).await.unwrap().is_none());
    assert_ne!(b.open(activity_of("29:ben", "p1")).await.unwrap().id, id);
}

#[tokio::test]
async fn a_conversation_that_one_replica_removes_is_gone_at_the_other() {
    let Fixture { a, b, .. } = Fixture::start().await;
    let opened = a.open(activity_of("29:ada", "p1")).await.unwrap();
    assert!(b.find(&opened.id).await.unwrap().is_some());
    a.remove(&opened).await.unwrap();
    assert!(b.find(&opened.id).await.unwrap().is_none());
    assert_ne!(b.open(activity_of("29:ada", "p1")).await.unwrap().id, opened.id);
}

#[tokio::test]
async fn a_copy_of_a_card_at_one_replica_waits_for_the_first_at_another() {
    let Fixture { a, b, .. } = Fixture::start().await;
    let opened = a.open(activity_of("29:ada", "p1")).await.unwrap();
    let in_a_minute = Instant::now() + Duration::from_mins(1);
    let first = a.join_card_attempt(&opened, "card", in_a_minute).await;
    assert_eq!(a.claim_card(&opened, "card").await.unwrap(), CardClaim::First);
    let (conversations, conversation) = (b.clone(), Arc::clone(&opened));
    let copy = tokio::spawn(async move {
        let attempt = conversations.join_card_attempt(&conversation, "card", in_a_minute).await;
        let claim = conversations.claim_card(&conversation, "card").await.unwrap();
        drop(attempt);
        claim
    });
    let other_card = b.join_card_attempt(&opened, "another card", in_a_minute).await;
    a.note_swallowed(&opened, "card", "drawn").await.unwrap();
    drop((first, other_card));
    assert_eq!(copy.await.unwrap(), CardClaim::Swallowed("drawn".to_owned()), "the copy gets the answer of the first");
}
