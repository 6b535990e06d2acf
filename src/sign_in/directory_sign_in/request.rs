use std::sync::Arc;

use url::Url;

use crate::domain::{Connection, Secret, Timestamp, UserKey, UserNames};
use crate::vault::SignOutMark;

/// A sign-in at another identity provider.
#[derive(Clone, Debug)]
pub struct LoginAtProvider {
    /// The directory's connection to the provider.
    pub connection: Arc<Connection>,
    /// The redirect URI, exactly as it is registered at the provider.
    pub redirect_uri: Url,
    /// Whether the provider must ask the user to sign in even if it has a session of the user.
    pub asks_anew: bool,
    /// The door's own text, which it gets back at the end. It is sealed, and no browser sees it.
    pub return_to: String,
}

/// A person who has signed in at another identity provider.
#[derive(Clone, Debug)]
pub struct IdentifiedAtProvider {
    /// The person.
    pub user: UserKey,
    /// The names that the provider states, to be shown and never compared.
    pub names: UserNames,
    /// The account by the name that the provider gives it, to be shown and never compared.
    pub account_name: Option<String>,
    /// When the provider asked the person to sign in, if it says so.
    pub authenticated_at: Option<Timestamp>,
    /// The text of [`LoginAtProvider::return_to`].
    pub return_to: String,
    /// The text that the door has noted as the outcome, if it has.
    pub outcome: Option<String>,
    /// The handle by which the same browser finds the person again.
    pub handle: Secret,
    /// The last sign-out before the browser was sent to the provider; `None` if it is not remembered.
    pub(super) begun: Option<SignOutMark>,
}
