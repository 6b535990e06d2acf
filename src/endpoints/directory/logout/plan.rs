/// Which sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// That of this browser.
    ThisBrowser,
    /// All of the user.
    Everywhere,
    /// All of the user, and with them the grants of applications and the tokens of bots and back ends.
    Everything,
}

/// Whether and how a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// At once.
    End(Extent),
    /// After the user has said so on our page.
    Ask,
}
