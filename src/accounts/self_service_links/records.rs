//! The records of links and of what their use has shown.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{LinkPurpose, SelfServiceContext, SelfServiceLink};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

#[derive(Serialize, Deserialize)]
pub(super) struct LinkRecord {
    purpose: LinkPurpose,
    user_id: String,
    address: Option<String>,
    password_changes: u64,
    client_id: Option<String>,
    #[serde(default)]
    return_to: Option<String>,
    #[serde(default)]
    grant_id: Option<String>,
    /// Whether the link was used and has done its work.
    #[serde(default)]
    pub(super) is_used: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ContextRecord {
    purpose: LinkPurpose,
    user_id: String,
    /// Empty in a record of before the address was kept, which is no user's: such a context is worth nothing.
    #[serde(default)]
    address: String,
    #[serde(default)]
    password_changes: u64,
}

impl LinkRecord {
    pub(super) fn new(link: &SelfServiceLink) -> Self {
        let SelfServiceLink { purpose, user_id, address, password_changes, client_id, return_to, grant_id } =
            link.clone();
        Self { purpose, user_id, address, password_changes, client_id, return_to, grant_id, is_used: false }
    }

    /// The note that `link` has done its work.
    pub(super) fn of_used(link: &SelfServiceLink) -> Self {
        Self { is_used: true, ..Self::new(link) }
    }

    pub(super) fn into_link(self) -> SelfServiceLink {
        let Self { purpose, user_id, address, password_changes, client_id, return_to, grant_id, .. } = self;
        SelfServiceLink { purpose, user_id, address, password_changes, client_id, return_to, grant_id }
    }
}

impl ContextRecord {
    pub(super) fn new(context: &SelfServiceContext) -> Self {
        let SelfServiceContext { purpose, user_id, address, password_changes } = context.clone();
        Self { purpose, user_id, address, password_changes }
    }

    pub(super) fn into_context(self) -> SelfServiceContext {
        let Self { purpose, user_id, address, password_changes } = self;
        SelfServiceContext { purpose, user_id, address, password_changes }
    }
}

impl Content for LinkRecord {
    const KIND: &'static Kind = &catalogue::SELF_SERVICE_LINK;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl Content for ContextRecord {
    const KIND: &'static Kind = &catalogue::SELF_SERVICE_CONTEXT;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
