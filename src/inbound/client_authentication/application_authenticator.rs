use actix_web::HttpRequest;

use super::client_guesses::ClientGuesses;
use super::client_refusal::ClientRefusal;
use super::form::Form;
use super::presented::{PresentedClient, read_client};
use super::reading::ClientReading;
use super::secrets::is_hashed;
use crate::domain::{Application, DirectorySettings, SecretHash};
use crate::observability::confirm_caller;

/// Authenticates the applications of directories: those with a secret by it, public ones by their client id alone, as PKCE
/// proves the rest (docs/directory.md §Applications).
pub struct ApplicationAuthenticator {
    /// Compared in the place of a hash that does not exist.
    absent: SecretHash,
    guesses: ClientGuesses,
}

impl ApplicationAuthenticator {
    /// Counts the wrong credentials of each address in `guesses`.
    #[must_use]
    pub fn new(guesses: ClientGuesses) -> Self {
        Self { absent: SecretHash::of(""), guesses }
    }

    /// Authenticates the application of `http` with these parameters, which is one of `settings`. A public application is found
    /// by the id that it states; the caller decides what it may do without a proof.
    ///
    /// # Errors
    /// [`ClientRefusal`]; it is logged and counted here.
    pub async fn authenticate<'s>(
        &self,
        http: &HttpRequest,
        form: &Form<'_>,
        settings: &'s DirectorySettings,
    ) -> Result<&'s Application, ClientRefusal> {
        let presented = match read_client(http.headers(), form) {
            Ok(presented) => presented,
            Err(error) => return Err(self.guesses.refuse_unreadable(http, error).await),
        };
        match presented {
            PresentedClient::Secret(presented) => {
                let mut readings = presented.readings();
                match readings.find_map(|reading| self.find(settings, reading, form.find("code_verifier"))) {
                    Some(found) => {
                        if !found.is_public() {
                            confirm_caller();
                        }
                        Ok(found)
                    }
                    None => Err(self.guesses.refuse(http, "application_secret").await),
                }
            }
            PresentedClient::Assertion { .. } => Err(self.guesses.refuse(http, "application_assertion").await),
            PresentedClient::None => {
                let named = form.find("client_id").and_then(|client_id| settings.find_application(client_id));
                match named.filter(|application| application.is_public()) {
                    Some(public) => Ok(public),
                    None => Err(self.guesses.refuse(http, "application_secret_absent").await),
                }
            }
        }
    }

    /// The application whose credentials `reading` has. `ibmcloud-appid-js` writes the code verifier in the place of a secret,
    /// so a public application may present that, or nothing; any other text in this place is a mistake or a guess.
    fn find<'s>(
        &self,
        settings: &'s DirectorySettings,
        reading: &ClientReading<'_>,
        verifier: Option<&str>,
    ) -> Option<&'s Application> {
        let named = settings.find_application(&reading.client_id);
        let known = named.map_or(&[][..], |application| &application.secrets);
        let has_secret = is_hashed(&reading.secret, known, &self.absent);
        let says_no_secret = reading.secret.is_empty() || verifier == Some(&*reading.secret);
        named.filter(|application| has_secret | (application.is_public() & says_no_secret))
    }
}
