use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::config::ConnectionSection;
use crate::config::connections::{ConnectionHolder, WrittenClient};
use crate::config::credentials::RawCredential;
use crate::config::review::{ClientAuthentication, Context, Place, Review, SecretReference, WordOrList};
use crate::domain::{ConnectionName, HolderName, LoginProvider};

/// The table of the sections of directories.
const TABLE: &str = "directories";
/// The most other identity providers of a directory.
const MAX_PROVIDERS: usize = 10;
/// The size limit of a label, in bytes.
const MAX_LABEL_BYTES: usize = 100;
/// What is asked of a provider: who the user is.
const SCOPES: [&str; 2] = ["openid", "profile"];
/// Tokens of App ID use names that begin so for what no provider is, and for the directory itself.
const RESERVED: [&str; 2] = ["appid", "cloud_directory"];

/// Another identity provider on the sign-in page of a directory, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawLoginProvider {
    identity_provider: Option<String>,
    label: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretReference>,
    credentials: Option<Vec<RawCredential>>,
    client_auth: Option<ClientAuthentication>,
    scopes: Option<Vec<String>>,
    tenants: Option<WordOrList>,
}

/// The names of a provider.
#[derive(Clone, Copy)]
struct ProviderName<'a> {
    directory: &'a str,
    name: &'a str,
}

/// The other identity providers of a directory, and their connections with the credentials.
#[derive(Default)]
pub(super) struct ValidatedProviders {
    pub(super) providers: Vec<LoginProvider>,
    pub(super) connections: Vec<ConnectionSection>,
}

/// The other identity providers of `directory`, whose section is at `place`.
pub(super) fn login_providers(
    raw: BTreeMap<String, RawLoginProvider>,
    directory: &str,
    context: &Context,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<ValidatedProviders> {
    let place = place.key("providers");
    if raw.len() > MAX_PROVIDERS {
        review.report(&place, format!("has {} identity providers: write at most {MAX_PROVIDERS}", raw.len()));
        return None;
    }
    let mut validated = ValidatedProviders::default();
    let mut is_valid = true;
    for (name, provider) in raw {
        let at = place.key(&name);
        review.path_name(&name, "an identity provider", &at);
        refuse_reserved_name(&name, review, &at);
        let named = ProviderName { directory, name: &name };
        let Some((provider, section)) = provider.validate(named, context, review, &at) else {
            is_valid = false;
            continue;
        };
        validated.providers.push(provider);
        validated.connections.push(section);
    }
    is_valid.then_some(validated)
}

fn refuse_reserved_name(name: &str, review: &mut Review<'_>, place: &Place) {
    if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
        let message = "is a name that tokens use for something else: write one that begins with neither appid nor \
                       cloud_directory";
        review.report(place, message.to_owned());
    }
}

impl RawLoginProvider {
    fn validate(
        self,
        named: ProviderName<'_>,
        context: &Context,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<(LoginProvider, ConnectionSection)> {
        let ProviderName { directory, name } = named;
        let label = label(self.label.unwrap_or_else(|| name.to_owned()), review, &place.key("label"));
        let written = WrittenClient {
            client_id: self.client_id,
            client_secret: self.client_secret,
            credentials: self.credentials,
            client_auth: self.client_auth,
            tenants: self.tenants,
            scopes: Some(self.scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec())),
            ..WrittenClient::default()
        };
        let holder = ConnectionHolder {
            table: TABLE,
            key: format!("{directory}.providers.{name}"),
            holder: HolderName::of_directory(directory),
        };
        let at = place.key("identity_provider");
        let provider = context.identity_provider(self.identity_provider, review, &at)?;
        if context.is_directory(&provider) {
            let message = format!("{provider:?} is a directory: write the name of one of [identity_providers.…]");
            review.report(&at, message);
            return None;
        }
        let mut section = written.validate(holder, Some(provider), context, review, place)?;
        section.connection.name = ConnectionName::new(name);
        let connection = Arc::new(section.connection.clone());
        Some((LoginProvider { name: name.to_owned(), label: label?, connection }, section))
    }
}

fn label(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let fits = (1..=MAX_LABEL_BYTES).contains(&text.trim().len()) && !text.chars().any(char::is_control);
    if !fits {
        review.report(place, format!("is no text of a button: write 1 to {MAX_LABEL_BYTES} bytes"));
    }
    fits.then_some(text)
}
