use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::problems::{Place, Problem, Problems};

/// One pass over a configuration: what it may look at, and what it has found so far.
pub(super) struct Review<'a> {
    pub(super) environment: &'a Environment,
    base: &'a Path,
    variables: Vec<(Place, String)>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    pub(super) hosts: Hosts,
}

/// The hosts that the operator wrote, as opposed to those that are defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    pub(super) literal: BTreeSet<String>,
    pub(super) plain_http: BTreeSet<String>,
}

/// What a review without problems leaves behind.
pub(super) struct Findings {
    pub(super) hosts: Hosts,
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Review<'a> {
    /// Relative paths in the file are taken from `base`, the file's own directory.
    pub(super) fn new(environment: &'a Environment, base: &'a Path) -> Self {
        Self {
            environment,
            base,
            variables: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            hosts: Hosts::default(),
        }
    }

    /// From now on problems at these places name the environment variable that set them.
    pub(super) fn note_variables(&mut self, variables: Vec<(Place, String)>) {
        self.variables = variables;
    }

    pub(super) fn report(&mut self, place: &Place, message: String) {
        let problem = self.problem(place, message);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn warn(&mut self, place: &Place, message: String) {
        let warning = self.problem(place, message);
        self.warnings.push(warning);
    }

    /// Whether something at, in or around `place` has been reported, so that what follows from it need not be.
    pub(super) fn is_reported(&self, place: &Place) -> bool {
        let around = |problem: &Problem| {
            place.contains(&problem.path)
                || place
                    .as_str()
                    .strip_prefix(problem.path.as_str())
                    .is_some_and(|rest| !problem.path.is_empty() && rest.starts_with(['.', '[']))
        };
        self.problems.iter().any(around)
    }

    /// `value`, or a report that says what to write.
    pub(super) fn required<T>(&mut self, value: Option<T>, place: &Place, write: &str) -> Option<T> {
        if value.is_none() && !self.is_reported(place) {
            self.report(place, format!("is missing: write {write}"));
        }
        value
    }

    /// `path`, seen from the configuration file's directory.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// All problems, or what else was found.
    pub(super) fn conclude(self) -> Result<Findings, Problems> {
        if self.problems.is_empty() {
            return Ok(Findings { hosts: self.hosts, warnings: self.warnings });
        }
        Err(self.into_problems())
    }

    /// The problems of a review that could not be brought to its end.
    pub(super) fn into_problems(mut self) -> Problems {
        if self.problems.is_empty() {
            let message = "cannot be understood, and this program cannot say why: please report this".to_owned();
            return Problems(vec![Problem { path: String::new(), message }]);
        }
        // By place, so that what belongs together stands together, whichever pass found it.
        self.problems.sort_by(|left, right| left.path.cmp(&right.path));
        Problems(self.problems)
    }

    fn problem(&self, place: &Place, message: String) -> Problem {
        let variable = self.variables.iter().find(|(set, _)| set.contains(place.as_str()));
        let message = match variable {
            Some((_, variable)) => format!("{message} (set by the environment variable {variable})"),
            None => message,
        };
        Problem { path: place.as_str().to_owned(), message }
    }
}
