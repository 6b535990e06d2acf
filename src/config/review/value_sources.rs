use super::place::Place;

/// A place that an environment variable has set.
#[derive(Clone, Debug)]
pub(in crate::config) struct SetByVariable {
    pub(in crate::config) place: Place,
    /// The variable's name, as it is set.
    pub(in crate::config) variable: String,
    /// The right name, if this one is probably misspelled.
    pub(in crate::config) right_name: Option<String>,
}

/// The environment variables from which values come.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct ValueSources {
    /// Places that a variable holds the value of.
    pub(in crate::config) values: Vec<SetByVariable>,
    /// Sections that the file does not have and that exist because a variable sets a key in them.
    pub(in crate::config) sections: Vec<SetByVariable>,
}

impl ValueSources {
    /// `message` about `place`, with the variable that the value there comes from: the one that sets the place, else one
    /// that sets a part of it, else the one for which its section exists.
    pub(in crate::config) fn attribute(&self, place: &Place, message: String) -> String {
        let path = place.as_str();
        let within = || self.values.iter().find(|set| !path.is_empty() && place.contains(set.place.as_str()));
        if let Some(set_by) = find_around(&self.values, path).or_else(within) {
            return format!("{message} (set by the environment variable {}{})", set_by.variable, set_by.hint());
        }
        match find_around(&self.sections, path) {
            Some(set_by) => format!(
                "{message} (the section exists because of the environment variable {}{})",
                set_by.variable,
                set_by.hint()
            ),
            None => message,
        }
    }
}

impl SetByVariable {
    fn hint(&self) -> String {
        self.right_name.as_ref().map_or_else(String::new, |name| format!(": did you mean {name}?"))
    }
}

/// The smallest of the places that `path` is or lies in.
fn find_around<'s>(set: &'s [SetByVariable], path: &str) -> Option<&'s SetByVariable> {
    set.iter().filter(|set| set.place.contains(path)).max_by_key(|set| set.place.steps().len())
}
