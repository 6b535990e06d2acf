use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// What a variable that overrides a configuration key starts with.
pub(super) const PREFIX: &str = "BOT_SSO_";

/// What stands between the names of such a variable.
pub(super) const SEPARATOR: &str = "__";

/// The process's environment, read once. Handed in so that tests need not change their own process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment that this process was started with. Variables that are not UTF-8 count as absent.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: std::env::vars_os().filter_map(text).collect() }
    }

    /// An environment of these variables and no others.
    #[must_use]
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// The variable `name`, if it is set.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The overrides as nested tables of strings, all names in lower case.
    ///
    /// A variable without `__` overrides nothing: a key always lies in a section, and operators like to call the
    /// variables that their secrets are read from `BOT_SSO_SOMETHING`.
    pub(super) fn overrides(&self) -> Result<toml::Table, String> {
        let of_ours = |(name, value): (&String, &String)| {
            name.strip_prefix(PREFIX)?.contains(SEPARATOR).then(|| (name.clone(), value.clone()))
        };
        let variables: HashMap<String, String> = self.variables.iter().filter_map(of_ours).collect();
        let source = config::Environment::with_prefix(PREFIX.trim_end_matches('_'))
            .prefix_separator("_")
            .separator(SEPARATOR)
            .source(Some(variables));
        let nested = config::Config::builder().add_source(source).build();
        nested
            .and_then(config::Config::try_deserialize)
            .map_err(|_| format!("a {PREFIX}… variable cannot be read: its name must be {PREFIX}SECTION{SEPARATOR}KEY"))
    }
}

/// Where the system wants temporary files to be.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "it reads the environment, which is ours to do")]
pub fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
