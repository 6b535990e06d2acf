//! A skill that hangs up while its card is being answered.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::fixture::{Fixture, PARENT, WEATHER, text_of};
use crate::harness::waiting::wait_until;
use crate::harness::{Behaviour, Gate, logs};

#[tokio::test]
async fn a_card_is_answered_to_its_end_although_the_skill_hangs_up() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let gate = Gate::default();
    fixture.skill.behave(Behaviour::default().behind(&gate));
    let card = fixture.card(&id, "card-1").to_string();
    let address = fixture.harness.base.trim_start_matches("http://");
    let head = format!(
        "POST /api/skills/weather/v3/conversations/{id}/activities HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        fixture.token(WEATHER, PARENT).await,
        card.len()
    );
    let logged = logs::length();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(&[head.as_bytes(), card.as_bytes()].concat()).await.unwrap();
    wait_until("the invoke", async || fixture.invokes().len() == 1).await;
    connection.set_zero_linger().unwrap();
    drop(connection);
    gate.open();
    let answered = "a skill's card was answered with the user's sign-in";
    wait_until("the card", async || fixture.lines(logged, answered).len() == 1).await;
    // The skill sends the card again, and gets an id of bot-sso and not one of the parent: the card still ends here.
    wait_until("the repeated card", async || {
        let answer = fixture.send(&id, &fixture.card(&id, "card-1")).await;
        assert_eq!(answer.status, 200, "{}", text_of(&answer));
        answer.json()["id"] != "parents-1"
    })
    .await;
    assert_eq!(fixture.invokes().len(), 1);
}
