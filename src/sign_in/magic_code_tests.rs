#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{CodeGrant, MagicCodes, RightCode};
use crate::domain::{
    Account, BotName, ChannelId, Clock, ConnectionName, ConnectionRevision, Entropy, Secret, SecurityContext,
    SystemEntropy, TokenSlot, UserKey, UserToken,
};
use crate::records::testing::{ThrowawayRecords, throwaway_records};
use crate::vault::Epoch;

const REVISION: ConnectionRevision = ConnectionRevision([9; 16]);

struct Fixture {
    codes: Arc<MagicCodes>,
    store: ThrowawayRecords,
}

fn set_up() -> Fixture {
    let store = throwaway_records();
    Fixture { codes: codes_in(&store), store }
}

fn codes_in(store: &ThrowawayRecords) -> Arc<MagicCodes> {
    Arc::new(MagicCodes::new(&store.records))
}

fn slot(user: &str, connection: &str) -> TokenSlot {
    let account = Account::of_channel(&BotName::new("helper"), ChannelId::new("webchat"), user);
    TokenSlot { account, connection: ConnectionName::new(connection) }
}

/// The `number`th code after `code`, which is a wrong one.
fn other_than(code: &Secret, number: u32) -> String {
    format!("{:06}", (code.expose().parse::<u32>().unwrap() + number) % 1_000_000)
}

impl Fixture {
    async fn issue(&self, slot: &TokenSlot, text: &str) -> Secret {
        let now = self.store.clock.now();
        let token = UserToken {
            access_token: Secret::from(text),
            expires_at: now.plus(Duration::from_hours(1)),
            user: UserKey::entra("0a", "7e"),
            security_context: SecurityContext([1; 16]),
            granted_scope: None,
            obtained_at: now,
            signed_in_at: now,
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        let grant =
            CodeGrant { card_id: "card".to_owned(), revision: REVISION, token, epoch: Epoch::from_bytes([7; 8]) };
        let code = self.codes.derive_code(&Secret::new(SystemEntropy.uuid()), &Secret::from(text));
        self.codes.issue(slot, &grant, &code).await.unwrap();
        code
    }

    async fn redeem(&self, slot: &TokenSlot, code: &str) -> Option<String> {
        redeem(&self.codes, slot, code).await
    }
}

async fn redeem(codes: &MagicCodes, slot: &TokenSlot, code: &str) -> Option<String> {
    let RightCode { grant, record } = codes.check(slot, &slot.account, code).await.unwrap()?;
    if !codes.end_one(record).await.unwrap() {
        return None;
    }
    assert_eq!((grant.revision, grant.card_id.as_str(), grant.epoch), (REVISION, "card", Epoch::from_bytes([7; 8])));
    Some(grant.token.access_token.expose().to_owned())
}

#[tokio::test]
async fn a_code_has_six_digits_and_is_valid_once() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let code = fixture.issue(&slot, "t").await;
    assert_eq!(code.expose().len(), 6);
    assert!(code.expose().bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(fixture.redeem(&slot, code.expose()).await.as_deref(), Some("t"));
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None);
}

#[tokio::test]
async fn a_restored_code_is_valid_for_two_minutes_unless_a_newer_one_exists() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let code = fixture.issue(&slot, "t").await;
    let taken = async || fixture.codes.check(&slot, &slot.account, code.expose()).await.unwrap().unwrap().record;
    let record = taken().await;
    assert!(fixture.codes.end_one(record.clone()).await.unwrap());
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None);
    fixture.codes.restore(record.clone()).await.unwrap();
    assert_eq!(fixture.redeem(&slot, code.expose()).await.as_deref(), Some("t"));
    fixture.codes.restore(record.clone()).await.unwrap();
    fixture.store.clock.advance(Duration::from_mins(2));
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None);
    let newer = fixture.issue(&slot, "newer").await;
    fixture.codes.restore(record).await.unwrap();
    assert_eq!(fixture.redeem(&slot, newer.expose()).await.as_deref(), Some("newer"));
}

#[tokio::test]
async fn a_code_survives_a_restart() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let code = fixture.issue(&slot, "t").await;
    assert_eq!(redeem(&codes_in(&fixture.store), &slot, code.expose()).await.as_deref(), Some("t"));
}

