use actix_web::Route;
use utoipa::openapi::HttpMethod;

use super::description::Description;

/// One operation of a door. Its route and its part of the `OpenAPI` document are both derived from it, so they cannot
/// differ.
pub struct Operation {
    /// The HTTP method.
    pub method: Method,
    /// The published path. A parameter stands in braces and fills its segment; `{path}` at the end fills all further ones.
    pub path: &'static str,
    /// Sets the handler of a route of this method.
    pub route: fn(Route) -> Route,
    /// Builds the operation's part of the document.
    pub description: fn() -> Description,
}

/// The HTTP methods that operations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`: the question of a browser before a page's request (Fetch's preflight).
    Options,
}

impl Method {
    /// The method's name as a request line has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    pub(super) fn route(self) -> Route {
        match self {
            Self::Get => actix_web::web::get(),
            Self::Head => actix_web::web::head(),
            Self::Post => actix_web::web::post(),
            Self::Put => actix_web::web::put(),
            Self::Patch => actix_web::web::patch(),
            Self::Delete => actix_web::web::delete(),
            Self::Options => actix_web::web::method(actix_web::http::Method::OPTIONS),
        }
    }
}

impl From<Method> for HttpMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Head => Self::Head,
            Method::Post => Self::Post,
            Method::Put => Self::Put,
            Method::Patch => Self::Patch,
            Method::Delete => Self::Delete,
            Method::Options => Self::Options,
        }
    }
}
