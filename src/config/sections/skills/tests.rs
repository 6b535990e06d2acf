//! Skills, and where they may answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{BOT_ID, ENDPOINT, PUBLIC_URL, TENANTS, changed, problem_of, read, read_with};
use crate::config::{Configuration, Environment};

const TENANT: &str = "22222222-2222-4222-8222-222222222222";
const SKILL: &str = "99999999-9999-4999-8999-999999999999";
const URI: &str = "api://99999999-9999-4999-8999-999999999999/access_as_user";

/// The smallest sample with a tenant and credentials of its bot, `lines` of the bot, and the skill with `keys`.
fn with(lines: &str, keys: &str) -> String {
    let bot = format!("{BOT_ID}\ntenant = {TENANT:?}\ncredentials = [{{ managed_identity = {{}} }}]\n{lines}");
    let listed = format!("{TENANTS}\nexchange_uris = [{URI:?}]");
    format!("{}\n[skills.weather]\n{keys}\n", changed(BOT_ID, &bot).replace(TENANTS, &listed))
}

/// The keys of a skill without a problem, with `from` replaced by `to`.
fn keys(from: &str, to: &str) -> String {
    let all = format!(
        "app_id = {SKILL:?}\nendpoint = \"https://weather.example.com/api/messages\"\nconnections = [\"weather\"]\n\
         exchange_uris = [{URI:?}]\nbots = [\"help-desk\"]"
    );
    assert!(all.contains(from), "{from}");
    all.replace(from, to)
}

/// A further bot with `lines`, of which the skill is told, too.
fn with_second_bot(lines: &str, skill: &str) -> String {
    let bot = "[bots.second]\napp_id = \"55555555-5555-4555-8555-555555555555\"\nendpoint = \"http://127.0.0.1:4000/\"\n\
               credentials = [{ managed_identity = {} }]";
    format!("{bot}\n{lines}\n{}", with("", skill))
}

#[track_caller]
fn accepted(text: &str) -> Configuration {
    let configuration = read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    assert_eq!(configuration.warnings, [], "{text}");
    configuration
}

/// Checks that the skill with `from` replaced has one problem at `place`, which says `what`.
#[track_caller]
fn expect(from: &str, to: &str, place: &str, what: &str) {
    let problem = problem_of(&with("", &keys(from, to)));
    assert!(problem.starts_with(&format!("skills.weather{place}: ")) && problem.contains(what), "{to}\n{problem}");
}

const BOTS: &str = "bots = [\"help-desk\"]";
const CONNECTIONS: &str = "connections = [\"weather\"]";

#[test]
fn a_skill_is_read_with_the_tenant_of_its_bots() {
    let configuration = accepted(&with("", &keys("", "")));
    let [skill] = configuration.skills.as_slice() else { panic!("{:?}", configuration.skills) };
    assert_eq!((skill.name.as_str(), skill.app_id.as_str(), skill.tenant_id.as_str()), ("weather", SKILL, TENANT));
    assert_eq!(skill.endpoint.as_str(), "https://weather.example.com/api/messages");
    assert!(skill.has_connection("weather") && skill.parents[0].as_str() == "help-desk");
    assert_eq!(skill.exchange_uris, [URI]);
    assert!(configuration.literal_hosts().contains(&"weather.example.com".to_owned()));
    assert!(configuration.app_token_tenants().contains(&TENANT.to_owned()));
    assert_eq!(accepted(&with("", &keys(SKILL, &SKILL.to_uppercase()))).skills[0].app_id, SKILL);
    let own = "aaaaaaaa-3333-4333-8333-333333333333";
    let own_tenant = accepted(&with("", &keys(BOTS, &format!("{BOTS}\ntenant = {:?}", own.to_uppercase()))));
    assert_eq!(own_tenant.skills[0].tenant_id, own);
    assert!(own_tenant.app_token_tenants().contains(&own.to_owned()));
}

