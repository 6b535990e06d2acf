#![allow(clippy::unwrap_used, clippy::panic)]
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::domain::test_samples::sample_bot;
use crate::domain::{
    Account, Bot, BotName, ChannelId, ConversationId, DataSubject, PersonalData as _, Registrations, Skill, SkillName,
    SystemEntropy, UserKey,
};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};

const DAY: Duration = Duration::from_hours(24);

struct Fixture {
    beneath: ThrowawayRecords,
    store: Arc<GatedStore>,
    conversations: SkillConversations,
}

impl Fixture {
    fn start() -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let conversations = conversations_over(&beneath, &store);
        Self { beneath, store, conversations }
    }

    /// Forgets what is in memory, as a restart does.
    fn restart(&mut self) {
        self.conversations = conversations_over(&self.beneath, &self.store);
    }

    async fn open(&self, opening: SkillConversationOpening) -> Arc<SkillConversation> {
        self.conversations.open(opening).await.unwrap()
    }

    async fn find(&self, id: &str) -> Option<Arc<SkillConversation>> {
        self.conversations.find(id).await.unwrap()
    }

    /// The id of the conversation that the gateway finds for Ada, who speaks in `conversation`.
    async fn find_of_ada(&self, conversation: &str) -> Option<String> {
        self.find_of_ada_in(PlaceRule::Any, conversation).await
    }

    async fn find_of_ada_in(&self, rule: PlaceRule, conversation: &str) -> Option<String> {
        let (skill, conversation) = (SkillName::new("weather"), ConversationId::new(conversation));
        let found = self.conversations.find_of_user(&skill, &user("29:ada"), &conversation, rule).await.unwrap();
        found.map(|found| found.id.clone())
    }
}

fn conversations_over(beneath: &ThrowawayRecords, store: &Arc<GatedStore>) -> SkillConversations {
    let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
    SkillConversations::new(&records, Arc::new(SystemEntropy))
}

fn user(id: &str) -> Account {
    Account::of_channel(&BotName::new("assistant"), ChannelId::new("msteams"), id)
}

/// An activity of Ada in the parent's conversation `conversation`.
fn activity(conversation: &str) -> SkillConversationOpening {
    SkillConversationOpening {
        parent: BotName::new("assistant"),
        skill: SkillName::new("weather"),
        parent_conversation_id: conversation.to_owned(),
        parent_service_url: "https://assistant.example.com/api/skills/".to_owned(),
        account: Some(user("29:ada")),
        user_conversation: None,
        addressing: r#"{"from":"ada"}"#.to_owned(),
    }
}

