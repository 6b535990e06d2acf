//! The authentication of the servers that call by the OAuth doors (docs/back-ends.md §Client authentication).
//!
//! Owns the reading of forms and of client credentials, and the hashes that they are compared with. It deliberately knows no
//! grant and no token of a user.

mod app_authenticator;
mod application_authenticator;
mod assertion_uses;
mod authenticator;
mod basic;
mod client_guesses;
mod client_refusal;
mod form;
mod form_type;
mod parameter_body;
mod presented;
mod reading;
mod secrets;

#[cfg(test)]
mod parameter_body_tests;

pub use app_authenticator::{AppAuthenticator, AppRefusal};
pub use application_authenticator::ApplicationAuthenticator;
pub use assertion_uses::ClientAssertionUses;
pub use authenticator::ClientAuthenticator;
pub use client_guesses::{ClientGuesses, TooManyCredentials};
pub use client_refusal::ClientRefusal;
pub use form::{Form, FormError};
pub use form_type::announces_form;
pub use parameter_body::{ParameterBodyError, read_parameters};
pub use presented::{ClientAuthenticationError, PresentedClient, PresentedSecret, read_client};
pub use secrets::ClientSecrets;