#[test]
fn a_bot_without_credentials_has_a_tenant_for_its_skills_too() {
    let text = with("", &keys("", "")).replace("credentials = [{ managed_identity = {} }]\n", "");
    let configuration = read(&text).unwrap();
    assert_eq!(configuration.skills[0].tenant_id, TENANT);
    assert_eq!(configuration.warnings.len(), 1, "{:?}", configuration.warnings);
    assert_eq!(configuration.warnings[0].path, "bots.help-desk.credentials");
}

#[test]
fn a_skill_for_which_no_tenant_is_known_is_refused() {
    let tenantless = with("", &keys("", "")).replace(&format!("tenant = {TENANT:?}\n"), "");
    let problem = problem_of(&tenantless);
    assert!(problem.starts_with("skills.weather.tenant: is missing, and its bots have none, so no tenant is known"));
    let both = keys(BOTS, "bots = [\"help-desk\", \"second\"]");
    for lines in ["tenant = \"33333333-3333-4333-8333-333333333333\"", ""] {
        let problem = problem_of(&with_second_bot(lines, &both));
        let start = "skills.weather.tenant: is missing, and its bots are not all of one tenant, so no tenant is known";
        assert!(problem.starts_with(start), "{problem}");
        assert!(problem.contains("write the tenant (a GUID)"), "{problem}");
        let written = format!("{both}\ntenant = {TENANT:?}");
        assert_eq!(accepted(&with_second_bot(lines, &written)).skills[0].parents.len(), 2);
    }
    assert_eq!(accepted(&with_second_bot(&format!("tenant = {TENANT:?}"), &both)).skills[0].tenant_id, TENANT);
    let follows = with("", &keys("", "")).replace(&format!("tenant = {TENANT:?}"), "tenant = \"contoso.com\"");
    assert!(problem_of(&follows).starts_with("bots.help-desk.tenant: "), "what follows is not reported");
}

#[test]
fn a_skills_values_are_what_its_keys_need() {
    for (from, to, place, what) in [
        (SKILL, "weather", ".app_id", "is not a GUID"),
        (SKILL, "{99999999-9999-4999-8999-999999999999}", ".app_id", "write \"99999999-9999-4999-8999-999999999999\""),
        (BOTS, "", ".bots", "is missing: write the bots that may call this skill, as [\"help-desk\"]"),
        (BOTS, "bots = []", ".bots", "is missing"),
        (BOTS, "bots = [\"help-dsk\"]", ".bots[0]", "\"help-dsk\" is no bot: write \"help-desk\""),
        (BOTS, "bots = [\"Help-Desk\"]", ".bots[0]", "write \"help-desk\""),
        (BOTS, "bots = [\"\"]", ".bots[0]", "\"\" is no bot"),
        (BOTS, "bots = [\"elsewhere\"]", ".bots[0]", "write the name of a section [bots.…]: help-desk"),
        (BOTS, "bots = \"help-desk\"", ".bots", "write [\"help-desk\"]"),
        (
            BOTS,
            "bots = [\"help-desk,help-desk\"]",
            ".bots[0]",
            "holds several entries of the list: write [\"help-desk\"]",
        ),
        ("https://weather", "http://weather", ".endpoint", "is plain http: write \"https://weather"),
        ("https://weather", "weather", ".endpoint", "write \"https://weather.example.com/api/messages\""),
        ("https://weather", "https://u:hunter2@weather", ".endpoint", "holds a user name or password"),
        (CONNECTIONS, "connections = [\"\"]", ".connections[0]", "is no name for a connection"),
        (CONNECTIONS, "connections = [\" \"]", ".connections[0]", "is no name for a connection"),
        (CONNECTIONS, "connections = [\"a\", \"b, c\"]", ".connections[1]", "write [\"a\", \"b\", \"c\"]"),
        (CONNECTIONS, "connections = [\"a\", \"<name>\"]", ".connections[1]", "placeholder"),
        (CONNECTIONS, "connections = \"weather\"", ".connections", "write [\"weather\"]"),
        (URI, "99999999-9999-4999-8999-999999999999/access_as_user", ".exchange_uris[0]", "write \"api://99999999-"),
        (URI, "", ".exchange_uris[0]", "is not a resource"),
        (URI, "api://a b", ".exchange_uris[0]", "holds several entries"),
    ] {
        expect(from, to, place, what);
    }
    expect(BOTS, &format!("{BOTS}\ntenant = \"common\""), ".tenant", "stands for many tenants");
    expect(BOTS, &format!("{BOTS}\nskills = []"), ".skills", "unknown key");
    let plain = accepted(&with(
        "",
        &keys("https://weather", "http://weather").replace(BOTS, &format!("{BOTS}\nallow_insecure_http = true")),
    ));
    assert!(plain.plain_http_hosts().contains(&"weather.example.com".to_owned()));
    accepted(&with("", &keys("https://weather.example.com", "http://127.0.0.1:4000")));
}

