//! What follows from one problem is neither a problem of its own nor a part of its message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::test_samples::{BOT_ID, ENDPOINT, MINIMAL, PUBLIC_URL, SCOPES, TENANTS, changed, read};

const ID: &str = "22222222-2222-4222-8222-222222222222";

/// Checks that `text` has the one problem `problem`, and no warning.
#[track_caller]
fn expect_alone(text: &str, problem: &str) {
    let problems = read(text).expect_err(text);
    assert_eq!(problems.to_string(), problem, "{text}");
    assert_eq!(problems.warnings(), [], "{text}");
}

#[test]
fn a_contradiction_of_the_right_value_is_no_part_of_the_message_about_a_wrong_one() {
    let proxies = changed(PUBLIC_URL, &format!("{PUBLIC_URL}\ntrusted_proxies = [\"10.0.0.1\"]"));
    expect_alone(
        &proxies.replace(BOT_ID, &format!("{BOT_ID}\nallow_emulator = \"yes\"")),
        "bots.help-desk.allow_emulator: invalid type: string \"yes\", expected true or false",
    );
    expect_alone(
        &changed(SCOPES, "scopes = [\"openid offline_access\"]"),
        "connections.graph.scopes[0]: \"openid offline_access\" holds several entries of the list: write each by itself",
    );
    let resources = "scopes = [\"User.Read offline_access\"]\naad_resources = [\"https://graph.microsoft.com/\"]\n\
                     required_granted_scopes = [\"User.Read\"]";
    expect_alone(
        &changed(SCOPES, resources),
        "connections.graph.scopes[0]: \"User.Read offline_access\" holds several entries of the list: write \
         [\"User.Read\", \"offline_access\"]",
    );
}

#[test]
fn what_a_section_with_a_problem_seems_to_lack_is_not_warned_of() {
    let agents = format!(
        "[bots.help-desk.agent_365]\ntenants = [{ID:?}]\nservice_urls = [\"https://smba.trafficmanager.net/\"]"
    );
    let other = "[connections.other]\nbot = \"help-desk\"\nclient_id = \"x\"\nclient_secret = { env = \"GRAPH_CLIENT_SECRET\" }";
    let remote = "[operations]\nadmin_token = { env = \"GRAPH_CLIENT_SECRET\" }";
    let own = "[identity_providers.own]\nauthority = \"https://login.example\"\nauthenticates_callers = false";
    for text in [
        format!(
            "{}\n{agents}\n{other}\n{SCOPES}\ntenants = [{ID:?}]",
            changed(TENANTS, "tenants = [\"33333333-3333-4333-8333-333333333333\"]")
        ),
        format!("{own}\nkind = \"okta\"\n{MINIMAL}"),
        format!("{}\n{MINIMAL}", own.replace("false", "\"maybe\"")),
        format!("identity_providers = 1\n{MINIMAL}"),
        format!("{remote}\nhealth_metrics = true\nhealth_listen = \"nowhere\"\n{MINIMAL}"),
        format!("[logging]\nlevel = \"loud\"\nsubjects = \"plain\"\n{MINIMAL}"),
        format!("[outbound]\negress_proxy = 1\nno_proxy = [\".example\"]\n{MINIMAL}"),
        format!("[token_service]\nlisten = [\"10.0.0.1:1\"]\n{}", changed(PUBLIC_URL, "public_url = \"/\"")),
        changed(ENDPOINT, "endpoint = \"http://bot.example.com/\"\nallow_insecure_http = \"maybe\""),
    ] {
        let problems = read(&text).expect_err(&text);
        assert_eq!(problems.warnings(), [], "{text}\n{problems}");
        assert!(!problems.to_string().contains("is plain http"), "{problems}");
    }
}
