//! Which writes survive the end of a process, and how a process ends.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};

use super::setting::Setting;
use crate::harness::Behaviour;
use crate::harness::waiting::wait_until;

/// A stopping process waits 20 seconds for requests under way.
const LESS_THAN_DRAINING: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_kill_right_after_the_answer_loses_no_token_and_repeats_no_event() {
    for bot_was_told in [true, false] {
        let mut setting = Setting::new().await;
        let service = setting.serve().await;
        let activity = setting.activity("Ada", "x").await;
        let answer = setting.harness.post(&activity).await;
        assert_eq!(answer.status, 200, "{}", answer.detail());
        if bot_was_told {
            setting.harness.bot_received(1).await;
        }
        service.kill();

        let service = setting.serve().await;
        assert_eq!(setting.get_token("Ada").await, 200);
        let duplicate = setting.harness.post(&activity).await;
        assert_eq!((duplicate.status, duplicate.json()), (200, answer.json()));
        // The process does not end before it has sent the bot its event.
        service.stop().await;
        let told = setting.harness.bot.received().len();
        // After a kill in between, the duplicate causes the bot's event, or the bot gets none. The bot never gets two.
        assert!(told == 1 || (told == 0 && !bot_was_told), "{told}");
        assert_eq!(setting.harness.exchanges(), 1);
    }
}

#[tokio::test]
async fn a_stopping_process_finishes_the_requests_under_way() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    let activity = setting.activity("Ada", "x").await;
    let stage = setting.harness.stage.clone();
    stage.faults().add(FaultRule::new(Fault::Slow { millis: 1500 }));
    let stopping = async {
        wait_until("the exchange", async || stage.calls().count(GrantKind::OnBehalfOf) > 0).await;
        service.signal("TERM");
        service.wait_for_line("draining").await;
        service.exit_code().await
    };
    let (answer, code) = tokio::join!(setting.harness.post(&activity), stopping);
    assert_eq!(answer.status, 200, "{}", answer.detail());
    assert_eq!(code, Some(0));
    // The event for the bot follows the answer, and the process waits for it, too.
    assert_eq!(setting.harness.bot_received(1).await[0].json()["name"], "tokens/response");

    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
}

#[tokio::test]
async fn a_stopping_process_still_notifies_a_bot_that_was_busy() {
    let mut setting = Setting::new().await;
    let service = setting.serve().await;
    let bot = &setting.harness.bot;
    bot.behave_in_turn(vec![Behaviour::answering(503, ""), Behaviour::answering(200, "")]);
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    setting.harness.bot_received(1).await;
    service.stop().await;
    assert_eq!(setting.harness.bot.received().len(), 2);
}

#[tokio::test]
async fn ctrl_c_ends_an_idle_process_at_once() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    service.signal("INT");
    assert_eq!(service.exit_code_within(LESS_THAN_DRAINING).await, Some(0));
    assert!(service.lines().iter().any(|line| line.contains("stopped")), "{:#?}", service.lines());
}
