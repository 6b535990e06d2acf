use toml::{Table, Value};

use crate::config::review::{Place, SetByVariable};

use super::environment::{PREFIX, SEPARATOR};

/// Which places of the configuration were set by environment variables.
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
pub(super) struct Reinterpreted {
    pub(super) steps: Vec<String>,
    pub(super) value: Value,
}

struct Position {
    place: Place,
    steps: Vec<String>,
    variable: String,
}

impl Overlay {
    /// Lays `overrides` over `table`. A variable's name finds a key ignoring case, with `_` for `-`.
    pub(super) fn apply(table: &mut Table, overrides: Table) -> Self {
        let mut overlay = Self::default();
        let root = Position { place: Place::root(), steps: Vec::new(), variable: String::new() };
        overlay.merge(table, overrides, &root);
        overlay
    }

    /// The variables that were laid over, with their places.
    pub(super) fn variables(&self) -> Vec<SetByVariable> {
        let set_by = |leaf: &Leaf| SetByVariable { place: leaf.place.clone(), variable: leaf.variable.clone() };
        self.leaves.iter().map(set_by).collect()
    }

    /// What a variable's text means as a TOML value, where it did not fit as a string: `8`, `true`, `["a", "b"]`,
    /// `{ env = "NAME" }`. Each variable gets this second chance once.
    pub(super) fn reinterpret(&mut self, place: &Place) -> Option<Reinterpreted> {
        let leaf = self.leaves.iter_mut().find(|leaf| !leaf.reinterpreted && leaf.place.contains(place.as_str()))?;
        leaf.reinterpreted = true;
        let value = format!("value = {}", leaf.text).parse::<Table>().ok()?.remove("value")?;
        Some(Reinterpreted { steps: leaf.steps.clone(), value })
    }

    fn merge(&mut self, table: &mut Table, overrides: Table, position: &Position) {
        for (name, value) in overrides {
            let key = existing_key(table, &name).unwrap_or_else(|| name.clone());
            let here = position.down(&key, &name);
            match value {
                Value::Table(inner) => {
                    let slot = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
                    if !slot.is_table() {
                        *slot = Value::Table(Table::new());
                    }
                    if let Value::Table(existing) = slot {
                        self.merge(existing, inner, &here);
                    }
                }
                leaf => {
                    self.leaves.push(Leaf {
                        place: here.place,
                        steps: here.steps,
                        variable: here.variable,
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
    fn down(&self, key: &str, name: &str) -> Self {
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
