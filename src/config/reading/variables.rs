//! The names of `BOT_SSO_…` variables: which keys they stand for, which are misspelled, and which set nothing.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::config::review::{Place, Review, ValueSources, near_match};

use super::environment::{Environment, Overrides, PREFIX, SEPARATOR};
use super::opentelemetry;
use super::raw::RawConfiguration;

/// A key that no table has.
const PROBE: &str = "?";
/// Names of variables are built to this depth; no key lies deeper.
const MAX_DEPTH: usize = 5;

/// Reports the variables whose names are no path of sections and a key. `file` is the file without variables.
pub(super) fn report_unreadable(overrides: &Overrides, file: &Table, review: &mut Review<'_>) {
    if overrides.unreadable.is_empty() {
        return;
    }
    let known = known_names(file);
    for name in &overrides.unreadable {
        let hint = find_nearest(name, &known).map_or_else(String::new, |near| format!(": did you mean {near}?"));
        let message = format!(
            "the environment variable {name} cannot be read: its name must be {PREFIX}SECTION{SEPARATOR}KEY{hint}"
        );
        review.report(&Place::root(), message);
    }
}

/// `sources`, each variable of which has the right name beside it if its own is that of no key in `file`.
pub(super) fn with_right_names(mut sources: ValueSources, file: &Table) -> ValueSources {
    if sources.values.is_empty() {
        return sources;
    }
    let known = known_names(file);
    for set_by in sources.values.iter_mut().chain(&mut sources.sections) {
        let name = set_by.variable.split('[').next().unwrap_or_default();
        let name = name.to_ascii_uppercase().replace('-', "_").replace('.', SEPARATOR);
        let is_of = |known: &String| {
            name.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
        };
        if !known.iter().any(is_of) {
            set_by.right_name = find_nearest(&set_by.variable, &known).map(str::to_owned);
        }
    }
    sources
}

/// Reports the variables of OpenTelemetry, and warns of each variable that is probably meant for a key and overrides nothing: one whose prefix is not in capitals,
/// and one that has the prefix but no separator, unless a secret in `table` refers to it or Kubernetes sets it.
pub(super) fn warn_of_unknown(environment: &Environment, table: &Table, review: &mut Review<'_>) {
    let mut secrets = BTreeSet::new();
    collect_secrets(&Value::Table(table.clone()), &mut secrets);
    opentelemetry::report_variables(environment, &secrets, review);
    let own = environment.variables().iter().filter(|(name, value)| !is_of_kubernetes(name, value));
    let names = own.map(|(name, _)| name);
    let unknown: Vec<&String> =
        names.filter(|name| resembles_prefix(name) && !overrides_key(name) && !secrets.contains(*name)).collect();
    if unknown.is_empty() {
        return;
    }
    let mut known = known_names(table);
    let keys = known.len();
    known.extend(secrets);
    for name in unknown {
        let message = if name.starts_with(PREFIX) {
            let hint = match find_nearest(name, &known) {
                Some(near) => format!("did you mean {near}?"),
                None => {
                    format!("write it as {PREFIX}SECTION{SEPARATOR}KEY, or name it in a secret as {{ env = {name:?} }}")
                }
            };
            format!("this environment variable sets no key and no secret refers to it: {hint}")
        } else {
            let near = find_nearest(&right_prefix(name), known.get(..keys).unwrap_or_default());
            let write = near.map_or_else(|| format!("{PREFIX}SECTION{SEPARATOR}KEY"), str::to_owned);
            format!(
                "this environment variable is ignored, because its name does not begin with {PREFIX}: write {write}"
            )
        };
        review.warn(&Place::root().key(name), message);
    }
}

/// Whether Kubernetes sets the variable in every container beside a service whose name begins like this program's:
/// `BOT_SSO_SERVICE_HOST`, `BOT_SSO_PORT_3978_TCP_ADDR` (docs/running.md §Configuration).
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let is_protocol = |text: &str| matches!(text.to_ascii_uppercase().as_str(), "TCP" | "UDP" | "SCTP");
    let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !rest.starts_with("TOKEN_SERVICE")) else { return false };
    let words: Vec<&str> = rest.split('_').collect();
    match words.as_slice() {
        [.., "SERVICE", "HOST"] => true,
        [.., "SERVICE", "PORT"] => is_port(value),
        [.., "PORT", port, protocol] | [.., "PORT", port, protocol, "PROTO" | "PORT" | "ADDR"]
            if is_protocol(protocol) =>
        {
            is_port(port)
        }
        [.., "PORT"] => value.split_once("://").is_some_and(|(protocol, _)| is_protocol(protocol)),
        _ => words.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) && is_port(value),
    }
}

