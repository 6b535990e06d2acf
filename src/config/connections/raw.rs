use std::collections::BTreeMap;

use serde::Deserialize;

use super::raw_token_exchange::RawTokenExchange;
use crate::config::credentials::{CredentialOwner, CredentialSection, RawCredential, validate_credentials};
use crate::config::review::{
    ClientAuthentication, OpenIdOptions, Place, Review, SECRET_FORM, SecretReference, WordOrList,
};

/// A section as it is written, for both kinds of provider.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawConnection {
    pub(super) name: Option<String>,
    pub(super) bot: Option<String>,
    pub(super) identity_provider: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretReference>,
    pub(super) credentials: Option<Vec<RawCredential>>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) required_granted_scopes: Vec<String>,
    pub(super) continuous_access: bool,
    pub(super) authorize_params: Option<BTreeMap<String, String>>,
    pub(super) prompt: Option<String>,
    pub(super) client_auth: Option<ClientAuthentication>,
    pub(super) token_exchange_uri: Option<String>,
    pub(super) exchange_uris: Vec<String>,
    pub(super) aad_resources: Vec<String>,
    pub(super) tenants: Option<WordOrList>,
    pub(super) required_scopes: Option<Vec<String>>,
    pub(super) authorized_clients: Vec<String>,
    pub(super) allow_v1: bool,
    pub(super) allow_other_accounts: bool,
    pub(super) token_exchange: Option<RawTokenExchange>,
}

impl RawConnection {
    /// The settings of a provider of kind `oidc` that this section has.
    pub(super) fn options(&self) -> OpenIdOptions {
        OpenIdOptions {
            authorize_params: self.authorize_params.clone().unwrap_or_default(),
            prompt: self.prompt.clone(),
            client_auth: self.client_auth,
            token_exchange: None,
        }
    }

    /// The credentials of `client_secret` or of `credentials`; `client_secret` is the short form of a list of one
    /// secret.
    pub(super) fn take_credentials(
        &mut self,
        owner: &CredentialOwner<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<Vec<CredentialSection>> {
        let (at, list_at) = (place.key("client_secret"), place.key("credentials"));
        match (self.client_secret.take(), self.credentials.take()) {
            (Some(reference), None) => Some(vec![CredentialSection::Secret(review.secret(&reference, &at)?)]),
            (None, Some(list)) => validate_credentials(list, owner, review, &list_at),
            (Some(_), Some(_)) => {
                let message = "stands beside client_secret: write one of them (in the list a secret is { secret = … })";
                review.report(&list_at, message.to_owned());
                None
            }
            (None, None) if review.is_reported(&list_at) => None,
            (None, None) => {
                let write = format!("{SECRET_FORM}, or a list of credentials = [{{ certificate = … }}]");
                review.required(None, &at, &write)
            }
        }
    }
}
