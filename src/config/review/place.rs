/// One step of the path from the root of a configuration to a value in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Step {
    /// To a member of a table.
    Key(String),
    /// To a member of a list.
    Index(usize),
}

/// A path into the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct Place {
    /// The path as it is shown to the operator.
    text: String,
    steps: Vec<Step>,
}

impl Place {
    pub(in crate::config) fn root() -> Self {
        Self::default()
    }

    pub(in crate::config) fn section(name: &str) -> Self {
        Self::root().key(name)
    }

    /// The place at the end of `steps`.
    pub(in crate::config) fn of_steps(steps: &[Step]) -> Self {
        steps.iter().fold(Self::root(), |place, step| place.step(step))
    }

    pub(in crate::config) fn step(&self, step: &Step) -> Self {
        match step {
            Step::Key(key) => self.key(key),
            Step::Index(index) => self.index(*index),
        }
    }

    /// The member `name` of the table at this place, quoted if TOML requires quotes.
    pub(in crate::config) fn key(&self, name: &str) -> Self {
        let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let shown = if bare { name.to_owned() } else { format!("{name:?}") };
        let text = if self.text.is_empty() { shown } else { format!("{}.{shown}", self.text) };
        self.with(text, Step::Key(name.to_owned()))
    }

    pub(in crate::config) fn index(&self, index: usize) -> Self {
        self.with(format!("{}[{index}]", self.text), Step::Index(index))
    }

    fn with(&self, text: String, step: Step) -> Self {
        Self { text, steps: self.steps.iter().cloned().chain([step]).collect() }
    }

    pub(in crate::config) fn as_str(&self) -> &str {
        &self.text
    }

    pub(in crate::config) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The name of the last key on the path.
    pub(in crate::config) fn last_key(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }

    /// The key `name` in the table of the last key on the path.
    pub(in crate::config) fn beside(&self, name: &str) -> Self {
        let last = self.steps.iter().rposition(|step| matches!(step, Step::Key(_))).unwrap_or_default();
        Self::of_steps(self.steps.get(..last).unwrap_or_default()).key(name)
    }

    /// The list that this place is a member of.
    pub(in crate::config) fn list(&self) -> Option<Self> {
        match self.steps.split_last()? {
            (Step::Index(_), list) => Some(Self::of_steps(list)),
            (Step::Key(_), _) => None,
        }
    }

    /// Whether `path` is this place or lies within it.
    pub(in crate::config) fn contains(&self, path: &str) -> bool {
        path.strip_prefix(self.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']) || self.text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_written_as_toml_would() {
        let place = Place::section("bots").key("help desk").key("callers").index(2);
        assert_eq!(place.as_str(), "bots.\"help desk\".callers[2]");
    }

    #[test]
    fn a_place_contains_itself_and_what_is_within_but_no_namesake() {
        let place = Place::section("bots").key("desk");
        assert!(place.contains("bots.desk"));
        assert!(place.contains("bots.desk.app_id"));
        assert!(!place.contains("bots.desk2"));
        assert!(!place.contains("bots"));
    }
}
