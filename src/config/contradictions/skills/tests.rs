//! Skills that contradict their parents, each other or this gateway, one by one beside the smallest sample.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{BOT_ID, ENDPOINT, TENANTS, URI, changed, problem_of, read};

const APP: &str = "11111111-1111-4111-8111-111111111111";
const TENANT: &str = "22222222-2222-4222-8222-222222222222";
const WEATHER: &str = "99999999-9999-4999-8999-999999999999";
const TRAVEL: &str = "88888888-8888-4888-8888-888888888888";
const CREDENTIALS: &str = "credentials = [{ managed_identity = {} }]";

/// The smallest sample whose bot may call skills; its connection serves both skills' URIs.
fn parent() -> String {
    let bot = format!("{BOT_ID}\ntenant = {TENANT:?}\n{CREDENTIALS}");
    let listed = format!("{TENANTS}\nexchange_uris = [\"api://{WEATHER}/read\", \"api://{TRAVEL}/read\"]");
    changed(BOT_ID, &bot).replace(TENANTS, &listed)
}

/// A section of the skill `name` of the bot.
fn skill(name: &str, app_id: &str) -> String {
    format!(
        "[skills.{name}]\napp_id = {app_id:?}\nendpoint = \"https://{name}.example.com/api/messages\"\nbots = [\"help-desk\"]\n\
         connections = [{name:?}]\nexchange_uris = [\"api://{app_id}/read\"]\n"
    )
}

/// A further bot of the same tenant, with `lines`.
fn bot(name: &str, app_id: &str, lines: &str) -> String {
    format!(
        "[bots.{name}]\napp_id = {app_id:?}\ntenant = {TENANT:?}\nendpoint = \"http://127.0.0.1:4000/api/messages\"\n{lines}\n"
    )
}

fn both() -> String {
    format!("{}\n{}{}", parent(), skill("travel", TRAVEL), skill("weather", WEATHER))
}

#[track_caller]
fn warnings_of(text: &str) -> Vec<String> {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    configuration.warnings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn expect(text: &str, start: &str, what: &str) {
    let problem = problem_of(text);
    assert!(problem.starts_with(start) && problem.contains(what), "{text}\n{problem}");
}

#[track_caller]
fn expect_warning(text: &str, start: &str, what: &str) {
    let warnings = warnings_of(text);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with(start) && warnings[0].contains(what), "{warnings:?}");
}

#[test]
fn two_skills_of_one_parent_fit_together() {
    assert_eq!(warnings_of(&both()), [""; 0]);
}

#[test]
fn a_connections_name_belongs_to_one_skill_of_a_parent() {
    for name in ["travel", "TRAVEL", "Travel"] {
        let text = both().replace("connections = [\"weather\"]", &format!("connections = [\"weather\", {name:?}]"));
        expect(
            &text,
            &format!("skills.weather.connections[1]: {name:?} is also a connection of skills.travel"),
            "give one of them another name",
        );
    }
    let apart = format!(
        "{}{}",
        both().replace("connections = [\"weather\"]", "connections = [\"travel\"]"),
        bot("other", "77777777-7777-4777-8777-777777777777", CREDENTIALS)
    );
    let apart = apart.replacen("bots = [\"help-desk\"]", "bots = [\"other\"]", 1);
    assert!(read(&apart).is_ok(), "no bot calls both");
}

#[test]
fn a_connections_name_belongs_to_a_skill_or_to_its_parent() {
    for name in ["graph", "GRAPH"] {
        let text = both().replace("connections = [\"weather\"]", &format!("connections = [{name:?}]"));
        expect(
            &text,
            &format!("skills.weather.connections[0]: {name:?} is also the name of connections.graph"),
            "\"help-desk\"",
        );
        let renamed = text.replace(TENANTS, &format!("{TENANTS}\nname = \"directory\""));
        assert_eq!(warnings_of(&renamed), [""; 0], "bots and clients use the name, and not the key");
    }
    let other = format!("{}{}", both(), bot("other", "77777777-7777-4777-8777-777777777777", ""));
    let other = other.replace("[connections.graph]\n", "[connections.graph]\nname = \"weather\"\n");
    let foreign = other.replace("bot = \"help-desk\"", "bot = \"other\"").replace(URI, "");
    assert!(!read(&foreign).is_err_and(|problems| problems.to_string().contains("is also the name")));
    assert!(problem_of(&other).contains("is also the name of connections.graph"));
}

