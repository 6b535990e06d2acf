use toml::{Table, Value};

/// A section of the file, or the whole file.
#[derive(Default)]
pub(super) struct Section(pub(super) Table);

impl Section {
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

impl From<Section> for Value {
    fn from(section: Section) -> Self {
        Self::Table(section.0)
    }
}
