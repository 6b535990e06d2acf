use serde::Deserialize;

use crate::config::review::{Place, Review};
use crate::domain::{ActionUrls, AddressConfirmation, SelfServiceSettings};

use super::redirect_uris::browser_address;

#[allow(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawSelfService {
    enabled: bool,
    sign_up: bool,
    confirmation: RawConfirmation,
    welcome_mail: bool,
    reset_password: bool,
    password_mail: bool,
    actions: RawActions,
}

/// Whether new users confirm their address, as it is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawConfirmation {
    #[default]
    Off,
    Asked,
    Required,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
struct RawActions {
    user_verified: Option<String>,
    reset_password: Option<String>,
}

impl From<RawConfirmation> for AddressConfirmation {
    fn from(raw: RawConfirmation) -> Self {
        match raw {
            RawConfirmation::Off => Self::Off,
            RawConfirmation::Asked => Self::Asked,
            RawConfirmation::Required => Self::Required,
        }
    }
}

impl RawSelfService {
    /// An address of `actions` that has a problem is left out.
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> SelfServiceSettings {
        let at = place.key("actions");
        let mut address =
            |text: Option<String>, key: &str| text.filter(|text| browser_address(text, review, &at.key(key)).is_some());
        let actions = ActionUrls {
            user_verified: address(self.actions.user_verified, "user_verified"),
            reset_password: address(self.actions.reset_password, "reset_password"),
        };
        SelfServiceSettings {
            enabled: self.enabled,
            sign_up: self.sign_up,
            confirmation: self.confirmation.into(),
            welcome_mail: self.welcome_mail,
            reset_password: self.reset_password,
            password_mail: self.password_mail,
            actions,
        }
    }
}
