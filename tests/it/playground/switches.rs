//! The switches of the panel: what follows when something goes wrong, and that all is as it was afterwards.

use serde_json::{Value, json};

use super::observed_stage::ObservedStage;
use super::panel::outline;
use super::silent_user::SilentUser;

const ARRIVED: [&str; 3] = ["activity_arrived", "", ""];
const ASKED: [&str; 3] = ["provider_asked", "", ""];

#[tokio::test]
async fn each_switch_shows_what_follows_and_one_click_undoes_it() {
    let observed = ObservedStage::start().await;
    let seen = observed.watch_panel("switches").await;
    let refused = |status, reason| vec![["provider_answered", "400", ""], ["activity_answered", status, reason]];
    let unavailable = ["activity_answered", "500", "temporarily_unavailable"];
    let down = ["provider_answered", "503", ""];
    let signed_in = vec![["provider_answered", "200", ""], ["activity_answered", "200", ""]];
    let expected: Vec<(&str, Vec<[&str; 3]>)> = vec![
        ("Issuer down", vec![ASKED, down, ASKED, down, ASKED, down, unavailable]),
        ("429", vec![ASKED, ["provider_answered", "429", ""], unavailable]),
        ("Expired token", vec![["activity_answered", "412", "assertion_expired"]]),
        ("Wrong audience", vec![["activity_answered", "400", "assertion_rejected:aud"]]),
        ("No consent", [vec![ASKED], refused("412", "consent_required")].concat()),
        ("Needs MFA", [vec![ASKED], refused("412", "interaction_required")].concat()),
        ("Disabled", [vec![ASKED], refused("400", "denied")].concat()),
        ("Guest", [vec![ASKED], signed_in.clone()].concat()),
        ("Signs in", [vec![ASKED], signed_in].concat()),
    ];
    assert_eq!(seen.len(), 2 * expected.len());
    for (pair, (switched, steps)) in seen.chunks(2).zip(expected) {
        let [on, after] = pair else { panic!("{pair:?}") };
        assert_eq!(on["switched"], switched);
        let drawn: Vec<_> = outline(&on["arrows"]).into_iter().filter(|arrow| !arrow[0].starts_with("bot_")).collect();
        assert_eq!(drawn, [vec![ARRIVED], steps].concat(), "{switched}");
        let pressed: Vec<&str> =
            on["pressed"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
        assert!(pressed.contains(&switched), "{on}");
        let says_that_it_stays = on["follows"].as_str().unwrap().starts_with("On, until you switch it off: ");
        assert_eq!(says_that_it_stays, switched != "Signs in", "{on}");
        // The last arrow's status and reason are those that the switch has announced.
        let announced = on["follows"].as_str().unwrap();
        let answer = drawn.last().unwrap();
        assert!(announced.contains(&format!("{} {}", answer[1], answer[2])) || answer[1] == "200", "{announced}");
        assert_eq!((&after["pressed"], &after["isOff"]), (&json!(["Signs in"]), &json!(true)), "{after}");
    }
    let claims_of = |switched: &str| &seen.iter().find(|step| step["switched"] == switched).unwrap()["claims"];
    assert_eq!(claims_of("Wrong audience")["aud"], "api://another-app-of-the-local-stage");
    let expired = claims_of("Expired token");
    assert!(
        expired["exp"].as_i64() > expired["iat"].as_i64()
            && expired["exp"].as_i64() < claims_of("Guest")["iat"].as_i64()
    );
    assert_eq!(claims_of("Guest")["acct"], 1);
    assert!(claims_of("Signs in").get("acct").is_none());
}

#[tokio::test]
async fn a_slow_bot_is_waited_for_until_the_switch_is_off() {
    let observed = ObservedStage::start().await;
    let seen = observed.watch_panel("slow_bot").await;
    let [slow, off] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(outline(&slow["waiting"]), [ARRIVED, ["bot_asked", "", ""]]);
    assert!(slow["waiting"][1]["text"].as_str().unwrap().ends_with("waiting …"), "{slow}");
    assert!(!off["arrows"][1]["text"].as_str().unwrap().contains("waiting"), "{off}");
    assert!(slow["follows"].as_str().unwrap().contains("Bot slow"), "{slow}");
    assert_eq!(
        outline(&off["arrows"]),
        [ARRIVED, ["bot_asked", "", ""], ["bot_answered", "200", ""], ["activity_answered", "200", ""]]
    );
    assert_eq!(off["status"], 200);
}

#[tokio::test]
async fn a_consent_that_is_given_ends_the_story_of_the_user_who_lacked_it() {
    let observed = ObservedStage::start().await;
    let (status, state) = observed.switch(&json!({"user": "ben", "story": "lacks consent"})).await;
    assert_eq!((status, story_of(&state, "ben")), (200, "lacks consent"));
    let user = SilentUser::start(&observed, "ben").await;
    assert!(user.sign_in().await.status >= 400);
    assert_eq!(observed.post_json("/dev/consent", &json!({"user": "ben"})).await.0, 204);
    let user = SilentUser::start(&observed, "ben").await;
    assert!(user.sign_in().await.status < 300);
    // The same story again begins without the consent.
    observed.switch(&json!({"user": "ben", "story": "lacks consent"})).await;
    let user = SilentUser::start(&observed, "ben").await;
    assert!(user.sign_in().await.status >= 400);
    let (_, state) = observed.switch(&json!({"reset": true})).await;
    assert_eq!(story_of(&state, "ben"), "signs in");
}

#[tokio::test]
async fn a_user_who_is_signed_out_needs_an_exchange_again_and_the_others_do_not() {
    let observed = ObservedStage::start().await;
    let users = [SilentUser::start(&observed, "ada").await, SilentUser::start(&observed, "ben").await];
    for user in &users {
        assert!(user.sign_in().await.status < 300);
        user.hears("You are signed in as").await;
    }
    let (status, state) = observed.switch(&json!({"sign_out": "ada"})).await;
    assert_eq!((status, story_of(&state, "ada")), (200, "signs in"));
    let events = observed.events().await;
    let ended: Vec<_> = events.iter().filter(|event| event["kind"] == "signed_out").collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!((&ended[0]["everywhere"], &ended[0]["tokens_removed"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_fault_of_the_controls_is_shown_and_all_as_it_was_ends_it() {
    let observed = ObservedStage::start().await;
    observed.post_json("/dev/faults", &json!({"fault": "html"})).await;
    let (_, state) = observed.switch(&json!({"switch": "issuer_down", "on": true})).await;
    assert_eq!((&state["other_faults"], &state["switches"][0]["on"]), (&json!(1), &json!(true)));
    // The issuer cannot fail in two ways: the later switch wins.
    let (_, state) = observed.switch(&json!({"switch": "throttled", "on": true})).await;
    assert_eq!((&state["switches"][0]["on"], &state["switches"][1]["on"]), (&json!(false), &json!(true)));
    let (_, state) = observed.switch(&json!({"reset": true})).await;
    assert_eq!(state["other_faults"], 0);
    assert!(state["switches"].as_array().unwrap().iter().all(|switch| switch["on"] == false), "{state}");
}

#[tokio::test]
async fn a_command_that_is_not_valid_is_refused_and_changes_nothing() {
    let observed = ObservedStage::start().await;
    for command in [
        json!({}),
        json!({"switch": "nothing", "on": true}),
        json!({"switch": "throttled"}),
        json!({"user": "nobody", "story": "guest"}),
        json!({"user": "ada", "story": "agent user"}),
        json!({"user": "helper-user", "story": "guest"}),
        json!({"reset": false}),
        json!({"reset": true, "on": true}),
        json!({"sign_out": "nobody"}),
        json!({"sign_out": true}),
    ] {
        let (status, answer) = observed.switch(&command).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("BadArgument")), "{command}");
    }
    assert!(observed.events().await.is_empty());
}

fn story_of<'s>(state: &'s Value, user: &str) -> &'s str {
    let users = state["users"].as_array().unwrap();
    users.iter().find(|entry| entry["name"] == user).unwrap()["story"].as_str().unwrap()
}
