use toml::{Table, Value};

use crate::config::review::{Place, SetByVariable, Step, ValueSources};

use super::environment::{Overrides, OverridingVariable};

/// The section that every configuration has.
const SERVER: &str = "server";

/// The places of the configuration that environment variables have set.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    leaves: Vec<Leaf>,
    sections: Vec<SetByVariable>,
}

#[derive(Clone)]
struct Leaf {
    place: Place,
    variable: String,
    text: String,
    reinterpreted: bool,
}

/// A variable's text read as a TOML value.
pub(super) struct ReinterpretedValue {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A table of the configuration into which variables are written.
struct Position<'a> {
    place: Place,
    /// The path in the variables' names.
    steps: Vec<Step>,
    variables: &'a [OverridingVariable],
}

impl Overlay {
    /// Writes `overrides` into `table`. A variable's name matches a key ignoring case, with `_` for `-`.
    pub(super) fn apply(table: &mut Table, overrides: Overrides) -> Self {
        let mut overlay = Self::default();
        let root = Position { place: Place::root(), steps: Vec::new(), variables: &overrides.variables };
        overlay.merge(table, overrides.table, &root);
        overlay
    }

    /// The variables that were written into the table, with their places.
    pub(super) fn sources(&self) -> ValueSources {
        let set_by = |leaf: &Leaf| SetByVariable {
            place: leaf.place.clone(),
            variable: leaf.variable.clone(),
            right_name: None,
        };
        ValueSources { values: self.leaves.iter().map(set_by).collect(), sections: self.sections.clone() }
    }

    /// Parses a variable's text as a TOML value (`8`, `true`, `["a", "b"]`, `{ env = "NAME" }`) after it failed as a
    /// string. Each variable is parsed in this way at most once.
    pub(super) fn reinterpret(&mut self, place: &Place) -> Option<ReinterpretedValue> {
        let open = self.leaves.iter_mut().filter(|leaf| !leaf.reinterpreted && leaf.place.contains(place.as_str()));
        let leaf = open.max_by_key(|leaf| leaf.place.steps().len())?;
        leaf.reinterpreted = true;
        let value = format!("value = {}", leaf.text).parse::<Table>().ok()?.remove("value")?;
        Some(ReinterpretedValue { place: leaf.place.clone(), value })
    }

    /// Variables at `place`, within it or around it are not parsed again, because their value was replaced.
    pub(super) fn release(&mut self, place: &Place) {
        for leaf in &mut self.leaves {
            leaf.reinterpreted |= leaf.place.contains(place.as_str()) || place.contains(leaf.place.as_str());
        }
    }

    fn merge(&mut self, table: &mut Table, overrides: Table, position: &Position<'_>) {
        for (name, value) in overrides {
            let key = existing_key(table, &name).unwrap_or_else(|| name.clone());
            let member = position.member(&key, &name);
            match value {
                Value::Table(inner) => {
                    let is_new = !table.contains_key(&key) && member.place.as_str() != SERVER;
                    self.sections.extend(member.first_variable().filter(|_| is_new));
                    let slot = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                    if !slot.is_table() {
                        *slot = Value::Table(Table::new());
                    }
                    if let Value::Table(existing) = slot {
                        self.merge(existing, inner, &member);
                    }
                }
                mut leaf => {
                    self.leaves.extend(member.leaves(&leaf));
                    // A list of tables has keys that no variable may have set.
                    self.sections.extend(member.first_variable().filter(|_| leaf.is_array()));
                    unquote(&mut leaf);
                    table.insert(key, leaf);
                }
            }
        }
    }
}

impl Position<'_> {
    fn member(&self, key: &str, name: &str) -> Self {
        Self {
            place: self.place.key(key),
            steps: self.steps.iter().cloned().chain([Step::Key(name.to_owned())]).collect(),
            variables: self.variables,
        }
    }

    fn first_variable(&self) -> Option<SetByVariable> {
        let first = self.variables.iter().find(|variable| variable.steps.starts_with(&self.steps))?;
        Some(SetByVariable { place: self.place.clone(), variable: first.name.clone(), right_name: None })
    }

    /// The variables that set this place or, if `value` is a list, its members.
    fn leaves(&self, value: &Value) -> Vec<Leaf> {
        let within = self.variables.iter().filter_map(|variable| {
            let rest = variable.steps.strip_prefix(self.steps.as_slice())?;
            let text = rest.iter().try_fold(value, |value, step| match step {
                Step::Key(key) => value.as_table()?.get(key),
                Step::Index(index) => value.as_array()?.get(*index),
            });
            let place = rest.iter().fold(self.place.clone(), |place, step| place.step(step));
            let text = text?.as_str()?.to_owned();
            Some(Leaf { place, variable: variable.name.clone(), text, reinterpreted: false })
        });
        within.collect()
    }
}

/// Takes the quotes from texts that a file of variables has in quotes as a shell would, which Docker keeps.
fn unquote(value: &mut Value) {
    match value {
        Value::String(text) if text.len() >= 2 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']) => {
            let read = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
            if let Some(inner @ Value::String(_)) = read {
                *value = inner;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(unquote),
        Value::Table(table) => table.iter_mut().for_each(|(_, member)| unquote(member)),
        _ => {}
    }
}

fn existing_key(table: &Table, name: &str) -> Option<String> {
    let folded = |key: &str| key.to_ascii_lowercase().replace('-', "_");
    table.keys().find(|key| *key == name).or_else(|| table.keys().find(|key| folded(key) == name)).cloned()
}
