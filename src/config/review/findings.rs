//! One pass over a configuration: its inputs, and what it has found so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::cloud::{Cloud, CloudDefaults};
use super::place::Place;
use super::problems::{ConfigurationProblem, Problems};

/// A pass over a configuration. Methods that check one kind of value are in the file of that kind.
pub(in crate::config) struct Review<'a> {
    environment: &'a BTreeMap<String, String>,
    base: &'a Path,
    set_by_variables: Vec<SetByVariable>,
    problems: Vec<ConfigurationProblem>,
    warnings: Vec<ConfigurationProblem>,
    key_file_check: Option<KeyFileCheck>,
    cloud: &'static CloudDefaults,
    pub(in crate::config) hosts: Hosts,
}

/// Says why a file is no key ring.
pub(in crate::config) type KeyFileCheck = fn(&Path) -> Result<(), String>;

/// A place that an environment variable has set.
pub(in crate::config) struct SetByVariable {
    pub(in crate::config) place: Place,
    pub(in crate::config) variable: String,
}

/// The hosts that the file names. Hosts of default addresses are not included.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Hosts {
    pub(in crate::config) literal: BTreeSet<String>,
    pub(in crate::config) plain_http: BTreeSet<String>,
}

/// The results of a review without problems.
pub(in crate::config) struct Findings {
    pub(in crate::config) hosts: Hosts,
    pub(in crate::config) warnings: Vec<ConfigurationProblem>,
}

impl<'a> Review<'a> {
    /// Secrets are read from the variables in `environment`. Relative paths in the file start at `base`, the file's own
    /// directory.
    pub(in crate::config) fn new(environment: &'a BTreeMap<String, String>, base: &'a Path) -> Self {
        Self {
            environment,
            base,
            set_by_variables: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            key_file_check: None,
            cloud: Cloud::default().defaults(),
            hosts: Hosts::default(),
        }
    }

    /// Later problems at these places name the environment variable that set the place.
    pub(in crate::config) fn remember_places_set_by_variables(&mut self, set_by_variables: Vec<SetByVariable>) {
        self.set_by_variables = set_by_variables;
    }

    /// The content of the key file is checked by `check`.
    pub(in crate::config) fn check_key_file_with(self, check: Option<KeyFileCheck>) -> Self {
        Self { key_file_check: check, ..self }
    }

    /// Messages name the addresses of `cloud` from here on.
    pub(in crate::config) fn set_cloud(&mut self, cloud: &'static CloudDefaults) {
        self.cloud = cloud;
    }

    /// The cloud whose addresses messages name.
    pub(super) fn cloud(&self) -> &'static CloudDefaults {
        self.cloud
    }

    /// Reports a file at `path` that is no key ring, if a check for it is given.
    pub(in crate::config) fn key_file(&mut self, path: &Path, place: &Place) -> Option<()> {
        let check = self.key_file_check.unwrap_or(|_| Ok(()));
        check(path).map_err(|message| self.report(place, message)).ok()
    }

    /// The environment variable `name`, if it is set.
    pub(in crate::config) fn variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(String::as_str)
    }

    pub(in crate::config) fn report(&mut self, place: &Place, message: String) {
        let problem = self.problem(place, message);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(in crate::config) fn warn(&mut self, place: &Place, message: String) {
        let warning = self.problem(place, message);
        self.warnings.push(warning);
    }

    /// Whether a problem at `place`, within it, or at a section around it has been reported. If so, problems that
    /// follow from it need no report.
    pub(in crate::config) fn is_reported(&self, place: &Place) -> bool {
        let around = |problem: &ConfigurationProblem| {
            place.contains(&problem.path)
                || place
                    .as_str()
                    .strip_prefix(problem.path.as_str())
                    .is_some_and(|rest| !problem.path.is_empty() && rest.starts_with(['.', '[']))
        };
        self.problems.iter().any(around)
    }

    /// Returns `value`; if it is missing, reports what to write.
    pub(in crate::config) fn required<T>(&mut self, value: Option<T>, place: &Place, write: &str) -> Option<T> {
        if value.is_none() && !self.is_reported(place) {
            self.report(place, format!("is missing: write {write}"));
        }
        value
    }

    /// The absolute or relative `path`, starting at the configuration file's directory.
    pub(in crate::config) fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Ends the review.
    ///
    /// # Errors
    /// All problems, if there are any.
    pub(in crate::config) fn conclude(self) -> Result<Findings, Problems> {
        if self.problems.is_empty() {
            return Ok(Findings { hosts: self.hosts, warnings: self.warnings });
        }
        Err(self.into_problems())
    }

    /// The problems of a review that could not produce a configuration.
    pub(in crate::config) fn into_problems(mut self) -> Problems {
        if self.problems.is_empty() {
            let message = "cannot be understood, and this program cannot say why: please report this".to_owned();
            return Problems::with_warnings(vec![ConfigurationProblem { path: String::new(), message }], Vec::new());
        }
        // Sorted by place, so that all problems of a section are listed together.
        self.problems.sort_by(|left, right| left.path.cmp(&right.path));
        Problems::with_warnings(self.problems, self.warnings)
    }

    fn problem(&self, place: &Place, message: String) -> ConfigurationProblem {
        let set_by = self.set_by_variables.iter().find(|set| set.place.contains(place.as_str()));
        let message = match set_by {
            Some(set_by) => format!("{message} (set by the environment variable {})", set_by.variable),
            None => message,
        };
        ConfigurationProblem { path: place.as_str().to_owned(), message }
    }
}
