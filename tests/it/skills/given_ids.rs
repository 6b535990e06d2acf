//! How many activities of a conversation a skill may change (docs/skills.md §Limits).

use serde_json::{Value, json};

use super::fixture::{Fixture, PARENT, WEATHER};
use crate::harness::Behaviour;

impl Fixture {
    /// The status with which the skill's deletion of the activity `activity` is answered.
    async fn delete_given(&self, id: &str, activity: &str) -> u16 {
        self.as_skill("DELETE", &format!("{id}/activities/{activity}"), &Value::Null).await.status
    }
}

fn answers(range: std::ops::Range<usize>) -> Vec<Behaviour> {
    range.map(|number| Behaviour::answering(200, &json!({ "id": format!("given-{number}") }).to_string())).collect()
}

#[tokio::test]
async fn a_skill_may_change_the_thousand_newest_activities_of_a_conversation() {
    let mut fixture = Fixture::start().await;
    let id = fixture.open().await;
    let token = fixture.token(WEATHER, PARENT).await;
    let path = format!("/api/skills/weather/v3/conversations/{id}/activities");
    fixture.parent.behave_in_turn(answers(0..1001));
    for number in 0..1001 {
        let answer = fixture.call("POST", &path, &token, fixture.reply(&id).to_string().into_bytes()).await;
        assert_eq!(answer.json()["id"], format!("given-{number}"));
    }
    fixture.restart().await;
    assert_eq!(fixture.delete_given(&id, "given-0").await, 404, "the oldest one is forgotten");
    assert_eq!(fixture.delete_given(&id, "given-1").await, 200);
    assert_eq!(fixture.delete_given(&id, "given-1000").await, 200);
}

#[tokio::test]
async fn each_of_many_activities_at_once_may_be_changed() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.parent.behave_in_turn(answers(0..30));
    let reply = fixture.reply(&id);
    let sent = futures_util::future::join_all((0..30).map(|_| fixture.send(&id, &reply))).await;
    for answer in sent {
        let given = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(fixture.delete_given(&id, &given).await, 200, "{given}");
    }
}
