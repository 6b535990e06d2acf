//! Every value of the full sample in every wrong shape that operators write: the problem has the right form written out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use toml::{Table, Value};

use super::parse_in;
use super::sample_tests::environment;
use super::test_samples::{FULL, TENANTS, changed, directory, problem_of};

/// A place of the sample: the keys, and the index in a list of tables as a number.
pub(super) type Steps = Vec<String>;

/// The leaves of `value`: everything but tables and lists of tables. Variables and files of secrets are left out, since a
/// message must not repeat what may be a secret.
pub(super) fn leaves(value: &Value, steps: &Steps, found: &mut Vec<(Steps, Value)>) {
    let below = |step: String| steps.iter().cloned().chain([step]).collect::<Steps>();
    match value {
        Value::Table(table)
            if ["env", "file"].iter().any(|key| table.get(*key).is_some_and(Value::is_str)) && table.len() <= 2 => {}
        Value::Table(table) => table.iter().for_each(|(key, value)| leaves(value, &below(key.clone()), found)),
        Value::Array(list) if list.iter().any(Value::is_table) => {
            list.iter().enumerate().for_each(|(index, value)| leaves(value, &below(index.to_string()), found));
        }
        leaf => found.push((steps.clone(), leaf.clone())),
    }
}

pub(super) fn replaced(table: &Table, steps: &Steps, value: Value) -> String {
    let mut root = Value::Table(table.clone());
    let mut at = &mut root;
    for step in steps {
        at = match at {
            Value::Array(list) => &mut list[step.parse::<usize>().unwrap()],
            table => table.get_mut(step).unwrap(),
        };
    }
    *at = value;
    root.to_string_pretty()
}

trait Pretty {
    fn to_string_pretty(&self) -> String;
}

impl Pretty for Value {
    fn to_string_pretty(&self) -> String {
        toml::to_string(self).unwrap()
    }
}

/// The wrong shapes of a value under `key`, each with the right one.
fn wrong_shapes(key: &str, value: &Value) -> Vec<(Value, String)> {
    let text = |text: &str| Value::String(text.to_owned());
    match value {
        Value::Integer(number) => {
            let right = number.to_string();
            #[allow(clippy::cast_precision_loss, reason = "the sample's numbers are small")]
            let mut wrong = vec![text(&right), Value::Float(*number as f64), Value::Array(vec![value.clone()])];
            if key.ends_with("_ms") {
                let seconds = number / 1000;
                wrong.extend([format!("{number}ms"), format!("{number} milliseconds")].map(Value::String));
                wrong.extend(
                    [format!("{seconds}s"), format!("{seconds} seconds"), format!("PT{seconds}S")].map(Value::String),
                );
            }
            if key.ends_with("_bytes") {
                wrong.push(Value::String(format!("{} KiB", number / 1024)));
            }
            wrong.into_iter().map(|wrong| (wrong, right.clone())).collect()
        }
        Value::Float(share) => {
            let wrong =
                [text(&share.to_string()), text(&format!("{}%", share * 100.0)), Value::Array(vec![value.clone()])];
            wrong.into_iter().map(|wrong| (wrong, share.to_string())).collect()
        }
        Value::Boolean(right) => {
            let words = if *right { ["true", "yes", "ON", "1"] } else { ["false", "no", "Off", "0"] };
            let wrong = words.map(text).into_iter().chain([Value::Array(vec![value.clone()])]);
            wrong.map(|wrong| (wrong, right.to_string())).collect()
        }
        Value::String(right) => vec![(Value::Array(vec![value.clone()]), format!("{right:?}"))],
        Value::Array(list) => {
            let words: Vec<&str> = list.iter().map(|item| item.as_str().unwrap()).collect();
            let right = format!("[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "));
            [words.join(", "), words.join(" ")].iter().map(|wrong| (text(wrong), right.clone())).collect()
        }
        Value::Datetime(date) => vec![(Value::Array(vec![value.clone()]), date.to_string())],
        other @ Value::Table(_) => panic!("{key}: {other:?}"),
    }
}

/// The full sample, with the files that it names. They are written once for many values.
struct Sample {
    table: Table,
    files: tempfile::TempDir,
}

impl Sample {
    fn read() -> Self {
        Self { table: FULL.parse().unwrap(), files: directory() }
    }

    fn leaves(&self) -> Vec<(Steps, Value)> {
        let mut found = Vec::new();
        leaves(&Value::Table(self.table.clone()), &Steps::new(), &mut found);
        found
    }

    fn expect_right_form(&self, steps: &Steps, wrong: &Value, right: &str) {
        let text = replaced(&self.table, steps, wrong.clone());
        let problems = parse_in(self.files.path(), &text, &environment()).expect_err(&text).to_string();
        let place = steps.iter().rfind(|step| step.parse::<usize>().is_err()).unwrap();
        let fits = |line: &str| line.contains(place.as_str()) && line.contains(&format!("write {right}"));
        assert!(problems.lines().any(fits), "{steps:?} = {wrong}: write {right}\n{problems}");
    }
}

