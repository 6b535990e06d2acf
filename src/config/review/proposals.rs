//! What is wrong at a place, and the value to write there instead.
//!
//! A proposal is tried before it is shown: a value that would be refused next is replaced by what its own check
//! proposes, or by what that check says.

use toml::{Table, Value};

use super::place::{Place, Step};
use super::right_forms::without_repetitions;

/// A proposal is replaced at most this often by that of a later check.
const MAX_ATTEMPTS: usize = 8;

/// The problems that a proposal leaves at its place and within it.
pub(in crate::config) type Attempt<'a> = dyn Fn(&Proposal) -> Vec<Finding> + 'a;

/// A value that is probably meant by what stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Proposal {
    place: Place,
    value: Value,
    /// How the value is described, where it is not written out.
    description: Option<&'static str>,
    /// What may be written elsewhere instead.
    alternative: String,
}

/// A problem at a place.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Finding {
    pub(in crate::config) place: Place,
    /// What is wrong. Says what to write instead, too, if there is no proposal.
    pub(in crate::config) complaint: String,
    pub(in crate::config) proposal: Option<Proposal>,
    /// What to write, in words, if the proposal does not hold.
    pub(in crate::config) words: Option<String>,
    /// Whether this is all that there is to say of the place.
    pub(in crate::config) is_whole: bool,
}

impl Proposal {
    pub(in crate::config) fn value(place: &Place, value: Value) -> Self {
        Self { place: place.clone(), value, description: None, alternative: String::new() }
    }

    pub(in crate::config) fn text(place: &Place, text: impl Into<String>) -> Self {
        Self::value(place, Value::String(text.into()))
    }

    /// The list around `place`, one of `entries`, with `parts` in place of that entry.
    pub(in crate::config) fn split(place: &Place, entries: &[String], parts: Vec<String>) -> Option<Self> {
        let Some(Step::Index(index)) = place.steps().last() else { return None };
        let mut all = entries.to_vec();
        all.splice(*index..=*index, parts);
        let list = without_repetitions(all);
        Some(Self::value(&place.list()?, Value::Array(list.into_iter().map(Value::String).collect())))
    }

    /// Messages say `description` instead of the value, which may hold a secret.
    pub(in crate::config) fn described(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    /// Messages name `alternative` after the value.
    pub(in crate::config) fn or(self, alternative: impl Into<String>) -> Self {
        Self { alternative: alternative.into(), ..self }
    }

    /// Writes the value into `table`; `None` if the table has no such place.
    pub(in crate::config) fn write_into(&self, table: &mut Table) -> Option<()> {
        let mut root = Value::Table(std::mem::take(table));
        let written = write(&mut root, self.place.steps(), &self.value);
        if let Value::Table(root) = root {
            *table = root;
        }
        written
    }

    pub(in crate::config) fn place(&self) -> &Place {
        &self.place
    }

    /// This proposal with `next`, which lies at its place or within it; `None` if it lies elsewhere.
    fn followed_by(&self, next: &Self) -> Option<Self> {
        if next.place.contains(self.place.as_str()) {
            return Some(next.clone());
        }
        let inner = next.place.steps().strip_prefix(self.place.steps())?;
        let mut value = self.value.clone();
        write(&mut value, inner, &next.value)?;
        Some(Self { value, ..self.clone() })
    }
}

impl Finding {
    /// The message: what is wrong, and a value that has been tried, or what the check of the probable value says of that
    /// value. What else follows from the value is left for the next check.
    pub(super) fn settle(&self, attempt: &Attempt<'_>) -> String {
        let complaint = &self.complaint;
        let Some(first) = &self.proposal else { return complaint.clone() };
        let (mut proposal, mut tried) = (first.clone(), Vec::new());
        for _ in 0..MAX_ATTEMPTS {
            let left = attempt(&proposal);
            if left.is_empty() {
                return format!("{complaint}: write {}", proposal.show());
            }
            tried.push(proposal.value.clone());
            let mut followed = left.iter().filter_map(|one| proposal.followed_by(one.proposal.as_ref()?));
            let Some(next) = followed.find(|next| !tried.contains(&next.value)) else {
                let judged = left.iter().find(|one| proposal.is_subject_of(one) && one.complaint != *complaint);
                return judged.map_or_else(|| self.in_words(), |one| format!("{complaint}: {}", one.complaint));
            };
            proposal = next;
        }
        self.in_words()
    }

    fn in_words(&self) -> String {
        match &self.words {
            Some(words) => format!("{}: write {words}", self.complaint),
            None => self.complaint.clone(),
        }
    }
}

impl Proposal {
    /// Whether the complaint of `finding` is a sentence about the proposed value or one within it.
    fn is_subject_of(&self, finding: &Finding) -> bool {
        let inner = finding.place.steps().strip_prefix(self.place.steps());
        let Some(value) = inner.and_then(|steps| find(&self.value, steps)) else { return false };
        let complaint = finding.complaint.strip_prefix("unknown word ").unwrap_or(&finding.complaint);
        complaint.starts_with(&show(value))
    }

    fn show(&self) -> String {
        match self.description {
            Some(description) => description.to_owned(),
            None => format!("{}{}", show(&self.value), self.alternative),
        }
    }
}

/// The value as the file writes it, in one line.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let members = table.iter().map(|(key, value)| format!("{key} = {}", show(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn find<'v>(root: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.as_table()?.get(key),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

fn write(root: &mut Value, steps: &[Step], value: &Value) -> Option<()> {
    let mut at = root;
    for step in steps {
        at = match step {
            Step::Key(key) => at.as_table_mut()?.get_mut(key)?,
            Step::Index(index) => at.as_array_mut()?.get_mut(*index)?,
        };
    }
    *at = value.clone();
    Some(())
}
