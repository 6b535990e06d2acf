/// What a message to a user is about, with the names of App ID (`POST …/cloud_directory/resend/{template}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTemplate {
    /// Asks to confirm the address by a link.
    UserVerification,
    /// Greets a new user.
    Welcome,
    /// Says that the password was changed.
    PasswordChanged,
    /// Has the link by which a forgotten password is replaced.
    ResetPassword,
    /// Says that somebody has tried to sign up with the address of a user. App ID has no such message.
    AddressTaken,
}

impl MailTemplate {
    /// All templates.
    pub const ALL: [Self; 5] =
        [Self::UserVerification, Self::Welcome, Self::PasswordChanged, Self::ResetPassword, Self::AddressTaken];

    /// The name in the management API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserVerification => "USER_VERIFICATION",
            Self::Welcome => "WELCOME",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::ResetPassword => "RESET_PASSWORD",
            Self::AddressTaken => "ADDRESS_TAKEN",
        }
    }

    /// The template with this name in the management API, which sends a message only that an administrator may want to send again.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .filter(|template| *template != Self::AddressTaken)
            .find(|template| template.name() == name)
    }

    /// Whether the message has a link.
    #[must_use]
    pub const fn has_link(self) -> bool {
        matches!(self, Self::UserVerification | Self::ResetPassword)
    }

    /// Whether the message warns the user of what somebody else may have done. A stranger who lets other messages be sent to the
    /// address must not be able to use up the room for this one.
    pub(super) const fn is_warning(self) -> bool {
        matches!(self, Self::PasswordChanged)
    }
}
