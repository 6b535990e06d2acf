use std::borrow::Cow;
use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::{SettingsChangeError, UserChangeError};
use crate::inbound::{ChangeLost, Problem, UNKNOWN_WAIT_SECONDS};

/// The schema of an error (RFC 7644 §3.12).
const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a call is not answered as asked; each variant has one status (docs/directory.md §The management API).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The request as such is refused, before anything of its content was looked at.
    Problem(Problem),
    /// 400: the body is no JSON object of the form that the call takes.
    Syntax(Cow<'static, str>),
    /// 400: a value is out of its range.
    Value(Cow<'static, str>),
    /// 401: no token of an administrator of this directory, which need not exist.
    Unauthenticated,
    /// 403: the administrator's role does not permit the call.
    Role,
    /// 404: the directory has no such user.
    NoUser,
    /// 404: the directory has no such application.
    NoApplication,
    /// 409: the configuration manages the directory.
    ManagedByFile,
    /// 409: another user has the user name or the address.
    Taken,
    /// 409: what is there forbids the change.
    Conflict(Cow<'static, str>),
    /// 404: the request names what does not exist.
    NotFound(&'static str),
    /// 429, with the seconds until the next call makes sense.
    TooManyRequests(u64),
    /// 503: the store fails.
    Unavailable,
}

/// The body of an error: that of SCIM, which all clients of App ID read.
#[derive(Serialize, ToSchema)]
pub(super) struct ScimError<'a> {
    /// `urn:ietf:params:scim:api:messages:2.0:Error`.
    schemas: [&'static str; 1],
    /// The status of the answer, as a text.
    status: String,
    /// The kind of the error, of RFC 7644's list.
    #[serde(rename = "scimType", skip_serializing_if = "Option::is_none")]
    scim_type: Option<&'static str>,
    /// The sentence for people.
    detail: &'a str,
}

/// One line of the table.
struct Row<'a>(StatusCode, Option<&'static str>, &'a str);

impl From<ChangeLost> for Refused {
    fn from(_: ChangeLost) -> Self {
        Self::Unavailable
    }
}

impl From<SettingsChangeError<Self>> for Refused {
    fn from(error: SettingsChangeError<Self>) -> Self {
        match error {
            SettingsChangeError::ManagedByFile => Self::ManagedByFile,
            SettingsChangeError::TooManyApplications => {
                Self::Conflict("The directory has 200 applications, which is the most.".into())
            }
            SettingsChangeError::TooManyAddresses => Self::Conflict(
                "The lists of the directory and its applications have 2000 addresses, which is the most.".into(),
            ),
            SettingsChangeError::Refused(refused) => refused,
            SettingsChangeError::Store(error) => Self::failed("the settings of a directory cannot be stored", &error),
        }
    }
}

impl From<UserChangeError> for Refused {
    fn from(error: UserChangeError) -> Self {
        match error {
            UserChangeError::Unknown => Self::NoUser,
            UserChangeError::Taken => Self::Taken,
            UserChangeError::BadProfile(text) => Self::Value(text.into()),
            UserChangeError::BadPassword(fault) => Self::Value(fault.to_string().into()),
            UserChangeError::ChangedMeanwhile => Self::Conflict("The password was changed meanwhile.".into()),
            UserChangeError::LastIdentity => Self::Value("The user could not sign in any more.".into()),
            UserChangeError::Busy => Self::TooManyRequests(1),
            UserChangeError::Store(error) => Self::failed("a user of a directory cannot be read or changed", &error),
            UserChangeError::AfterSessionsEnded(error) => Self::from(*error),
        }
    }
}

impl Refused {
    /// An internal failure; logs it.
    pub(super) fn failed(what: &'static str, error: &impl Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Unavailable
    }

    /// The table.
    #[rustfmt::skip]
    fn row(&self) -> Row<'_> {
        match self {
            Self::Problem(problem) => Row(problem.respond().status(), None, problem.message()),
            Self::Syntax(detail) => Row(StatusCode::BAD_REQUEST, Some("invalidSyntax"), detail),
            Self::Value(detail) => Row(StatusCode::BAD_REQUEST, Some("invalidValue"), detail),
            Self::Unauthenticated => Row(StatusCode::UNAUTHORIZED, None, "A token of an administrator of this directory is required."),
            Self::Role => Row(StatusCode::FORBIDDEN, None, "The administrator's role does not permit this call."),
            Self::NoUser => Row(StatusCode::NOT_FOUND, None, "The directory has no user with this id."),
            Self::NoApplication => Row(StatusCode::NOT_FOUND, None, "The directory has no application with this client id."),
            Self::ManagedByFile => Row(StatusCode::CONFLICT, Some("mutability"), "The configuration file manages this directory (managed = \"file\"): change the settings there."),
            Self::Taken => Row(StatusCode::CONFLICT, Some("uniqueness"), "Another user has this user name or e-mail address."),
            Self::Conflict(detail) => Row(StatusCode::CONFLICT, Some("mutability"), detail),
            Self::NotFound(detail) => Row(StatusCode::NOT_FOUND, None, detail),
            Self::TooManyRequests(_) => Row(StatusCode::TOO_MANY_REQUESTS, None, "Too many requests; try again later."),
            Self::Unavailable => Row(StatusCode::SERVICE_UNAVAILABLE, None, "The service is temporarily unavailable."),
        }
    }

    /// The seconds until another call makes sense, where that is a question of time.
    pub(super) const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests(wait) => Some(*wait),
            Self::Unavailable => Some(UNKNOWN_WAIT_SECONDS),
            _ => None,
        }
    }

    /// The complete answer.
    pub(super) fn respond(self) -> HttpResponse {
        let Row(status, scim_type, detail) = self.row();
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self == Self::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, wait));
        }
        response.json(ScimError { schemas: [ERROR_SCHEMA], status: status.as_u16().to_string(), scim_type, detail })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn an_error_has_the_form_that_the_sdk_reads() {
        let answer = Refused::Taken.respond();
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        let body: serde_json::Value = serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["schemas"][0], ERROR_SCHEMA);
        assert_eq!((body["status"].as_str(), body["scimType"].as_str()), (Some("409"), Some("uniqueness")));
        assert!(body["detail"].is_string());
    }
}
