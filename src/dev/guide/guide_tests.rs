#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use actix_web::App;
use serde_json::Value;

use crate::dev::GatewayReplicas;
use crate::dev::test_client::Fixture;

const GATEWAY: &str = "http://127.0.0.1:3978";

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_manifest_has_exactly_the_documented_members() {
    let fixture = Fixture::start().await;
    let manifest = fixture.stage.manifest(GATEWAY);
    assert_eq!(
        members(&manifest),
        BTreeSet::from([
            "add_ins",
            "agent_365",
            "agents",
            "apps",
            "assistants",
            "back_ends",
            "bots",
            "channel",
            "clients",
            "connections",
            "directories",
            "gateway",
            "replicas",
            "skills",
            "tenant",
            "token_service",
            "users",
            "web_chat"
        ])
    );
    assert_eq!(manifest["replicas"], serde_json::json!([GATEWAY]));
    assert_eq!(members(&manifest["web_chat"]), BTreeSet::from(["direct_line", "module", "page", "token_url"]));
    assert!(manifest["web_chat"]["direct_line"].as_str().unwrap().ends_with("/v3/directline"));
    assert_eq!(members(&manifest["tenant"]), BTreeSet::from(["authority", "id", "token_endpoint"]));
    assert_eq!(
        members(&manifest["channel"]),
        BTreeSet::from(["client_id", "client_secret", "endorsed", "service_url", "token_endpoint"])
    );
    assert_eq!(
        members(&manifest["bots"][0]),
        BTreeSet::from(["app_id", "app_secret", "direct_line_secret", "messages_url", "name"])
    );
    assert_eq!(members(&manifest["clients"][0]), BTreeSet::from(["client_id", "name"]));
    assert_eq!(
        members(&manifest["connections"][0]),
        BTreeSet::from(["bot", "identity_provider", "name", "scope", "token_exchange_uri"])
    );
    assert_eq!(members(&manifest["users"][0]), BTreeSet::from(["name", "oid", "password", "story", "tid"]));
    assert_eq!(members(&manifest["agents"][0]), BTreeSet::from(["agent_app_id", "bot", "name", "tenant", "user"]));
    assert_eq!(members(&manifest["agent_365"]), BTreeSet::from(["client_id", "client_secret", "token_endpoint"]));
    let of_skill = [
        "app_id",
        "app_secret",
        "connection",
        "exchange_uri",
        "host_messages_url",
        "host_service_url",
        "messages_url",
        "name",
        "received_url",
        "story",
    ];
    assert_eq!(members(&manifest["skills"][0]), BTreeSet::from(of_skill));
    assert_eq!(
        members(&manifest["assistants"][0]),
        BTreeSet::from(["app_id", "app_secret", "messages_url", "name", "received_url", "skills"])
    );
    let addresses = manifest.to_string().replace("https://graph.microsoft.com", "the name of Graph");
    assert!(!addresses.contains("https://"), "programs without TLS read this");
    let stories: BTreeSet<_> =
        manifest["users"].as_array().unwrap().iter().map(|user| user["story"].as_str().unwrap()).collect();
    assert_eq!(
        stories,
        BTreeSet::from([
            "signs in",
            "lacks consent",
            "needs MFA",
            "disabled",
            "guest",
            "personal account",
            "agent user"
        ])
    );
    assert_eq!(manifest["bots"][0]["messages_url"], "http://127.0.0.1:3978/bots/demo/api/messages");
    assert!(
        toml::from_str::<toml::Table>(&fixture.stage.configuration(GATEWAY, "127.0.0.1:3978", "/tmp".as_ref())).is_ok()
    );
    assert!(fixture.stage.walkthrough(GATEWAY).unwrap().contains("/dev/consent"));
}

#[tokio::test]
async fn the_manifest_is_served_only_when_the_host_is_a_loopback_name() {
    let fixture = Fixture::start().await;
    let routes = fixture.stage.routes(GATEWAY);
    let app = actix_web::test::init_service(App::new().configure(routes)).await;
    let get = |host: &'static str| {
        actix_web::test::TestRequest::get().uri("/dev/manifest.json").insert_header(("host", host)).to_request()
    };
    let answer = actix_web::test::call_service(&app, get("127.0.0.1:3978")).await;
    assert_eq!(answer.status(), 200);
    let served: Value = actix_web::test::read_body_json(answer).await;
    assert_eq!(served, fixture.stage.manifest(GATEWAY));
    assert_eq!(actix_web::test::call_service(&app, get("rebound.example")).await.status(), 403);
}

