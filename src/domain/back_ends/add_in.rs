use url::Url;

use crate::domain::{AddInName, ConnectionName};

/// A configured Office add-in: its panes and middle tiers present the token that Office gives them, and bot-sso calls an API
/// on behalf of the user (docs/office-add-ins.md).
#[derive(Clone, Debug)]
pub struct AddIn {
    /// The add-in's name in the configuration and in URL paths.
    pub name: AddInName,
    /// The client id of the add-in's app registration, a lower-case GUID.
    pub client_id: String,
    /// The Application ID URI of the registration, without a scope: `Resource` of the add-in's manifest.
    pub resource: String,
    /// The add-in's only connection, which is registered under the add-in as its holder.
    pub connection: ConnectionName,
    /// The API that is called on behalf of the user; `None` if the add-in only identifies users or gets tokens.
    pub downstream: Option<Downstream>,
    /// The path by which clients written for `office-addin-sso` read the user's data.
    pub user_data: Option<UserData>,
    /// How refusals of the identity provider are told to panes.
    pub errors: ErrorConvention,
    /// The origins of the add-in's pages, compared exactly: they may call from a browser, and dialogs tell them their result.
    pub origins: Vec<String>,
}

/// The API that is called on behalf of an add-in's users.
#[derive(Clone, Debug)]
pub struct Downstream {
    /// The base of all addresses that are called; its path has no trailing slash.
    pub url: Url,
    /// The paths below `url` that may be called.
    pub paths: Vec<DownstreamPath>,
    /// The methods that may be used.
    pub methods: Vec<DownstreamMethod>,
}

/// A path that may be called, or all paths below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownstreamPath {
    /// Exactly this path, which begins with `/`.
    Exact(String),
    /// The paths that begin with this text, which begins and ends with `/`.
    Below(String),
}

/// A method of a downstream call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownstreamMethod {
    /// `GET`, and with it `HEAD`.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// A path of bot-sso's own, below its root, that answers with one downstream resource.
#[derive(Clone, Debug)]
pub struct UserData {
    /// The path, as `/getuserdata`.
    pub path: String,
    /// The path below [`Downstream::url`] that is called with `GET`.
    pub downstream: String,
    /// How refusals of the identity provider are told at this path.
    pub errors: ErrorConvention,
}

/// How refusals of the identity provider are told to a pane (docs/office-add-ins.md §Errors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorConvention {
    /// By the HTTP status.
    #[default]
    Status,
    /// In the body of a 200, as clients written for `office-addin-sso` read it.
    Inline,
}

impl Downstream {
    /// Whether `path`, decoded and without dot segments, may be called.
    #[must_use]
    pub fn admits_path(&self, path: &str) -> bool {
        self.paths.iter().any(|rule| match rule {
            DownstreamPath::Exact(exact) => path == exact,
            DownstreamPath::Below(below) => path.strip_prefix(below.as_str()).is_some_and(|rest| !rest.is_empty()),
        })
    }
}
