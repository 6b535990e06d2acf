//! The agents of the stage in its manifest, and in the gateway of `bot-sso dev`.

use super::Fixture;
use super::fixture::CONTOSO;

#[tokio::test]
async fn the_manifest_says_who_the_agents_and_their_platform_are() {
    let fixture = Fixture::with_appended(String::new()).await;
    let manifest = fixture.harness.stage.manifest(&fixture.harness.base);
    let agents = manifest["agents"].as_array().unwrap();
    for agent in agents {
        let (bots, users) = (manifest["bots"].as_array().unwrap(), manifest["users"].as_array().unwrap());
        assert!(bots.iter().any(|bot| bot["name"] == agent["bot"]), "{agent}");
        let user = users.iter().find(|user| user["name"] == agent["user"]).unwrap();
        assert_eq!((&user["tid"], &user["password"]), (&agent["tenant"], &serde_json::Value::Null), "{user}");
        assert_eq!((&agent["tenant"], agent["agent_app_id"].as_str().unwrap().len()), (&CONTOSO.into(), 36));
    }
    let of_demo = agents.iter().filter(|agent| agent["bot"] == "demo").count();
    assert_eq!((of_demo, agents.len()), (2, 3), "one agent can be listed and its sibling not");
    let platform = &manifest["agent_365"];
    assert_eq!(platform["token_endpoint"], manifest["tenant"]["token_endpoint"]);
    assert_eq!(platform["client_id"], "5a807f24-c9de-44ee-a3a7-329e88a00ffc");
    assert!(platform["client_secret"].is_string());
}
