use actix_web::Route;
use utoipa::openapi::HttpMethod;

use super::description::Description;

/// One operation of a door: its route is made of this, and so is its part of the `OpenAPI` document. Neither can say what
/// the other does not.
pub struct Operation {
    /// The HTTP method.
    pub method: Method,
    /// The path as published; a parameter stands in braces and fills its segment.
    pub path: &'static str,
    /// Leads a route of this method to what answers.
    pub route: fn(Route) -> Route,
    /// What the document says of it.
    pub description: fn() -> Description,
}

/// The methods that operations have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
}

impl Method {
    /// As a request line has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    pub(super) fn route(self) -> Route {
        match self {
            Self::Get => actix_web::web::get(),
            Self::Post => actix_web::web::post(),
            Self::Delete => actix_web::web::delete(),
        }
    }
}

impl From<Method> for HttpMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Post => Self::Post,
            Method::Delete => Self::Delete,
        }
    }
}
