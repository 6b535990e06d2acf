use std::fmt;

/// One thing that is wrong with a configuration, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `connections.graph.client_secret`. Empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to write instead. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// Everything that is wrong with a configuration, as far as it can be seen at once. Displayed one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A path into the configuration, as it is shown to the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn root() -> Self {
        Self::default()
    }

    pub(super) fn section(name: &str) -> Self {
        Self::root().key(name)
    }

    /// The member `name` of the table at this place; a name that TOML would want quoted is quoted.
    pub(super) fn key(&self, name: &str) -> Self {
        let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let name = if bare { name.to_owned() } else { format!("{name:?}") };
        if self.0.is_empty() { Self(name) } else { Self(format!("{}.{name}", self.0)) }
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path` is this place or lies within it.
    pub(super) fn contains(&self, path: &str) -> bool {
        path.strip_prefix(self.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']) || self.0.is_empty())
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
