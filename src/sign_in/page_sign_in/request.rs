use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::{Account, Connection, HolderName, Secret, UserKey};
use crate::sign_in::flow::SignInFailure;

/// The realm of the accounts that sign-ins of a door are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageRealm {
    /// [`Realm::BackEnd`](crate::domain::Realm::BackEnd)
    BackEnd,
    /// [`Realm::App`](crate::domain::Realm::App)
    App,
}

/// A sign-in that a page asks for.
#[derive(Clone, Debug)]
pub struct PageSignInRequest {
    /// The connection of the add-in or app; its holder is the holder of the accounts.
    pub connection: Arc<Connection>,
    /// The realm of the accounts.
    pub realm: PageRealm,
    /// The redirect URI, exactly as it is registered at the provider.
    pub redirect_uri: Url,
    /// The door's own text, which it gets back at the end. It is sealed, and no browser sees it.
    pub return_to: String,
}

/// Where a browser that has returned goes next.
#[derive(Clone, Debug)]
pub enum PageStep {
    /// The sign-in is complete.
    Done(PageSignInDone),
    /// To the identity provider again, at this URL.
    Provider(Url),
}

/// A sign-in that is complete: the token is kept.
#[derive(Clone, Debug)]
pub struct PageSignInDone {
    /// The person who has signed in.
    pub user: UserKey,
    /// The account by the name that the identity provider gives it, to be shown.
    pub account_name: String,
    /// The text of [`PageSignInRequest::return_to`].
    pub return_to: String,
    /// What [`AfterPageSignIn::note`] returned; empty without one.
    pub note: String,
    /// The handle by which the same browser finds this result again; see [`PageSignIn::find_done`](super::PageSignIn::find_done).
    pub handle: Secret,
}

/// Why a sign-in cannot continue, and the door's text, if the sign-in is known and the browser's own.
#[derive(Clone, Debug)]
pub struct PageSignInFailure {
    /// The reason.
    pub failure: SignInFailure,
    /// The text of [`PageSignInRequest::return_to`].
    pub return_to: Option<String>,
}

/// The future that [`AfterPageSignIn::note`] returns.
pub type NoteFuture<'a> = Pin<Box<dyn Future<Output = Result<String, SignInFailure>> + Send + 'a>>;

/// What a door adds to a sign-in before it counts as complete.
pub trait AfterPageSignIn: Send + Sync {
    /// Does the door's work for the person who has signed in at `holder`, and returns a text that is kept with the result.
    /// It is done again if it failed, or if the store failed afterwards.
    fn note<'a>(&'a self, holder: &'a HolderName, user: &'a UserKey) -> NoteFuture<'a>;
}

impl PageRealm {
    /// The account of `user` at `holder`.
    pub(super) fn account(self, holder: &HolderName, user: &UserKey) -> Account {
        match self {
            Self::BackEnd => Account::of_back_end(holder.clone(), user),
            Self::App => Account::of_app(holder.clone(), user),
        }
    }
}

impl<F: Into<SignInFailure>> From<F> for PageSignInFailure {
    fn from(failure: F) -> Self {
        Self { failure: failure.into(), return_to: None }
    }
}

impl PageSignInFailure {
    /// The failure of a sign-in whose text is known.
    pub(in crate::sign_in) fn of(failure: SignInFailure, return_to: &str) -> Self {
        Self { failure, return_to: Some(return_to.to_owned()) }
    }
}
