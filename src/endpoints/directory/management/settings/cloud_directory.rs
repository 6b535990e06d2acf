use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{AdministratorRole, DirectorySettings, IdentityField};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/idps/cloud_directory";
/// How App ID says that addresses need not be confirmed.
const NO_CONFIRMATION: &str = "false";

/// `GET …/config/idps/cloud_directory`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<CloudDirectoryConfiguration>("How users sign in.");
        reading("GetCloudDirectoryIdp", "How users of a directory sign in.").answer(200, answer)
    },
};

/// `PUT …/config/idps/cloud_directory`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("SetCloudDirectoryIdp", "Sets by what users of a directory sign in.")
            .note("`identityField` can change while the directory has no user. What users do by themselves is not supported: no such flag can be true.")
            .json_body::<NewCloudDirectoryConfiguration>(true, "How users sign in.")
            .answer(200, Answer::json::<CloudDirectoryConfiguration>("How users sign in now."));
        with_body_errors(described)
    },
};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CloudDirectoryConfiguration {
    /// Always `true`: a directory has no other identity provider.
    is_active: bool,
    config: CloudDirectoryFlags,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CloudDirectoryFlags {
    self_service_enabled: bool,
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
    welcome_enabled: bool,
    reset_password_enabled: bool,
    reset_password_notification_enable: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityConfirmation {
    /// `false`, a text: addresses need not be confirmed.
    access_mode: &'static str,
    methods: [&'static str; 1],
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCloudDirectoryConfiguration {
    /// Cannot be `false`.
    is_active: bool,
    config: NewCloudDirectoryFlags,
}

/// Flags other than `identityField` cannot be `true`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCloudDirectoryFlags {
    self_service_enabled: Option<bool>,
    signup_enabled: Option<bool>,
    interactions: Option<NewInteractions>,
    /// `email` or `userName`; as before if it is absent.
    #[schema(value_type = Option<String>)]
    identity_field: Option<IdentityField>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewInteractions {
    identity_confirmation: Option<NewIdentityConfirmation>,
    welcome_enabled: Option<bool>,
    reset_password_enabled: Option<bool>,
    reset_password_notification_enable: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewIdentityConfirmation {
    /// `false`, as a text or not.
    #[schema(value_type = Option<String>)]
    access_mode: Option<Value>,
}

impl From<&DirectorySettings> for CloudDirectoryConfiguration {
    fn from(settings: &DirectorySettings) -> Self {
        let interactions = Interactions {
            identity_confirmation: IdentityConfirmation { access_mode: NO_CONFIRMATION, methods: ["email"] },
            welcome_enabled: false,
            reset_password_enabled: false,
            reset_password_notification_enable: false,
        };
        Self {
            is_active: true,
            config: CloudDirectoryFlags {
                self_service_enabled: false,
                signup_enabled: false,
                interactions,
                identity_field: settings.identity_field,
            },
        }
    }
}

impl NewCloudDirectoryConfiguration {
    /// The field by which users shall sign in; `None`: as before.
    fn read(self) -> Result<Option<IdentityField>, Refused> {
        let refused = |text: String| Err(Refused::Value(text.into()));
        if !self.is_active {
            return refused("isActive cannot be false: a directory has no other identity provider.".to_owned());
        }
        let flags = self.config;
        let interactions = flags.interactions.unwrap_or_default();
        for (name, flag) in [
            ("selfServiceEnabled", flags.self_service_enabled),
            ("signupEnabled", flags.signup_enabled),
            ("welcomeEnabled", interactions.welcome_enabled),
            ("resetPasswordEnabled", interactions.reset_password_enabled),
            ("resetPasswordNotificationEnable", interactions.reset_password_notification_enable),
        ] {
            if flag == Some(true) {
                return refused(format!(
                    "{name} cannot be true: users change nothing by themselves, and no mail is sent."
                ));
            }
        }
        let mode = interactions.identity_confirmation.and_then(|confirmation| confirmation.access_mode);
        let is_off = |mode: &Value| {
            matches!(mode, Value::Bool(false))
                || mode.as_str().is_some_and(|mode| [NO_CONFIRMATION, "OFF"].contains(&mode))
        };
        if !mode.as_ref().is_none_or(is_off) {
            return refused(
                "identityConfirmation.accessMode must be \"false\": addresses are not confirmed.".to_owned(),
            );
        }
        Ok(flags.identity_field)
    }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(CloudDirectoryConfiguration::from(call.settings())),
        Err(refused) => refused.respond(),
    }
}

async fn replace(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    replace_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn replace_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let wanted: NewCloudDirectoryConfiguration = read_json(http, payload, door.limits).await?;
    let wanted = wanted.read()?;
    // Users without a user name could not sign in by it. No user is created until the change is complete.
    let held = door.parts.users.hold(call.tenant()).await;
    let held = held.map_err(|error| Refused::failed("the users of a directory cannot be counted", &error))?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "idps_cloud_directory");
    let changed = call.change_settings(note, move |settings| {
        let wanted = wanted.unwrap_or(settings.identity_field);
        if wanted != settings.identity_field && held.count > 0 {
            return Err(Refused::Conflict("identityField can change only while the directory has no user."));
        }
        settings.identity_field = wanted;
        Ok((CloudDirectoryConfiguration::from(&*settings), held))
    });
    let (configuration, _held) = changed.await?;
    Ok(ok().json(configuration))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(body: &str) -> Result<Option<IdentityField>, Refused> {
        serde_json::from_str::<NewCloudDirectoryConfiguration>(body).unwrap().read()
    }

    #[test]
    fn only_the_identity_field_can_be_set() {
        let whole = r#"{"isActive":true,"config":{"selfServiceEnabled":false,"signupEnabled":false,"interactions":{
            "identityConfirmation":{"accessMode":"false","methods":["email"]},"welcomeEnabled":false,
            "resetPasswordEnabled":false,"resetPasswordNotificationEnable":false},"identityField":"userName"}}"#;
        assert_eq!(read(whole), Ok(Some(IdentityField::UserName)));
        assert_eq!(read(r#"{"isActive":true,"config":{}}"#), Ok(None));
        for (from, to) in [
            (r#""isActive":true"#, r#""isActive":false"#),
            (r#""selfServiceEnabled":false"#, r#""selfServiceEnabled":true"#),
            (r#""signupEnabled":false"#, r#""signupEnabled":true"#),
            (r#""accessMode":"false""#, r#""accessMode":"FULL""#),
            (r#""welcomeEnabled":false"#, r#""welcomeEnabled":true"#),
            (r#""resetPasswordEnabled":false"#, r#""resetPasswordEnabled":true"#),
            (r#""resetPasswordNotificationEnable":false"#, r#""resetPasswordNotificationEnable":true"#),
        ] {
            let body = whole.replace(from, to);
            assert_ne!(body, whole);
            assert!(matches!(read(&body), Err(Refused::Value(_))), "{to}");
        }
    }
}
