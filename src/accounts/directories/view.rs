use std::sync::Arc;

use url::Url;

use crate::domain::{Application, Directory, DirectorySettings, check_logout_address};

/// A directory with its settings at one moment.
#[derive(Debug)]
pub struct DirectoryView {
    /// What only the configuration says.
    pub directory: Arc<Directory>,
    /// The settings.
    pub settings: DirectorySettings,
}

impl DirectoryView {
    /// The application with this client id: one of bot-sso itself, or one of the settings.
    #[must_use]
    pub fn find_application(&self, client_id: &str) -> Option<&Application> {
        self.find_own_application(client_id).or_else(|| self.settings.find_application(client_id))
    }

    /// Whether users of `application` may be sent to `uri` with a code (RFC 9700 §2.1). The directory's list of addresses counts
    /// for the applications of the settings alone.
    #[must_use]
    pub fn allows_redirect(&self, application: &Application, uri: &str) -> bool {
        match self.find_own_application(&application.client_id) {
            Some(own) => own.redirect_uris.iter().any(|allowed| allowed == uri),
            None => self.settings.allows_redirect(application, uri),
        }
    }

    /// Where `application` is told that sessions have ended: the address that it has now, if it is permitted now.
    #[must_use]
    pub fn find_logout_address(&self, application: &Application) -> Option<Url> {
        let address = application.backchannel_logout_uri.as_ref()?;
        check_logout_address(&self.directory, &self.settings, application, address).ok()?;
        Url::parse(address).ok()
    }

    fn find_own_application(&self, client_id: &str) -> Option<&Application> {
        self.directory.own_applications.iter().find(|application| application.client_id == client_id)
    }
}