#[test]
fn a_skills_name_is_a_segment_of_a_path() {
    for name in ["\"a/b\"", "\"\"", "\"a b\"", "\"wétter\"", &"a".repeat(65)] {
        let text = with("", &keys("", "")).replace("[skills.weather]", &format!("[skills.{name}]"));
        let problem = problem_of(&text);
        assert!(problem.contains("is no name for a skill: write 1 to 64 letters, digits, - or _"), "{problem}");
    }
    let text = with("", &keys("", "")).replace("[skills.weather]", "[skills.Weather_2-b]");
    assert_eq!(accepted(&text).skills[0].name.as_str(), "Weather_2-b");
}

#[test]
fn blanks_in_a_connections_name_and_repeated_entries_are_warned_of() {
    for (from, to, path) in [
        (CONNECTIONS, "connections = [\"my weather\"]", "skills.weather.connections[0]"),
        (CONNECTIONS, "connections = [\"weather\", \"weather\"]", "skills.weather.connections"),
        (BOTS, "bots = [\"help-desk\", \"help-desk\"]", "skills.weather.bots"),
    ] {
        let configuration = read(&with("", &keys(from, to))).unwrap();
        assert_eq!(configuration.warnings.len(), 1, "{to} {:?}", configuration.warnings);
        assert_eq!(configuration.warnings[0].path, path);
        assert_eq!(configuration.skills[0].parents.len(), 1);
    }
}

#[test]
fn a_bots_skills_may_answer_at_the_host_of_its_endpoint() {
    for (endpoint, url) in [
        ("http://127.0.0.1:3979/api/messages", "http://127.0.0.1:3979/"),
        ("https://Assistant.example.com:443/api/messages?x=1", "https://assistant.example.com/"),
        ("http://[::1]:4000/api/messages", "http://[::1]:4000/"),
    ] {
        let configuration = accepted(&changed(ENDPOINT, &format!("endpoint = {endpoint:?}")));
        assert_eq!(configuration.bots[0].skill_host_urls, [url]);
    }
}

