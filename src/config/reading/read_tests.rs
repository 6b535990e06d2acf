//! How the environment overrides the file, and the problems of both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use crate::config::review::{Place, Review};
use crate::config::test_samples::{FULL, MINIMAL, PUBLIC_URL, SECRET, problem_of, read_with, secret_of};
use crate::config::{Environment, LogLevel};
use crate::domain::{ContinuationMode, TenantPolicy};

use super::read::Source;

/// A key that no section has.
const STRANGER: &str = "zzzzzzzzzz";

#[test]
fn a_syntax_error_is_reported_by_position_without_the_line() {
    let problem = problem_of("[connections.graph]\nclient_secret = hunter2\n");
    assert!(problem.starts_with("line 2, column 17: "), "{problem}");
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn the_environment_overrides_the_file() {
    let variables = [
        ("BOT_SSO_SERVER__WORKERS", "3"),
        ("BOT_SSO_SERVER__LISTEN", "[\"127.0.0.1:1\", \"127.0.0.1:2\"]"),
        ("BOT_SSO_BOTS__HELP_DESK__ENDPOINT", "https://bot.example.com/api/messages"),
        ("BOT_SSO_CONNECTIONS__GRAPH__TENANTS", "any_organization"),
        ("BOT_SSO_CONNECTIONS__GRAPH__CLIENT_SECRET", "{ env = \"OTHER\" }"),
        ("BOT_SSO_CONNECTIONS__GRAPH__ALLOW_V1", "true"),
        ("BOT_SSO_LOGGING__LEVEL", "debug"),
        ("OTHER", "other"),
        ("BOT_SSO_UNRELATED", "x"),
        SECRET,
    ];
    let configuration = read_with(MINIMAL, &Environment::of(variables)).unwrap();
    assert_eq!(configuration.server.workers, Some(3));
    assert_eq!(configuration.server.listen.len(), 2);
    assert_eq!(configuration.bots[0].endpoint.host_str(), Some("bot.example.com"));
    assert_eq!(configuration.literal_hosts(), ["bot.example.com"]);
    let graph = &configuration.connections[0];
    assert_eq!(graph.connection.exchange.tenants, TenantPolicy::AnyOrganization);
    assert!(graph.connection.exchange.allow_v1);
    assert_eq!(secret_of(graph), "other");
    assert_eq!(configuration.logging.level, LogLevel::Debug);
}

#[test]
fn a_problem_from_the_environment_names_the_variable_and_no_secret() {
    let variables = [
        ("BOT_SSO_SERVER__WORKERS", "many"),
        ("BOT_SSO_SERVER__PUBLIC_URL", "ftp://sso.example.com"),
        ("BOT_SSO_SERVER__NONSENSE", "1"),
        ("BOT_SSO_CONNECTIONS__GRAPH__CLIENT_SECRET", "sesame"),
    ];
    let problems = read_with(MINIMAL, &Environment::of(variables.into_iter().chain([SECRET]))).unwrap_err();
    assert_eq!(problems.0.len(), 4, "{problems}");
    let text = problems.to_string();
    for (variable, _) in variables {
        assert!(text.contains(&format!("(set by the environment variable {variable})")), "{text}");
    }
    assert!(!text.contains("sesame"), "{text}");
}

#[test]
fn a_variable_of_a_wrong_type_is_reported_as_it_is_written() {
    for (text, complaint) in [
        ("", "invalid type: string \"\", expected a whole number"),
        ("3.5", "invalid type: floating point `3.5`, expected a whole number"),
        ("true", "invalid type: boolean `true`, expected a whole number"),
        ("[3]", "invalid type: sequence, expected a whole number: write 3"),
        ("-3", "invalid value: integer `-3`, expected a whole number"),
    ] {
        let environment = Environment::of([("BOT_SSO_SERVER__WORKERS", text), SECRET]);
        let problems = read_with(MINIMAL, &environment).unwrap_err().to_string();
        let set_by = "(set by the environment variable BOT_SSO_SERVER__WORKERS)";
        assert_eq!(problems, format!("server.workers: {complaint} {set_by}"));
    }
}

#[test]
fn a_list_in_a_variable_replaces_the_list_of_the_file_and_its_members_have_places() {
    let environment = Environment::of([
        ("BOT_SSO_SERVER__LISTEN[0]", "127.0.0.1:1"),
        ("BOT_SSO_SERVER__LISTEN[1]", "nowhere"),
        ("BOT_SSO_CONNECTIONS__GRAPH__SCOPES", "[\"User.Read\", 5]"),
        SECRET,
    ]);
    let problems = read_with(MINIMAL, &environment).unwrap_err();
    let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["connections.graph.scopes[1]", "server.listen[1]"], "{problems}");
    let only = Environment::of([("BOT_SSO_SERVER__LISTEN[0]", "127.0.0.1:1"), SECRET]);
    let listed = MINIMAL.replace(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = [\"127.0.0.1:8\", \"127.0.0.1:9\"]"));
    assert_eq!(read_with(&listed, &only).unwrap().server.listen, ["127.0.0.1:1".parse().unwrap()]);
}

