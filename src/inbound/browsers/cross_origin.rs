use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};

/// How long a browser keeps the answer to its question, in seconds.
const TEN_MINUTES: HeaderValue = HeaderValue::from_static("600");
const VARY_OF_ANSWER: HeaderValue = HeaderValue::from_static("Origin");
const VARY_OF_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

/// What pages of other origins may send to a door and read of its answers (the CORS protocol of the Fetch standard). Requests carry bearers or client
/// credentials and no cookies, so no credentials mode is permitted, and no answer says `*`.
#[derive(Clone, Debug)]
pub struct CrossOriginPolicy {
    permitted_headers: HeaderValue,
    exposed_headers: HeaderValue,
}

impl CrossOriginPolicy {
    /// Pages may set the request headers `permitted`, and read the answer headers `exposed` beside those that every page may.
    #[must_use]
    pub const fn new(permitted: &'static str, exposed: &'static str) -> Self {
        Self {
            permitted_headers: HeaderValue::from_static(permitted),
            exposed_headers: HeaderValue::from_static(exposed),
        }
    }

    /// The answer to `OPTIONS` of a resource with these `methods`: to the question of a browser before a page's request, or to
    /// anybody else, who learns the methods only. `permitted`: the origin of the request, if its pages may call.
    #[must_use]
    pub fn answer_options(&self, permitted: Option<&HeaderValue>, request: &HeaderMap, methods: &str) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        let headers = response.headers_mut();
        let methods = HeaderValue::from_str(methods).unwrap_or(HeaderValue::from_static(""));
        headers.insert(VARY, VARY_OF_PREFLIGHT);
        let asks = request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        match permitted.filter(|_| asks) {
            Some(origin) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.permitted_headers.clone());
                headers.insert(ACCESS_CONTROL_MAX_AGE, TEN_MINUTES);
            }
            None => {
                headers.insert(ALLOW, methods);
            }
        }
        response
    }

    /// Lets the page that sent the request read `response`. `permitted`: its origin, if its pages may call.
    pub fn permit_page(&self, permitted: Option<&HeaderValue>, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        headers.insert(VARY, VARY_OF_ANSWER);
        if let Some(origin) = permitted {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed_headers.clone());
        }
    }
}

/// The origin of the page that sent `request`; `None` if it states none, or several.
#[must_use]
pub fn find_origin(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = request.get_all(ORIGIN);
    origins.next().filter(|_| origins.next().is_none())
}

/// The methods of a resource, as headers list them. `GET` includes `HEAD`.
#[must_use]
pub fn list_methods(methods: impl IntoIterator<Item = Method>) -> String {
    let mut list = String::new();
    for method in methods {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(method.as_str());
        if method == Method::GET {
            list.push_str(", HEAD");
        }
    }
    list
}
