//! What survives, and how a process ends.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use tokio::time::sleep;

use super::setting::Setting;
use crate::harness::Behaviour;

#[tokio::test]
async fn a_kill_right_after_the_answer_loses_nothing_and_repeats_nothing() {
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

        let _service = setting.serve().await;
        assert_eq!(setting.get_token("Ada").await, 200);
        let duplicate = setting.harness.post(&activity).await;
        assert_eq!((duplicate.status, duplicate.json()), (200, answer.json()));
        sleep(Duration::from_millis(700)).await;
        let told = setting.harness.bot.received().len();
        // Killed in between, the bot is told by the duplicate, or not at all; never twice.
        assert!(told == 1 || (told == 0 && !bot_was_told), "{told}");
        assert_eq!(setting.harness.exchanges(), 1);
    }
}

#[tokio::test]
async fn what_is_under_way_is_finished_when_the_process_is_told_to_stop() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    let activity = setting.activity("Ada", "x").await;
    let stage = setting.harness.stage.clone();
    stage.faults().add(FaultRule::new(Fault::Slow { millis: 1500 }));
    let stopping = async {
        while stage.calls().count(GrantKind::OnBehalfOf) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        service.signal("TERM");
        service.wait_for_line("draining").await;
        service.exit_code().await
    };
    let (answer, code) = tokio::join!(setting.harness.post(&activity), stopping);
    assert_eq!(answer.status, 200, "{}", answer.detail());
    assert_eq!(code, Some(0));
    // The bot is told after the answer, and that is under way, too.
    assert_eq!(setting.harness.bot_received(1).await[0].json()["name"], "tokens/response");

    let _service = setting.serve().await;
    assert_eq!(setting.get_token("Ada").await, 200);
}

#[tokio::test]
async fn a_bot_that_is_busy_when_the_process_is_told_to_stop_is_still_told() {
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
    let begun = tokio::time::Instant::now();
    service.signal("INT");
    assert_eq!(service.exit_code().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(service.lines().iter().any(|line| line.contains("stopped")), "{:#?}", service.lines());
}