fn activity_of(user_id: &str, conversation: &str) -> SkillConversationOpening {
    SkillConversationOpening {
        account: Some(user(user_id)),
        addressing: format!(r#"{{"from":"{user_id}"}}"#),
        ..activity(conversation)
    }
}

/// An activity that no user caused (`conversationUpdate`).
fn update(conversation: &str) -> SkillConversationOpening {
    SkillConversationOpening { account: None, addressing: "{}".to_owned(), ..activity(conversation) }
}

/// An activity of Ada, who speaks to the parent in `place`.
fn activity_from(place: &str, conversation: &str) -> SkillConversationOpening {
    SkillConversationOpening { user_conversation: Some(ConversationId::new(place)), ..activity(conversation) }
}

#[tokio::test]
async fn a_conversation_of_a_parent_keeps_its_id_across_a_restart() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(activity_from("19:a;messageid=1", "p1")).await;
    assert!(opened.id.len() == 32 && opened.id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", opened.id);
    assert_eq!(fixture.open(activity("p1")).await.id, opened.id);
    fixture.restart();
    assert!(fixture.find(&opened.id).await.unwrap() == opened, "every member is stored");
    fixture.restart();
    assert_eq!(fixture.open(activity("p1")).await.id, opened.id);
    let others = [
        activity("p2"),
        SkillConversationOpening { parent: BotName::new("other"), ..activity("p1") },
        SkillConversationOpening { skill: SkillName::new("news"), ..activity("p1") },
    ];
    let mut ids = HashSet::from([opened.id.clone()]);
    for other in others {
        assert!(ids.insert(fixture.open(other).await.id.clone()), "another conversation has another id");
    }
}

#[tokio::test]
async fn an_activity_of_a_known_conversation_reads_and_writes_no_disk() {
    let fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    fixture.store.set_failing(true);
    assert_eq!(fixture.open(activity("p1")).await.id, opened.id);
    assert!(fixture.find(&opened.id).await.is_some());
}

#[tokio::test]
async fn an_id_that_was_not_given_or_is_written_otherwise_finds_nothing() {
    let fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    let upper = opened.id.to_uppercase();
    assert_ne!(upper, opened.id);
    for id in ["", "p1", &"0".repeat(32), &upper, &format!("{} ", opened.id), &format!("{};messageid=1", opened.id)] {
        assert!(fixture.find(id).await.is_none(), "{id:?}");
    }
}

#[tokio::test]
async fn many_concurrent_first_activities_of_a_conversation_open_it_once() {
    let fixture = Fixture::start();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let conversations = fixture.conversations.clone();
            tokio::spawn(async move { conversations.open(activity("p1")).await.unwrap().id.clone() })
        })
        .collect();
    let mut ids = HashSet::new();
    for caller in callers {
        ids.insert(caller.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_conversation_belongs_to_the_user_of_the_first_activity_that_a_user_caused() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(update("p1")).await;
    assert!(opened.account.is_none() && opened.addressing == "{}");
    assert_eq!(fixture.find_of_ada("19:a").await, None);
    let taken = fixture.open(activity_from("19:a", "p1")).await;
    assert!(taken.account == Some(user("29:ada")) && taken.addressing == activity("p1").addressing);
    fixture.restart();
    assert_eq!(fixture.find_of_ada("19:a").await.as_ref(), Some(&opened.id), "it is listed for the user now");
    let updated = fixture.open(update("p1")).await;
    assert!(updated.account == Some(user("29:ada")) && !updated.is_shared, "an update changes nothing");
}

#[tokio::test]
async fn a_conversation_in_which_another_user_spoke_stays_shared_and_stays_the_first_users() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    let shared = fixture.open(activity_of("29:ben", "p1")).await;
    assert!(shared.is_shared && shared.account == Some(user("29:ada")) && shared.addressing == opened.addressing);
    fixture.restart();
    assert!(fixture.open(activity("p1")).await.is_shared, "the first user speaks again after a restart");
    assert!(fixture.find(&opened.id).await.unwrap().is_shared);
    assert_eq!(fixture.find_of_ada("19:a").await, None, "nothing is sent into it in the user's name");
}

#[tokio::test]
async fn the_parents_last_service_url_and_the_users_last_conversation_are_kept() {
    let mut fixture = Fixture::start();
    fixture.open(activity_from("19:a", "p1")).await;
    let moved = SkillConversationOpening {
        parent_service_url: "https://assistant.example.com/other/".to_owned(),
        addressing: r#"{"from":"ada","recipient":"b"}"#.to_owned(),
        ..activity_from("19:b", "p1")
    };
    fixture.open(moved.clone()).await;
    fixture
        .open(SkillConversationOpening { parent_service_url: moved.parent_service_url.clone(), ..activity("p1") })
        .await;
    fixture.restart();
    let found = fixture.open(SkillConversationOpening { user_conversation: None, ..moved.clone() }).await;
    assert_eq!(
        found.user_conversation,
        Some(ConversationId::new("19:b")),
        "an activity that does not name it changes nothing"
    );
    assert_eq!(found.parent_service_url, moved.parent_service_url);
    assert_eq!(found.addressing, moved.addressing);
}