#[test]
fn an_app_id_belongs_to_one_skill_of_a_parent_and_not_to_the_parent() {
    let twins = both().replace(&format!("app_id = {WEATHER:?}"), &format!("app_id = {:?}", TRAVEL.to_uppercase()));
    expect(&twins, "skills.weather.app_id: is also the app id of skills.travel", "\"help-desk\" calls both");
    let own = both().replace(&format!("app_id = {WEATHER:?}"), &format!("app_id = {APP:?}"));
    expect(&own, "skills.weather.app_id: is the app id of the bot \"help-desk\"", "the skill's own registration");
}

#[test]
fn an_exchange_uri_that_no_connection_of_a_parent_lists_is_explained() {
    let unlisted = both().replace(&format!("\"api://{WEATHER}/read\", "), "");
    expect_warning(
        &unlisted,
        &format!("skills.weather.exchange_uris[0]: \"api://{WEATHER}/read\" is in exchange_uris of no connection"),
        "no parent connection can serve it, and cards that ask for it are always shown: write it into exchange_uris of \
         connections.graph",
    );
    for near in [format!("api://{WEATHER}/read/"), format!("api://{WEATHER}/Read")] {
        let text = both().replace(&format!("\"api://{WEATHER}/read\", "), &format!("{near:?}, "));
        expect_warning(&text, "skills.weather.exchange_uris[0]: ", &format!("connections.graph has {near:?}"));
    }
    let elsewhere = both().replace("bot = \"help-desk\"", "bot = \"other\"").replace(URI, "");
    let elsewhere = format!("{elsewhere}{}", bot("other", "77777777-7777-4777-8777-777777777777", CREDENTIALS));
    let warnings = warnings_of(&elsewhere);
    assert!(warnings.iter().any(|one| one.contains("with bot = \"help-desk\" and exchange_uris")), "{warnings:?}");
}

#[test]
fn no_skill_gets_tokens_that_are_for_its_parent() {
    let uri = format!("\"api://{WEATHER}/read\"");
    for own in [
        format!("api://{APP}/access_as_user"),
        format!("api://sso.example.com/botid-{APP}"),
        format!("API://botid-{}/x", APP.to_uppercase()),
    ] {
        let text = both().replace(&uri, &format!("{own:?}"));
        expect(
            &text,
            &format!("skills.weather.exchange_uris[0]: {own:?} is a resource of the bot \"help-desk\""),
            &format!("\"api://{WEATHER}/access_as_user\""),
        );
    }
    let client = "55555555-5555-4555-8555-555555555555";
    let text = both().replace(TENANTS, &format!("{TENANTS}\nclient_id = {client:?}"));
    let text = text.replace(&uri, &format!("\"api://{client}/read\""));
    expect_warning(&text, "skills.weather.exchange_uris[0]: ", "is a resource of the app of connections.graph");
    let text = text.replace(URI, &format!("token_exchange_uri = \"api://{client}/access_as_user\""));
    let text = text.replace(&format!("\"api://{client}/read\""), &format!("\"api://{client}/access_as_user\""));
    expect(&text, "skills.weather.exchange_uris[0]: ", "is the token_exchange_uri of connections.graph");
}

#[test]
fn a_parent_without_credentials_and_a_skill_without_connections_are_explained() {
    let text = both().replace(CREDENTIALS, "");
    expect_warning(
        &text,
        "bots.help-desk.credentials: is missing, so bot-sso cannot call the skills",
        "travel, weather",
    );
    let relayed = text
        .replace("connections = [\"weather\"]\n", "")
        .replace("connections = [\"travel\"]\n", "")
        .replace(&format!("exchange_uris = [\"api://{TRAVEL}/read\"]\n"), "")
        .replace(&format!("exchange_uris = [\"api://{WEATHER}/read\"]\n"), "");
    assert_eq!(warnings_of(&relayed), [""; 0], "such skills send no cards");
    let text = both().replace("connections = [\"weather\"]\n", "");
    expect_warning(&text, "skills.weather.connections: is missing", "write the names of the skill's own connections");
    let shown = both().replace(&format!("\nexchange_uris = [\"api://{WEATHER}/read\"]\n"), "\n");
    assert_eq!(warnings_of(&shown), [""; 0], "its cards are shown, and their answers reach it");
}

/// The two skills, with the endpoint of one replaced.
fn at(endpoint: &str) -> String {
    both().replace("https://weather.example.com/api/messages", endpoint)
}

