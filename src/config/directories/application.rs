use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::back_ends::{client_id, secret_hashes};
use crate::config::review::{Place, Review};
use crate::domain::{
    Application, ApplicationKind, DirectorySettings, LogoutAddressFault, SecretHash, check_logout_address,
};

use super::assertion_key::assertion_key;
use super::redirect_uris::{Brought, browser_address, redirect_uris};
use super::section::DirectorySection;

/// The size limit of an application's name, in bytes.
const MAX_NAME_BYTES: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawApplication {
    client_id: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: RawKind,
    secret_sha256: Option<Vec<String>>,
    redirect_uris: Vec<String>,
    assertion_key_file: Option<PathBuf>,
    backchannel_logout_uri: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum RawKind {
    #[default]
    #[serde(rename = "regularwebapp")]
    RegularWebApp,
    #[serde(rename = "singlepageapp")]
    SinglePageApp,
}

impl From<RawKind> for ApplicationKind {
    fn from(raw: RawKind) -> Self {
        match raw {
            RawKind::RegularWebApp => Self::RegularWebApp,
            RawKind::SinglePageApp => Self::SinglePageApp,
        }
    }
}

/// The applications of a directory at `place`, each with a client id of its own.
pub(super) fn applications(
    raw: BTreeMap<String, RawApplication>,
    review: &mut Review<'_>,
    place: &Place,
) -> Option<Vec<Application>> {
    if raw.len() > DirectorySettings::MAX_APPLICATIONS {
        let message = format!("has {} applications: write at most {}", raw.len(), DirectorySettings::MAX_APPLICATIONS);
        review.report(place, message);
        return None;
    }
    let mut applications: Vec<Application> = Vec::new();
    let mut is_valid = true;
    for (key, one) in raw {
        let at = place.key(&key);
        let Some(application) = one.validate(&key, review, &at) else {
            is_valid = false;
            continue;
        };
        if let Some(other) = applications.iter().find(|other| other.client_id == application.client_id) {
            let message = format!("is also the client id of the application {:?}: each has its own", other.name);
            review.report(&at.key("client_id"), message);
        }
        applications.push(application);
    }
    is_valid.then_some(applications)
}

/// Reports applications of `section` that could not be told of ended sessions at their address. `place` is that of
/// the applications.
pub(super) fn refuse_backchannel_addresses(section: &DirectorySection, review: &mut Review<'_>, place: &Place) {
    let DirectorySection { directory, settings, application_keys, .. } = section;
    for (application, key) in settings.applications.iter().zip(application_keys) {
        let at = place.key(key).key("backchannel_logout_uri");
        if review.is_reported(&place.key(key)) {
            continue;
        }
        let Some(uri) = &application.backchannel_logout_uri else { continue };
        match check_logout_address(directory, settings, application, uri) {
            Ok(()) => {}
            Err(LogoutAddressFault::OtherHost) => {
                let message =
                    "is on no host of the application's redirect URIs: write an address on one of these hosts";
                review.report(&at, message.to_owned());
            }
            Err(LogoutAddressFault::NotHttps) => {
                let message = "is plain http, so the network could read logout tokens: write https";
                review.report(&at, message.to_owned());
            }
            Err(LogoutAddressFault::Address(fault)) => {
                review.report(&at, format!("cannot be used, since {fault}: write https://host/path"));
            }
        }
    }
}

/// The client id of the application with this key: the written one, or the key. None begins like those of bot-sso's own applications.
fn own_client_id(written: Option<String>, key: &str, review: &mut Review<'_>, place: &Place) -> Option<String> {
    let id = client_id(written.or_else(|| Some(key.to_owned())), review, place)?;
    if Application::is_own_id(&id) {
        let message = format!(
            "begins with {:?}, as the ids of bot-sso's own applications do: write another id",
            Application::OWN_PREFIX
        );
        review.report(place, message);
        return None;
    }
    Some(id)
}

impl RawApplication {
    fn validate(mut self, key: &str, review: &mut Review<'_>, place: &Place) -> Option<Application> {
        let kind = ApplicationKind::from(self.kind);
        let id = own_client_id(self.client_id.take(), key, review, &place.key("client_id"));
        let name = self.name.take().unwrap_or_else(|| key.to_owned());
        let is_name = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        if !is_name {
            let message = format!("is no name for an application: write 1 to {MAX_NAME_BYTES} bytes of text");
            review.report(&place.key("name"), message);
        }
        let secrets = self.take_secrets(kind, review, place);
        let at = place.key("assertion_key_file");
        let key = self.assertion_key_file.take().map(|path| assertion_key(&path, review, &at));
        if kind == ApplicationKind::SinglePageApp && key.is_some() {
            let message = "is for applications of type \"regularwebapp\", which authenticate when they present assertions: leave \
                           it out";
            review.report(&at, message.to_owned());
        }
        let redirect_uris = redirect_uris(&self.redirect_uris, Brought::Code, review, &place.key("redirect_uris"));
        let at = place.key("backchannel_logout_uri");
        let backchannel = self.backchannel_logout_uri.take();
        let backchannel_logout_uri = backchannel.filter(|text| browser_address(text, review, &at).is_some());
        Some(Application {
            client_id: id?,
            name,
            kind,
            secrets: secrets?,
            redirect_uris,
            backchannel_logout_uri,
            assertion_key: key.map_or(Some(None), |valid| valid.map(Some))?,
        })
    }

    fn take_secrets(
        &mut self,
        kind: ApplicationKind,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<Vec<SecretHash>> {
        let (written, at) = (self.secret_sha256.take(), place.key("secret_sha256"));
        match kind {
            ApplicationKind::RegularWebApp => secret_hashes(written, review, &at),
            _ if review.is_reported(&place.key("type")) => None,
            ApplicationKind::SinglePageApp if written.is_some() => {
                let message = "is for applications of type \"regularwebapp\": a page in a browser can keep no secret, so leave it \
                               out";
                review.report(&at, message.to_owned());
                None
            }
            ApplicationKind::SinglePageApp => Some(Vec::new()),
        }
    }
}
