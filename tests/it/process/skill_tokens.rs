//! What `check --online` asks about the skills of a bot (docs/skills.md §Ten lines).

use super::setting::{Setting, stdout};

/// A skill of the bot `demo`, whose app id is `app_id`.
fn add_skill(setting: &mut Setting, app_id: &str) {
    setting.set("skills.weather.app_id", app_id);
    setting.set("skills.weather.tenant", "22222222-2222-4222-8222-222222222222");
    setting.set("skills.weather.endpoint", "https://weather.example.com/api/messages");
    setting.set("skills.weather.bots", vec!["demo"]);
}

#[tokio::test]
async fn check_online_asks_for_the_token_of_a_bot_for_each_of_its_skills() {
    let mut setting = Setting::new().await;
    setting.set_variable("RIGHT", setting.harness.stage.directory().connections[0].client_secret);
    let credentials: toml::Table = "credentials = [{ secret = { env = \"RIGHT\" } }]".parse().unwrap();
    setting.set("bots.demo.credentials", credentials["credentials"].clone());
    let known = setting.harness.stage.directory().bots[1].app_id;
    add_skill(&mut setting, known);
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.lines().any(|line| line == "bots.demo token for skills.weather: issued"), "{said}");
    assert!(!said.contains("eyJ"), "{said}");

    // Entra issues no token for an app that the tenant does not have.
    add_skill(&mut setting, "99999999-9999-4999-8999-999999999999");
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("bots.demo token for skills.weather: refused: ")), "{said}");
    assert!(said.lines().any(|line| line == "bots.demo credentials[0] (secret): accepted"), "{said}");
}