fn overrides_key(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.contains(SEPARATOR))
}

/// Whether `name` begins with the prefix in any spelling and goes on behind it.
fn resembles_prefix(name: &str) -> bool {
    squeezed(name).strip_prefix(&squeezed(PREFIX)).is_some_and(|rest| !rest.is_empty())
}

/// `name` with the prefix as it has to be written.
fn right_prefix(name: &str) -> String {
    let letters = squeezed(PREFIX).len();
    let mut left = letters;
    let rest = name.trim_start_matches(|letter: char| {
        let is_of_prefix = left > 0 || !letter.is_ascii_alphanumeric();
        left = left.saturating_sub(usize::from(letter.is_ascii_alphanumeric()));
        is_of_prefix
    });
    format!("{PREFIX}{rest}")
}

/// The letters and digits of `name` in lower case.
fn squeezed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
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

/// `name` in lower case, with one underscore for whatever separates its words.
fn fold(name: &str) -> String {
    words_of(name).join("_")
}

fn words_of(name: &str) -> Vec<String> {
    let words = name.split(['_', '-', '.']).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

/// The known name that is spelled the same but for what separates its words, else the nearest, else one that ends in the
/// same words, else the one that shares the most words. A name in a known section means a key of that section.
fn find_nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k str> {
    let word = fold(name);
    let section = name.strip_prefix(PREFIX).and_then(|path| path.split_once(SEPARATOR)).map(|(section, _)| section);
    let section = section.map(|section| format!("{}_", fold(&format!("{PREFIX}{section}"))));
    let all: Vec<(&'k str, String)> = known.iter().map(|known| (known.as_str(), fold(known))).collect();
    let of_section: Vec<_> =
        all.iter().filter(|(_, folded)| section.as_ref().is_some_and(|it| folded.starts_with(it))).collect();
    let candidates = if of_section.is_empty() { all.iter().collect() } else { of_section };
    let find = |fits: &dyn Fn(&str) -> bool| candidates.iter().find(|(_, folded)| fits(folded)).map(|(name, _)| *name);
    let end = word.strip_prefix(&PREFIX.to_ascii_lowercase()).map(|rest| format!("_{rest}"))?;
    find(&|folded| folded == word)
        .or_else(|| {
            let near = near_match(&word, candidates.iter().map(|(_, folded)| folded.as_str()))?;
            find(&|folded| folded == near)
        })
        .or_else(|| find(&|folded| folded.ends_with(&end)))
        .or_else(|| find_most_alike(&word, &candidates))
}

/// The candidate that has the last word of `word` and the most others; half of all words at least.
fn find_most_alike<'k>(word: &str, candidates: &[&(&'k str, String)]) -> Option<&'k str> {
    let prefix = words_of(PREFIX).len();
    let words: Vec<String> = words_of(word).into_iter().skip(prefix).collect();
    let last = words.last()?;
    let is_alike = |one: &str, other: &str| {
        one == other || one.len() >= 3 && other.len() >= 3 && (one.starts_with(other) || other.starts_with(one))
    };
    let count = |folded: &str| {
        let candidate: Vec<String> = words_of(folded).into_iter().skip(prefix).collect();
        let has = |word: &String| candidate.iter().any(|other| is_alike(other, word));
        let shared = words.iter().filter(|word| has(word)).count();
        (has(last) && shared * 2 >= words.len()).then_some((shared, std::cmp::Reverse(candidate.len())))
    };
    let counted = candidates.iter().filter_map(|(name, folded)| Some((count(folded)?, *name)));
    counted.max_by(|left, right| left.0.cmp(&right.0)).map(|(_, name)| name)
}

/// The variables of all keys that `table` may have.
fn known_names(table: &Table) -> Vec<String> {
    let mut known = Vec::new();
    collect_names(&mut Vec::new(), table, &mut known);
    known
}

/// Collects the variable of every key at `steps` and below. The keys of a table are those that the deserializer names
/// when it meets an unknown one; the members of a map are those that `table` has.
fn collect_names(steps: &mut Vec<String>, table: &Table, names: &mut Vec<String>) {
    let members = match find_permitted_keys(steps) {
        PermittedKeys::Of(members) => members,
        PermittedKeys::Any => find_table(table, steps).map(|table| table.keys().cloned().collect()).unwrap_or_default(),
        PermittedKeys::None => {
            // A shell cannot set a variable with a hyphen in its name.
            names.push(format!("{PREFIX}{}", steps.join(SEPARATOR).to_ascii_uppercase().replace('-', "_")));
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
