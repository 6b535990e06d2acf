use crate::domain::Secret;

/// How a client proves itself at the token endpoint. Closed: every kind is handled wherever one is used.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// `client_secret_post` (RFC 6749 §2.3.1).
    Secret(Secret),
}

impl ClientCredential {
    /// The form fields that carry the proof.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        match self {
            // Secrets read from files often end in a line break, which no issuer's secret does.
            Self::Secret(secret) => vec![("client_secret", secret.expose().trim_end_matches(['\r', '\n']))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_line_break_is_no_part_of_a_secret() {
        let credential = ClientCredential::Secret(Secret::from("s3cret \r\n"));
        assert_eq!(credential.fields(), vec![("client_secret", "s3cret ")]);
    }
}
