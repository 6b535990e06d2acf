//! What `check` tells an operator to write is accepted when it is written, whatever was there before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use toml::{Table, Value};

use super::sample_tests::environment;
use super::shape_tests::{Steps, leaves, replaced};
use super::test_samples::{FULL, directory};
use super::{ConfigurationProblem, parse_in};

/// Values that operators write by mistake, in the notation of the file. Each is written into every key.
const ODD_VALUES: &[&str] = &[
    "\"\"",
    "\" \"",
    "\"x\"",
    "\"x \"",
    "\"*\"",
    "\"a,b\"",
    "\"openid offline_access\"",
    "\"15s\"",
    "\"2,5s\"",
    "\"PT15S\"",
    "\"1.5 h\"",
    "\"1ms\"",
    "\"10 MB\"",
    "\"64 KiB\"",
    "\"99999999999\"",
    "\"-1\"",
    "\"yes\"",
    "\"Login\"",
    "\"select-account,consent\"",
    "\"none\"",
    "\"common\"",
    "\"consumers\"",
    "\"localhost\"",
    "\"localhost:3978\"",
    "\"10.0.0.1:80\"",
    "\"10.0.0.0/255.0.0.0\"",
    "\"*.corp.example\"",
    "\"corp.example/path?x=1#y\"",
    "\"http://corp.example:8443/path/\"",
    "\"https://0.0.0.0/\"",
    "\"http://127.0.0.1:3978/api/messages\"",
    "\"https://login.microsoftonline.com/22222222-2222-4222-8222-222222222222/v2.0/\"",
    "\"{22222222-2222-4222-8222-22222222222A}\"",
    "\"22222222-2222-4222-8222-222222222222,22222222222242228222222222222223\"",
    "\"22222222-2222-4222-8222-222222222222, contoso.com\"",
    "\"00000000-0000-0000-0000-000000000000\"",
    "\"api://{botid}/\"",
    "\"api://sso.example.com/botid-99999999-9999-4999-8999-999999999999/read/\"",
    "\"https://api.botframework.com/\"",
    "\"a=b&c=d\"",
    "0",
    "3978",
    "8080.0",
    "true",
    "[]",
    "[1]",
    "[\"\"]",
    "[\"yes\"]",
    "[\"15s\"]",
    "[\"openid offline_access\", \"openid\"]",
    "[\"*.corp.example\", \"localhost\"]",
    "[\"https://corp.example/x, http://corp.example/y\"]",
    "[\"22222222-2222-4222-8222-222222222222;33333333-3333-4333-8333-333333333333\"]",
    "[\"127.0.0.1:4000,8081\"]",
    "{ a = 1 }",
    "\"::1:3978\"",
    "\"com.app://x\"",
    "\"https://{Tenant_Id}.example.com/{policy}\"",
    "\"https://a.example/x;y.z=1\"",
    "\"https://login.microsoftonline.com/contoso.com\"",
];

/// What a message tells to write, if it writes a value out, and whether that is for a list around the place.
fn proposal_in(message: &str) -> Option<Value> {
    let (_, write) = message.rsplit_once(": write ")?;
    let ends: Vec<usize> = write.char_indices().map(|(index, _)| index).chain([write.len()]).collect();
    let is_end = |end: &&usize| write[**end..].is_empty() || write[**end..].starts_with([',', ';']);
    let read = |end: &usize| format!("value = {}", &write[..*end]).parse::<Table>().ok()?.remove("value");
    ends.iter().rev().filter(is_end).find_map(read)
}

/// The steps of the list around the member at `path`, if `path` is that of a member of the list at `steps`.
fn member(steps: &Steps, path: &str) -> Option<Steps> {
    let index = path.rsplit_once('[')?.1.strip_suffix(']')?;
    Some(steps.iter().cloned().chain([index.to_owned()]).collect())
}

fn shown(steps: &Steps) -> String {
    steps.iter().fold(String::new(), |path, step| match step.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) if path.is_empty() => step.clone(),
        Err(_) => format!("{path}.{step}"),
    })
}

fn problems_at(place: &str, directory: &Path, text: &str) -> Vec<ConfigurationProblem> {
    let Err(problems) = parse_in(directory, text, &environment()) else { return Vec::new() };
    let is_there =
        |path: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']));
    problems.0.into_iter().filter(|problem| is_there(&problem.path)).collect()
}

/// Writes each proposal about the value `odd` at `steps`; returns how many there were.
fn try_proposals(table: &Table, steps: &Steps, odd: &str, directory: &Path) -> usize {
    let value = format!("value = {odd}").parse::<Table>().unwrap().remove("value").unwrap();
    let (text, place) = (replaced(table, steps, value.clone()), shown(steps));
    let mut tried = 0;
    for problem in problems_at(&place, directory, &text) {
        let Some(right) = proposal_in(&problem.message) else { continue };
        let within =
            member(steps, &problem.path).filter(|_| problem.path != place && value.is_array() && !right.is_array());
        let at = within.unwrap_or_else(|| steps.clone());
        let corrected: Table = text.parse().unwrap();
        let corrected = replaced(&corrected, &at, right.clone());
        let left = problems_at(&shown(&at), directory, &corrected);
        assert!(left.is_empty(), "{place} = {odd}\n{problem}\nwritten as told: {right}\n{left:?}");
        tried += 1;
    }
    tried
}

/// Each key gets one in so many values, its neighbour the next ones. Keys of one kind stand together in the sample, so each
/// kind gets all of them.
const SHARE: usize = 12;

#[test]
fn whatever_check_tells_to_write_is_accepted() {
    let table: Table = FULL.parse().unwrap();
    let mut found = Vec::new();
    leaves(&Value::Table(table.clone()), &Steps::new(), &mut found);
    let directory = directory();
    let mut tried = 0;
    for (index, (steps, _)) in found.iter().enumerate() {
        for odd in ODD_VALUES.iter().skip(index % SHARE).step_by(SHARE) {
            tried += try_proposals(&table, steps, odd, directory.path());
        }
    }
    assert!(tried > 150, "{tried}");
}
