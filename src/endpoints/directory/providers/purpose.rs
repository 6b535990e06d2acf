use serde::{Deserialize, Serialize};

/// What a browser was sent to a provider for. It is sealed into the browser's step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    /// The sign-in that an application has requested by this query, which is checked again at the return.
    SignIn { query: String },
    /// The link of the account at the provider to that of the user whose session this was.
    Link { user_id: String, session_id: String },
}

impl Purpose {
    pub(super) fn to_text(&self) -> String {
        // A form of texts always makes JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Purpose;

    #[test]
    fn a_purpose_is_read_as_it_was_written() {
        for purpose in [
            Purpose::SignIn { query: "a=b&c=\"%20☃".to_owned() },
            Purpose::Link { user_id: "u".to_owned(), session_id: "s".to_owned() },
        ] {
            assert_eq!(Purpose::read(&purpose.to_text()), Some(purpose));
        }
        assert_eq!(Purpose::read("{}"), None);
    }
}
