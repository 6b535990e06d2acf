use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::choose_retry_after;
use crate::domain::Bot;
use crate::protocol::{ActivityError, ErrorResponse};

/// The content type of JSON, for any answer: a clone of it allocates nothing.
pub static APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A refusal that is the same at all doors. Bodies are constant: each problem has one code and one sentence
/// (docs/architecture.md §Security rules, docs/protocols/bot-auth-and-skills.md §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No `Authorization` header.
    MissingAuthorization,
    /// Several `Authorization` headers, or one that does not hold exactly one bearer token.
    InvalidAuthorization,
    /// The token fails its validation.
    InvalidToken,
    /// The Token Service does not accept this audience.
    AudienceNotAccepted,
    /// The Token Service does not accept this tenant.
    TenantNotAccepted,
    /// The app id is not that of a configured bot.
    UnknownBot,
    /// The token has expired.
    TokenExpired,
    /// A user's delegated token, where an app-only token is required.
    DelegatedTokenNotAllowed,
    /// The caller is authenticated, but not allowed to call.
    CallerNotAllowed,
    /// The caller may not send activities of this channel.
    ChannelNotEndorsed,
    /// The activity's service URL is not the one in the token.
    ServiceUrlMismatch,
    /// The caller may not use this service URL.
    ServiceUrlNotAllowed,
    /// The request's `Host` is none of the names under which the listener answers.
    HostNotAllowed,
    /// The operator's bearer may read, and the call changes something.
    ReadOnlyBearer,
    /// The caller exceeds its rate limit.
    TooManyRequests {
        /// Seconds until the caller's next request is accepted.
        retry_after: u64,
    },
    /// The issuer's signing keys cannot be fetched.
    KeysUnavailable,
    /// The body is not an activity, or not JSON.
    BadArgument,
    /// The path holds no valid user key.
    BadUserKey,
    /// The path holds no valid user id of an app.
    BadAppUserId,
    /// The body names no person.
    BadAppUserLink,
    /// The query names no page of a list.
    BadPage,
    /// The path names no configured app.
    UnknownApp,
    /// The user id is linked to no person.
    UnknownAppUser,
    /// Nothing with the id of the path is kept of the person.
    UnknownElement,
    /// The path holds no channel and account id.
    BadAccount,
    /// The user id is linked to another person.
    AppUserLinkedToAnother,
    /// The person has as many user ids at the app as one may have.
    TooManyAppUserIds,
    /// A required member of the activity is missing.
    MissingProperty,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not plain UTF-8 text.
    UnsupportedMediaType,
    /// The body did not arrive in time.
    RequestTimeout,
    /// No such path.
    NotFound,
    /// The operation exists in the protocol, and this service does not perform it.
    NotImplemented,
    /// The path does not accept this method.
    MethodNotAllowed,
    /// The bot cannot be reached.
    BotUnavailable,
    /// The bot does not answer in time.
    BotTimeout,
    /// An internal failure, such as one of the store.
    ServiceUnavailable,
    /// An outage of an identity provider, with its end if that is known.
    Outage {
        /// Seconds until the next request makes sense.
        retry_after: Option<u64>,
    },
}

