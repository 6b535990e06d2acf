use askama::Template;

use crate::pages::PageFrame;

/// Asks for the admin token.
#[derive(Template)]
#[template(path = "operator_sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) frame: PageFrame,
    pub(super) form_token: &'a str,
    /// What was wrong with the last try; empty before it.
    pub(super) problem: &'a str,
}

/// The list of directories.
#[derive(Template)]
#[template(path = "operator_directories.html")]
pub(super) struct DirectoriesPage<'a> {
    pub(super) frame: PageFrame,
    pub(super) sign_out_token: &'a str,
    pub(super) directories: Vec<DirectoryRow>,
}

pub(super) struct DirectoryRow {
    pub(super) name: String,
    pub(super) tenant: String,
    pub(super) is_active: bool,
    pub(super) is_read_only: bool,
}

/// A directory: its settings, and its users.
#[derive(Template)]
#[template(path = "operator_directory.html")]
pub(super) struct DirectoryPage<'a> {
    pub(super) frame: PageFrame,
    pub(super) sign_out_token: &'a str,
    pub(super) form_token: &'a str,
    pub(super) name: &'a str,
    pub(super) tenant: &'a str,
    pub(super) is_read_only: bool,
    pub(super) settings: ShownSettings,
    pub(super) message: &'a str,
    pub(super) problem: &'a str,
    pub(super) users: UserRows,
}

/// The settings as the form has them, stored or not.
pub(super) struct ShownSettings {
    pub(super) is_active: bool,
    pub(super) minutes: String,
    pub(super) addresses: Vec<String>,
    /// Which stored settings the form began with.
    pub(super) fingerprint: String,
}

pub(super) struct UserRows {
    pub(super) rows: Vec<UserRow>,
    pub(super) query: String,
    pub(super) total: usize,
    /// The page before and the next one, as addresses.
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

pub(super) struct UserRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) login: String,
    pub(super) state: &'static str,
}

/// A user and the user's sessions.
#[derive(Template)]
#[template(path = "operator_user.html")]
pub(super) struct UserPage<'a> {
    pub(super) frame: PageFrame,
    pub(super) sign_out_token: &'a str,
    pub(super) form_token: &'a str,
    pub(super) directory: &'a str,
    pub(super) tenant: &'a str,
    pub(super) user: UserRow,
    pub(super) message: &'a str,
    pub(super) sessions: Vec<SessionRow>,
}

pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) browser: String,
    pub(super) signed_in: String,
    pub(super) last_used: String,
}
