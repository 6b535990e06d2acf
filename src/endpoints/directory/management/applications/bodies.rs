//! An application, as administrators read and write it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Application, ApplicationKind, Secret, SecretHash, check_browser_addresses};
use crate::endpoints::directory::management::Refused;
use crate::endpoints::directory::management::body::read_present;
use crate::endpoints::directory::management::call::ManagementCall;

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// What an application can do for its own security, by App ID's names.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ApplicationType {
    /// A server with a secret.
    RegularWebApp,
    /// A page in a browser, which proves itself by PKCE.
    SinglePageApp,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewApplication {
    /// The name for people, 1 to 100 characters.
    name: String,
    /// `regularwebapp` if it is absent.
    r#type: Option<ApplicationType>,
    /// Where users may be sent with a code, beside the directory's own list. An addition to App ID.
    redirect_uris: Option<Vec<String>>,
    /// Where the application is told of ended sessions: https, on the host of a redirect URI. An addition to App ID.
    backchannel_logout_uri: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedApplication {
    /// The name for people, 1 to 100 characters.
    name: String,
    /// Cannot change.
    r#type: Option<ApplicationType>,
    /// Replaces the application's redirect URIs, if it is there. An addition to App ID.
    redirect_uris: Option<Vec<String>>,
    /// Replaces that address if it is there; `null` or an empty text removes it. An addition to App ID.
    #[serde(default, deserialize_with = "read_present")]
    #[schema(value_type = Option<String>)]
    #[allow(clippy::option_option, reason = "a member that is absent, and one that is null")]
    backchannel_logout_uri: Option<Option<String>>,
}

/// An application as App ID writes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationBody<'a> {
    client_id: &'a str,
    tenant_id: &'a str,
    /// In the answer to its creation only; a single-page application has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    name: &'a str,
    /// The issuer of tokens, and the address below which the OAuth endpoints are.
    #[serde(rename = "oAuthServerUrl")]
    oauth_server_url: &'a str,
    /// The address of this service.
    profiles_url: &'a str,
    /// The address of the metadata of `OpenID` Connect.
    discovery_endpoint: String,
    r#type: ApplicationType,
    /// Where users may be sent with a code, beside the directory's own list.
    redirect_uris: &'a [String],
    /// Where the application is told that a session of a user has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<&'a str>,
}

/// The applications of a directory.
#[derive(Serialize, ToSchema)]
pub(super) struct ApplicationList<'a> {
    pub(super) applications: Vec<ApplicationBody<'a>>,
}

impl From<ApplicationType> for ApplicationKind {
    fn from(kind: ApplicationType) -> Self {
        match kind {
            ApplicationType::RegularWebApp => Self::RegularWebApp,
            ApplicationType::SinglePageApp => Self::SinglePageApp,
        }
    }
}

impl From<ApplicationKind> for ApplicationType {
    fn from(kind: ApplicationKind) -> Self {
        match kind {
            ApplicationKind::RegularWebApp => Self::RegularWebApp,
            ApplicationKind::SinglePageApp => Self::SinglePageApp,
        }
    }
}

impl NewApplication {
    /// Whether the application gets a secret.
    pub(super) const fn has_secret(&self) -> bool {
        !matches!(self.r#type, Some(ApplicationType::SinglePageApp))
    }

    /// The application with these ids.
    pub(super) fn build(self, client_id: String, secret: Option<&Secret>) -> Result<Application, Refused> {
        let redirect_uris = self.redirect_uris.unwrap_or_default();
        check_addresses(&redirect_uris)?;
        Ok(Application {
            client_id,
            name: read_name(&self.name)?,
            kind: self.r#type.unwrap_or(ApplicationType::RegularWebApp).into(),
            secrets: secret.map(|secret| SecretHash::of(secret.expose())).into_iter().collect(),
            redirect_uris,
            assertion_key: None,
            backchannel_logout_uri: self.backchannel_logout_uri.filter(|uri| !uri.is_empty()),
        })
    }
}

impl ChangedApplication {
    /// Writes the change over `application`.
    pub(super) fn apply(self, application: &mut Application) -> Result<Application, Refused> {
        if self.r#type.is_some_and(|kind| ApplicationKind::from(kind) != application.kind) {
            return Err(Refused::Value("The type of an application cannot change: create another one.".into()));
        }
        application.name = read_name(&self.name)?;
        if let Some(redirect_uris) = self.redirect_uris {
            check_addresses(&redirect_uris)?;
            application.redirect_uris = redirect_uris;
        }
        if let Some(uri) = self.backchannel_logout_uri {
            application.backchannel_logout_uri = uri.filter(|uri| !uri.is_empty());
        }
        Ok(application.clone())
    }
}

impl<'a> ApplicationBody<'a> {
    /// `application` as the answer to `call` shows it; with `secret` in the answer to its creation.
    pub(super) fn new(call: &'a ManagementCall, application: &'a Application, secret: Option<&'a Secret>) -> Self {
        let issuer = call.view.directory.issuer.as_str();
        Self {
            client_id: &application.client_id,
            tenant_id: call.tenant().as_str(),
            secret: secret.map(Secret::expose),
            name: &application.name,
            oauth_server_url: issuer,
            profiles_url: &call.door.public_url,
            discovery_endpoint: format!("{issuer}/.well-known/openid-configuration"),
            r#type: application.kind.into(),
            redirect_uris: &application.redirect_uris,
            backchannel_logout_uri: application.backchannel_logout_uri.as_deref(),
        }
    }
}

fn read_name(name: &str) -> Result<String, Refused> {
    let name = name.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(Refused::Value("name must have 1 to 100 characters.".into())) }
}

fn check_addresses(redirect_uris: &[String]) -> Result<(), Refused> {
    check_browser_addresses(redirect_uris).map_err(|fault| Refused::Value(format!("redirectUris: {fault}.").into()))
}
