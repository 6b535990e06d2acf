use serde::{Deserialize, Serialize};

/// What users of a directory may do by themselves.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SelfServiceSettings {
    /// Whether users change their details and their password on our pages.
    pub enabled: bool,
    /// Whether strangers become users by themselves.
    pub sign_up: bool,
    /// Whether new users confirm their address.
    pub confirmation: AddressConfirmation,
    /// Whether new users get a message that greets them.
    pub welcome_mail: bool,
    /// Whether users reset a forgotten password.
    pub reset_password: bool,
    /// Whether users get a message after their password was changed.
    pub password_mail: bool,
    /// Where links of messages lead after they were used.
    pub actions: ActionUrls,
}

/// Whether new users confirm their address (`identityConfirmation.accessMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressConfirmation {
    /// They need not.
    #[default]
    #[serde(rename = "false")]
    Off,
    /// They are asked to, and may sign in before.
    #[serde(rename = "FULL")]
    Asked,
    /// They may not sign in before.
    #[serde(rename = "RESTRICTIVE")]
    Required,
}

/// Pages of the operator's own, to which our pages lead with a `context` after a link was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActionUrls {
    /// After an address was confirmed.
    pub user_verified: Option<String>,
    /// In the place of our page for a new password.
    pub reset_password: Option<String>,
}

/// A message that users get because of the settings of self-service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfServiceMail {
    /// The link by which a new user confirms the address.
    Confirmation,
    /// The message that greets a new user.
    Welcome,
    /// The link by which a user resets a forgotten password.
    ResetPassword,
    /// The notice that the password was changed.
    PasswordChanged,
}

impl SelfServiceSettings {
    /// The messages that users get under these settings.
    pub fn mails(&self) -> impl Iterator<Item = SelfServiceMail> {
        [
            (self.confirmation != AddressConfirmation::Off, SelfServiceMail::Confirmation),
            (self.welcome_mail, SelfServiceMail::Welcome),
            (self.reset_password, SelfServiceMail::ResetPassword),
            (self.password_mail, SelfServiceMail::PasswordChanged),
        ]
        .into_iter()
        .filter_map(|(is_sent, mail)| is_sent.then_some(mail))
    }
}