#[tokio::test]
async fn the_names_that_a_skill_and_an_assistant_refer_to_are_in_the_manifest() {
    let fixture = Fixture::start().await;
    let manifest = fixture.stage.manifest(GATEWAY);
    let names = |list: &str| {
        let entries = manifest[list].as_array().unwrap().iter();
        entries.map(|entry| entry["name"].as_str().unwrap()).collect::<BTreeSet<_>>()
    };
    let (bots, skills, assistants) = (names("bots"), names("skills"), names("assistants"));
    assert!(assistants.is_subset(&bots) && skills.is_disjoint(&bots), "users talk to the assistant only");
    let [assistant] = &manifest["assistants"].as_array().unwrap()[..] else { panic!("{manifest}") };
    let called: BTreeSet<_> =
        assistant["skills"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(called, skills);
    for skill in manifest["skills"].as_array().unwrap() {
        let connections = manifest["connections"].as_array().unwrap().iter();
        let mut of_skill = connections.filter(|connection| connection["bot"] == skill["name"]);
        assert_eq!(of_skill.next().unwrap()["name"], skill["connection"]);
        let name = skill["name"].as_str().unwrap();
        assert_eq!(skill["host_messages_url"], format!("{GATEWAY}/api/skills/{name}/messages"));
        assert_eq!(skill["host_service_url"], format!("{GATEWAY}/api/skills/{name}/"));
        assert_eq!(fixture.get(skill["received_url"].as_str().unwrap()).await.text, "[]");
    }
    let stories: Vec<_> = manifest["skills"].as_array().unwrap().iter().map(|skill| &skill["story"]).collect();
    assert_eq!(stories, ["signs in", "lacks consent"]);
}

#[tokio::test]
async fn add_ins_back_ends_and_apps_have_exactly_the_documented_members() {
    let fixture = Fixture::start().await;
    let manifest = fixture.stage.manifest(GATEWAY);
    let of_add_in =
        ["caller", "client_id", "downstream_url", "identity_url", "name", "scope", "token_url", "user_data_url"];
    assert_eq!(members(&manifest["add_ins"][0]), BTreeSet::from(of_add_in));
    assert_eq!(members(&manifest["add_ins"][0]["caller"]), BTreeSet::from(["client_id", "client_secret"]));
    let of_back_end = BTreeSet::from([
        "audience",
        "client_id",
        "introspection_endpoint",
        "issuer",
        "name",
        "revocation_endpoint",
        "scopes",
        "subject_scope",
        "token_endpoint",
    ]);
    let proofs = [&["client_secret"][..], &["private_key_pem", "kid"]];
    let back_ends = manifest["back_ends"].as_array().unwrap();
    assert_eq!(back_ends.len(), proofs.len());
    for (back_end, proof) in back_ends.iter().zip(proofs) {
        assert_eq!(members(back_end), of_back_end.iter().chain(proof).copied().collect());
        assert_eq!(back_end["issuer"], GATEWAY);
    }
    let apps = manifest["apps"].as_array().unwrap();
    assert_eq!(apps.len(), 2);
    for app in apps {
        let of_app = ["app_id", "base_url", "login_origins", "login_url", "service_token", "users"];
        assert_eq!(members(app), BTreeSet::from(of_app));
        let users = app["users"].as_array().unwrap();
        let linked = |is_linked: bool| users.iter().filter(|user| user["linked"] == is_linked).count();
        assert!(linked(true) >= 2 && linked(false) >= 1, "{app}");
        for user in users {
            assert_eq!(members(user), BTreeSet::from(["linked", "user", "user_id"]));
            let id = user["user_id"].as_str().unwrap();
            assert!(id.len() == 24 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
            let names = manifest["users"].as_array().unwrap().iter().map(|known| &known["name"]);
            assert!(names.into_iter().any(|name| *name == user["user"]), "{user}");
        }
    }
}

#[tokio::test]
async fn replicas_are_in_the_manifest_and_share_the_store_of_the_configuration() {
    let fixture = Fixture::start().await;
    let others = vec!["http://127.0.0.1:3982".to_owned(), "http://127.0.0.1:3983".to_owned()];
    fixture.stage.add_replicas(GatewayReplicas { store_url: "redis+unix:///tmp/redis.sock".to_owned(), others });
    let manifest = fixture.stage.manifest(GATEWAY);
    assert_eq!(manifest["replicas"], serde_json::json!([GATEWAY, "http://127.0.0.1:3982", "http://127.0.0.1:3983"]));
    let text = fixture.stage.configuration(GATEWAY, "127.0.0.1:3978", "/tmp".as_ref());
    let configuration: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(configuration["store"]["url"].as_str(), Some("redis+unix:///tmp/redis.sock"));
    assert!(fixture.stage.welcome(GATEWAY).contains("http://127.0.0.1:3983"));
}
