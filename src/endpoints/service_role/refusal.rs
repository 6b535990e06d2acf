use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::exchange::Outage;
use crate::inbound::{AppRefusal, Problem, UNKNOWN_WAIT_SECONDS};

/// Why a request is not answered as asked; each variant has one answer (docs/service-role.md §Errors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such path.
    NoSuchPath,
    /// The request as such is refused.
    Problem(Problem),
    /// No service token, or one of no app.
    InvalidServiceToken,
    /// The service token is another app's.
    WrongApp,
    /// Too many wrong service tokens.
    TooManyRequests(u64),
    /// The app's user token is not valid.
    InvalidUserToken,
    /// A service token alone does not suffice at this app.
    OnBehalfOfRequired,
    /// The function acts on behalf of another user.
    CrossUser,
    /// The user id is linked to no person.
    UserNotFound,
    /// The person has not signed in to the app, or was signed out.
    NotLinked,
    /// The identity provider has given no ID token.
    NoIdToken,
    /// The token has ended and cannot be renewed without the user.
    ReauthRequired,
    /// The code cannot be redeemed.
    InvalidCode,
    /// No token can be obtained at the moment.
    Unavailable(Option<u64>),
}

/// One body for all versions of Base44's SDK, which read different members of it.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceRoleError {
    error: ServiceRoleErrorDetails,
    /// The sentence of `error`.
    message: &'static str,
    /// The sentence of `error`.
    detail: &'static str,
    /// The code of `error`.
    code: &'static str,
}

#[derive(Serialize, ToSchema)]
struct ServiceRoleErrorDetails {
    /// The code for programs.
    code: &'static str,
    /// The sentence for people.
    message: &'static str,
}

/// One line of the table.
struct Row(StatusCode, &'static str, &'static str);

impl From<AppRefusal> for Refused {
    fn from(refusal: AppRefusal) -> Self {
        match refusal {
            AppRefusal::Unauthenticated => Self::InvalidServiceToken,
            AppRefusal::AnotherApp => Self::WrongApp,
            AppRefusal::TooManyRequests { retry_after } => Self::TooManyRequests(retry_after),
        }
    }
}

impl From<Outage> for Refused {
    fn from(outage: Outage) -> Self {
        Self::Unavailable(outage.retry_after())
    }
}

impl Refused {
    /// An internal failure; logs it.
    pub(super) fn failed(what: &'static str, error: &impl Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::Unavailable(None)
    }

    /// The code for programs.
    pub(super) fn code(self) -> &'static str {
        self.row().map_or_else(Problem::code, |row| row.1)
    }

    /// The table. What is refused before the door is reached has the answer of all doors.
    #[rustfmt::skip]
    fn row(self) -> Result<Row, Problem> {
        Ok(match self {
            Self::NoSuchPath => return Err(Problem::NotFound),
            Self::Problem(problem) => return Err(problem),
            Self::InvalidServiceToken => Row(StatusCode::UNAUTHORIZED, "INVALID_SERVICE_TOKEN", "The service token is missing or not valid."),
            Self::InvalidUserToken => Row(StatusCode::UNAUTHORIZED, "INVALID_USER_TOKEN", "The user's token is not valid for this app: the user has to sign in."),
            Self::WrongApp => Row(StatusCode::FORBIDDEN, "WRONG_APP", "The service token is not for this app."),
            Self::OnBehalfOfRequired => Row(StatusCode::FORBIDDEN, "ON_BEHALF_OF_REQUIRED", "This app's tokens are given only on behalf of their user: send on-behalf-of."),
            Self::CrossUser => Row(StatusCode::FORBIDDEN, "CROSS_USER_NOT_ALLOWED", "The request is made on behalf of another user."),
            Self::UserNotFound => Row(StatusCode::NOT_FOUND, "USER_NOT_FOUND", "The app has no user with this id."),
            Self::NotLinked => Row(StatusCode::NOT_FOUND, "SSO_NOT_LINKED", "No sign-in of this user is kept: the user has to sign in."),
            Self::NoIdToken => Row(StatusCode::NOT_FOUND, "NO_ID_TOKEN", "The identity provider gave no ID token for this user."),
            Self::ReauthRequired => Row(StatusCode::CONFLICT, "REAUTH_REQUIRED", "The user's token has ended: the user has to sign in again."),
            Self::InvalidCode => Row(StatusCode::BAD_REQUEST, "INVALID_CODE", "The code is not one of this app, was used before, or is too old."),
            Self::TooManyRequests(_) => Row(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Too many wrong service tokens; try again later."),
            Self::Unavailable(_) => Row(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", "The token cannot be obtained at the moment; try again later."),
        })
    }

    /// The complete answer.
    pub(super) fn respond(self) -> HttpResponse {
        let Row(status, code, message) = match self.row() {
            Ok(row) => row,
            Err(problem) => return problem.respond(),
        };
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::InvalidServiceToken | Self::InvalidUserToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            Self::TooManyRequests(wait) => {
                response.insert_header((header::RETRY_AFTER, wait));
            }
            Self::Unavailable(wait) => {
                response.insert_header((header::RETRY_AFTER, wait.unwrap_or(UNKNOWN_WAIT_SECONDS)));
            }
            _ => {}
        }
        response.json(ServiceRoleError {
            error: ServiceRoleErrorDetails { code, message },
            message,
            detail: message,
            code,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every refusal with a code of its own.
    const REFUSALS: [Refused; 12] = [
        Refused::InvalidServiceToken,
        Refused::InvalidUserToken,
        Refused::WrongApp,
        Refused::OnBehalfOfRequired,
        Refused::CrossUser,
        Refused::UserNotFound,
        Refused::NotLinked,
        Refused::NoIdToken,
        Refused::ReauthRequired,
        Refused::InvalidCode,
        Refused::TooManyRequests(1),
        Refused::Unavailable(None),
    ];

    #[test]
    fn the_guide_has_the_rows_of_the_table_and_no_other() {
        let guide = include_str!("../../../docs/service-role.md");
        let (_, guide) = guide.split_once("\n## Errors\n").unwrap_or_default();
        let (guide, _) = guide.split_once("\n## ").unwrap_or((guide, ""));
        let written: Vec<String> = guide.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        assert_eq!(written.len(), REFUSALS.len());
        for (line, refused) in written.iter().zip(REFUSALS) {
            let status = refused.respond().status();
            let beginning = format!("| `{}` | {} | ", refused.code(), status.as_u16());
            assert!(line.starts_with(&beginning), "{line} is not {beginning}");
        }
    }
}