#[tokio::test]
async fn a_card_is_answered_in_the_conversation_that_the_user_used_last_in_that_place() {
    let mut fixture = Fixture::start();
    let tick = Duration::from_secs(1);
    let unknown = fixture.open(activity("unknown")).await.id.clone();
    assert_eq!(fixture.find_of_ada("19:a").await.as_ref(), Some(&unknown));
    fixture.beneath.clock.advance(tick);
    let first = fixture.open(activity_from("19:a;messageid=7", "first")).await.id.clone();
    fixture.beneath.clock.advance(tick);
    let second = fixture.open(activity_from("19:a", "second")).await.id.clone();
    fixture.beneath.clock.advance(tick);
    fixture.open(activity("unknown")).await;
    assert_eq!(
        fixture.find_of_ada("19:a").await.as_ref(),
        Some(&second),
        "the exact place comes first, then the newest"
    );
    fixture.beneath.clock.advance(tick);
    fixture.find(&first).await.unwrap();
    assert_eq!(fixture.find_of_ada("19:a").await.as_ref(), Some(&second), "what the skill says there does not count");
    fixture.beneath.clock.advance(tick);
    fixture.open(activity("first")).await;
    assert_eq!(fixture.find_of_ada("19:a;messageid=9").await.as_ref(), Some(&first), "the user spoke there last");
    assert_eq!(fixture.find_of_ada("19:elsewhere").await.as_ref(), Some(&unknown));
    fixture.open(activity_of("29:ben", "bens")).await;
    fixture.open(SkillConversationOpening { skill: SkillName::new("news"), ..activity_from("19:a", "news") }).await;
    fixture.restart();
    assert_eq!(fixture.find_of_ada("19:a").await.as_ref(), Some(&second), "the newest that the store knows");
}

#[tokio::test]
async fn a_user_who_has_moved_to_another_place_is_found_where_nothing_fits_better() {
    let fixture = Fixture::start();
    let tick = Duration::from_secs(1);
    let unknown = fixture.open(activity("unknown")).await.id.clone();
    fixture.beneath.clock.advance(tick);
    let elsewhere = fixture.open(activity_from("19:b", "elsewhere")).await.id.clone();
    assert_eq!(fixture.find_of_ada("19:a").await, Some(unknown), "an unknown place may be this one");
    assert_eq!(fixture.find_of_ada_in(PlaceRule::Exact, "19:a").await, None);
    assert_eq!(fixture.find_of_ada_in(PlaceRule::Exact, "19:b").await, Some(elsewhere));
    let fixture = Fixture::start();
    let elsewhere = fixture.open(activity_from("19:b", "elsewhere")).await.id.clone();
    assert_eq!(fixture.find_of_ada("19:a").await, Some(elsewhere));
    assert_eq!(fixture.find_of_ada_in(PlaceRule::Exact, "19:a").await, None);
    fixture.open(activity_of("29:ben", "elsewhere")).await;
    assert_eq!(fixture.find_of_ada("19:a").await, None, "a shared conversation is left out");
}

#[tokio::test]
async fn among_many_conversations_of_a_user_the_newest_64_are_looked_at() {
    let fixture = Fixture::start();
    let tick = Duration::from_secs(1);
    let oldest = fixture.open(activity_from("19:old", "0")).await.id.clone();
    let mut newest = oldest.clone();
    for number in 1..=64 {
        assert_eq!(fixture.find_of_ada_in(PlaceRule::Any, "19:old").await.as_ref(), Some(&oldest), "{number}");
        fixture.beneath.clock.advance(tick);
        newest = fixture.open(activity_from("19:a", &number.to_string())).await.id.clone();
    }
    assert_eq!(fixture.find_of_ada_in(PlaceRule::Any, "19:old").await.as_ref(), Some(&newest));
    assert_eq!(
        fixture.find_of_ada_in(PlaceRule::Exact, "19:old").await,
        Some(oldest),
        "more where only this place counts"
    );
    assert_eq!(fixture.find_of_ada("19:a").await, Some(newest));
}

