//! Bots and their callers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{
    BOT_ID, CLIENT, ENDPOINT, MINIMAL, OTHER_ISSUER, OWN_TENANT, changed, expect_problem, problem_of, read, with_openid,
};

#[test]
fn a_bots_endpoint_is_https_or_loopback_unless_insecure_http_is_allowed() {
    let far = "endpoint = \"http://bot.example.com/api/messages\"";
    expect_problem(ENDPOINT, far, "bots.help-desk.endpoint: \"http://bot.example.com/api/messages\" is plain http");
    let allowed = read(&changed(ENDPOINT, &format!("{far}\nallow_insecure_http = true"))).unwrap();
    assert_eq!(allowed.plain_http_hosts(), ["bot.example.com"]);
    for near in
        ["http://localhost:1/api/messages", "http://[::1]:1/api/messages", "https://bot.example.com/api/messages"]
    {
        assert!(read(&changed(ENDPOINT, &format!("endpoint = {near:?}"))).is_ok(), "{near}");
    }
}

#[test]
fn app_ids_are_guids_and_belong_to_one_bot() {
    expect_problem(BOT_ID, "app_id = \"help-desk\"", "bots.help-desk.app_id: \"help-desk\" is not a GUID");
    expect_problem(BOT_ID, "app_id = \"11111111111141118111111111111111\"", "bots.help-desk.app_id: ");
    let twin = format!("{MINIMAL}\n[bots.twin]\n{}\n{ENDPOINT}", BOT_ID.to_uppercase().replace("APP_ID", "app_id"));
    assert!(problem_of(&twin).starts_with("bots.twin.app_id: is also the app id of the bot \"help-desk\""));
    assert!(
        problem_of(&format!(
            "{MINIMAL}\n[bots.\"a/b\"]\napp_id = \"66666666-6666-4666-8666-666666666666\"\n{ENDPOINT}"
        ))
        .starts_with("bots.\"a/b\": is no name for a bot")
    );
}

#[test]
fn verified_user_ids_are_all_or_prefixes() {
    let with = |line: &str| format!("{MINIMAL}\n[bots.help-desk.identity]\nverified_user_ids = {line}\n");
    assert!(read(&with("\"all\"")).is_ok());
    assert!(problem_of(&with("\"some\"")).starts_with("bots.help-desk.identity.verified_user_ids: "));
    assert!(problem_of(&with("[\"\"]")).contains("fits every id"));
}

#[test]
fn a_caller_may_not_speak_for_the_emulator_or_app_service_or_be_anonymous() {
    for channel in ["emulator", "Emulator", "AseChannel"] {
        let caller = format!(
            "{ENDPOINT}\n[[bots.help-desk.callers]]\napp_id = \"{OWN_TENANT}\"\ntenant = \"{OWN_TENANT}\"\n\
             service_urls = [\"https://parent.example.com/\"]\nchannels = [\"msteams\", \"{channel}\"]\n"
        );
        expect_problem(ENDPOINT, &caller, "bots.help-desk.callers[0].channels: names a channel that no parent bot");
    }
    for key in ["anonymous", "allow_anonymous"] {
        let problem = problem_of(&changed(ENDPOINT, &format!("{ENDPOINT}\n{key} = true")));
        assert!(problem.starts_with(&format!("bots.help-desk.{key}: unknown key")), "{problem}");
    }
}

#[test]
fn a_callers_entry_is_complete_and_safe() {
    let entry = |url: &str, channel: &str| {
        format!(
            "{ENDPOINT}\n[[bots.help-desk.callers]]\napp_id = \"{OWN_TENANT}\"\ntenant = \"{OWN_TENANT}\"\n\
             service_urls = [\"{url}\"]\nchannels = [\"{channel}\"]\n"
        )
    };
    let place = "bots.help-desk.callers[0]";
    for (url, says) in [("http://parent.example/", "is plain http"), ("https://parent.example/?x=1", "has a query")] {
        expect_problem(ENDPOINT, &entry(url, "msteams"), &format!("{place}.service_urls[0]: {url:?} {says}"));
    }
    expect_problem(
        ENDPOINT,
        &entry("https://p.example/", "msteams:COPILOT"),
        &format!("{place}.channels: names a part"),
    );
    assert!(read(&changed(ENDPOINT, &entry("http://127.0.0.1/skills", "msteams"))).is_ok());
}