impl Problem {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::BadArgument
            | Self::BadUserKey
            | Self::BadAppUserId
            | Self::BadAppUserLink
            | Self::BadPage
            | Self::BadAccount
            | Self::MissingProperty => StatusCode::BAD_REQUEST,
            Self::AppUserLinkedToAnother | Self::TooManyAppUserIds => StatusCode::CONFLICT,
            Self::MissingAuthorization
            | Self::InvalidAuthorization
            | Self::InvalidToken
            | Self::AudienceNotAccepted
            | Self::TenantNotAccepted
            | Self::TokenExpired => StatusCode::UNAUTHORIZED,
            Self::DelegatedTokenNotAllowed
            | Self::UnknownBot
            | Self::CallerNotAllowed
            | Self::ChannelNotEndorsed
            | Self::ServiceUrlMismatch
            | Self::ServiceUrlNotAllowed
            | Self::HostNotAllowed
            | Self::ReadOnlyBearer => StatusCode::FORBIDDEN,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::UnknownApp | Self::UnknownAppUser | Self::UnknownElement => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BotUnavailable => StatusCode::BAD_GATEWAY,
            Self::KeysUnavailable | Self::ServiceUnavailable | Self::Outage { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::BotTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether the caller is not authenticated or not allowed.
    pub(super) fn is_about_caller(self) -> bool {
        matches!(self.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// The code for programs and the sentence for people.
    #[rustfmt::skip]
    const fn code_and_message(self) -> (&'static str, &'static str) {
        match self {
            Self::MissingAuthorization => ("MissingAuthorization", "An Authorization header with a bearer token is required."),
            Self::InvalidAuthorization => ("InvalidAuthorization", "The Authorization header must hold exactly one bearer token."),
            Self::InvalidToken => ("InvalidToken", "The bearer token is not valid here."),
            Self::AudienceNotAccepted => ("InvalidToken", "The bearer token's audience is not one of token_service.audiences."),
            Self::TenantNotAccepted => ("InvalidToken", "The bearer token's tenant is not one of token_service.tenants."),
            Self::UnknownBot => ("CallerNotAllowed", "The bearer token's app id is not the app_id of any configured bot."),
            Self::TokenExpired => ("TokenExpired", "The bearer token has expired."),
            Self::DelegatedTokenNotAllowed => ("DelegatedTokenNotAllowed", "A user's token does not authenticate a caller."),
            Self::CallerNotAllowed => ("CallerNotAllowed", "This caller is not allowed."),
            Self::ChannelNotEndorsed => ("ChannelNotEndorsed", "The caller may not speak for this channel."),
            Self::ServiceUrlMismatch => ("ServiceUrlMismatch", "The activity's serviceUrl is not the token's."),
            Self::ServiceUrlNotAllowed => ("ServiceUrlNotAllowed", "The caller may not use this serviceUrl."),
            Self::HostNotAllowed => ("HostNotAllowed", "The Host header names no host under which this listener answers."),
            Self::ReadOnlyBearer => ("ReadOnlyBearer", "This bearer may only read."),
            Self::TooManyRequests { .. } => ("TooManyRequests", "Too many requests; try again later."),
            Self::KeysUnavailable => ("KeysUnavailable", "Signing keys are unavailable; try again."),
            Self::BadArgument => ("BadArgument", "The request body is not an acceptable activity."),
            Self::BadUserKey => ("BadArgument", "The path must name a user: <object id>@<tenant id>, or for other issuers <subject>@<https issuer>, percent-encoded."),
            Self::BadAppUserId => ("BadArgument", "The path must name a user id of the app: 1 to 128 letters, digits, _ and - of ASCII."),
            Self::BadAppUserLink => ("BadArgument", "The body must be {\"user\": …} with <object id>@<tenant id>, or for other issuers <subject>@<https issuer>."),
            Self::BadPage => ("BadArgument", "The query parameter 'from' must be the value of next of the page before."),
            Self::UnknownApp => ("UnknownApp", "There is no app with this id."),
            Self::UnknownAppUser => ("UnknownAppUser", "The app has no user with this id."),
            Self::UnknownElement => ("UnknownElement", "Nothing with this id is kept of the user."),
            Self::BadAccount => ("BadArgument", "The path must name a channel and an account's id there, percent-encoded."),
            Self::AppUserLinkedToAnother => ("AppUserLinked", "The user id is linked to another person: remove that link first."),
            Self::TooManyAppUserIds => ("TooManyAppUserIds", "The person has as many user ids at this app as one may have."),
            Self::MissingProperty => ("MissingProperty", "The activity lacks a required property."),
            Self::PayloadTooLarge => ("MessageSizeTooBig", "The request body is too large."),
            Self::UnsupportedMediaType => ("UnsupportedMediaType", "The request body must be UTF-8 JSON without content encoding."),
            Self::RequestTimeout => ("RequestTimeout", "The request body did not arrive in time."),
            Self::NotFound => ("NotFound", "There is nothing at this address."),
            Self::NotImplemented => ("NotImplemented", "This operation is not available to skills."),
            Self::MethodNotAllowed => ("MethodNotAllowed", "This address does not take this method."),
            Self::BotUnavailable => ("BotUnavailable", "The bot cannot be reached."),
            Self::BotTimeout => ("BotTimeout", "The bot did not answer in time."),
            Self::ServiceUnavailable | Self::Outage { .. } => ("ServiceUnavailable", "The service is temporarily unavailable."),
        }
    }

    /// The sentence for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.code_and_message().1
    }

    /// The code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code_and_message().0
    }

    /// The body of the answer.
    #[must_use]
    pub fn to_json(self) -> String {
        let (code, message) = self.code_and_message();
        ErrorResponse::new(code, message).to_json()
    }

    /// The complete answer.
    #[must_use]
    pub fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        match self {
            Self::MissingAuthorization => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::InvalidAuthorization
            | Self::InvalidToken
            | Self::AudienceNotAccepted
            | Self::TenantNotAccepted
            | Self::TokenExpired => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
            }
            _ => {}
        }
        let known = match self {
            Self::TooManyRequests { retry_after } => Some(retry_after),
            Self::Outage { retry_after } => retry_after,
            _ => None,
        };
        if let Some(retry_after) = choose_retry_after(self.status(), known) {
            response.insert_header((header::RETRY_AFTER, retry_after));
        }
        response.content_type(&APPLICATION_JSON).body(self.to_json())
    }
}

/// Logs why an activity to or from `bot` is not accepted, and returns the answer.
#[must_use]
pub fn refuse_activity(error: &ActivityError, bot: &Bot, correlation_id: &str) -> Problem {
    let (problem, check) = match error {
        ActivityError::Missing(name) => (Problem::MissingProperty, *name),
        ActivityError::TooLong(name) | ActivityError::WrongKind(name) => (Problem::BadArgument, *name),
        ActivityError::Json(_) | ActivityError::Ambiguous(_) | ActivityError::Irregular => {
            (Problem::BadArgument, "json")
        }
    };
    let (bot, code) = (bot.name.as_str(), problem.code());
    tracing::warn!(correlation_id, bot, code, check, %error, "an activity was refused");
    problem
}
