//! The authentication of the servers that call by the OAuth doors (docs/back-ends.md §Client authentication).
//!
//! Owns the reading of forms and of client credentials, and the hashes that they are compared with. It deliberately knows no
//! grant and no token of a user.

mod app_authenticator;
mod assertion_uses;
mod authenticator;
mod basic;
mod client_guesses;
mod form;
mod form_type;
mod presented;
mod reading;
mod secrets;

pub use app_authenticator::{AppAuthenticator, AppRefusal};
pub use assertion_uses::ClientAssertionUses;
pub use authenticator::{ClientAuthenticator, ClientRefusal};
pub use client_guesses::{ClientGuesses, TooManyCredentials};
pub use form::{Form, FormError};
pub use form_type::announces_form;
pub use presented::{ClientAuthenticationError, PresentedClient, PresentedSecret, read_client};
pub use secrets::ClientSecrets;