#[test]
fn a_skills_endpoint_that_is_this_gateway_is_a_problem() {
    for endpoint in [
        "https://sso.example.com/api/messages",
        "https://sso.example.com/bots/help-desk/api/messages",
        "https://SSO.example.com.:443/api/skills/weather/messages",
        "http://127.0.0.1:3978/api/messages",
        "http://localhost:3978/anything",
        "http://[::ffff:127.0.0.1]:3978/",
    ] {
        expect(&at(endpoint), "skills.weather.endpoint: ", "no bot of this file has the skill's app id");
    }
    expect_warning(
        &at("https://sso.example.com/weather"),
        "skills.weather.endpoint: ",
        "unless a proxy leads this path to the skill",
    );
    assert_eq!(warnings_of(&at("http://127.0.0.1:4001/api/messages")), [""; 0]);
}

/// The weather skill as a bot of this file, with an entry of its parent.
fn same_instance(endpoint: &str, service_url: &str) -> String {
    let callers = format!(
        "[[bots.weather-bot.callers]]\napp_id = {APP:?}\ntenant = {TENANT:?}\nchannels = [\"msteams\"]\nservice_urls = [{service_url:?}]"
    );
    format!("{}{}", at(endpoint), bot("weather-bot", WEATHER, &callers))
}

#[test]
fn a_skill_behind_the_same_gateway_has_the_path_of_its_bot() {
    let host = "https://sso.example.com/api/skills/weather/";
    for endpoint in
        ["https://sso.example.com/bots/weather-bot/api/messages", "http://127.0.0.1:3978/bots/weather-bot/api/messages"]
    {
        for prefix in [
            host,
            "https://sso.example.com/api/skills/weather",
            "https://sso.example.com/api/skills/",
            "https://sso.example.com",
        ] {
            assert_eq!(warnings_of(&same_instance(endpoint, prefix)), [""; 0], "{endpoint} {prefix}");
        }
        for prefix in [
            "https://sso.example.com/api/skills/weat",
            "https://parent.example.com/api/skills/",
            "https://sso.example.com/api/skills/travel/",
        ] {
            expect(
                &same_instance(endpoint, prefix),
                "bots.weather-bot.callers[0].service_urls: has no address that fits",
                &format!("write \"{host}\" into the list"),
            );
        }
        let stranger = same_instance(endpoint, host)
            .replace(&format!("callers]]\napp_id = {APP:?}"), &format!("callers]]\napp_id = {TENANT:?}"));
        for text in [stranger, format!("{}{}", at(endpoint), bot("weather-bot", WEATHER, ""))] {
            let what = format!("write [[bots.weather-bot.callers]] with app_id = {APP:?}");
            expect(&text, "bots.weather-bot.callers: has no entry for the bot \"help-desk\"", &what);
        }
    }
    for (endpoint, right) in [
        ("https://sso.example.com/api/messages", "https://sso.example.com/bots/weather-bot/api/messages"),
        (
            "https://sso.example.com/bots/Weather-Bot/api/messages",
            "https://sso.example.com/bots/weather-bot/api/messages",
        ),
        ("http://127.0.0.1:3978/bots/weather-bot/api/messages/", "http://127.0.0.1:3978/bots/weather-bot/api/messages"),
        (
            "http://127.0.0.1:3978/bots/help-desk/api/messages?x=1",
            "http://127.0.0.1:3978/bots/weather-bot/api/messages",
        ),
    ] {
        expect(&same_instance(endpoint, host), "skills.weather.endpoint: ", &format!("write {right:?}"));
    }
    let token_service = "[token_service]\nlisten = [\"127.0.0.1:4100\"]\n";
    let text = same_instance("http://127.0.0.1:4100/bots/weather-bot/api/messages", host);
    let right = "write \"https://sso.example.com/bots/weather-bot/api/messages\"";
    expect(&format!("{token_service}{text}"), "skills.weather.endpoint: ", right);
}

#[test]
fn a_skill_host_that_is_this_gateway_is_a_problem() {
    let hosts = |url: &str| both().replace(ENDPOINT, &format!("{ENDPOINT}\nskill_host_urls = [{url:?}]"));
    for url in [
        "https://sso.example.com/api/skills/",
        "https://sso.example.com/api/skills/weather/",
        "http://127.0.0.1:3978/api/skills/",
    ] {
        expect(&hosts(url), "bots.help-desk.skill_host_urls[0]: ", "is this gateway");
    }
    for url in [
        "https://sso.example.com/assistant/api/skills/",
        "http://127.0.0.1:*/",
        "https://assistant.example.com/api/skills/",
    ] {
        assert_eq!(warnings_of(&hosts(url)), [""; 0], "{url}");
    }
}
