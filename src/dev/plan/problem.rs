use std::fmt;

/// What is wrong in a stage file or in an option that adds to the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// The key or the option, such as `bots[1].endpoint`; empty for the whole file.
    pub place: String,
    /// What is wrong, and what to write instead. An unknown key or word has the words of the deserializer, to which the
    /// command line adds the near match.
    pub message: String,
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, message } = self;
        if place.is_empty() { formatter.write_str(message) } else { write!(formatter, "{place}: {message}") }
    }
}

/// Collects all problems of a plan, so that a person reads them at once.
#[derive(Default)]
pub(super) struct PlanReview(Vec<PlanProblem>);

impl PlanReview {
    pub(super) fn report(&mut self, place: String, message: impl Into<String>) {
        self.0.push(PlanProblem { place, message: message.into() });
    }

    pub(super) fn into_problems(self) -> Vec<PlanProblem> {
        self.0
    }
}
