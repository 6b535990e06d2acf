//! Warns of `BOT_SSO_…` variables that set nothing and that no secret refers to.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::config::review::{Place, Review, near_match};

use super::environment::{Environment, PREFIX, SEPARATOR};
use super::raw::RawConfiguration;

/// A key that no table has.
const PROBE: &str = "?";
/// Names of variables are built to this depth; no key lies deeper.
const MAX_DEPTH: usize = 5;

/// Warns of each variable whose name has the prefix but no separator, unless a secret in `table` refers to it. Such a
/// variable overrides nothing.
pub(super) fn warn_of_unknown(environment: &Environment, table: &Table, review: &mut Review<'_>) {
    let mut secrets = BTreeSet::new();
    collect_secrets(&Value::Table(table.clone()), &mut secrets);
    let names = environment.variables().keys();
    let unknown: Vec<&String> = names
        .filter(|name| name.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty() && !rest.contains(SEPARATOR)))
        .filter(|name| !secrets.contains(*name))
        .collect();
    if unknown.is_empty() {
        return;
    }
    let mut known: Vec<String> = Vec::new();
    collect_names(&mut Vec::new(), table, &mut known);
    for name in unknown {
        let hint = match find_nearest(name, &known, &secrets) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                format!("write it as {PREFIX}SECTION{SEPARATOR}KEY, or name it in a secret as {{ env = {name:?} }}")
            }
        };
        let message = format!("this environment variable sets no key and no secret refers to it: {hint}");
        review.warn(&Place::root().key(name), message);
    }
}

/// The names in every `{ env = "NAME" }`.
fn collect_secrets(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            names.extend(table.get("env").and_then(Value::as_str).map(str::to_owned));
            table.values().for_each(|member| collect_secrets(member, names));
        }
        Value::Array(list) => list.iter().for_each(|member| collect_secrets(member, names)),
        _ => {}
    }
}

/// The known name that is spelled the same but for underscores, else the nearest, else one that ends in the same key.
fn find_nearest<'k>(name: &str, known: &'k [String], secrets: &'k BTreeSet<String>) -> Option<&'k str> {
    let fold = |name: &str| name.to_ascii_lowercase().replace('-', "_").replace(SEPARATOR, "_");
    let all: Vec<&'k str> = known.iter().chain(secrets).map(String::as_str).collect();
    let folded: Vec<String> = all.iter().map(|known| fold(known)).collect();
    let word = fold(name);
    let end = word.strip_prefix(&PREFIX.to_ascii_lowercase()).map(|rest| format!("_{rest}"))?;
    let index = folded.iter().position(|known| *known == word).or_else(|| {
        let near = near_match(&word, folded.iter().map(String::as_str));
        near.and_then(|near| folded.iter().position(|known| known == near))
            .or_else(|| folded.iter().position(|known| known.ends_with(&end)))
    });
    all.get(index?).copied()
}

/// Collects the variable of every key at `steps` and below. The keys of a table are those that the deserializer names
/// when it meets an unknown one; the members of a map are those that `table` has.
fn collect_names(steps: &mut Vec<String>, table: &Table, names: &mut Vec<String>) {
    let members = match find_permitted_keys(steps) {
        PermittedKeys::Of(members) => members,
        PermittedKeys::Any => find_table(table, steps).map(|table| table.keys().cloned().collect()).unwrap_or_default(),
        PermittedKeys::None => {
            names.push(format!("{PREFIX}{}", steps.join(SEPARATOR).to_ascii_uppercase()));
            return;
        }
    };
    if steps.len() >= MAX_DEPTH {
        return;
    }
    for member in members {
        steps.push(member);
        collect_names(steps, table, names);
        steps.pop();
    }
}

/// The keys that may stand in a place.
enum PermittedKeys {
    Of(Vec<String>),
    /// Any name: the place is a map.
    Any,
    /// The place is no table.
    None,
}

fn find_permitted_keys(steps: &[String]) -> PermittedKeys {
    let probe = Value::Table(Table::from_iter([(PROBE.to_owned(), Value::Boolean(true))]));
    let nested = steps.iter().rev().fold(probe, |inner, step| Value::Table(Table::from_iter([(step.clone(), inner)])));
    let read: Result<RawConfiguration, _> = serde_path_to_error::deserialize(nested);
    let Err(error) = read else { return PermittedKeys::Any };
    let message = error.inner().message().trim().to_owned();
    if message.starts_with(&format!("unknown field `{PROBE}`")) {
        return PermittedKeys::Of(message.split('`').skip(3).step_by(2).map(str::to_owned).collect());
    }
    let ends_in_probe = matches!(
        error.path().iter().next_back(),
        Some(serde_path_to_error::Segment::Map { key }) if key == PROBE
    );
    if ends_in_probe { PermittedKeys::Any } else { PermittedKeys::None }
}

fn find_table<'t>(table: &'t Table, steps: &[String]) -> Option<&'t Table> {
    steps.iter().try_fold(table, |table, step| table.get(step)?.as_table())
}
