//! A skill that stands behind a bot-sso of its own: the skill host of the parent's instance calls the gateway of the skill's
//! instance, which exchanges the token and tells the skill.

use super::fixture::{Call, PARENT_BOT, Pair, Route, Sdk, Sections, Setup, WEATHER, start_skill};
use crate::harness::beside::Beside;
use crate::harness::{Options, Surroundings};

/// A pair whose skill stands behind an instance of its own.
pub struct BehindItsOwn {
    pub pair: Pair,
    pub instance: Beside,
    _secrets: tempfile::TempDir,
}

impl BehindItsOwn {
    pub async fn start(setup: Setup, scenario: &str) -> Self {
        let surroundings = Surroundings::start().await;
        let mut instance = Beside::bind();
        let (skill, endpoint) = start_skill(&surroundings, &instance.base, setup, scenario).await;
        let called = format!("{}/api/skills/{}/messages", surroundings.base, setup.skill);
        let gateway = format!("{}/bots/{}/api/messages", instance.base, setup.skill);
        let route = Route { called: &called, endpoint: &gateway };
        let mut pair = Pair::with_route(surroundings, setup, &route, scenario).await;
        pair.skill = Some(skill);
        let secrets = tempfile::tempdir().unwrap();
        let sections = Sections { stage: &pair.harness.stage, secrets: secrets.path() };
        let entry = pair.harness.stage.directory().find_skill(setup.skill).unwrap();
        let appended = sections.of_skill_as_bot(entry, &endpoint, &parent_as_caller(&pair, setup.skill));
        instance.run(&pair.harness, &Options { reachable: true, appended, ..Options::default() }).await;
        Self { pair, instance, _secrets: secrets }
    }
}

/// The lines of the section of the bot `skill` by which the parent may call it, through the parent's skill host.
fn parent_as_caller(pair: &Pair, skill: &str) -> String {
    format!(
        "after_exchange = \"notify\"\n[[bots.{skill}.callers]]\napp_id = \"{parent}\"\ntenant = \"{tenant}\"\n\
         service_urls = [\"{base}/api/skills/{skill}/\"]\nchannels = [\"msteams\"]\n",
        parent = pair.harness.bot_app_id(PARENT_BOT),
        tenant = pair.harness.stage.directory().main_tenant_id(),
        base = pair.harness.base,
    )
}

async fn greets_behind_its_own_instance(call: Call, scenario: &str) {
    let setup = Setup { call, sdk: Sdk::BotBuilder, skill: WEATHER };
    let BehindItsOwn { pair, instance, .. } = &BehindItsOwn::start(setup, scenario).await;
    let ada = pair.harness.user("Ada");
    pair.sign_in_at_parent(&ada).await;
    pair.say(&ada, "ask the skill").await;
    pair.wait_for_greeting(&ada, 0).await;
    // The skill's instance has told the skill, whose own code has exchanged nothing.
    let skill = pair.skill.as_ref().unwrap().events();
    let names: Vec<_> = skill.iter().filter_map(|event| event["name"].as_str()).collect();
    assert_eq!(names, ["tokens/response"], "{} {skill:?}", instance.base);
}

#[tokio::test]
async fn a_skill_behind_its_own_instance_greets_a_user_of_a_parent_with_the_handler_for_skills() {
    greets_behind_its_own_instance(Call::Handler, "own-instance-handler").await;
}

#[tokio::test]
async fn a_skill_behind_its_own_instance_greets_a_user_of_a_parent_with_skill_dialog_and_expect_replies() {
    greets_behind_its_own_instance(Call::Dialog, "own-instance-dialog").await;
}