#[test]
fn bots_get_their_tokens_from_entra() {
    let text = with_openid(OTHER_ISSUER, CLIENT).replace(
        ENDPOINT,
        &format!("{ENDPOINT}\nidentity_provider = \"other\"\ncredentials = [{{ managed_identity = {{}} }}]"),
    );
    let problem = problem_of(&text);
    assert!(problem.starts_with("bots.help-desk.identity_provider: \"other\" is of kind \"oidc\""), "{problem}");
}

#[test]
fn the_agents_of_a_bot_need_tenants_and_service_urls() {
    let with = |lines: &str| format!("{MINIMAL}\n[bots.help-desk.agent_365]\n{lines}");
    let tenants = "tenants = [\"22222222-2222-4222-8222-222222222222\"]\n";
    let urls = "service_urls = [\"https://smba.trafficmanager.net/\", \"https://*.BotApi.skype.com\"]\n";
    let configuration = read(&with(&format!("{tenants}{urls}"))).unwrap();
    assert_eq!(configuration.warnings, []);
    let agents = configuration.bots[0].agent_365.as_ref().unwrap();
    assert_eq!(agents.service_urls, ["https://smba.trafficmanager.net/", "https://*.botapi.skype.com/"]);
    assert_eq!(agents.agents, None);
    assert!(configuration.app_token_tenants().contains(&agents.tenants[0]));
    assert_eq!(configuration.agent_audiences().len(), 3);
    assert!(problem_of(&with(tenants)).starts_with("bots.help-desk.agent_365.service_urls: is missing"));
    assert!(problem_of(&with(urls)).starts_with("bots.help-desk.agent_365.tenants: is missing"));
    let none = read(MINIMAL).unwrap();
    assert!(none.bots[0].agent_365.is_none() && none.agent_platforms().is_empty() && none.agent_audiences().is_empty());
    for (url, problem) in [
        ("http://smba.trafficmanager.net/", "is plain http"),
        ("https://*/", "has a * that is not the first label"),
        ("https://a.*.skype.com/", "has a * that is not the first label"),
        ("https://*.*.skype.com/", "has a * that is not the first label"),
        ("https://*.com/", "fits hosts that are not the platform's"),
        ("https://*.com./", "fits hosts that are not the platform's"),
        ("https://*.skype.com/?x", "has a query"),
        ("smba.trafficmanager.net", "is not an address"),
    ] {
        let found = problem_of(&with(&format!("{tenants}service_urls = [{url:?}]\n")));
        assert!(found.starts_with("bots.help-desk.agent_365.service_urls[0]: ") && found.contains(problem), "{found}");
    }
}

#[test]
fn the_agents_of_a_bot_are_not_the_bot_itself() {
    let with = |lines: &str| {
        format!(
            "{MINIMAL}\n[bots.help-desk.agent_365]\ntenants = [\"22222222-2222-4222-8222-222222222222\"]\n\
             service_urls = [\"https://smba.trafficmanager.net/\"]\n{lines}"
        )
    };
    let own = format!("agents = [{}]", BOT_ID.to_uppercase().replace("APP_ID = ", ""));
    assert!(problem_of(&with(&own)).starts_with("bots.help-desk.agent_365.agents[0]: is the app id of the bot"));
    assert!(problem_of(&with("agents = [\"helper\"]")).starts_with("bots.help-desk.agent_365.agents[0]: "));
    assert!(problem_of(&with("agent = []")).contains("agents"), "an unknown key is an error");
    let empty = read(&with("agents = []")).unwrap();
    assert_eq!(empty.warnings[0].path, "bots.help-desk.agent_365.agents");
    let elsewhere = with("").replace(
        "[bots.help-desk.agent_365]\ntenants = [\"22222222",
        "[bots.help-desk.agent_365]\ntenants = [\"99999999",
    );
    let warned = read(&elsewhere).unwrap();
    assert_eq!(warned.warnings[0].path, "bots.help-desk.agent_365.tenants[0]");
}
