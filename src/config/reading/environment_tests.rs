//! How the environment becomes a configuration's tables of text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::environment::Environment;

#[test]
fn variables_nest_at_double_underscores() {
    let environment = Environment::of([
        ("BOT_SSO_SERVER__PUBLIC_URL", "https://sso.example.com"),
        ("BOT_SSO_BOTS__HELP_DESK__APP_ID", "x"),
        ("BOT_SSO_GRAPH_SECRET", "not an override"),
        ("PATH", "/bin"),
    ]);
    let overrides = environment.overrides().table;
    assert_eq!(overrides["server"]["public_url"].as_str(), Some("https://sso.example.com"));
    assert_eq!(overrides["bots"]["help_desk"]["app_id"].as_str(), Some("x"));
    assert_eq!(overrides.len(), 2);
}

#[test]
fn names_become_lower_case_but_the_prefix_must_be_in_capitals() {
    let environment = Environment::of([
        ("BOT_SSO_Server__Workers", "3"),
        ("bot_sso_server__listen", "another program's"),
        ("Bot_Sso_Server__Tls", "another program's"),
        ("BOT_SSO", "another program's"),
        ("BOT_SSO_", "nothing"),
    ]);
    let overrides = environment.overrides().table;
    assert_eq!(overrides.to_string().trim(), "[server]\nworkers = \"3\"");
}

#[test]
fn a_variable_stays_a_text_even_if_it_looks_like_another_type() {
    for text in ["8", "-1", "1.5", "true", "", " ", "[\"a\"]", "a,b", "{ env = \"A\" }", "\"quoted\"", "öäü\n"] {
        let overrides = Environment::of([("BOT_SSO_SERVER__KEY", text)]).overrides().table;
        assert_eq!(overrides["server"]["key"].as_str(), Some(text));
    }
}

#[test]
fn a_hyphen_stays_a_hyphen_and_a_third_underscore_is_part_of_the_next_name() {
    let environment = Environment::of([("BOT_SSO_BOTS__HELP-DESK__APP_ID", "x"), ("BOT_SSO_LIMITS___KEY", "y")]);
    let overrides = environment.overrides().table;
    assert_eq!(overrides["bots"]["help-desk"]["app_id"].as_str(), Some("x"));
    assert_eq!(overrides["limits"]["_key"].as_str(), Some("y"));
}

#[test]
fn a_dot_separates_as_two_underscores_do() {
    let environment = Environment::of([("BOT_SSO_SERVER__TLS.KEY_FILE", "k"), ("BOT_SSO_SERVER.WORKERS", "not ours")]);
    assert_eq!(environment.overrides().table.to_string().trim(), "[server.tls]\nkey_file = \"k\"");
}

#[test]
fn an_index_in_brackets_makes_a_list() {
    let variables: Vec<(String, String)> =
        (0..12).map(|index| (format!("BOT_SSO_SERVER__LISTEN[{index}]"), format!("127.0.0.1:{index}"))).collect();
    let overrides = Environment::of(variables).overrides().table;
    let listen: Vec<&str> =
        overrides["server"]["listen"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
    assert_eq!((listen.len(), listen[2], listen[11]), (12, "127.0.0.1:2", "127.0.0.1:11"));
    let environment = Environment::of([
        ("BOT_SSO_BOTS__DESK__CALLERS[0]__APP_ID", "a"),
        ("BOT_SSO_BOTS__DESK__CALLERS[0]__CHANNELS[0]", "msteams"),
        ("BOT_SSO_BOTS__DESK__CALLERS[1]__APP_ID", "b"),
    ]);
    let overrides = environment.overrides().table;
    let callers = overrides["bots"]["desk"]["callers"].as_array().unwrap();
    assert_eq!(callers[0]["app_id"].as_str(), Some("a"));
    assert_eq!(callers[0]["channels"][0].as_str(), Some("msteams"));
    assert_eq!(callers[1]["app_id"].as_str(), Some("b"));
}

#[test]
fn a_list_with_a_gap_is_a_problem() {
    let environment = Environment::of([("BOT_SSO_SERVER__LISTEN[1]", "127.0.0.1:1")]);
    assert_eq!(environment.overrides().unreadable, ["BOT_SSO_SERVER__LISTEN[1]"]);
}

#[test]
fn an_invalid_name_is_found_and_the_other_variables_still_count() {
    for name in
        ["BOT_SSO_SERVER__", "BOT_SSO___X", "BOT_SSO_A__B C", "BOT_SSO_A__B[", "BOT_SSO_A__B[x]", "BOT_SSO_A__Ä"]
    {
        let overrides = Environment::of([(name, "secret"), ("BOT_SSO_SERVER__WORKERS", "3")]).overrides();
        assert_eq!(overrides.unreadable, [name]);
        assert_eq!(overrides.table["server"]["workers"].as_str(), Some("3"));
    }
}

#[test]
fn a_variable_for_a_key_overrides_one_for_its_table() {
    let environment = Environment::of([
        ("BOT_SSO_SERVER__TLS__KEY_FILE", "k"),
        ("BOT_SSO_SERVER__TLS", "{ key_file = \"other\" }"),
        ("BOT_SSO_SERVER__LISTEN", "[]"),
        ("BOT_SSO_SERVER__LISTEN[0]", "127.0.0.1:1"),
    ]);
    let overrides = environment.overrides().table;
    assert_eq!(overrides["server"]["tls"]["key_file"].as_str(), Some("k"));
    assert_eq!(overrides["server"]["listen"][0].as_str(), Some("127.0.0.1:1"));
}
