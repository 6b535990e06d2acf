use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::review::ExchangeGrant;

/// Whose tokens are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    Entra,
    Provider,
}

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawTokenExchange {
    pub(super) subject: Option<Subject>,
    pub(super) grant: ExchangeGrant,
    pub(super) identity_provider: Option<String>,
    pub(super) entra_client_id: Option<String>,
    pub(super) accepted_audiences: Vec<String>,
    pub(super) subject_token_type: Option<String>,
    pub(super) requested_token_type: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) resource: Vec<String>,
    pub(super) parameters: BTreeMap<String, String>,
}
