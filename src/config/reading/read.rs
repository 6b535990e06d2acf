use serde_path_to_error::Segment;
use toml::{Table, Value};

use crate::config::review::{Place, Review};

use super::environment::Environment;
use super::overlay::Overlay;
use super::raw::RawConfiguration;
use super::step::Step;
use super::{shapes, suggestion, variables};

/// Reading stops after this many problems; a file with more is probably not a configuration.
const MAX_PROBLEMS: usize = 200;

/// Reads `text`, overridden by the variables of `environment`. `None` if the text is not TOML.
pub(in crate::config) fn read(
    text: &str,
    environment: &Environment,
    review: &mut Review<'_>,
) -> Option<RawConfiguration> {
    let mut table = parse_table(text, review)?;
    let overrides = environment.overrides().unwrap_or_else(|message| {
        review.report(&Place::root(), message);
        Table::new()
    });
    let mut overlay = Overlay::apply(&mut table, overrides);
    review.remember_places_set_by_variables(overlay.variables());
    variables::warn_of_unknown(environment, &table, review);
    Some(read_raw(table, &mut overlay, review))
}

/// Parses `text`. A syntax error is reported by line and column only, because the line itself may contain a secret.
fn parse_table(text: &str, review: &mut Review<'_>) -> Option<Table> {
    match text.parse::<Table>() {
        Ok(table) => Some(table),
        Err(error) => {
            let position = error.span().map(|span| find_line_and_column(text, span.start));
            let place = position.map_or_else(String::new, |(line, column)| format!("line {line}, column {column}: "));
            review.report(&Place::root(), format!("{place}{} (this is not TOML)", error.message().replace('\n', ", ")));
            None
        }
    }
}

/// Reads the tables into the raw sections. A deserializer stops at the first error, so each value that fails is
/// reported and removed, and the rest is read again. That reports every unknown key and every value of a wrong type.
pub(super) fn read_raw(mut table: Table, overlay: &mut Overlay, review: &mut Review<'_>) -> RawConfiguration {
    for _ in 0..MAX_PROBLEMS {
        let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
            Ok(raw) => return raw,
            Err(error) => error,
        };
        let steps = read_steps(error.path());
        let place = build_place(&steps);
        if let Some(owner) = overlay.reinterpret(&place) {
            replace(&mut table, &owner.steps, owner.value);
            continue;
        }
        review.report(&place, explain(&table, &steps, error.inner().message()));
        if !remove(&mut table, &steps) {
            return RawConfiguration::default();
        }
    }
    review.report(&Place::root(), "there are more problems than are shown".to_owned());
    RawConfiguration::default()
}

/// The deserializer's `complaint` in the operator's words, with the right form of the value if it can be told.
fn explain(table: &Table, steps: &[Step], complaint: &str) -> String {
    let explained = suggestion::explain(complaint);
    let last = steps.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    let right = last.zip(find_value(table, steps)).and_then(|at| shapes::right_form(at.0, at.1, complaint.trim()));
    match right {
        Some(right) => format!("{explained}: write {right}"),
        None => explained,
    }
}

fn find_value<'t>(table: &'t Table, steps: &[Step]) -> Option<&'t Value> {
    let (first, rest) = steps.split_first()?;
    let Step::Key(key) = first else { return None };
    rest.iter().try_fold(table.get(key)?, |value, step| match step {
        Step::Key(key) => value.as_table()?.get(key),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

fn find_line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.chars().rev().take_while(|character| *character != '\n').count();
    (before.matches('\n').count().saturating_add(1), column.saturating_add(1))
}

fn read_steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    let step = |segment: &Segment| match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}

fn build_place(steps: &[Step]) -> Place {
    steps.iter().fold(Place::root(), |place, step| match step {
        Step::Key(key) => place.key(key),
        Step::Index(index) => place.index(*index),
    })
}

/// Removes the value at `steps`. If that is a member of a list, the whole list is removed, because otherwise the
/// indices of members that are reported later would be wrong.
fn remove(table: &mut Table, steps: &[Step]) -> bool {
    let Some(last) = steps.iter().rposition(|step| matches!(step, Step::Key(_))) else { return false };
    let (Some(Step::Key(key)), Some(parents)) = (steps.get(last), steps.get(..last)) else { return false };
    descend(table, parents).is_some_and(|parent| parent.remove(key).is_some())
}

fn replace(table: &mut Table, keys: &[String], value: Value) {
    let Some((last, parents)) = keys.split_last() else { return };
    let parents: Vec<Step> = parents.iter().cloned().map(Step::Key).collect();
    if let Some(parent) = descend(table, &parents) {
        parent.insert(last.clone(), value);
    }
}

fn descend<'t>(table: &'t mut Table, steps: &[Step]) -> Option<&'t mut Table> {
    let Some((first, rest)) = steps.split_first() else { return Some(table) };
    let Step::Key(key) = first else { return None };
    let mut value = table.get_mut(key)?;
    let mut rest = rest;
    while let Some((Step::Index(index), after)) = rest.split_first() {
        value = value.as_array_mut()?.get_mut(*index)?;
        rest = after;
    }
    descend(value.as_table_mut()?, rest)
}
