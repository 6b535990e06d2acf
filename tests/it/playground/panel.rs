//! What a developer sees on the panel in a real browser.

use serde_json::{Value, json};

use super::observed_stage::ObservedStage;

/// Kind, status and reason of each arrow.
pub fn outline(arrows: &Value) -> Vec<[&str; 3]> {
    arrows
        .as_array()
        .unwrap()
        .iter()
        .map(|arrow| ["kind", "status", "reason"].map(|member| arrow[member].as_str().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_silent_success_is_drawn_as_it_happens_and_a_click_shows_the_claims() {
    let observed = ObservedStage::start().await;
    let seen = observed.watch_panel("success").await;
    let [signed_in, repeated, details, followed] = &seen[..] else { panic!("{seen:?}") };
    // The bot may be told before the client has its answer.
    let arrows = signed_in["arrows"].as_array().unwrap();
    let (of_bot, of_client): (Vec<Value>, Vec<Value>) =
        arrows.iter().cloned().partition(|arrow| arrow["kind"].as_str().unwrap().starts_with("bot_"));
    assert_eq!(
        outline(&json!(of_client)),
        [
            ["activity_arrived", "", ""],
            ["provider_asked", "", ""],
            ["provider_answered", "200", ""],
            ["activity_answered", "200", ""],
        ]
    );
    assert_eq!(outline(&json!(of_bot)), [["bot_asked", "", ""], ["bot_answered", "200", ""]]);
    let spoken = of_client[0]["spoken"].as_str().unwrap();
    assert_eq!(spoken, "Client to bot-sso: signin/tokenExchange");
    assert!(of_client[3]["spoken"].as_str().unwrap().starts_with("bot-sso to Client: 200"), "{signed_in}");
    assert!(of_client[3]["text"].as_str().unwrap().ends_with(" ms"), "the time: {signed_in}");
    assert!(
        signed_in["outcome"].as_str().unwrap().starts_with("Last exchange of any user, demo / graph: 200, "),
        "{signed_in}"
    );
    let duplicate = &repeated["duplicate"];
    assert_eq!(outline(duplicate), [["activity_arrived", "", ""], ["activity_answered", "200", ""]]);
    assert!(duplicate[1]["text"].as_str().unwrap().contains("shared with a duplicate"), "{duplicate}");
    assert_eq!(followed["latestArrow"], json!({"loaded": true, "away": false, "back": true}));
    let claims = &details["claims"];
    assert_eq!(details["expanded"], "true");
    let time = details["time"].as_str().unwrap();
    assert_eq!((time.len(), time.matches(':').count()), ("23:59:59.999".len(), 2), "{time}");
    assert_eq!((&claims["name"], &claims["scp"]), (&json!("Ada Lovelace"), &json!("access_as_user")));
}

#[tokio::test]
async fn a_refusal_shows_its_reason_the_logs_hint_and_where_it_is_explained() {
    let observed = ObservedStage::start().await;
    let seen = observed.watch_panel("refusal").await;
    let [refused] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(
        outline(&refused["arrows"]),
        [
            ["activity_arrived", "", ""],
            ["provider_asked", "", ""],
            ["provider_answered", "400", ""],
            ["activity_answered", "412", "consent_required"],
        ]
    );
    assert!(refused["arrows"][2]["text"].as_str().unwrap().contains("AADSTS65001"), "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("consent"), "{refused}");
    assert_eq!(refused["link"], "docs/troubleshooting.md, What the identity provider says");
    assert_eq!((&refused["guide"], &refused["guideHas"]), (&json!(200), &json!(true)));
}

#[tokio::test]
async fn the_panel_is_readable_in_light_and_dark_and_on_a_telephone() {
    let observed = ObservedStage::start().await;
    let looks = observed.watch_panel("looks").await;
    assert_eq!(looks.len(), 4);
    for look in &looks {
        assert_eq!(look["axe"], json!([]), "{look}");
        assert!(look["width"]["page"].as_u64() <= look["width"]["window"].as_u64(), "{look}");
        assert!(look["poorest"]["contrast"].as_f64().unwrap() >= 4.5, "{look}");
        let moves = look["reducedMotion"] != "reduce";
        assert_eq!(look["animation"] != "none", moves, "{look}");
    }
}

#[tokio::test]
async fn what_happens_at_the_skill_host_is_drawn_in_a_lane_of_its_own() {
    let observed = ObservedStage::start().await;
    let seen = observed.watch_panel("skills").await;
    let [weather, calendar, look] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(weather["before"], json!(["Client", "bot-sso", "Identity provider", "Bot"]));
    assert_eq!(weather["lanes"], json!(["Client", "bot-sso", "Identity provider", "Bot", "Skill"]));
    assert_eq!(json!([weather["title"], calendar["title"]]), json!(["skill weather", "skill calendar"]));
    assert_eq!(
        outline(&weather["arrows"]),
        [
            ["provider_asked", "", ""],
            ["provider_answered", "200", ""],
            ["provider_asked", "", ""],
            ["provider_answered", "200", ""],
            ["skill_asked", "", ""],
            ["skill_answered", "200", ""],
            ["skill_card", "", ""],
            ["operation_answered", "200", ""],
        ]
    );
    let spoken = weather["arrows"][4]["spoken"].as_str().unwrap();
    assert_eq!(spoken, "bot-sso to Skill: signin/tokenExchange");
    let card = weather["arrows"][6]["text"].as_str().unwrap();
    assert!(card.contains("the user does not see it"), "{card}");
    let of_calendar = outline(&calendar["arrows"]);
    assert_eq!(
        of_calendar[3..6].iter().map(|arrow| arrow[0]).collect::<Vec<_>>(),
        ["provider_answered", "skill_card", "bot_asked"]
    );
    let card = calendar["arrows"][4]["text"].as_str().unwrap();
    assert!(card.contains("the card goes on to the user"), "{card}");
    assert_eq!(look["axe"], json!([]));
    assert!(look["poorest"]["contrast"].as_f64().unwrap() >= 4.5, "{look}");
}