#[tokio::test]
async fn a_conversation_whose_addressing_is_too_long_to_keep_is_not_found_until_a_shorter_one_comes() {
    let fixture = Fixture::start();
    let unaddressed = SkillConversationOpening { addressing: String::new(), ..activity_from("19:a", "p1") };
    let opened = fixture.open(unaddressed.clone()).await;
    assert!(!opened.has_addressing() && opened.account == Some(user("29:ada")));
    assert_eq!(fixture.find_of_ada("19:a").await, None, "the skill could not be addressed");
    let addressed = fixture.open(activity_from("19:a", "p1")).await;
    assert_eq!(addressed.addressing, activity("p1").addressing);
    fixture
        .open(SkillConversationOpening { parent_service_url: "https://other.example/".to_owned(), ..unaddressed })
        .await;
    let known = fixture.find(&opened.id).await.unwrap();
    assert_eq!(known.addressing, activity("p1").addressing, "what is kept stays");
    assert_eq!(fixture.find_of_ada("19:a").await, Some(known.id.clone()));
    let shared =
        fixture.open(SkillConversationOpening { addressing: String::new(), ..activity_of("29:ben", "p1") }).await;
    assert!(shared.is_shared, "a second user is noticed all the same");
}

#[tokio::test]
async fn a_conversation_ends_seven_days_after_its_last_use_and_its_next_activity_opens_another() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    for _ in 0..10 {
        fixture.beneath.clock.advance(DAY);
        assert_eq!(fixture.open(update("p1")).await.id, opened.id, "what the parent sends is a use");
        fixture.conversations.finish_writes(&opened.id).await;
    }
    fixture.restart();
    assert_eq!(fixture.open(activity("p1")).await.id, opened.id, "the name was written again with the conversation");
    for restarts in [false, true] {
        let id = fixture.open(activity("p1")).await.id.clone();
        fixture.conversations.finish_writes(&id).await;
        fixture.beneath.clock.advance(DAY * 7);
        if restarts {
            fixture.restart();
        }
        assert!(fixture.find(&id).await.is_none());
        let next = fixture.open(activity_of("29:ben", "p1")).await;
        assert!(next.id != id && !next.is_shared && next.account == Some(user("29:ben")), "{restarts}");
        fixture.beneath.clock.advance(DAY * 8);
    }
}

#[tokio::test]
async fn a_skill_that_keeps_calling_does_not_keep_its_conversation_alive() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    for day in 1..7 {
        fixture.beneath.clock.advance(DAY);
        if day == 3 {
            fixture.restart();
        }
        assert!(fixture.find(&opened.id).await.is_some(), "{day}");
        // The store writes in order, so whatever the search has begun to write is written when these are.
        for other in ["one", "two"] {
            fixture.open(activity(&format!("{other}{day}"))).await;
        }
    }
    fixture.beneath.clock.advance(DAY);
    assert!(fixture.find(&opened.id).await.is_none());
    assert_ne!(fixture.open(activity("p1")).await.id, opened.id);
}

#[tokio::test]
async fn a_crash_before_the_conversation_was_written_heals_with_the_next_activity() {
    let mut fixture = Fixture::start();
    fixture.store.puts_fail.store(true, Ordering::SeqCst);
    assert!(fixture.conversations.open(activity("p1")).await.is_err(), "the name is stored, the conversation is not");
    fixture.restart();
    fixture.store.set_failing(false);
    let opened = fixture.open(activity("p1")).await;
    fixture.restart();
    assert_eq!(fixture.open(activity("p1")).await.id, opened.id);
    assert!(fixture.find(&opened.id).await.is_some());
}

#[tokio::test]
async fn an_activity_that_cannot_be_noted_fails_and_the_next_one_is_noted() {
    let mut fixture = Fixture::start();
    let opened = fixture.open(activity("p1")).await;
    fixture.store.set_failing(true);
    assert!(fixture.conversations.open(activity_of("29:ben", "p1")).await.is_err());
    assert!(fixture.find(&opened.id).await.unwrap().is_shared, "no token is exchanged meanwhile");
    fixture.store.set_failing(false);
    fixture.open(activity("p1")).await;
    fixture.restart();
    assert!(fixture.find(&opened.id).await.unwrap().is_shared);
}

