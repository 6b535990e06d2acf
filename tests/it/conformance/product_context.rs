//! Item 14 of docs/protocols/invoke-protocol.md §8: a conversation of Microsoft 365 Copilot is no group chat, however
//! the client spells the name of the product.

use serde_json::json;

use super::{Change, assert_mismatch, exchange_of};
use crate::harness::{Harness, activities};

#[tokio::test]
async fn a_copilot_conversation_needs_no_pending_sign_in_in_any_spelling() {
    let copilot: [(&str, Change); 5] = [
        ("sub-channel", |activity| activity["channelId"] = "msteams:Copilot".into()),
        ("entity", |activity| activity["entities"] = json!([{ "type": "productInfo", "id": "COPILOT" }])),
        ("entity, other case", |activity| activity["entities"] = json!([{ "type": "ProductInfo", "id": "Copilot" }])),
        ("context", |activity| activity["channelData"]["productContext"] = "COPILOT".into()),
        ("context, other case", |activity| activity["channelData"]["productContext"] = "copilot".into()),
    ];
    for (case, change) in copilot {
        let harness = Harness::start().await;
        let mut activity = activities::in_group(exchange_of(&harness, "Ada", "x").await);
        activity["conversation"].as_object_mut().unwrap().remove("conversationType");
        change(&mut activity);
        let answer = harness.post(&activity).await;
        assert_eq!(answer.status, 200, "{case}: {}", answer.detail());
    }
    let harness = Harness::start().await;
    let mut activity = activities::in_group(exchange_of(&harness, "Ada", "x").await);
    activity["conversation"].as_object_mut().unwrap().remove("conversationType");
    activity["channelData"]["productContext"] = "TEAMS".into();
    assert_mismatch("another product", &harness.post(&activity).await, "no_pending_sign_in");
}
