//! One pass over a configuration: its inputs, and what it has found so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::cloud::{Cloud, CloudDefaults};
use super::place::Place;
use super::problems::{ConfigurationProblem, Problems};
use super::proposals::{Attempt, Finding, Proposal};
use super::value_sources::ValueSources;
use crate::domain::{CredentialEnd, Timestamp};

/// A pass over a configuration. Methods that check one kind of value are in the file of that kind.
pub(in crate::config) struct Review<'a> {
    environment: &'a BTreeMap<String, String>,
    base: &'a Path,
    sources: ValueSources,
    findings: Vec<Finding>,
    warnings: Vec<ConfigurationProblem>,
    credential_ends: Vec<CredentialEnd>,
    key_file_check: Option<KeyFileCheck>,
    cloud: &'static CloudDefaults,
    pub(in crate::config) hosts: Hosts,
}

/// Says why a file is no key ring.
pub(in crate::config) type KeyFileCheck = fn(&Path) -> Result<(), String>;

/// The hosts that the file names. Hosts of default addresses are not included.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Hosts {
    pub(in crate::config) literal: BTreeSet<String>,
    pub(in crate::config) plain_http: BTreeSet<String>,
}

/// The results of a review without problems.
pub(in crate::config) struct Conclusion {
    pub(in crate::config) hosts: Hosts,
    pub(in crate::config) warnings: Vec<ConfigurationProblem>,
    /// When credentials end, as far as it is known, in the order of their places.
    pub(in crate::config) credential_ends: Vec<CredentialEnd>,
}

impl<'a> Review<'a> {
    /// Secrets are read from the variables in `environment`. Relative paths in the file start at `base`, the file's own
    /// directory.
    pub(in crate::config) fn new(environment: &'a BTreeMap<String, String>, base: &'a Path) -> Self {
        Self {
            environment,
            base,
            sources: ValueSources::default(),
            findings: Vec::new(),
            warnings: Vec::new(),
            credential_ends: Vec::new(),
            key_file_check: None,
            cloud: Cloud::default().defaults(),
            hosts: Hosts::default(),
        }
    }

    /// Problems at the places that environment variables have set name the variables.
    pub(in crate::config) fn remember_sources(&mut self, sources: ValueSources) {
        self.sources = sources;
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

    pub(in crate::config) fn report(&mut self, place: &Place, complaint: String) {
        self.add(Finding { place: place.clone(), complaint, proposal: None, words: None, is_whole: false });
    }

    /// Reports a wrong value at `place`, with the value to write instead.
    pub(in crate::config) fn propose(&mut self, place: &Place, complaint: String, proposal: Proposal) {
        self.add(Finding { place: place.clone(), complaint, proposal: Some(proposal), words: None, is_whole: false });
    }

    /// As [`Review::propose`] if the right value is known, else as [`Review::report`] with what to write in words.
    pub(in crate::config) fn propose_or(
        &mut self,
        place: &Place,
        complaint: &str,
        proposal: Option<Proposal>,
        write: &str,
    ) {
        match proposal {
            Some(proposal) => self.add(Finding {
                place: place.clone(),
                complaint: complaint.to_owned(),
                proposal: Some(proposal),
                words: Some(write.to_owned()),
                is_whole: false,
            }),
            None => self.report(place, format!("{complaint}: write {write}")),
        }
    }

    /// Reports that the text at `place` is none that any key takes. What the key itself would say of it is left out.
    pub(in crate::config) fn refuse_text(&mut self, place: &Place, complaint: String, proposal: Option<Proposal>) {
        self.add(Finding { place: place.clone(), complaint, proposal, words: None, is_whole: true });
    }

    fn add(&mut self, finding: Finding) {
        let is_said = |earlier: &Finding| *earlier == finding || earlier.is_whole && earlier.place == finding.place;
        if !self.findings.iter().any(is_said) {
            self.findings.push(finding);
        }
    }

    pub(in crate::config) fn warn(&mut self, place: &Place, message: String) {
        let message = self.sources.attribute(place, message);
        let warning = ConfigurationProblem { path: place.as_str().to_owned(), message };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Remembers that the credential at `place` ends at `ends`.
    pub(in crate::config) fn note_end(&mut self, place: &Place, ends: Timestamp) {
        self.credential_ends.push(CredentialEnd { place: place.as_str().to_owned(), ends });
    }

    /// Whether a problem at `place`, within it, or at a section around it has been reported. If so, problems that
    /// follow from it need no report.
    pub(in crate::config) fn is_reported(&self, place: &Place) -> bool {
        let around = |finding: &Finding| {
            let path = finding.place.as_str();
            place.contains(path)
                || place
                    .as_str()
                    .strip_prefix(path)
                    .is_some_and(|rest| !path.is_empty() && rest.starts_with(['.', '[']))
        };
        self.findings.iter().any(around)
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

    /// Ends the review: its results, or the review itself if it has found a problem.
    pub(in crate::config) fn conclude(self) -> Result<Conclusion, Box<Self>> {
        if self.findings.is_empty() {
            let mut credential_ends = self.credential_ends;
            credential_ends.sort_by(|left, right| left.place.cmp(&right.place));
            return Ok(Conclusion { hosts: self.hosts, warnings: self.warnings, credential_ends });
        }
        Err(Box::new(self))
    }

    /// What was found at `place` and within it.
    pub(in crate::config) fn into_findings_at(self, place: &Place) -> Vec<Finding> {
        self.findings.into_iter().filter(|finding| place.contains(finding.place.as_str())).collect()
    }

    /// The problems of a review that could not produce a configuration. `attempt` finds the problems that a proposal
    /// leaves at its place, so that no value is proposed that would be refused next.
    pub(in crate::config) fn into_problems(self, attempt: &Attempt<'_>) -> Problems {
        if self.findings.is_empty() {
            let message = "cannot be understood, and this program cannot say why: please report this".to_owned();
            return Problems::with_warnings(vec![ConfigurationProblem { path: String::new(), message }], Vec::new());
        }
        let sources = self.sources;
        let mut problems: Vec<ConfigurationProblem> = Vec::new();
        for finding in self.findings {
            let message = sources.attribute(&finding.place, finding.settle(attempt));
            let problem = ConfigurationProblem { path: finding.place.as_str().to_owned(), message };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        // Sorted by place, so that all problems of a section are listed together.
        problems.sort_by(|left, right| left.path.cmp(&right.path));
        Problems::with_warnings(problems, self.warnings)
    }
}
