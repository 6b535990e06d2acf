//! One pass over a configuration: what it may look at, and what it has found so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::place::Place;
use super::problems::{ConfigurationProblem, Problems};

/// A pass over a configuration. Its other methods are in the files of the values that they check.
pub(in crate::config) struct Review<'a> {
    environment: &'a BTreeMap<String, String>,
    base: &'a Path,
    set_by_variables: Vec<SetByVariable>,
    problems: Vec<ConfigurationProblem>,
    warnings: Vec<ConfigurationProblem>,
    pub(in crate::config) hosts: Hosts,
}

/// A place whose value an environment variable has set.
pub(in crate::config) struct SetByVariable {
    pub(in crate::config) place: Place,
    pub(in crate::config) variable: String,
}

/// The hosts that the operator wrote, as opposed to those that are defaults.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Hosts {
    pub(in crate::config) literal: BTreeSet<String>,
    pub(in crate::config) plain_http: BTreeSet<String>,
}

/// What a review without problems leaves behind.
pub(in crate::config) struct Findings {
    pub(in crate::config) hosts: Hosts,
    pub(in crate::config) warnings: Vec<ConfigurationProblem>,
}

impl<'a> Review<'a> {
    /// `environment`: the variables that secrets are read from. Relative paths in the file are taken from `base`, the file's
    /// own directory.
    pub(in crate::config) fn new(environment: &'a BTreeMap<String, String>, base: &'a Path) -> Self {
        Self {
            environment,
            base,
            set_by_variables: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            hosts: Hosts::default(),
        }
    }

    /// From now on problems at these places name the environment variable that set them.
    pub(in crate::config) fn note_variables(&mut self, set_by_variables: Vec<SetByVariable>) {
        self.set_by_variables = set_by_variables;
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

    /// Whether something at, in or around `place` has been reported, so that what follows from it need not be.
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

    /// `value`, or a report that says what to write.
    pub(in crate::config) fn required<T>(&mut self, value: Option<T>, place: &Place, write: &str) -> Option<T> {
        if value.is_none() && !self.is_reported(place) {
            self.report(place, format!("is missing: write {write}"));
        }
        value
    }

    /// `path`, seen from the configuration file's directory.
    pub(in crate::config) fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// All problems, or what else was found.
    pub(in crate::config) fn conclude(self) -> Result<Findings, Problems> {
        if self.problems.is_empty() {
            return Ok(Findings { hosts: self.hosts, warnings: self.warnings });
        }
        Err(self.into_problems())
    }

    /// The problems of a review that could not be brought to its end.
    pub(in crate::config) fn into_problems(mut self) -> Problems {
        if self.problems.is_empty() {
            let message = "cannot be understood, and this program cannot say why: please report this".to_owned();
            return Problems(vec![ConfigurationProblem { path: String::new(), message }]);
        }
        // By place, so that what belongs together stands together, whichever pass found it.
        self.problems.sort_by(|left, right| left.path.cmp(&right.path));
        Problems(self.problems)
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
