use std::path::PathBuf;

use serde::Deserialize;

use crate::config::connections::{ConnectionHolder, ConnectionSection};
use crate::config::credentials::AppIdentitySection;
use crate::config::review::{Place, Review};
use crate::domain::{BackEnd, BackEndName, HolderName, SecretHash};

use super::app_token::RawAppToken;
use super::client::client_id;
use super::exchange::{RawExchange, Sources};
use super::key_set::public_key_set;
use super::secret_hashes::secret_hashes;

/// A back end, and how it proves who it is.
#[derive(Clone, Debug)]
pub struct BackEndSection {
    /// The validated back end.
    pub back_end: BackEnd,
    /// How it authenticates.
    pub proof: BackEndProof,
    /// The application whose tokens it gets by `client_credentials`; `None` if it may not.
    pub app_client: Option<AppIdentitySection>,
}

/// How a back end proves who it is.
#[derive(Clone, Debug)]
pub enum BackEndProof {
    /// By a secret with one of these hashes, of which there are one or two.
    Secrets(Vec<SecretHash>),
    /// By an assertion that one of these keys verifies: the text of a JWKS with public keys alone.
    Keys(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawBackEnd {
    client_id: Option<String>,
    secret_sha256: Option<Vec<String>>,
    jwks_file: Option<PathBuf>,
    exchange: Option<RawExchange>,
    app_token: Option<RawAppToken>,
}

impl RawBackEnd {
    /// The key of the connection that the section names.
    pub(super) fn named_connection(&self) -> Option<&str> {
        self.exchange.as_ref()?.named_connection()
    }

    /// The back end and its only connection.
    pub(super) fn validate(
        mut self,
        name: BackEndName,
        sources: &Sources<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<(BackEndSection, ConnectionSection)> {
        let client_id = client_id(self.client_id.take(), review, &place.key("client_id"));
        let proof = self.take_proof(review, place);
        let at = place.key("exchange");
        let write = "where its users' tokens come from, as { add_in = \"…\" } or { connection = \"…\" }";
        let exchange = review.required(self.exchange, &at, write);
        let owner =
            ConnectionHolder { table: "back_ends", key: name.as_str().to_owned(), holder: HolderName::from(&name) };
        let exchange = exchange.and_then(|raw| raw.validate(owner, sources, review, &at))?;
        let connection = exchange.connection;
        let app_token = self.app_token.map(|raw| raw.validate(&connection, sources, review, &place.key("app_token")));
        let app_token = app_token.map_or(Some(None), |valid| valid.map(Some))?;
        let (app_scopes, app_client) = app_token.map(|token| (token.scopes, token.client)).unzip();
        let back_end = BackEnd {
            name,
            client_id: client_id?,
            connection: connection.connection.name.clone(),
            audiences: exchange.audiences,
            app_scopes: app_scopes.unwrap_or_default(),
        };
        Some((BackEndSection { back_end, proof: proof?, app_client }, connection))
    }

    fn take_proof(&mut self, review: &mut Review<'_>, place: &Place) -> Option<BackEndProof> {
        let (secrets_at, keys_at) = (place.key("secret_sha256"), place.key("jwks_file"));
        match (self.secret_sha256.take(), self.jwks_file.take()) {
            (Some(_), Some(_)) => {
                let message = "stands beside secret_sha256: write one of them, since the weaker would be enough";
                review.report(&keys_at, message.to_owned());
                None
            }
            (None, Some(path)) => public_key_set(&path, review, &keys_at).map(BackEndProof::Keys),
            (None, None) if review.is_reported(&keys_at) => None,
            (secrets, None) => secret_hashes(secrets, review, &secrets_at).map(BackEndProof::Secrets),
        }
    }
}