#[tokio::test]
async fn wrong_codes_and_the_wrong_connection_end_no_code() {
    let fixture = set_up();
    let (graph, files) = (slot("alice", "graph"), slot("alice", "files"));
    let code = fixture.issue(&graph, "g").await;
    for connection in 0..20 {
        assert_eq!(fixture.redeem(&slot("alice", &connection.to_string()), code.expose()).await, None);
    }
    let of_files = fixture.issue(&files, "f").await;
    for text in ["", "12345", "1234567", "12345x", "１２３４５６", "hello", &"9".repeat(100_000)] {
        assert_eq!(fixture.redeem(&graph, text).await, None);
    }
    assert_eq!(fixture.redeem(&graph, &other_than(&code, 1)).await, None);
    assert_eq!(fixture.redeem(&slot("bob", "graph"), code.expose()).await, None);
    assert_eq!(fixture.redeem(&graph, code.expose()).await.as_deref(), Some("g"));
    assert_eq!(fixture.redeem(&files, of_files.expose()).await.as_deref(), Some("f"));
}

#[tokio::test]
async fn a_new_code_replaces_the_slots_last_one() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let old = fixture.issue(&slot, "old").await;
    let mut new = fixture.issue(&slot, "new").await;
    while new.expose() == old.expose() {
        new = fixture.issue(&slot, "new").await;
    }
    assert_eq!(fixture.redeem(&slot, old.expose()).await, None);
    assert_eq!(fixture.redeem(&slot, new.expose()).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let code = fixture.issue(&slot, "t").await;
    fixture.store.clock.advance(Duration::from_mins(10));
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None);
    let code = fixture.issue(&slot, "t").await;
    fixture.store.clock.advance(Duration::from_secs(9 * 60 + 50));
    assert_eq!(fixture.redeem(&slot, code.expose()).await.as_deref(), Some("t"));
}

#[tokio::test]
async fn after_five_wrong_codes_the_account_waits_ten_minutes() {
    let fixture = set_up();
    let (graph, files) = (slot("alice", "graph"), slot("alice", "files"));
    let code = fixture.issue(&graph, "t").await;
    let of_files = fixture.issue(&files, "f").await;
    for wrong in 1..=5 {
        fixture.store.clock.advance(Duration::from_secs(30));
        let slot = if wrong == 1 { &files } else { &graph };
        let right = if wrong == 1 { &of_files } else { &code };
        assert_eq!(fixture.redeem(slot, &other_than(right, wrong)).await, None);
    }
    assert_eq!(fixture.redeem(&graph, code.expose()).await, None, "even the right one");
    assert_eq!(fixture.redeem(&files, of_files.expose()).await, None, "on any connection");
    let bobs = fixture.issue(&slot("bob", "graph"), "b").await;
    assert_eq!(fixture.redeem(&slot("bob", "graph"), bobs.expose()).await.as_deref(), Some("b"), "others go on");

    // A new code does not reset the count. Each wrong code leaves the count after ten minutes.
    let code = fixture.issue(&graph, "again").await;
    assert_eq!(fixture.redeem(&graph, code.expose()).await, None);
    fixture.store.clock.advance(Duration::from_mins(8));
    let code = fixture.issue(&graph, "again").await;
    assert_eq!(fixture.redeem(&graph, &other_than(&code, 1)).await, None);
    assert_eq!(fixture.redeem(&graph, code.expose()).await, None);
    fixture.store.clock.advance(Duration::from_secs(30));
    assert_eq!(fixture.redeem(&graph, code.expose()).await.as_deref(), Some("again"));
}

