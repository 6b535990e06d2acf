//! A problem of a value that comes from the environment names the variable, and a misspelled variable its right name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::Environment;
use super::test_samples::{MINIMAL, PUBLIC_URL, SECRET, changed, read_with};

fn problems_with(variables: &[(&str, &str)]) -> String {
    let environment = Environment::of(variables.iter().copied().chain([SECRET]));
    read_with(MINIMAL, &environment).expect_err("a problem").to_string()
}

fn warnings_with(variables: &[(&str, &str)]) -> Vec<String> {
    let environment = Environment::of(variables.iter().copied().chain([SECRET]));
    let configuration = read_with(MINIMAL, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    configuration.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn every_problem_of_a_section_that_a_variable_makes_names_the_variable_and_the_right_one() {
    for (name, value, right) in [
        ("BOT_SSO_BOTS__NOBOT__ENDPOINT", "http://127.0.0.1:4000/", Some("BOT_SSO_BOTS__HELP_DESK__ENDPOINT")),
        ("BOT_SSO_CONNECTIONS__GRPAH__ALLOW_V1", "true", Some("BOT_SSO_CONNECTIONS__GRAPH__ALLOW_V1")),
        ("BOT_SSO__SERVER__PUBLIC_URL", "https://a.example", Some("BOT_SSO_SERVER__PUBLIC_URL")),
        ("BOT_SSO_SERVER___PUBLIC_URL", "https://a.example", Some("BOT_SSO_SERVER__PUBLIC_URL")),
        ("BOT_SSO_SERVER__PUBLC_URL", "https://a.example", Some("BOT_SSO_SERVER__PUBLIC_URL")),
        ("BOT_SSO_SERVERS__PUBLIC_URL", "https://a.example", Some("BOT_SSO_SERVER__PUBLIC_URL")),
        ("BOT_SSO_LOG__LEVEL", "debug", Some("BOT_SSO_LOGGING__LEVEL")),
        ("BOT_SSO_OPERATIONS__LISTEN", "127.0.0.1:4001", None),
        ("BOT_SSO_AUDIT__OUTPUT", "file", None),
        ("BOT_SSO_Server__Workers", "many", None),
        ("BOT_SSO_SERVER__LISTEN[0]", "nowhere", None),
        ("BOT_SSO_SERVER__LISTEN", "[\"nowhere\"]", None),
        ("BOT_SSO_BOTS__HELP_DESK__CALLERS[0]__APP_ID", "x", None),
        ("BOT_SSO_CONNECTIONS__GRAPH__SCOPES", "[\"User.Read Mail.Read\"]", None),
        ("BOT_SSO_OUTBOUND__CONNECT_TIMEOUT_MS", "15s", None),
    ] {
        let problems = problems_with(&[(name, value)]);
        for line in problems.lines() {
            assert!(line.contains(&format!("the environment variable {name}")), "{name}\n{problems}");
            assert_eq!(line.split("did you mean BOT_SSO_").nth(1).is_some(), right.is_some(), "{name}\n{problems}");
            assert!(right.is_none_or(|right| line.contains(&format!("did you mean {right}?"))), "{name}\n{problems}");
        }
    }
}

#[test]
fn a_variable_with_an_unreadable_name_hides_no_other() {
    let problems = problems_with(&[("BOT_SSO_SERVER__", "x"), ("BOT_SSO_SERVER__WORKERS", "many")]);
    assert!(problems.contains("the environment variable BOT_SSO_SERVER__ cannot be read"), "{problems}");
    assert!(problems.contains("server.workers: "), "{problems}");
}

#[test]
fn a_variable_that_overrides_nothing_is_warned_of_with_the_right_name() {
    for (name, right) in [
        ("BOT_SSO_LOG_LEVEL", "BOT_SSO_LOGGING__LEVEL"),
        ("BOT_SSO_LOGGING_LEVEL", "BOT_SSO_LOGGING__LEVEL"),
        ("BOT_SSO_PUBLIC_URL", "BOT_SSO_SERVER__PUBLIC_URL"),
        ("BOT_SSO_SERVER_PUBLIC_URL", "BOT_SSO_SERVER__PUBLIC_URL"),
        ("BOT_SSO_HELP_DESK_ENDPOINT", "BOT_SSO_BOTS__HELP_DESK__ENDPOINT"),
        ("bot_sso_server__public_url", "BOT_SSO_SERVER__PUBLIC_URL"),
        ("bot_sso_logging__level", "BOT_SSO_LOGGING__LEVEL"),
        ("Bot_Sso_Logging__Level", "BOT_SSO_LOGGING__LEVEL"),
        ("bot_sso_log_level", "BOT_SSO_LOGGING__LEVEL"),
        ("BOTSSO_LOGGING__LEVEL", "BOT_SSO_LOGGING__LEVEL"),
        ("BOT-SSO_LOGGING__LEVEL", "BOT_SSO_LOGGING__LEVEL"),
        ("bot_sso_bots__help_desk__endpoint", "BOT_SSO_BOTS__HELP_DESK__ENDPOINT"),
    ] {
        let warnings = warnings_with(&[(name, "x")]);
        let [warning] = warnings.as_slice() else { panic!("{name}: {warnings:?}") };
        assert!(warning.contains(name) && warning.contains(right), "{name}: {warning}");
    }
    for (name, value) in
        [("BOT_SSO_PORT", "3978"), ("BOT_SSO_PORT_NUMBER", "3978"), ("BOT_SSO_TOKEN_SERVICE_PORT", "80")]
    {
        assert_eq!(warnings_with(&[(name, value)]).len(), 1, "{name} is the operator's");
    }
    assert_eq!(warnings_with(&[("BOTANY", "x"), ("BOT_SSO_", "x"), ("BOT_SSO", "x")]), [""; 0]);
}

#[test]
fn the_variables_that_kubernetes_sets_for_a_service_of_this_name_are_not_warned_of() {
    for service in ["BOT_SSO", "BOT_SSO_OPERATIONS"] {
        let variables = [
            ("SERVICE_HOST", "10.0.0.7"),
            ("SERVICE_PORT", "3978"),
            ("SERVICE_PORT_HTTP", "3978"),
            ("PORT", "tcp://10.0.0.7:3978"),
            ("PORT_3978_TCP", "tcp://10.0.0.7:3978"),
            ("PORT_3978_TCP_PROTO", "tcp"),
            ("PORT_3978_TCP_PORT", "3978"),
            ("PORT_3978_TCP_ADDR", "10.0.0.7"),
        ];
        for (end, value) in variables {
            assert_eq!(warnings_with(&[(&format!("{service}_{end}"), value)]), [""; 0], "{service}_{end}");
        }
    }
}

#[test]
fn quotes_that_a_file_of_variables_keeps_are_not_part_of_the_value() {
    for text in ["https://other.example.com", "\"https://other.example.com\"", "'https://other.example.com'"] {
        let environment = Environment::of([("BOT_SSO_SERVER__PUBLIC_URL", text), SECRET]);
        let configuration = read_with(MINIMAL, &environment).unwrap();
        assert_eq!(configuration.server.public_url.host_str(), Some("other.example.com"), "{text}");
    }
}

#[test]
fn a_switch_of_a_member_of_a_list_is_read_from_a_variable() {
    let name = |key: &str| format!("BOT_SSO_BOTS__HELP_DESK__CALLERS[0]__{key}");
    let environment = Environment::of([
        (name("APP_ID"), "44444444-4444-4444-8444-444444444444".to_owned()),
        (name("TENANT"), "22222222-2222-4222-8222-222222222222".to_owned()),
        (name("SERVICE_URLS"), "[\"https://parent.example.com/\"]".to_owned()),
        (name("CHANNELS[0]"), "msteams".to_owned()),
        (name("VOUCHES_FOR_CHANNEL_USERS"), "true".to_owned()),
        (SECRET.0.to_owned(), SECRET.1.to_owned()),
    ]);
    let configuration = read_with(&changed(PUBLIC_URL, PUBLIC_URL), &environment).unwrap_or_else(|it| panic!("{it}"));
    assert!(configuration.bots[0].callers[0].vouches_for_channel_users);
}
