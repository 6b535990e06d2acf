//! What differs between two configurations, by section, entry and key. Values are never shown: some come from variables of the
//! environment.

use std::collections::BTreeSet;
use std::fmt;

use toml::{Table, Value};

use super::Configuration;
use super::review::Place;

/// The sections whose members are entries with names of the operator's choice.
const SECTIONS_WITH_ENTRIES: [&str; 9] =
    ["identity_providers", "bots", "connections", "skills", "add_ins", "back_ends", "apps", "directories", "statuses"];

/// A configuration as it is written, with the variables of the environment written into it. Its `Debug` shows no value.
#[derive(Clone, Default)]
pub(super) struct WrittenSections(Table);

/// What differs in one section, or in one entry of a section that has entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the section.
    pub section: String,
    /// Where it is, as the operator writes it: `connections.graph`.
    pub place: String,
    /// What became of it.
    pub change: Change,
}

/// What became of a section or an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there and was not.
    Added(Vec<String>),
    /// It was there and is not.
    Removed(Vec<String>),
    /// The values of these keys differ, or only one of the two has them.
    Keys(Vec<ChangedKey>),
}

/// A key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedKey {
    /// Its name.
    pub name: String,
    /// Whether only one of the two configurations has it.
    pub is_in_one: bool,
}

impl WrittenSections {
    pub(super) fn new(table: Table) -> Self {
        Self(table)
    }
}

impl fmt::Debug for WrittenSections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WrittenSections(..)")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.change {
            Change::Added(_) => write!(formatter, "{}: added", self.place),
            Change::Removed(_) => write!(formatter, "{}: removed", self.place),
            Change::Keys(keys) => {
                let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
                write!(formatter, "{}: {} changed", self.place, names.join(", "))
            }
        }
    }
}

impl Difference {
    /// The names of the keys that differ; of an added or removed section, all that it has.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let (whole, changed): (&[String], &[ChangedKey]) = match &self.change {
            Change::Added(names) | Change::Removed(names) => (names, &[]),
            Change::Keys(keys) => (&[], keys),
        };
        whole.iter().map(String::as_str).chain(changed.iter().map(|key| key.name.as_str()))
    }
}

impl Configuration {
    /// What `later` has that differs from what is written here: sections and entries in the order of their names.
    #[must_use]
    pub fn list_differences(&self, later: &Self) -> Vec<Difference> {
        let (before, after) = (&self.written.0, &later.written.0);
        let mut differences = Vec::new();
        for name in names_of(before, after) {
            let (before, after) = (before.get(name), after.get(name));
            let place = Place::section(name);
            if !SECTIONS_WITH_ENTRIES.contains(&name.as_str()) {
                differences.extend(compare(name, &place, before, after));
                continue;
            }
            let entries = |section: Option<&Value>| section.and_then(Value::as_table).cloned().unwrap_or_default();
            let (before, after) = (entries(before), entries(after));
            for entry in names_of(&before, &after) {
                differences.extend(compare(name, &place.key(entry), before.get(entry), after.get(entry)));
            }
        }
        differences
    }
}

fn names_of<'t>(before: &'t Table, after: &'t Table) -> BTreeSet<&'t String> {
    before.keys().chain(after.keys()).collect()
}

fn compare(section: &str, place: &Place, before: Option<&Value>, after: Option<&Value>) -> Option<Difference> {
    let change = match (before, after) {
        (None, None) => return None,
        (None, Some(added)) => Change::Added(key_names(added)),
        (Some(removed), None) => Change::Removed(key_names(removed)),
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => Change::Keys(compare_keys(before, after)),
    };
    Some(Difference { section: section.to_owned(), place: place.as_str().to_owned(), change })
}

fn key_names(value: &Value) -> Vec<String> {
    value.as_table().map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn compare_keys(before: &Value, after: &Value) -> Vec<ChangedKey> {
    let (Some(before), Some(after)) = (before.as_table(), after.as_table()) else { return Vec::new() };
    let changed = names_of(before, after).into_iter().filter(|key| before.get(*key) != after.get(*key));
    let key = |name: &String| ChangedKey {
        name: name.clone(),
        is_in_one: before.contains_key(name) != after.contains_key(name),
    };
    changed.map(key).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::config::test_samples::{FULL, MINIMAL, SCOPES, SECRET, changed, read, read_with};
    use crate::config::{Configuration, Environment};

    fn differences(before: &Configuration, after: &str) -> Vec<String> {
        let after = read(after).unwrap();
        before.list_differences(&after).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_differs_is_named_by_section_entry_and_key_and_never_by_value() {
        let minimal = read(MINIMAL).unwrap();
        assert_eq!(differences(&minimal, &format!("# Another comment.\n{MINIMAL}")), Vec::<String>::new());
        let scopes = "scopes = [\"https://graph.microsoft.com/Mail.Read\"]\nallow_v1 = true";
        assert_eq!(differences(&minimal, &changed(SCOPES, scopes)), ["connections.graph: allow_v1, scopes changed"]);
        let bot = "[bots.second]\napp_id = \"33333333-3333-4333-8333-333333333333\"\n\
                   endpoint = \"http://127.0.0.1:3980/api/messages\"\n[sign_in]\n";
        let more = read(&format!("{MINIMAL}\n{bot}")).unwrap();
        assert_eq!(differences(&more, MINIMAL), ["bots.second: removed", "sign_in: removed"]);
        let added = minimal.list_differences(&more);
        assert_eq!(added.first().unwrap().keys().collect::<Vec<_>>(), ["app_id", "endpoint"]);
    }

    #[test]
    fn a_variable_that_overrides_the_file_counts_as_written() {
        let value = "https://other.example.com/of-the-environment";
        let variables = [SECRET, ("BOT_SSO_SIGN_IN__FINAL_REDIRECTS", &*format!("[{value:?}]"))];
        let set = read_with(MINIMAL, &Environment::of(variables)).unwrap();
        let found: Vec<String> =
            read(MINIMAL).unwrap().list_differences(&set).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["sign_in: added"]);
        assert!(!format!("{set:?}").contains("WrittenSections(Table"));
    }

    #[test]
    fn every_section_of_the_full_sample_is_an_entry_or_a_section_of_its_own() {
        let table: toml::Table = FULL.parse().unwrap();
        for (name, section) in &table {
            let is_of_tables = section.as_table().unwrap().values().all(toml::Value::is_table);
            assert_eq!(super::SECTIONS_WITH_ENTRIES.contains(&name.as_str()), is_of_tables, "{name}");
        }
    }
}
