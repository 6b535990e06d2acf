use std::fmt;

/// One problem of a configuration, with what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationProblem {
    /// The place, such as `connections.graph.client_secret`. Empty for the file as a whole.
    pub path: String,
    /// Says what is wrong and what to write instead. Never contains a secret.
    pub message: String,
}

impl fmt::Display for ConfigurationProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// All problems of a configuration, displayed one per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<ConfigurationProblem>, Vec<ConfigurationProblem>);

impl Problems {
    /// Problems, and the settings that are valid but probably a mistake.
    pub(in crate::config) fn with_warnings(
        problems: Vec<ConfigurationProblem>,
        warnings: Vec<ConfigurationProblem>,
    ) -> Self {
        Self(problems, warnings)
    }

    /// The settings that are valid but probably a mistake.
    #[must_use]
    pub fn warnings(&self) -> &[ConfigurationProblem] {
        &self.1
    }
}

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
