//! Copies of a card that arrive while the first one is being answered.

use futures_util::future::join_all;

use super::fixture::{Fixture, text_of};
use crate::harness::waiting::wait_until;
use crate::harness::{Behaviour, Gate};

#[tokio::test]
async fn copies_of_a_card_that_is_being_answered_wait_for_it_and_get_its_answer() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let card = fixture.card(&id, "card-1");
    let answers = join_all((0..6).map(|_| fixture.send(&id, &card))).await;
    let given: Vec<String> = answers.iter().map(text_of).collect();
    assert!(given.iter().all(|answer| *answer == given[0]), "{given:?}");
    assert!(fixture.parent.received().is_empty(), "the user sees no card");
    assert_eq!((fixture.invokes().len(), fixture.counted("swallowed").await), (1, 1));
}

#[tokio::test]
async fn a_copy_that_the_skill_sends_while_it_works_on_the_invoke_does_not_cost_it_the_token() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let gate = Gate::default();
    fixture.skill.behave(Behaviour::default().behind(&gate));
    let card = fixture.card(&id, "card-1");
    let (first, ()) = tokio::join!(fixture.send(&id, &card), async {
        wait_until("the invoke", async || fixture.invokes().len() == 1).await;
        // The skill answers the invoke only after its copy is answered.
        let copy = fixture.send(&id, &card).await;
        assert_eq!((copy.status, copy.json()["id"].as_str()), (200, Some("parents-1")), "the copy goes on");
        gate.open();
    });
    assert_eq!(first.status, 200);
    assert_ne!(first.json()["id"], "parents-1", "{}", text_of(&first));
    assert_eq!((fixture.invokes().len(), fixture.counted("swallowed").await), (1, 1));
}
