use serde_path_to_error::Segment;
use toml::{Table, Value};

use crate::config::back_ends::{HASHES_FORM, has_hashes};
use crate::config::review::{PROMPT_FORM, Place, Proposal, Review, Step};

use super::environment::Environment;
use super::overlay::Overlay;
use super::raw::RawConfiguration;
use super::{shapes, suggestion, texts, variables};

/// Reading stops after this many problems; a file with more is probably not a configuration.
const MAX_PROBLEMS: usize = 200;

/// The file with the environment's variables written into it.
#[derive(Clone)]
pub(in crate::config) struct Source {
    written: Table,
    /// Without the values that have the wrong type.
    readable: Table,
    overlay: Overlay,
}

impl Source {
    /// Parses `text`, overridden by the variables of `environment`. `None` if the text is not TOML.
    pub(in crate::config) fn parse(text: &str, environment: &Environment, review: &mut Review<'_>) -> Option<Self> {
        let mut table = parse_table(text, review)?;
        let (overrides, file) = (environment.overrides(), table.clone());
        variables::report_unreadable(&overrides, &file, review);
        let overlay = Overlay::apply(&mut table, overrides);
        review.remember_sources(variables::with_right_names(overlay.sources(), &file));
        variables::warn_of_unknown(environment, &table, review);
        Some(Self { readable: table.clone(), written: table, overlay })
    }

    /// The sections as they are written, without the values that have the wrong type.
    pub(in crate::config) const fn readable(&self) -> &Table {
        &self.readable
    }

    /// A table without variables.
    #[cfg(test)]
    pub(super) fn of_table(table: Table) -> Self {
        Self { readable: table.clone(), written: table, overlay: Overlay::default() }
    }

    /// The tables as they were read: with the variables in their places, and without values of a wrong type.
    pub(in crate::config) fn into_table(self) -> Table {
        self.readable
    }

    /// This source with a proposed value, to be tried.
    pub(in crate::config) fn with(&self, proposal: &Proposal) -> Option<Self> {
        let mut source = self.clone();
        restore(&mut source.readable, &self.written, proposal.place().steps())?;
        proposal.write_into(&mut source.readable)?;
        source.overlay.release(proposal.place());
        Some(source)
    }

    /// Reads the tables into the raw sections. A deserializer stops at the first error, so each value that fails is
    /// reported and removed, and the rest is read again. That reports every unknown key and every value of a wrong
    /// type.
    pub(in crate::config) fn read(&mut self, review: &mut Review<'_>) -> RawConfiguration {
        for _ in 0..MAX_PROBLEMS {
            let error = match serde_path_to_error::deserialize(Value::Table(self.readable.clone())) {
                Ok(raw) => {
                    texts::check(&self.readable, review);
                    return raw;
                }
                Err(error) => error,
            };
            let steps = read_steps(error.path());
            let place = Place::of_steps(&steps);
            if let Some(owner) = self.overlay.reinterpret(&place) {
                let proposal = Proposal::value(&owner.place, owner.value);
                // The first table is what a proposal is written into later.
                proposal.write_into(&mut self.written);
                proposal.write_into(&mut self.readable);
                continue;
            }
            explain(&self.readable, &place, error.inner().message(), review);
            if !remove(&mut self.readable, &steps) {
                return RawConfiguration::default();
            }
        }
        review.report(&Place::root(), "there are more problems than are shown".to_owned());
        RawConfiguration::default()
    }
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

/// Reports the deserializer's `complaint` in the operator's words, with the right form of the value if it can be told.
fn explain(table: &Table, place: &Place, complaint: &str, review: &mut Review<'_>) {
    let explained = suggestion::explain(complaint);
    let at = place.last_key().zip(find_value(table, place.steps()));
    if at.is_some_and(|(key, value)| has_hashes(key) && !shapes::is_hash_alone(value)) {
        review.report(place, format!("is no list of hashes: write {HASHES_FORM}"));
        return;
    }
    if let Some((_, Value::String(text))) = at
        && let Some((message, reference)) = review.right_secret(complaint.trim(), text)
    {
        review.propose(place, message, Proposal::value(place, reference));
        return;
    }
    let is_parameter = place.steps().contains(&Step::Key(shapes::PARAMETERS.to_owned()));
    let named = |key| if is_parameter { shapes::PARAMETERS } else { key };
    match at.and_then(|(key, value)| shapes::right_form(named(key), value, complaint.trim())) {
        Some(right) => {
            let proposal = Proposal::value(place, right.value);
            let proposal = right.description.map_or(proposal.clone(), |text| proposal.described(text));
            review.propose(place, explained, proposal);
        }
        None if place.last_key() == Some(shapes::PROMPT) && !is_parameter && complaint.starts_with("invalid type") => {
            review.report(place, format!("{explained}: write {PROMPT_FORM}"));
        }
        None => review.report(place, explained),
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

/// Removes the value at `steps`. If that is a member of a list, the whole list is removed, because otherwise the
/// indices of members that are reported later would be wrong.
fn remove(table: &mut Table, steps: &[Step]) -> bool {
    let Some(last) = steps.iter().rposition(|step| matches!(step, Step::Key(_))) else { return false };
    let (Some(Step::Key(key)), Some(parents)) = (steps.get(last), steps.get(..last)) else { return false };
    descend(table, parents).is_some_and(|parent| parent.remove(key).is_some())
}

/// Copies the value of the first key on the path of `steps` that `table` lacks from `full`, if there is one.
fn restore(table: &mut Table, full: &Table, steps: &[Step]) -> Option<()> {
    let missing =
        (1..=steps.len()).find(|length| steps.get(..*length).is_some_and(|it| find_value(table, it).is_none()));
    let Some(steps) = missing.and_then(|length| steps.get(..length)) else { return Some(()) };
    let value = find_value(full, steps)?.clone();
    let (Step::Key(key), parents) = steps.split_last()? else { return None };
    descend(table, parents)?.insert(key.clone(), value);
    Some(())
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
