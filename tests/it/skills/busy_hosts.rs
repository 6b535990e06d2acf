//! Skills whose host has all of its connections in use: what a turn of a skill waits for is counted apart.

use std::time::Duration;

use bot_sso::bot_connector::{BotCall, BotClient, ForwardedRequest, ParentRequest, SkillCall, SkillClient};
use bot_sso::domain::{
    Bot, BotMessage, BotName, ContinuationMode, ExchangeObservation, IdentityBinding, RefusalStyle, Skill,
    SkillMessage, SkillName, VerifiedUserIds,
};
use bot_sso::outbound::{Outbound, OutboundSettings};
use bytes::Bytes;
use tokio::time::Instant;

use super::fixture::{CONTOSO, WEATHER};
use crate::harness::waiting::PATIENCE;
use crate::harness::{Behaviour, Gate, RecorderBot};

/// An HTTP client that has one connection to a host at a time.
fn narrow_client() -> Outbound {
    let settings = OutboundSettings {
        connect_timeout: Duration::from_secs(10),
        plain_http_hosts: vec!["127.0.0.1".into()],
        private_hosts: vec!["127.0.0.1".into()],
        max_connections_per_host: 1,
        ..OutboundSettings::default()
    };
    Outbound::new(&settings).unwrap()
}

fn request() -> ForwardedRequest {
    ForwardedRequest::new(std::iter::empty(), Bytes::from_static(b"{}"))
}

fn call(message: SkillMessage) -> SkillCall<'static> {
    SkillCall { correlation_id: "busy", message, deadline: Instant::now() + PATIENCE }
}

#[tokio::test]
async fn a_skill_gets_its_token_and_reaches_its_parent_while_turns_use_all_connections_to_their_common_host() {
    let host = RecorderBot::start().await;
    let gate = Gate::default();
    host.behave_in_turn(vec![
        Behaviour::default().behind(&gate),
        Behaviour::default().behind(&gate),
        Behaviour::default(),
    ]);
    let skill = Skill {
        name: SkillName::new("weather"),
        app_id: WEATHER.to_owned(),
        tenant_id: CONTOSO.to_owned(),
        endpoint: host.endpoint().parse().unwrap(),
        connections: Vec::new(),
        exchange_uris: Vec::new(),
        parents: Vec::new(),
    };
    let outbound = narrow_client();
    // The parent's turn is open, as `BotClient` sends it, and in it the skill's.
    let parents_turn = {
        let (outbound, url) = (outbound.clone(), skill.endpoint.clone());
        tokio::spawn(async move {
            outbound.post_json(&url, &[], Bytes::from_static(b"{}"), Instant::now() + PATIENCE).await
        })
    };
    host.wait_for(1).await;
    let client = SkillClient::new(&outbound, ExchangeObservation::default());
    let skills_turn = {
        let (client, skill) = (client.clone(), skill.clone());
        tokio::spawn(async move { client.post_to_skill(&skill, request(), call(SkillMessage::Activity)).await })
    };
    host.wait_for(2).await;
    let invoke = client.post_to_skill(&skill, request(), call(SkillMessage::TokenExchange)).await;
    assert_eq!(invoke.unwrap().status, 200, "the token invoke");
    let answer = client.post_to_skill(&skill, request(), call(SkillMessage::Invoke)).await;
    assert_eq!(answer.unwrap().status, 200, "an invoke of a parent that answers the card itself");
    let further = Skill { name: SkillName::new("calendar"), ..skill.clone() };
    let answer = client.post_to_skill(&further, request(), call(SkillMessage::Activity)).await;
    assert_eq!(answer.unwrap().status, 200, "a turn of a skill that this skill calls");
    let parent = BotName::new("assistant");
    let to_parent = ParentRequest { parent: &parent, method: "POST", url: skill.endpoint.clone(), request: request() };
    let answer = client.call_parent(to_parent, call(SkillMessage::Activity)).await;
    assert_eq!(answer.unwrap().status, 200, "what the skill sends to its parent");
    gate.open();
    assert_eq!(skills_turn.await.unwrap().unwrap().status, 200);
    assert_eq!(parents_turn.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn a_sign_in_invoke_and_another_bots_turn_go_on_while_turns_of_a_bot_use_all_connections_to_its_host() {
    let host = RecorderBot::start().await;
    let gate = Gate::default();
    host.behave_in_turn(vec![Behaviour::default().behind(&gate), Behaviour::default()]);
    let bot = |name: &str| Bot {
        name: BotName::new(name),
        app_id: WEATHER.to_owned(),
        endpoint: host.endpoint().parse().unwrap(),
        sdk: None,
        continuation: ContinuationMode::Forward,
        identity: IdentityBinding {
            allow_unidentified_teams_users: false,
            cross_tenants: Vec::new(),
            verified_user_ids: VerifiedUserIds::All,
        },
        callers: Vec::new(),
        agent_365: None,
        emulator_tenants: Vec::new(),
        refusal_style: RefusalStyle::default(),
        sign_in_invokes: Vec::new(),
        skill_host_urls: Vec::new(),
    };
    let client = BotClient::new(narrow_client(), ExchangeObservation::default());
    let of_bot =
        || BotCall { correlation_id: "busy", message: BotMessage::Activity, deadline: Instant::now() + PATIENCE };
    let turn = {
        let (client, bot, call) = (client.clone(), bot("weather"), of_bot());
        tokio::spawn(async move { client.forward(&bot, request(), call).await })
    };
    host.wait_for(1).await;
    let invoke = client.forward_sign_in(&bot("weather"), request(), of_bot()).await;
    assert_eq!(invoke.unwrap().status, 200, "the invoke that the turn of a skill waits for");
    let other = client.forward(&bot("assistant"), request(), of_bot()).await;
    assert_eq!(other.unwrap().status, 200, "the turn of a parent on the same host");
    gate.open();
    assert_eq!(turn.await.unwrap().unwrap().status, 200);
}
