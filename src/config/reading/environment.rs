use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use crate::config::review::Step;

/// The prefix of the name of a variable that overrides a configuration key.
pub(super) const PREFIX: &str = "BOT_SSO_";

/// The separator of the sections and the key in such a name.
pub(super) const SEPARATOR: &str = "__";

/// The process's environment, read once. It is a parameter so that tests need not change their own process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// An environment of these variables (pairs of name and value) and no others.
    #[must_use]
    pub fn of<I: IntoIterator>(variables: I) -> Self
    where
        Self: FromIterator<I::Item>,
    {
        variables.into_iter().collect()
    }

    /// The variable `name`, if it is set.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Every variable, by name.
    pub(in crate::config) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The overrides as nested tables of texts, all names in lower case. If one variable sets a table and another sets
    /// a key in it, the one for the key takes effect.
    ///
    /// A variable without `__` overrides nothing: every key is in a section, and operators often name the variables of
    /// their secrets `BOT_SSO_SOMETHING`.
    pub(super) fn overrides(&self) -> Overrides {
        let (mut variables, mut unreadable) = (Vec::new(), Vec::new());
        for name in self.variables.keys() {
            let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains(SEPARATOR)) else { continue };
            match parse_steps(path) {
                Some(steps) => variables.push(OverridingVariable { steps, name: name.clone() }),
                None => unreadable.push(name.clone()),
            }
        }
        // In this order the members of a list come by index, and a table comes after a text at the same place.
        variables.sort_by(|left, right| left.steps.cmp(&right.steps));
        let mut root = Value::Table(Table::new());
        variables.retain(|variable| {
            let text = self.find(&variable.name).unwrap_or_default();
            let place = make_place(&mut root, &variable.steps);
            let is_readable = place.map(|place| *place = Value::String(text.to_owned())).is_some();
            if !is_readable {
                unreadable.push(variable.name.clone());
            }
            is_readable
        });
        let table = if let Value::Table(table) = root { table } else { Table::new() };
        Overrides { table, variables, unreadable }
    }
}

/// The keys that the environment sets.
pub(super) struct Overrides {
    pub(super) table: Table,
    pub(super) variables: Vec<OverridingVariable>,
    /// The variables whose names are no path of sections and a key.
    pub(super) unreadable: Vec<String>,
}

/// A variable that overrides a key.
pub(super) struct OverridingVariable {
    /// The path in its name, in lower case.
    pub(super) steps: Vec<Step>,
    pub(super) name: String,
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

/// The steps of a name such as `BOTS__DESK__CALLERS[0]__APP_ID`; `.` separates like `__`.
fn parse_steps(path: &str) -> Option<Vec<Step>> {
    let is_ordinary = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let mut steps = Vec::new();
    for part in path.to_ascii_lowercase().replace(SEPARATOR, ".").split('.') {
        let (key, indices) = part.split_once('[').map_or((part, None), |(key, indices)| (key, Some(indices)));
        if key.is_empty() || !key.bytes().all(is_ordinary) {
            return None;
        }
        steps.push(Step::Key(key.to_owned()));
        if let Some(indices) = indices {
            for index in indices.strip_suffix(']')?.split("][") {
                steps.push(Step::Index(index.parse().ok()?));
            }
        }
    }
    Some(steps)
}

/// The value at `steps` within `root`; missing tables and lists are created. `None` for an index that would leave a gap
/// in a list.
fn make_place<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    let mut value = root;
    for step in steps {
        value = match step {
            Step::Key(key) => {
                if !value.is_table() {
                    *value = Value::Table(Table::new());
                }
                value.as_table_mut()?.entry(key.clone()).or_insert_with(|| Value::String(String::new()))
            }
            Step::Index(index) => {
                if !value.is_array() {
                    *value = Value::Array(Vec::new());
                }
                let list = value.as_array_mut()?;
                if *index == list.len() {
                    list.push(Value::String(String::new()));
                }
                list.get_mut(*index)?
            }
        };
    }
    Some(value)
}

/// The system's directory for temporary files.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "it reads the environment, which only this room may do")]
pub fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}
