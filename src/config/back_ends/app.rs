use serde::Deserialize;

use crate::config::connections::{ConnectionHolder, ConnectionSection};
use crate::config::review::{Place, Review};
use crate::domain::{AppId, HolderName, RedirectToken, SecretHash, ServiceRoleApp};

use super::exchange::Sources;
use super::origins::origins;
use super::secret_hashes::secret_hashes;

/// An app with a service role, and the tokens by which its functions prove that role.
#[derive(Clone, Debug)]
pub struct AppSection {
    /// The validated app.
    pub app: ServiceRoleApp,
    /// The hashes of its service tokens, one or two.
    pub service_tokens: Vec<SecretHash>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawApp {
    service_token_sha256: Option<Vec<String>>,
    connection: Option<String>,
    service_only: Option<RawPermission>,
    cross_user: Option<RawPermission>,
    login_origins: Vec<String>,
    redirect_token: Option<RawRedirectToken>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawPermission {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawRedirectToken {
    Code,
    Query,
}

impl RawApp {
    /// The key of the connection that the section names.
    pub(super) fn named_connection(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    fn warn_of_switches(&self, review: &mut Review<'_>, place: &Place) {
        if matches!(self.cross_user, Some(RawPermission::Allow)) {
            let message = "lets a request that is made on behalf of one user read the token of any other: leave it out unless \
                           the app's functions depend on that";
            review.warn(&place.key("cross_user"), message.to_owned());
        }
        if matches!(self.redirect_token, Some(RawRedirectToken::Query)) {
            let message = "writes the user's token into an address, which browsers and proxies keep: write \"code\" unless the \
                           front end cannot redeem a code";
            review.warn(&place.key("redirect_token"), message.to_owned());
        }
        let at = place.key("login_origins");
        if self.redirect_token.is_some() && self.login_origins.is_empty() && !review.is_reported(&at) {
            let message = "has no effect without login_origins, because no sign-in may lead back anywhere";
            review.warn(&place.key("redirect_token"), message.to_owned());
        }
    }

    /// The app and its only connection.
    pub(super) fn validate(
        self,
        id: AppId,
        sources: &Sources<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<(AppSection, ConnectionSection)> {
        self.warn_of_switches(review, place);
        let service_tokens = secret_hashes(self.service_token_sha256, review, &place.key("service_token_sha256"));
        let login_origins = origins(&self.login_origins, review, &place.key("login_origins"));
        let at = place.key("connection");
        let key = review.required(self.connection, &at, "where its users' tokens come from: the key of a connection");
        let source = key.and_then(|key| sources.find_connection(key, review, &at))?;
        let owner = ConnectionHolder { table: "apps", key: id.as_str().to_owned(), holder: HolderName::from(&id) };
        let connection = source.derive_for(owner, None, sources.context);
        let app = ServiceRoleApp {
            id,
            connection: connection.connection.name.clone(),
            allows_service_only: !matches!(self.service_only, Some(RawPermission::Deny)),
            allows_cross_user: matches!(self.cross_user, Some(RawPermission::Allow)),
            login_origins,
            redirect_token: match self.redirect_token {
                Some(RawRedirectToken::Query) => RedirectToken::Query,
                Some(RawRedirectToken::Code) | None => RedirectToken::Code,
            },
        };
        Some((AppSection { app, service_tokens: service_tokens? }, connection))
    }
}