#[test]
fn every_value_in_the_wrong_shape_has_the_right_one_written_out() {
    let sample = Sample::read();
    let found = sample.leaves();
    assert!(found.len() > 90, "{}", found.len());
    for (steps, value) in found {
        for (wrong, right) in wrong_shapes(steps.last().unwrap(), &value) {
            // A status is a map's value, and an empty list has nothing to write.
            if value.as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            sample.expect_right_form(&steps, &wrong, &right);
        }
    }
}

#[test]
fn every_address_without_its_scheme_has_it_written_out() {
    let sample = Sample::read();
    let found = sample.leaves();
    let mut tried = 0;
    for (steps, value) in found {
        // Scopes and audiences are names that have the form of an address; any text is one.
        let is_name = ["scopes", "required_granted_scopes", "audiences", "audience"];
        let Some(key) = steps.last().filter(|key| !is_name.contains(&key.as_str())) else { continue };
        let texts: Vec<&str> = match &value {
            Value::String(text) => vec![text],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        for text in texts.into_iter().filter(|text| text.contains("://")) {
            if steps.iter().any(|step| step == "authorize_params") {
                continue;
            }
            let (_, rest) = text.split_once("://").unwrap();
            let wrong = Value::String(rest.to_owned());
            let wrong = if value.is_array() { Value::Array(vec![wrong]) } else { wrong };
            sample.expect_right_form(&steps, &wrong, &format!("{text:?}"));
            tried += 1;
            assert!(!key.is_empty());
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn addresses_to_listen_on_have_their_parts_written_out() {
    let sample = Sample::read();
    let listen = |steps: [&str; 2], wrong: Value, right: &str| {
        sample.expect_right_form(&steps.map(str::to_owned).to_vec(), &wrong, right);
    };
    listen(["server", "listen"], Value::Integer(8080), "[\"127.0.0.1:8080\"]");
    listen(["server", "listen"], Value::Array(vec![Value::String("localhost:8080".to_owned())]), "\"127.0.0.1:8080\"");
    listen(["token_service", "listen"], Value::Array(vec![Value::String("8080".to_owned())]), "\"127.0.0.1:8080\"");
    listen(["operations", "listen"], Value::Integer(8080), "\"127.0.0.1:8080\"");
    // The other listener of the operator may not be reached from other machines.
    listen(["operations", "health_listen"], Value::String(":8080".to_owned()), "\"0.0.0.0:8080\"");
    listen(["operations", "listen"], Value::String("127.0.0.1".to_owned()), "\"127.0.0.1:3981\"");
}

#[test]
fn entras_words_for_many_tenants_have_this_files_word_written_out() {
    let personal = "[\"9188040d-6c67-4c5b-b112-36a304b66dad\"]";
    let id = "22222222-2222-4222-8222-222222222222";
    for (wrong, right) in [
        (format!("{id:?}"), format!("[{id:?}]")),
        ("[\"common\"]".to_owned(), "\"any_account\"".to_owned()),
        ("\"common\"".to_owned(), "\"any_account\"".to_owned()),
        ("[\"organizations\"]".to_owned(), "\"any_organization\"".to_owned()),
        ("[\"any_organization\"]".to_owned(), "\"any_organization\"".to_owned()),
        ("[\"consumers\"]".to_owned(), personal.to_owned()),
        ("\"consumers\"".to_owned(), personal.to_owned()),
        ("[\"organizations\", \"consumers\"]".to_owned(), "\"any_account\"".to_owned()),
    ] {
        let problem = problem_of(&changed(TENANTS, &format!("tenants = {wrong}")));
        assert!(problem.starts_with("connections.graph.tenants: "), "{problem}");
        assert!(problem.ends_with(&format!("write {right}")), "{wrong}\n{problem}");
    }
}

#[test]
fn the_words_of_other_programs_have_this_programs_word_written_out() {
    for (section, wrong, right) in [
        ("channels", "cloud = \"AzureUSGovernment\"", "us_gov"),
        ("channels", "cloud = \"GCC High\"", "us_gov"),
        ("channels", "cloud = \"21Vianet\"", "china"),
        ("logging", "level = \"Warning\"", "warn"),
        ("logging", "format = \"plain\"", "text"),
    ] {
        let problem = problem_of(&format!("[{section}]\n{wrong}\n{}", super::test_samples::MINIMAL));
        assert!(problem.contains(&format!("did you mean {right}?")), "{problem}");
    }
}

#[test]
fn a_tenant_by_domain_is_looked_up_at_the_login_host_of_the_cloud() {
    let text = format!("[channels]\ncloud = \"us_gov\"\n{}", changed(TENANTS, "tenants = [\"contoso.us\"]"));
    let problem = problem_of(&text.replace("graph.microsoft.com", "graph.microsoft.us"));
    assert!(problem.contains("https://login.microsoftonline.us/contoso.us/v2.0/"), "{problem}");
}
