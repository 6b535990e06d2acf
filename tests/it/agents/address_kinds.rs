//! Members that say for which agent an activity is, with a value of the wrong kind.

use serde_json::{Value, json};

use super::Fixture;
use super::fixture::Refused;

#[tokio::test]
async fn an_activity_of_the_platform_with_an_address_of_the_wrong_kind_is_refused() {
    let fixture = Fixture::with_every_agent().await;
    let refusal = Refused { status: 400, code: "BadArgument", check: "agent_activity_form" };
    for (pointer, value) in [
        ("/recipient", json!(7)),
        ("/recipient", json!([])),
        ("/recipient/role", json!(["agenticUser"])),
        ("/recipient/agenticUserId", json!(7)),
        ("/recipient/agenticAppId", json!(7)),
        ("/recipient/agenticAppId", json!({})),
        ("/recipient/agenticAppBlueprintId", json!(true)),
        ("/recipient/tenantId", json!(7)),
        ("/conversation", json!("x")),
        ("/conversation/tenantId", json!([])),
        ("/channelData", json!(1)),
        ("/channelData/tenant", json!("x")),
        ("/channelData/tenant/id", json!(7)),
        ("/from", json!([])),
        ("/from/agenticUserId", json!(7)),
        ("/from/agenticAppId", json!(7)),
    ] {
        let mut message = fixture.message();
        let (object, name) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(object).unwrap()[name] = value.clone();
        let case = format!("{pointer} {value}");
        fixture.assert_refused(&case, fixture.post(&message), refusal).await;
    }
    let mut message = fixture.message();
    message["recipient"]["agenticUserId"] = Value::Null;
    assert_eq!(fixture.post(&message).await.status, 200, "null counts as absent");
}
