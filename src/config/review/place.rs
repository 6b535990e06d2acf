/// A path into the configuration, as it is shown to the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct Place(String);

impl Place {
    pub(in crate::config) fn root() -> Self {
        Self::default()
    }

    pub(in crate::config) fn section(name: &str) -> Self {
        Self::root().key(name)
    }

    /// The member `name` of the table at this place, quoted if TOML requires quotes.
    pub(in crate::config) fn key(&self, name: &str) -> Self {
        let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let name = if bare { name.to_owned() } else { format!("{name:?}") };
        if self.0.is_empty() { Self(name) } else { Self(format!("{}.{name}", self.0)) }
    }

    pub(in crate::config) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(in crate::config) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path` is this place or lies within it.
    pub(in crate::config) fn contains(&self, path: &str) -> bool {
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
