//! What `check` says of a configuration that can be used.

use super::setting::{Setting, stdout};

#[tokio::test]
async fn check_names_the_skills_of_the_configuration() {
    let mut setting = Setting::new().await;
    let skills_line =
        |said: &str| said.lines().find(|line| line.trim_start().starts_with("skills ")).map(str::to_owned);
    setting.remove_section("skills");
    let without = setting.run("check");
    assert_eq!((without.status.code(), skills_line(&stdout(&without))), (Some(0), None), "{}", stdout(&without));
    for (name, app_id) in
        [("weather", "33333333-3333-4333-8333-333333333333"), ("travel", "44444444-4444-4444-8444-444444444444")]
    {
        setting.set(&format!("skills.{name}.app_id"), app_id);
        setting.set(&format!("skills.{name}.tenant"), "22222222-2222-4222-8222-222222222222");
        setting.set(&format!("skills.{name}.endpoint"), format!("https://{name}.example.com/api/messages"));
        setting.set(&format!("skills.{name}.bots"), vec!["demo"]);
    }
    let output = setting.run("check");
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(skills_line(&said).as_deref(), Some("  skills       travel, weather"), "{said}");
}
