use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::parameters::find_cookie;

/// How long a browser keeps its cookie.
const LIFETIME: Duration = Duration::hours(1);

/// The cookie that tells one browser from another, for all doors in which users sign in. It is no proof of who the user is:
/// what a door keeps for a browser is bound to a digest of the cookie's secret, in records that no other door reads, so one
/// cookie can serve all of them.
#[derive(Clone, Copy, Debug)]
pub struct BrowserCookie {
    /// Whether browsers use TLS; development mode on loopback may do without.
    is_secure: bool,
}

impl BrowserCookie {
    /// The cookie for browsers that reach this service at `public_url`.
    #[must_use]
    pub fn new(public_url: &Url) -> Self {
        Self { is_secure: public_url.scheme() == "https" }
    }

    /// The cookie's name. With the prefix `__Host-`, browsers accept the cookie from this very host only (RFC 6265bis
    /// §4.1.3.2).
    const fn name(self) -> &'static str {
        if self.is_secure { "__Host-bot-sso-browser" } else { "bot-sso-browser" }
    }

    /// The cookie's value in the request, which the browser may have made up.
    #[must_use]
    pub fn read(self, http: &HttpRequest) -> Option<&str> {
        // The framework would keep all cookies, at many times the memory of their text.
        let texts = http.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        find_cookie(texts, self.name())
    }

    /// Sets the cookie to `secret`, which has letters and digits only.
    pub fn set(self, response: &mut HttpResponse, secret: &str) {
        self.write(response, secret, LIFETIME);
    }

    /// Takes the cookie away from the browser, which then is unknown here.
    pub fn remove(self, response: &mut HttpResponse) {
        self.write(response, "", Duration::ZERO);
    }

    fn write(self, response: &mut HttpResponse, value: &str, lifetime: Duration) {
        let cookie = Cookie::build(self.name(), value)
            .path("/")
            .max_age(lifetime)
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Lax)
            .finish();
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }
}
