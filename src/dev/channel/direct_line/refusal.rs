use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::ErrorHandlerResponse;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use super::bot_delivery::BotFailure;
use crate::dev::admission::foreign_origin;

/// Why Direct Line refuses a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectLineRefusal {
    #[error("The request has no secret or token.")]
    NoCredential,
    #[error("Invalid token or secret")]
    InvalidCredential,
    #[error("Token has expired")]
    TokenExpired,
    #[error("Token not valid for this conversation")]
    OtherConversation,
    #[error("the token is bound to other origins")]
    ForeignOrigin,
    #[error("The {0} property is required.")]
    MissingProperty(&'static str),
    #[error("{0}")]
    BadArgument(&'static str),
    #[error("Conversation not found")]
    UnknownConversation,
    #[error("The stage has no bot of this name.")]
    UnknownBot,
    #[error("The files of a request may have {0} bytes together.")]
    UploadTooLarge(usize),
    #[error("No token could be issued.")]
    NoToken,
    #[error(transparent)]
    Bot(#[from] BotFailure),
    /// The bot refused an invoke of a client of Teams, which gets the bot's answer, too.
    #[error("{failure}")]
    Invoke { failure: BotFailure, invoke_response: Value },
}

impl DirectLineRefusal {
    /// `code` of the error object. The words are those of the real service.
    const fn code(&self) -> &'static str {
        match self {
            Self::NoCredential => "Unauthorized",
            Self::InvalidCredential | Self::OtherConversation | Self::BadArgument(_) => "BadArgument",
            Self::ForeignOrigin => "Forbidden",
            Self::TokenExpired => "TokenExpired",
            Self::MissingProperty(_) => "MissingProperty",
            Self::UnknownConversation | Self::UnknownBot => "NotFound",
            Self::UploadTooLarge(_) => "MessageSizeTooBig",
            Self::NoToken => "ServiceError",
            Self::Bot(failure) | Self::Invoke { failure, .. } => failure.code(),
        }
    }
}

impl ResponseError for DirectLineRefusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoCredential => StatusCode::UNAUTHORIZED,
            // A client takes 403 for a token that has expired, and asks its site for another one.
            Self::InvalidCredential | Self::TokenExpired | Self::OtherConversation | Self::ForeignOrigin => {
                StatusCode::FORBIDDEN
            }
            Self::MissingProperty(_) | Self::BadArgument(_) => StatusCode::BAD_REQUEST,
            Self::UnknownConversation | Self::UnknownBot => StatusCode::NOT_FOUND,
            Self::UploadTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoToken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Bot(_) | Self::Invoke { .. } => StatusCode::BAD_GATEWAY,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if matches!(self, Self::ForeignOrigin) {
            return foreign_origin();
        }
        let mut body = json!({"error": {"code": self.code(), "message": self.to_string()}});
        if let (Value::Object(members), Self::Bot(failure) | Self::Invoke { failure, .. }) = (&mut body, self) {
            members.insert("httpStatusCode".to_owned(), json!(failure.http_status()));
        }
        if let (Value::Object(members), Self::Invoke { invoke_response, .. }) = (&mut body, self) {
            members.insert("invokeResponse".to_owned(), invoke_response.clone());
        }
        HttpResponse::build(self.status_code()).json(body)
    }
}

/// Gives a refusal of the framework (an unknown path, another method, a body that is too large) the form of Direct Line's
/// refusals. Those that have it already pass.
#[allow(clippy::unnecessary_wraps)] // The framework's error handlers may fail.
pub(super) fn put_in_form<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let is_in_form = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if is_in_form {
        return Ok(ErrorHandlerResponse::Response(response.map_into_left_body()));
    }
    let status = response.status();
    let (code, message) = match status {
        StatusCode::NOT_FOUND => ("NotFound", "Direct Line has no such path."),
        StatusCode::METHOD_NOT_ALLOWED => ("MethodNotAllowed", "This path does not take this method."),
        StatusCode::PAYLOAD_TOO_LARGE => ("MessageSizeTooBig", "The body is too large."),
        status if status.is_client_error() => ("BadArgument", "The request is not valid."),
        _ => ("ServiceError", "The request failed."),
    };
    let answer = HttpResponse::build(status).json(json!({"error": {"code": code, "message": message}}));
    Ok(ErrorHandlerResponse::Response(response.into_response(answer.map_into_right_body())))
}