#[tokio::test]
async fn right_codes_neither_use_up_tries_nor_reset_their_count() {
    let fixture = set_up();
    let (graph, files) = (slot("alice", "graph"), slot("alice", "files"));
    let target = fixture.issue(&graph, "target").await;
    for wrong in 1..=4 {
        assert_eq!(fixture.redeem(&graph, &other_than(&target, wrong)).await, None);
        let own = fixture.issue(&files, "own").await;
        assert_eq!(fixture.redeem(&files, own.expose()).await.as_deref(), Some("own"));
    }
    assert_eq!(fixture.redeem(&graph, &other_than(&target, 5)).await, None);
    assert_eq!(fixture.redeem(&graph, target.expose()).await, None, "four own successes have not reset the count");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_callers_share_the_five_tries() {
    for _ in 0..5 {
        let fixture = set_up();
        let slot = slot("alice", "graph");
        let code = fixture.issue(&slot, "t").await;
        let guesses: Vec<_> = (1..=40)
            .map(|number| {
                let (codes, slot, guess) = (fixture.codes.clone(), slot.clone(), other_than(&code, number));
                tokio::spawn(async move { redeem(&codes, &slot, &guess).await })
            })
            .collect();
        for guess in guesses {
            assert_eq!(guess.await.unwrap(), None);
        }
        assert_eq!(fixture.redeem(&slot, code.expose()).await, None, "the five tries are used up");
        assert!(fixture.codes.tries().count(&slot.account).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_parallel_callers_with_the_right_code_gets_the_token() {
    for _ in 0..5 {
        let fixture = set_up();
        let slot = slot("alice", "graph");
        let code = fixture.issue(&slot, "t").await;
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (codes, slot, code) = (fixture.codes.clone(), slot.clone(), code.clone());
                tokio::spawn(async move { redeem(&codes, &slot, code.expose()).await })
            })
            .collect();
        let mut winners = 0;
        for caller in callers {
            winners += u32::from(caller.await.unwrap().is_some());
        }
        assert_eq!(winners, 1);
    }
}

#[test]
fn codes_are_numbers_of_six_digits_and_all_of_them_occur_equally_often() {
    let fixture = set_up();
    let chosen: Vec<u32> = (0..9000)
        .map(|number| {
            let code = fixture.codes.derive_code(&Secret::from("browser"), &Secret::new(format!("{number}")));
            assert_eq!(code.expose().len(), 6);
            code.expose().parse().unwrap()
        })
        .collect();
    assert!(chosen.iter().all(|code| (100_000..=999_999).contains(code)), "no code begins with a zero");
    assert!(chosen.iter().collect::<HashSet<_>>().len() > 8900, "collisions as expected of 900 000");
    for first in 1..=9 {
        let count = chosen.iter().filter(|code| *code / 100_000 == first).count();
        assert!((850..1150).contains(&count), "{first}: {count}");
    }
}

#[test]
fn a_number_that_would_make_small_codes_likelier_is_passed_over() {
    let with = |numbers: [u32; 2]| {
        super::magic_code::choose_code(|round| {
            let mut bytes = [0xff; 32];
            if round > 0 {
                bytes[..4].copy_from_slice(&numbers[0].to_be_bytes());
                bytes[4..8].copy_from_slice(&numbers[1].to_be_bytes());
            }
            bytes
        })
    };
    assert_eq!(with([0, 1]).expose(), "100000");
    assert_eq!(with([899_999, 1]).expose(), "999999");
    assert_eq!(with([u32::MAX, 900_001]).expose(), "100001");
}

#[test]
fn a_browser_is_shown_the_same_code_again_and_another_browser_or_step_another_one() {
    let fixture = set_up();
    let (own, other, step) = (Secret::from("own"), Secret::from("other"), Secret::from("step"));
    let code = fixture.codes.derive_code(&own, &step);
    assert_eq!(codes_in(&fixture.store).derive_code(&own, &step).expose(), code.expose(), "also after a restart");
    assert_ne!(fixture.codes.derive_code(&other, &step).expose(), code.expose());
    assert_ne!(fixture.codes.derive_code(&own, &Secret::from("another step")).expose(), code.expose());
}

#[tokio::test]
async fn wrong_codes_of_a_clock_that_was_far_ahead_cost_no_tries_once_the_clock_is_right() {
    let fixture = set_up();
    let slot = slot("alice", "graph");
    let ahead = Duration::from_hours(24);
    fixture.store.clock.advance(ahead);
    let code = fixture.issue(&slot, "t").await;
    for number in 1..=5 {
        assert_eq!(fixture.redeem(&slot, &other_than(&code, number)).await, None);
    }
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None, "no try is left");
    fixture.store.clock.set_back(Duration::from_secs(30));
    assert_eq!(fixture.redeem(&slot, code.expose()).await, None, "a small correction gives no try back");
    fixture.store.clock.set_back(ahead);
    let code = fixture.issue(&slot, "again").await;
    assert_eq!(fixture.redeem(&slot, code.expose()).await.as_deref(), Some("again"));
}
