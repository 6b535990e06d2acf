#![allow(clippy::indexing_slicing, clippy::unwrap_used)]
use super::blocks::TEST_INTERVAL;
use super::*;
use crate::domain::OffsetClock;
use crate::records::testing::throwaway_replicas;

fn board() -> (Arc<OffsetClock>, ThrottleBoard) {
    let clock = Arc::new(OffsetClock::default());
    (clock.clone(), ThrottleBoard::for_single_command(clock))
}

fn key<'a>(user: &'a str, tenant: &'a str) -> ThrottleKey<'a> {
    ThrottleKey { client: "client", tenant, user }
}

const MINUTE: Option<Duration> = Some(Duration::from_mins(1));

#[test]
fn throttled_user_is_blocked_until_retry_after() {
    let (clock, board) = board();
    for _ in 0..10 {
        board.record(&key("a", "t"), MINUTE, BlockCause::UserThrottled);
    }
    assert!(board.remaining_block(&key("a", "t")).is_some_and(|block| block.wait > Duration::from_secs(55)));
    assert_eq!(board.remaining_block(&key("b", "t")), None);
    assert_eq!(board.remaining_block(&key("a", "other")), None);
    clock.advance(Duration::from_secs(61));
    assert_eq!(board.remaining_block(&key("a", "t")), None);
}

#[test]
fn many_throttled_users_do_not_block_another_one() {
    let (_, board) = board();
    for number in 0..100 {
        for cause in [BlockCause::UserThrottled, BlockCause::Fault] {
            board.record(&key(&number.to_string(), "t"), MINUTE, cause);
        }
    }
    assert_eq!(board.remaining_block(&key("z", "t")), None);
    assert!(board.remaining_block(&key("7", "t")).is_some());
}

#[test]
fn tenant_wide_throttling_blocks_the_tenant_at_once() {
    let (_, board) = board();
    board.record(&key("a", "t"), MINUTE, BlockCause::TenantThrottled);
    assert!(board.remaining_block(&key("z", "t")).is_some());
}

#[test]
fn missing_retry_after_uses_the_default_block_and_a_huge_one_is_capped() {
    let (_, board) = board();
    board.record(&key("a", "t"), None, BlockCause::UserThrottled);
    assert!(board.remaining_block(&key("a", "t")).is_some_and(|block| block.wait <= DEFAULT_BLOCK));
    board.record(&key("b", "t"), Some(Duration::MAX), BlockCause::UserThrottled);
    assert!(board.remaining_block(&key("b", "t")).is_some_and(|block| block.wait <= MAX_BLOCK));
}

const HOUR: Option<Duration> = Some(Duration::from_hours(1));

#[test]
fn a_fault_blocks_its_user_for_a_minute_at_most() {
    let (clock, board) = board();
    assert_eq!(board.record(&key("a", "t"), HOUR, BlockCause::Fault), MAX_FAULT_BLOCK);
    assert_eq!(board.remaining_block(&key("a", "t")).map(|block| block.cause), Some(BlockCause::Fault));
    assert_eq!(board.remaining_block(&key("b", "t")), None);
    clock.advance(Duration::from_secs(61));
    assert_eq!(board.remaining_block(&key("a", "t")), None);
}

#[test]
fn one_request_at_a_time_tests_the_block_of_a_tenant_and_its_success_ends_the_block() {
    let (clock, board) = board();
    assert_eq!(board.record(&key("a", "t"), HOUR, BlockCause::TenantThrottled), MAX_BLOCK);
    board.record_success(&key("b", "t"));
    assert!(board.remaining_block(&key("z", "t")).is_some(), "this request was sent before the block began");
    clock.advance(TEST_INTERVAL + Duration::from_secs(1));
    assert_eq!(board.remaining_block(&key("z", "t")), None, "the test");
    assert!(board.remaining_block(&key("y", "t")).is_some(), "one test at a time");
    board.record(&key("z", "t"), MINUTE, BlockCause::TenantThrottled);
    assert!(board.remaining_block(&key("y", "t")).is_some_and(|block| block.wait > Duration::from_mins(30)));
    clock.advance(TEST_INTERVAL + Duration::from_secs(1));
    assert_eq!(board.remaining_block(&key("a", "t")), None, "the next test");
    board.record_success(&key("a", "t"));
    assert_eq!(board.remaining_block(&key("y", "t")), None);
}

proptest::proptest! {
    #[test]
    fn board_that_says_that_nothing_is_blocked_finds_no_block(
        steps in proptest::collection::vec((0_u8..4, 0_u64..200), 1..30),
    ) {
        let (clock, board) = board();
        for (step, seconds) in steps {
            let wait = Some(Duration::from_secs(seconds));
            match step {
                0 => drop(board.record(&key("a", "t"), wait, BlockCause::UserThrottled)),
                1 => drop(board.record(&key("a", "t"), wait, BlockCause::TenantThrottled)),
                2 => board.record_success(&key("a", "t")),
                _ => clock.advance(Duration::from_secs(seconds)),
            }
            if !board.blocks.hold_any() {
                assert_eq!(board.blocks.remaining(&board.user_name(&key("a", "t"))), None);
                assert_eq!(board.blocks.remaining_of_tenant(&board.tenant_name(&key("a", "t"))), None);
            }
        }
    }
}

/// Waits until a board knows what another replica has told. It is told in the background.
async fn wait_until(mut is_known: impl FnMut() -> bool) {
    while !is_known() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_issuer_answers_one_replica_holds_the_others_back() {
    let beneath = throwaway_replicas(2).await;
    let [a, b] = [0, 1].map(|at| ThrottleBoard::new(beneath.shared_clock.clone(), &beneath.replicas[at]));
    assert_eq!(b.remaining_block(&key("a", "t")), None);
    a.record(&key("a", "t"), MINUTE, BlockCause::UserThrottled);
    assert!(a.remaining_block(&key("a", "t")).is_some(), "the replica itself knows at once");
    wait_until(|| b.remaining_block(&key("a", "t")).is_some()).await;
    let block = b.remaining_block(&key("a", "t")).unwrap();
    assert!(block.cause == BlockCause::UserThrottled && block.wait > Duration::from_secs(50), "{block:?}");
    assert_eq!((b.remaining_block(&key("b", "t")), b.remaining_block(&key("a", "other"))), (None, None));
    beneath.clock.advance(Duration::from_mins(1));
    assert_eq!(b.remaining_block(&key("a", "t")), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_block_of_a_tenant_holds_every_replica_back_until_one_has_tested_it() {
    let beneath = throwaway_replicas(2).await;
    let [a, b] = [0, 1].map(|at| ThrottleBoard::new(beneath.shared_clock.clone(), &beneath.replicas[at]));
    a.record(&key("a", "t"), HOUR, BlockCause::TenantThrottled);
    wait_until(|| b.remaining_block(&key("z", "t")).is_some()).await;
    beneath.clock.advance(TEST_INTERVAL + Duration::from_secs(1));
    assert_eq!(b.remaining_block(&key("z", "t")), None, "the test");
    assert!(b.remaining_block(&key("y", "t")).is_some());
    b.record_success(&key("z", "t"));
    assert_eq!(b.remaining_block(&key("y", "t")), None);
    let a_is_free = || a.blocks.remaining_of_tenant(&a.tenant_name(&key("a", "t"))).is_none();
    // The first request at the other replica would be its own test.
    assert!(a_is_free());
    wait_until(a_is_free).await;
}
