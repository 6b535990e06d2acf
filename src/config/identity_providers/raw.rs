use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::review::{ClientAuthentication, OpenIdOptions};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
/// The kinds of identity providers.
pub(super) enum Kind {
    #[default]
    Entra,
    Oidc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
/// A section as it is written, for both kinds.
pub(in crate::config) struct RawIdentityProvider {
    pub(super) kind: Kind,
    pub(super) authority: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) v1_issuer: Option<String>,
    pub(super) metadata_url: Option<String>,
    pub(super) jwks_url: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) authorize_params: Option<BTreeMap<String, String>>,
    pub(super) prompt: Option<String>,
    pub(super) client_auth: Option<ClientAuthentication>,
    pub(super) allow_insecure_http: Option<bool>,
    pub(super) authenticates_callers: Option<bool>,
}

impl RawIdentityProvider {
    /// The settings that its connections take over.
    pub(super) fn options(&self) -> OpenIdOptions {
        OpenIdOptions {
            authorize_params: self.authorize_params.clone().unwrap_or_default(),
            prompt: self.prompt.clone(),
            client_auth: self.client_auth,
            token_exchange: None,
        }
    }
}
