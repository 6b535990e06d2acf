#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::dev::SkillEntry;
use crate::dev::test_client::{Fixture, GRAPH_SCOPE, OBO_GRANT_TYPE, Reply, decode_claims};

/// Exchanges `assertion` on behalf of its user.
async fn exchange(fixture: &Fixture, client: [&str; 2], assertion: &str, scope: &str) -> Reply {
    let [client_id, secret] = client;
    let fields = [
        ("grant_type", OBO_GRANT_TYPE),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", client_id),
        ("client_secret", secret),
        ("assertion", assertion),
        ("scope", scope),
    ];
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
}

/// Exchanges the client's token of `user` for one of the assistant's own API, and that for one of the skill's.
async fn exchange_for(fixture: &Fixture, user: &str, skill: &SkillEntry) -> Reply {
    let directory = fixture.stage.directory();
    let assistant = directory.find_bot("assistant").unwrap();
    let connection = directory.connections.iter().find(|entry| entry.bot == "assistant").unwrap();
    let client = [assistant.app_id, assistant.app_secret];
    let sent = fixture.get_exchangeable_token(user, connection.name).await;
    let kept = exchange(fixture, client, &sent, connection.scopes[0]).await;
    let kept = kept.text_member("access_token");
    assert_eq!(decode_claims(kept)["aud"], assistant.app_id, "it can be exchanged again");
    exchange(fixture, client, kept, &skill.connection.token_exchange_uri).await
}

#[tokio::test]
async fn the_assistants_token_becomes_a_skills_token_and_that_one_for_the_resource() {
    let fixture = Fixture::start().await;
    let skill = fixture.stage.directory().find_skill("weather").unwrap();
    let of_skill = exchange_for(&fixture, "ada", skill).await;
    assert_eq!(of_skill.status, 200, "{}", of_skill.text);
    let of_skill = of_skill.text_member("access_token");
    let claims = decode_claims(of_skill);
    assert_eq!(
        (claims["aud"].as_str(), claims["scp"].as_str()),
        (Some(skill.connection.client_id), Some("access_as_user"))
    );
    let client = [skill.connection.client_id, skill.connection.client_secret];
    let of_resource = exchange(&fixture, client, of_skill, GRAPH_SCOPE).await;
    let me = format!("{}/graph/v1.0/me", fixture.stage.http_base());
    let me = fixture.get_as(&me, of_resource.text_member("access_token")).await;
    assert_eq!(me.text_member("displayName"), "Ada Lovelace");
}

#[tokio::test]
async fn a_skill_that_needs_consent_gets_a_users_token_only_after_the_user_has_consented() {
    let fixture = Fixture::start().await;
    let skill = fixture.stage.directory().find_skill("calendar").unwrap();
    let refused = exchange_for(&fixture, "ada", skill).await;
    assert_eq!((refused.status, refused.aadsts_number()), (400, 65_001), "{}", refused.text);
    fixture.stage.consent("ada", skill.connection.client_id).unwrap();
    assert_eq!(exchange_for(&fixture, "ada", skill).await.status, 200);
    assert_eq!(exchange_for(&fixture, "ben", skill).await.aadsts_number(), 65_001, "each user for themself");
}
