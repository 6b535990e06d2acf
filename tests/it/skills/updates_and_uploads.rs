//! Cards in updates of activities, and attachments that skills upload (docs/skills.md §Limits).

use serde_json::{Value, json};

use super::fixture::{Fixture, MAIL_URI, PARENT, WEATHER, WEATHER_URI, oauth_card, text_of};
use crate::harness::{Answer, logs};

impl Fixture {
    /// A conversation of Ada, who is signed in at the parent, in which the skill was given the activity `parents-1`.
    async fn with_given_activity() -> (Self, String) {
        let fixture = Self::start().await;
        fixture.sign_in().await;
        let id = fixture.open().await;
        assert_eq!(fixture.send(&id, &fixture.reply(&id)).await.json()["id"], "parents-1");
        (fixture, id)
    }

    /// The update of the given activity with a card that asks for `uri`.
    async fn update_with_card(&self, id: &str, uri: &str, recipient: &str) -> Answer {
        let mut card = self.reply(id);
        card["id"] = "parents-1".into();
        card["recipient"]["id"] = recipient.into();
        card["attachments"] = json!([oauth_card("card-1", uri)]);
        self.as_skill("PUT", &format!("{id}/activities/parents-1"), &card).await
    }

    async fn upload(&self, id: &str, bytes: usize) -> Answer {
        let attachment = json!({ "type": "image/png", "name": "map", "originalBase64": "A".repeat(bytes) });
        self.as_skill("POST", &format!("{id}/attachments"), &attachment).await
    }
}

#[tokio::test]
async fn a_card_in_an_update_is_looked_at_and_goes_on_without_an_exchange() {
    let (fixture, id) = Fixture::with_given_activity().await;
    for (uri, recipient, oversteps, reason) in [
        (WEATHER_URI, "29:ada", &[][..], "not_answerable"),
        (MAIL_URI, "29:ada", &["uri"], "uri_not_listed"),
        (WEATHER_URI, "29:ben", &["user"], "not_answerable"),
    ] {
        let (logged, before) = (logs::length(), fixture.parent.received().len());
        let answer = fixture.update_with_card(&id, uri, recipient).await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some("parents-1")), "{uri} {recipient}");
        let received = fixture.parent.received();
        assert_eq!(received.len(), before + 1, "{uri} {recipient}");
        assert!(received[before].path.ends_with("/activities/parents-1"), "{uri} {recipient}");
        assert_eq!(received[before].json()["attachments"], json!([oauth_card("card-1", uri)]));
        assert_eq!(fixture.oversteps(logged), oversteps, "{uri} {recipient}");
        assert_eq!(fixture.card_reasons(logged), [reason], "{uri} {recipient}");
    }
    assert!(fixture.invokes().is_empty(), "nothing is exchanged");
}

#[tokio::test]
async fn cards_in_updates_count_towards_the_limit_of_the_conversation() {
    let (fixture, id) = Fixture::with_given_activity().await;
    let updates = futures_util::future::join_all((0..40).map(|_| fixture.update_with_card(&id, WEATHER_URI, "29:ada")));
    let answers = updates.await;
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((10..=20).contains(&limited.len()), "{}", limited.len());
    assert!(limited.iter().all(|answer| answer.header("retry-after").is_some()));
    let sent = fixture.parent.received().len();
    assert_eq!(sent, 1 + answers.len() - limited.len(), "what is refused is not passed on");
    assert_eq!(fixture.send(&id, &fixture.card(&id, "card-2")).await.status, 429, "a POST has the same limit");
}

#[tokio::test]
async fn an_attachment_may_be_larger_than_an_activity() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    for kibibytes in [600, 4000] {
        let answer = fixture.upload(&id, kibibytes * 1024).await;
        assert_eq!(answer.status, 200, "{kibibytes} KiB: {}", text_of(&answer));
        let received = fixture.parent.received();
        let last = received.last().unwrap();
        assert!(last.path.ends_with("/attachments") && last.body.len() > kibibytes * 1024, "{kibibytes} KiB");
    }
    let before = fixture.parent.received().len();
    assert_eq!(fixture.upload(&id, 4200 * 1024).await.status, 413);
    let mut large = fixture.reply(&id);
    large["text"] = "x".repeat(600 * 1024).into();
    assert_eq!(fixture.send(&id, &large).await.status, 413, "an activity has the limit of all activities");
    let path = format!("/api/skills/weather/v3/conversations/{id}/attachments");
    let parents = fixture.token(PARENT, WEATHER).await;
    let refused = fixture.call("POST", &path, &parents, vec![b'x'; 600 * 1024]).await;
    assert!(matches!(refused.status, 401 | 403), "{}", refused.status);
    let unknown = fixture.upload("0123456789abcdef0123456789abcdef", 600 * 1024).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(fixture.parent.received().len(), before);
    assert_eq!(fixture.as_skill("GET", &format!("{id}/members"), &Value::Null).await.status, 200);
}