#[test]
fn where_skills_may_answer_is_a_list_of_addresses() {
    let urls = |text: &str| changed(ENDPOINT, &format!("{ENDPOINT}\nskill_host_urls = {text}"));
    for (text, url, host) in [
        ("[\"https://A.example.com/api/skills\"]", "https://a.example.com/api/skills", "a.example.com"),
        ("[\"http://127.0.0.1:*/\"]", "http://127.0.0.1:*/", "127.0.0.1"),
        ("[\"http://127.1:*/\"]", "http://127.0.0.1:*/", "127.0.0.1"),
        ("[\"http://localhost:*\"]", "http://localhost:*/", "localhost"),
        ("[\"https://[::1]:*/api/skills/\"]", "https://[::1]:*/api/skills/", "[::1]"),
    ] {
        let configuration = accepted(&urls(text));
        assert_eq!(configuration.bots[0].skill_host_urls, [url]);
        assert!(configuration.literal_hosts().contains(&host.to_owned()), "{text}");
        let is_plain = configuration.plain_http_hosts().contains(&host.to_owned());
        assert_eq!(is_plain, url.starts_with("http:") || host == "127.0.0.1", "{text}");
    }
    for (text, place, what) in [
        ("[]", "", "is empty"),
        ("\"https://a.example.com/\"", "", "write [\"https://a.example.com/\"]"),
        ("[\"\"]", "[0]", "is not an address"),
        ("[\"a.example.com/api\"]", "[0]", "write \"https://a.example.com/api\""),
        ("[\"http://a.example.com/\"]", "[0]", "is plain http: write \"https://a.example.com/\""),
        (
            "[\"https://a.example.com/?x=1\"]",
            "[0]",
            "has a query, and no serviceUrl starts like that: write \"https://a.example.com/\"",
        ),
        ("[\"https://a.example.com/#x\"]", "[0]", "write \"https://a.example.com/\""),
        ("[\"https://u:hunter2@a.example.com/\"]", "[0]", "holds a user name or password"),
        ("[\"https://*.example.com/\"]", "[0]", "has a * in its host"),
        (
            "[\"https://a.example/, https://b.example/\"]",
            "[0]",
            "write [\"https://a.example/\", \"https://b.example/\"]",
        ),
        (
            "[\"https://a.example.com:*/x\"]",
            "[0]",
            "the ports of this machine alone: write \"https://a.example.com/x\"",
        ),
        ("[\"http://a.example.com:*/\"]", "[0]", "write \"https://a.example.com/\""),
        ("[\"http://10.0.0.1:*/\"]", "[0]", "write \"https://10.0.0.1/\""),
        ("[\"http://0.0.0.0:*/\"]", "[0]", "write \"http://127.0.0.1:*/\""),
        ("[\"http://LOCALHOST.:*/x\"]", "[0]", "write \"http://localhost:*/x\""),
        ("[\"localhost:*\"]", "[0]", "write \"http://localhost:*/\""),
        ("[\"http://localhost:*/?x\"]", "[0]", "write \"http://localhost:*/\""),
        ("[\"http://u:hunter2@127.0.0.1:*/\"]", "[0]", "holds a user name or password"),
        ("[\"http://127.0.0.1:**/\"]", "[0]", "is not an address"),
        ("[\"*\"]", "[0]", "is not an address"),
    ] {
        let problem = problem_of(&urls(text));
        let start = format!("bots.help-desk.skill_host_urls{place}: ");
        assert!(problem.starts_with(&start) && problem.contains(what), "{text}\n{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    let insecure =
        urls("[\"http://a.example.com/\"]").replace(ENDPOINT, &format!("{ENDPOINT}\nallow_insecure_http = true"));
    assert!(accepted(&insecure).plain_http_hosts().contains(&"a.example.com".to_owned()));
}

#[test]
fn the_skills_of_the_guide_are_read_without_a_warning() {
    let guide = include_str!("../../../../docs/skills.md");
    let blocks: Vec<&str> = guide.split("```toml\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    let [parent, skills] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    let keys = skills.lines().filter(|line| line.contains(" = "));
    assert_eq!(keys.count(), 10, "{skills}");
    let environment = Environment::of([("ASSISTANT_SECRET", "hunter2 of the assistant")]);
    let text = format!("[server]\n{PUBLIC_URL}\n{parent}{skills}");
    let configuration = read_with(&text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(configuration.warnings, []);
    let read: Vec<&str> = configuration.skills.iter().map(|skill| skill.name.as_str()).collect();
    assert_eq!(read, ["travel", "weather"]);
    assert_eq!(configuration.skill_callers().len(), 2);
    let caller = &configuration.skill_callers()[0];
    assert_eq!(caller.place, "bots.assistant token for skills.travel");
    assert_eq!(caller.scope.as_str(), "44444444-4444-4444-8444-444444444444/.default");
}
