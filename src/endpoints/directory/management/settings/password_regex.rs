use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::is_password_pattern;
use crate::domain::{AdministratorRole, PasswordPattern, PasswordPolicy};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/cloud_directory/password_regex";
/// The longest expression, and the longest message, in bytes.
const MAX_BYTES: usize = 1024;

/// `GET …/config/cloud_directory/password_regex`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<PasswordRegex>("The expression; no member is there if none is set.");
        reading("GetCloudDirectoryPasswordRegex", "What passwords of a directory must match.").answer(200, answer)
    },
};

/// `PUT …/config/cloud_directory/password_regex`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("SetCloudDirectoryPasswordRegex", "Sets what passwords must match.")
            .note("The whole password must match. An empty expression, or none, removes the present one.")
            .json_body::<NewPasswordRegex>(true, "The expression, as it is or in base64.")
            .answer(200, Answer::json::<PasswordRegex>("The expression as it is now."));
        with_body_errors(described)
    },
};

#[derive(Default, Serialize, ToSchema)]
struct PasswordRegex {
    /// The expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    /// The expression in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64_encoded_regex: Option<String>,
    /// What the user is told if the password does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct NewPasswordRegex {
    /// The expression.
    regex: Option<String>,
    /// The expression in base64, if it is not there as it is.
    base64_encoded_regex: Option<String>,
    /// What the user is told if the password does not match.
    error_message: Option<String>,
}

impl From<&PasswordPolicy> for PasswordRegex {
    fn from(policy: &PasswordPolicy) -> Self {
        let Some(pattern) = &policy.pattern else { return Self::default() };
        Self {
            regex: Some(pattern.regex.clone()),
            base64_encoded_regex: Some(STANDARD.encode(&pattern.regex)),
            error_message: pattern.message.clone(),
        }
    }
}

impl NewPasswordRegex {
    /// The pattern; `None` if passwords need not match any.
    fn read(self) -> Result<Option<PasswordPattern>, Refused> {
        let refused = |text: &'static str| Err(Refused::Value(text.into()));
        let decode = |text: String| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let regex = match (self.regex, self.base64_encoded_regex) {
            (None, None) => return Ok(None),
            (Some(regex), None) => regex,
            (plain, Some(encoded)) => match decode(encoded) {
                Some(decoded) if plain.as_ref().is_none_or(|plain| *plain == decoded) => decoded,
                Some(_) => return refused("regex and base64_encoded_regex are two expressions: send one."),
                None => return refused("base64_encoded_regex is no base64 of a text."),
            },
        };
        if regex.is_empty() {
            return Ok(None);
        }
        if regex.len() > MAX_BYTES || !is_password_pattern(&regex) {
            return refused(
                "The expression is malformed, or too large; it may have no look-around and no back-references.",
            );
        }
        let message = self.error_message.filter(|message| !message.trim().is_empty());
        if message.as_ref().is_some_and(|message| message.len() > MAX_BYTES) {
            return refused("error_message can have at most 1024 bytes.");
        }
        Ok(Some(PasswordPattern { regex, message }))
    }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(PasswordRegex::from(&call.settings().passwords)),
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
    let wanted: NewPasswordRegex = read_json(http, payload, door.limits).await?;
    let wanted = wanted.read()?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "password_regex");
    let changed = call.change_settings(note, move |settings| {
        settings.passwords.pattern = wanted;
        Ok(PasswordRegex::from(&settings.passwords))
    });
    Ok(ok().json(changed.await?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(body: &str) -> Result<Option<PasswordPattern>, Refused> {
        serde_json::from_str::<NewPasswordRegex>(body).unwrap().read()
    }

    #[test]
    fn an_expression_comes_as_it_is_or_in_base64() {
        let pattern = PasswordPattern { regex: "^[a-z]{8,}$".to_owned(), message: Some("m".to_owned()) };
        assert_eq!(read(r#"{"regex":"^[a-z]{8,}$","error_message":"m"}"#), Ok(Some(pattern.clone())));
        assert_eq!(read(r#"{"base64_encoded_regex":"XlthLXpdezgsfSQ=","error_message":"m"}"#), Ok(Some(pattern)));
        assert_eq!(read(r#"{"regex":"","error_message":""}"#), Ok(None));
        for refused in
            [r#"{"regex":"("}"#, r#"{"base64_encoded_regex":"*"}"#, r#"{"regex":"a","base64_encoded_regex":"Yg=="}"#]
        {
            assert!(matches!(read(refused), Err(Refused::Value(_))), "{refused}");
        }
    }
}
