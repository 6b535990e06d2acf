//! How users sign in and what they do by themselves, as administrators read and write it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{AddressConfirmation, DirectorySettings, IdentityField, SelfServiceMail, SelfServiceSettings};
use crate::endpoints::directory::management::Refused;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloudDirectoryConfiguration {
    /// Always `true`: users always sign in by the directory's passwords, too.
    is_active: bool,
    config: CloudDirectoryFlags,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CloudDirectoryFlags {
    /// Whether users change their details and their password on pages.
    self_service_enabled: bool,
    /// Whether strangers become users by themselves.
    signup_enabled: bool,
    interactions: Interactions,
    /// `email` or `userName`.
    #[schema(value_type = String)]
    identity_field: IdentityField,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Interactions {
    identity_confirmation: IdentityConfirmation,
    /// Whether new users get a message that greets them.
    welcome_enabled: bool,
    /// Whether users reset a forgotten password.
    reset_password_enabled: bool,
    /// Whether users get a message after their password was changed.
    reset_password_notification_enable: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityConfirmation {
    /// `FULL`: new users are asked to confirm their address. `RESTRICTIVE`: they do not sign in before. `false`, a text: neither.
    #[schema(value_type = String)]
    access_mode: AddressConfirmation,
    methods: [&'static str; 1],
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCloudDirectoryConfiguration {
    /// Cannot be `false`.
    is_active: bool,
    config: NewCloudDirectoryFlags,
}

/// What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCloudDirectoryFlags {
    /// Whether users change their details and their password on pages.
    self_service_enabled: Option<bool>,
    /// Whether strangers become users by themselves.
    signup_enabled: Option<bool>,
    interactions: Option<NewInteractions>,
    /// `email` or `userName`.
    #[schema(value_type = Option<String>)]
    identity_field: Option<IdentityField>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewInteractions {
    identity_confirmation: Option<NewIdentityConfirmation>,
    /// Needs mail.
    welcome_enabled: Option<bool>,
    /// Needs mail.
    reset_password_enabled: Option<bool>,
    /// Needs mail.
    reset_password_notification_enable: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewIdentityConfirmation {
    /// `FULL` and `RESTRICTIVE` need mail. `false`, as a text or not, and `OFF` mean that addresses are not confirmed.
    #[schema(value_type = Option<String>)]
    access_mode: Option<Value>,
}

impl From<&DirectorySettings> for CloudDirectoryConfiguration {
    fn from(settings: &DirectorySettings) -> Self {
        let of_users = &settings.self_service;
        let interactions = Interactions {
            identity_confirmation: IdentityConfirmation { access_mode: of_users.confirmation, methods: ["email"] },
            welcome_enabled: of_users.welcome_mail,
            reset_password_enabled: of_users.reset_password,
            reset_password_notification_enable: of_users.password_mail,
        };
        Self {
            is_active: true,
            config: CloudDirectoryFlags {
                self_service_enabled: of_users.enabled,
                signup_enabled: of_users.sign_up,
                interactions,
                identity_field: settings.identity_field,
            },
        }
    }
}

impl NewCloudDirectoryConfiguration {
    /// Writes the change over `settings`. `sends_mail`: whether messages can be sent at all.
    pub(super) fn apply(self, settings: &mut DirectorySettings, sends_mail: bool) -> Result<(), Refused> {
        if !self.is_active {
            let text = "isActive cannot be false: users always sign in by the directory's passwords, too.";
            return Err(Refused::Value(text.into()));
        }
        let (flags, of_users) = (self.config, &mut settings.self_service);
        of_users.enabled = flags.self_service_enabled.unwrap_or(of_users.enabled);
        of_users.sign_up = flags.signup_enabled.unwrap_or(of_users.sign_up);
        flags.interactions.unwrap_or_default().apply(of_users)?;
        settings.identity_field = flags.identity_field.unwrap_or(settings.identity_field);
        match settings.self_service.mails().next() {
            Some(mail) if !sends_mail => Err(refuse_without_mail(mail)),
            _ => Ok(()),
        }
    }
}

impl NewInteractions {
    fn apply(self, of_users: &mut SelfServiceSettings) -> Result<(), Refused> {
        of_users.welcome_mail = self.welcome_enabled.unwrap_or(of_users.welcome_mail);
        of_users.reset_password = self.reset_password_enabled.unwrap_or(of_users.reset_password);
        of_users.password_mail = self.reset_password_notification_enable.unwrap_or(of_users.password_mail);
        let mode = self.identity_confirmation.and_then(|confirmation| confirmation.access_mode);
        if let Some(mode) = mode {
            of_users.confirmation = read_access_mode(&mode).ok_or(Refused::Value(
                "identityConfirmation.accessMode must be \"FULL\", \"RESTRICTIVE\" or \"false\".".into(),
            ))?;
        }
        Ok(())
    }
}

fn read_access_mode(mode: &Value) -> Option<AddressConfirmation> {
    match mode {
        Value::Bool(false) => Some(AddressConfirmation::Off),
        Value::String(text) => match text.as_str() {
            "false" | "OFF" => Some(AddressConfirmation::Off),
            "FULL" => Some(AddressConfirmation::Asked),
            "RESTRICTIVE" => Some(AddressConfirmation::Required),
            _ => None,
        },
        _ => None,
    }
}

fn refuse_without_mail(mail: SelfServiceMail) -> Refused {
    let flag = match mail {
        SelfServiceMail::Confirmation => "identityConfirmation.accessMode",
        SelfServiceMail::Welcome => "welcomeEnabled",
        SelfServiceMail::ResetPassword => "resetPasswordEnabled",
        SelfServiceMail::PasswordChanged => "resetPasswordNotificationEnable",
    };
    let detail = format!(
        "{flag} needs mail, and bot-sso sends none: write a section [mail] into its configuration and restart it, or switch the flag \
         off."
    );
    Refused::Value(detail.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const WHOLE: &str = r#"{"isActive":true,"config":{"selfServiceEnabled":true,"signupEnabled":true,"interactions":{
        "identityConfirmation":{"accessMode":"FULL","methods":["email"]},"welcomeEnabled":true,
        "resetPasswordEnabled":true,"resetPasswordNotificationEnable":true},"identityField":"userName"}}"#;

    fn apply(body: &str, settings: &mut DirectorySettings, sends_mail: bool) -> Result<(), Refused> {
        serde_json::from_str::<NewCloudDirectoryConfiguration>(body).unwrap().apply(settings, sends_mail)
    }

    fn applied(body: &str) -> Result<DirectorySettings, Refused> {
        let mut settings = DirectorySettings::default();
        apply(body, &mut settings, true).map(|()| settings)
    }

    #[test]
    fn what_is_written_is_shown_and_what_is_absent_stays() {
        let mut settings = applied(WHOLE).unwrap();
        let expected: Value = serde_json::from_str(WHOLE).unwrap();
        let shown =
            |settings: &DirectorySettings| serde_json::to_value(CloudDirectoryConfiguration::from(settings)).unwrap();
        assert_eq!(shown(&settings), expected);
        for body in [
            r#"{"isActive":true,"config":{}}"#,
            r#"{"isActive":true,"config":{"interactions":{"identityConfirmation":{}}}}"#,
        ] {
            apply(body, &mut settings, true).unwrap();
            assert_eq!(shown(&settings), expected, "{body}");
        }
    }

    #[test]
    fn the_confirmation_of_addresses_has_three_modes() {
        for (mode, confirmation) in [
            (r#""FULL""#, AddressConfirmation::Asked),
            (r#""RESTRICTIVE""#, AddressConfirmation::Required),
            (r#""false""#, AddressConfirmation::Off),
            (r#""OFF""#, AddressConfirmation::Off),
            ("false", AddressConfirmation::Off),
        ] {
            let settings = applied(&WHOLE.replace(r#""FULL""#, mode)).unwrap();
            assert_eq!(settings.self_service.confirmation, confirmation, "{mode}");
        }
        for mode in ["true", "1", r#""full""#, r#""true""#, "[]"] {
            let refused = applied(&WHOLE.replace(r#""FULL""#, mode));
            assert!(matches!(refused, Err(Refused::Value(_))), "{mode}");
        }
    }

    #[test]
    fn the_directory_cannot_be_switched_off() {
        let refused = applied(&WHOLE.replace(r#""isActive":true"#, r#""isActive":false"#));
        assert!(matches!(refused, Err(Refused::Value(_))));
    }

    #[test]
    fn a_flag_that_needs_mail_is_refused_without_mail() {
        for (config, flag) in [
            (r#""interactions":{"welcomeEnabled":true}"#, Some("welcomeEnabled")),
            (r#""interactions":{"resetPasswordEnabled":true}"#, Some("resetPasswordEnabled")),
            (r#""interactions":{"resetPasswordNotificationEnable":true}"#, Some("resetPasswordNotificationEnable")),
            (r#""interactions":{"identityConfirmation":{"accessMode":"FULL"}}"#, Some("accessMode")),
            (r#""interactions":{"identityConfirmation":{"accessMode":"RESTRICTIVE"}}"#, Some("accessMode")),
            (r#""selfServiceEnabled":true,"signupEnabled":true"#, None),
        ] {
            let body = format!(r#"{{"isActive":true,"config":{{{config}}}}}"#);
            match (apply(&body, &mut DirectorySettings::default(), false), flag) {
                (Ok(()), None) => {}
                (Err(Refused::Value(text)), Some(flag)) => {
                    assert!(text.contains(flag) && text.contains("[mail]"), "{text}");
                }
                other => assert_eq!(other, (Ok(()), None), "{body}"),
            }
            assert_eq!(applied(&body).err(), None, "{body}");
        }
    }
}
