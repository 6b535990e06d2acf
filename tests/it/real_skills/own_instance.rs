//! A skill that stands behind a bot-sso of its own: the skill host of the parent's instance calls the gateway of the skill's
//! instance, which exchanges the token and tells the skill.

use super::fixture::{Call, PARENT_BOT, Pair, Route, Sdk, Sections, Setup, WEATHER, start_skill};
use crate::harness::beside::Beside;
use crate::harness::{Options, Surroundings};

async fn greets_behind_its_own_instance(call: Call, scenario: &str) {
    let surroundings = Surroundings::start().await;
    let mut instance = Beside::bind();
    let setup = Setup { call, sdk: Sdk::BotBuilder, skill: WEATHER };
    let (skill, endpoint) = start_skill(&surroundings, &instance.base, setup, scenario).await;
    let called = format!("{}/api/skills/{WEATHER}/messages", surroundings.base);
    let gateway = format!("{}/bots/{WEATHER}/api/messages", instance.base);
    let route = Route { called: &called, endpoint: &gateway };
    let mut pair = Pair::with_route(surroundings, setup, &route, scenario).await;
    pair.skill = Some(skill);

    let secrets = tempfile::tempdir().unwrap();
    let stage = &pair.harness.stage;
    let caller = format!(
        "after_exchange = \"notify\"\n[[bots.{WEATHER}.callers]]\napp_id = \"{parent}\"\ntenant = \"{tenant}\"\n\
         service_urls = [\"{base}/api/skills/{WEATHER}/\"]\nchannels = [\"msteams\"]\n",
        parent = pair.harness.bot_app_id(PARENT_BOT),
        tenant = stage.directory().main_tenant_id(),
        base = pair.harness.base,
    );
    let sections = Sections { stage, secrets: secrets.path() };
    let appended = sections.of_skill_as_bot(stage.directory().find_skill(WEATHER).unwrap(), &endpoint, &caller);
    instance.run(&pair.harness, &Options { reachable: true, appended, ..Options::default() }).await;

    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    pair.wait_for_greeting(&ada, 0).await;
}

#[tokio::test]
async fn a_skill_behind_its_own_instance_greets_a_user_of_a_parent_with_the_handler_for_skills() {
    greets_behind_its_own_instance(Call::Handler, "own-instance-handler").await;
}

#[tokio::test]
async fn a_skill_behind_its_own_instance_greets_a_user_of_a_parent_with_skill_dialog_and_expect_replies() {
    greets_behind_its_own_instance(Call::Dialog, "own-instance-dialog").await;
}