#[test]
fn a_number_in_a_variable_stays_a_text_where_a_text_is_expected() {
    let environment = Environment::of([("BOT_SSO_CONNECTIONS__GRAPH__NAME", "8"), SECRET]);
    let configuration = read_with(MINIMAL, &environment).unwrap();
    assert_eq!(configuration.connections[0].connection.name.as_str(), "8");
}

#[test]
fn a_variable_matches_a_name_of_the_file_ignoring_case_and_hyphens() {
    let environment = Environment::of([("BOT_SSO_BOTS__HELP_DESK__AFTER_EXCHANGE", "none"), SECRET]);
    let text = MINIMAL.replace("help-desk", "Help-Desk");
    let configuration = read_with(&text, &environment).unwrap();
    assert_eq!(configuration.bots.len(), 1, "no second bot");
    assert_eq!(configuration.bots[0].continuation, ContinuationMode::None);
}

#[test]
fn a_variable_with_an_invalid_name_is_a_problem() {
    let environment = Environment::of([("BOT_SSO_SERVER__", "x"), SECRET]);
    let problems = read_with(MINIMAL, &environment).unwrap_err().to_string();
    assert!(problems.starts_with("the environment variable BOT_SSO_SERVER__ cannot be read"), "{problems}");
}

/// Adds an unknown key to every table. The keys that the problems list as known must be those of the sample.
#[test]
fn the_full_sample_has_every_key_that_the_program_knows() {
    let mut written = BTreeMap::new();
    let mut table: Table = FULL.parse().unwrap();
    plant_strangers(&mut table, &Place::root(), "", &mut written);
    let environment = BTreeMap::new();
    let mut review = Review::new(&environment, Path::new(""));
    Source::of_table(table).read(&mut review);
    let mut compared = 0;
    for problem in &review.into_problems(&|_| Vec::new()).0 {
        let Some((_, known)) = problem.message.split_once("(known keys: ") else { continue };
        let mut known: BTreeSet<String> = known.trim_end_matches(')').split(", ").map(str::to_owned).collect();
        let place = problem.path.strip_suffix(STRANGER).unwrap().trim_end_matches('.');
        let (kind, keys) = written.iter().find(|(_, keys)| keys.places.contains(place)).unwrap();
        if kind == "mail" {
            // It stands in the place of the others, so a comment shows it.
            assert!(known.remove("outbox") && FULL.contains("# outbox = "));
        }
        if kind == "store" {
            // A store is in a file or on a server, so comments show the keys of a store on a server.
            for key in [
                "url",
                "user",
                "password",
                "prefix",
                "ca_file",
                "allow_volatile",
                "wait_replicas",
                "l1_trust_ms",
                "l1_grace_s",
            ] {
                assert!(known.remove(key) && FULL.contains(&format!("# {key} = ")), "{key}");
            }
        }
        assert_eq!(keys.names, known, "keys of [{kind}]");
        compared += 1;
    }
    assert_eq!(compared, 65, "every table was compared");
    assert!(FULL.contains("{ env = ") && FULL.contains("{ file = "), "both forms of a secret are shown");
}

/// The tables of one kind: their places and their keys.
#[derive(Default)]
struct TableKeys {
    places: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// Records each table's keys under its kind (`bots.*` for `bots.help-desk`), and adds the unknown key.
fn plant_strangers(table: &mut Table, place: &Place, kind: &str, written: &mut BTreeMap<String, TableKeys>) {
    let sections =
        ["bots", "connections", "identity_providers", "skills", "add_ins", "back_ends", "apps", "directories"];
    let named = sections.contains(&kind) || matches!(kind, "directories.*.applications" | "directories.*.providers");
    // The credentials of bots, connections and login providers have the same form.
    let of_others =
        ["bots.*.", "add_ins.*.", "directories.*.providers.*."].iter().find_map(|table| kind.strip_prefix(table));
    let kind = of_others.filter(|rest| rest.starts_with("credentials")).unwrap_or(kind);
    let kind = kind.strip_prefix("connections.*.").unwrap_or(kind);
    if !named {
        let keys = written.entry(kind.to_owned()).or_default();
        keys.places.insert(place.as_str().to_owned());
        keys.names.extend(table.keys().cloned());
    }
    let secrets = ["client_secret", "secret", "admin_token", "password"];
    for (key, value) in table.iter_mut().filter(|(key, _)| !secrets.contains(&key.as_str())) {
        let step = if named { "*" } else { key };
        let kind = if kind.is_empty() { step.to_owned() } else { format!("{kind}.{step}") };
        match value {
            Value::Table(inner) => plant_strangers(inner, &place.key(key), &kind, written),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let Value::Table(inner) = item else { continue };
                    plant_strangers(inner, &place.key(key).index(index), &kind, written);
                }
            }
            _ => {}
        }
    }
    if !named {
        table.insert(STRANGER.to_owned(), Value::Boolean(true));
    }
}
