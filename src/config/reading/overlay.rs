use toml::{Table, Value};

use crate::config::review::{Place, SetByVariable};

use super::environment::{PREFIX, SEPARATOR};

/// The places of the configuration that environment variables have set.
#[derive(Default)]
pub(super) struct Overlay {
    leaves: Vec<Leaf>,
}

struct Leaf {
    place: Place,
    steps: Vec<String>,
    variable: String,
    text: String,
    reinterpreted: bool,
}

/// A variable's text read as a TOML value.
pub(super) struct ReinterpretedValue {
    pub(super) steps: Vec<String>,
    pub(super) value: Value,
}

struct Position {
    place: Place,
    steps: Vec<String>,
    variable: String,
}

impl Overlay {
    /// Writes `overrides` into `table`. A variable's name matches a key ignoring case, with `_` for `-`.
    pub(super) fn apply(table: &mut Table, overrides: Table) -> Self {
        let mut overlay = Self::default();
        let root = Position { place: Place::root(), steps: Vec::new(), variable: String::new() };
        overlay.merge(table, overrides, &root);
        overlay
    }

    /// The variables that were written into the table, with their places.
    pub(super) fn variables(&self) -> Vec<SetByVariable> {
        let set_by = |leaf: &Leaf| SetByVariable { place: leaf.place.clone(), variable: leaf.variable.clone() };
        self.leaves.iter().map(set_by).collect()
    }

    /// Parses a variable's text as a TOML value (`8`, `true`, `["a", "b"]`, `{ env = "NAME" }`) after it failed as a
    /// string. Each variable is parsed in this way at most once.
    pub(super) fn reinterpret(&mut self, place: &Place) -> Option<ReinterpretedValue> {
        let leaf = self.leaves.iter_mut().find(|leaf| !leaf.reinterpreted && leaf.place.contains(place.as_str()))?;
        leaf.reinterpreted = true;
        let value = format!("value = {}", leaf.text).parse::<Table>().ok()?.remove("value")?;
        Some(ReinterpretedValue { steps: leaf.steps.clone(), value })
    }

    fn merge(&mut self, table: &mut Table, overrides: Table, position: &Position) {
        for (name, value) in overrides {
            let key = existing_key(table, &name).unwrap_or_else(|| name.clone());
            let member = position.member(&key, &name);
            match value {
                Value::Table(inner) => {
                    let slot = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                    if !slot.is_table() {
                        *slot = Value::Table(Table::new());
                    }
                    if let Value::Table(existing) = slot {
                        self.merge(existing, inner, &member);
                    }
                }
                leaf => {
                    self.leaves.push(Leaf {
                        place: member.place,
                        steps: member.steps,
                        variable: member.variable,
                        text: leaf.as_str().unwrap_or_default().to_owned(),
                        reinterpreted: false,
                    });
                    table.insert(key, leaf);
                }
            }
        }
    }
}

impl Position {
    fn member(&self, key: &str, name: &str) -> Self {
        let separator = if self.variable.is_empty() { PREFIX } else { SEPARATOR };
        Self {
            place: self.place.key(key),
            steps: self.steps.iter().cloned().chain([key.to_owned()]).collect(),
            variable: format!("{}{separator}{}", self.variable, name.to_ascii_uppercase()),
        }
    }
}

fn existing_key(table: &Table, name: &str) -> Option<String> {
    let folded = |key: &str| key.to_ascii_lowercase().replace('-', "_");
    table.keys().find(|key| *key == name).or_else(|| table.keys().find(|key| folded(key) == name)).cloned()
}