#[tokio::test]
async fn a_skill_is_given_activity_ids_in_one_conversation_for_seven_days() {
    let mut fixture = Fixture::start();
    let (here, there) = (fixture.open(activity("p1")).await, fixture.open(activity("p2")).await);
    fixture.conversations.note_activity(&here, "a1", GivenActivity::PassedOn).await.unwrap();
    fixture.restart();
    let find = async |conversation: &SkillConversation, id: &str| {
        fixture.conversations.find_activity(conversation, id).await.unwrap()
    };
    assert_eq!(find(&here, "a1").await, Some(GivenActivity::PassedOn));
    assert_eq!((find(&there, "a1").await, find(&here, "a2").await, find(&here, "").await), (None, None, None));
    fixture.beneath.clock.advance(DAY * 7);
    assert_eq!(find(&here, "a1").await, None);
}

#[tokio::test]
async fn a_card_is_claimed_by_one_caller_in_its_conversation_for_fifteen_minutes() {
    let mut fixture = Fixture::start();
    let (here, there) = (fixture.open(activity("p1")).await, fixture.open(activity("p2")).await);
    let mut firsts = 0;
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (conversations, here) = (fixture.conversations.clone(), here.clone());
            tokio::spawn(async move { conversations.claim_card(&here, "card").await.unwrap() })
        })
        .collect();
    for caller in callers {
        firsts += u32::from(caller.await.unwrap() == CardClaim::First);
    }
    assert_eq!(firsts, 1);
    fixture.restart();
    assert_eq!(fixture.conversations.claim_card(&here, "card").await.unwrap(), CardClaim::Attempted);
    assert_eq!(fixture.conversations.claim_card(&there, "card").await.unwrap(), CardClaim::First);
    fixture.conversations.note_swallowed(&here, "card", "drawn").await.unwrap();
    let swallowed = CardClaim::Swallowed("drawn".to_owned());
    assert_eq!(fixture.conversations.claim_card(&here, "card").await.unwrap(), swallowed);
    let given = fixture.conversations.find_activity(&here, "drawn").await.unwrap();
    assert_eq!(given, Some(GivenActivity::SwallowedCard));
    fixture.beneath.clock.advance(Duration::from_mins(15));
    assert_eq!(fixture.conversations.claim_card(&here, "card").await.unwrap(), CardClaim::First);
}

#[tokio::test]
async fn an_erasure_removes_the_conversations_of_a_persons_account_and_no_others() {
    let mut fixture = Fixture::start();
    let own = fixture.open(activity("p1")).await;
    fixture.conversations.note_activity(&own, "a1", GivenActivity::PassedOn).await.unwrap();
    let of_ben = fixture.open(activity_of("29:ben", "p2")).await;
    let skill = Skill {
        name: SkillName::new("weather"),
        app_id: "app-weather".to_owned(),
        tenant_id: "t".to_owned(),
        endpoint: "https://weather.example.com/api/messages".parse().unwrap(),
        connections: Vec::new(),
        exchange_uris: Vec::new(),
        parents: vec![BotName::new("assistant")],
    };
    let bot = Bot { name: BotName::new("assistant"), ..sample_bot() };
    let registrations = Arc::new(Registrations::new(vec![bot], Vec::new()).with_skills(vec![skill]));
    let ada = DataSubject { user: UserKey::entra("ada", "t"), accounts: vec![user("29:ada")] };
    let data = SkillConversationData::new(fixture.conversations.clone(), registrations);
    let exported = data.export(&ada).await.unwrap();
    let [conversation] = exported.as_slice() else { panic!("{exported:?}") };
    let member = |pointer| conversation.pointer(pointer).and_then(serde_json::Value::as_str);
    let members = ["/parentConversationId", "/subject", "/addressing/from"].map(member);
    assert_eq!(members, [Some("p1"), Some("29:ada"), Some("ada")]);
    assert_eq!(data.erase(&ada).await.unwrap(), 1);
    assert!(fixture.find(&own.id).await.is_none());
    assert_eq!(fixture.conversations.find_activity(&own, "a1").await.unwrap(), None);
    assert!(data.export(&ada).await.unwrap().is_empty());
    fixture.restart();
    assert!(fixture.find(&own.id).await.is_none() && fixture.find(&of_ben.id).await.is_some());
    assert_ne!(fixture.open(activity("p1")).await.id, own.id, "the skill knows the next conversation by another id");
}
