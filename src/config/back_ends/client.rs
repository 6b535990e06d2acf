use serde::Deserialize;

use crate::config::review::{Place, Review};
use crate::domain::SecretHash;

use super::secret_hashes::secret_hashes;

/// The size limit of a client id, in bytes.
const MAX_CLIENT_ID_BYTES: usize = 256;

/// A caller that authenticates by its id and a secret.
#[derive(Clone, Debug)]
pub struct ClientSection {
    /// Its id.
    pub client_id: String,
    /// The hashes of its secrets, one or two.
    pub secrets: Vec<SecretHash>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawClient {
    client_id: Option<String>,
    secret_sha256: Option<Vec<String>>,
}

impl RawClient {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<ClientSection> {
        let client_id = client_id(self.client_id, review, &place.key("client_id"));
        let secrets = secret_hashes(self.secret_sha256, review, &place.key("secret_sha256"));
        Some(ClientSection { client_id: client_id?, secrets: secrets? })
    }
}

/// The id by which a caller authenticates. It has no colon, which ends the id in Basic credentials (RFC 7617 §2), and
/// nothing else that clients encode in different ways.
pub(in crate::config) fn client_id(written: Option<String>, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let text = review.required(written, place, "the id by which the caller authenticates, as \"orders\"")?;
    let fits = (1..=MAX_CLIENT_ID_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    if !fits {
        let message =
            format!("{text:?} is no id for a caller: write 1 to {MAX_CLIENT_ID_BYTES} letters, digits, -, _, . or ~");
        review.report(place, message);
    }
    fits.then_some(text)
}
