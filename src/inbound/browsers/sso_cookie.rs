use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::form_guard::FormGuard;
use super::parameters::list_cookies;

/// The values of the cookie in one request that are looked at. A browser has one; another site of the domain can add more.
const MAX_VALUES: usize = 4;

/// The cookie of a directory's sign-on session: bound to the directory's path, `HttpOnly`, `SameSite=Lax`, and on https `Secure`
/// with its prefix (RFC 6265bis §4.1.3.1). It has no lifetime of its own: it ends with the browser, or with the session.
#[derive(Clone, Copy, Debug)]
pub struct SsoCookie {
    is_secure: bool,
}

impl SsoCookie {
    /// The cookie for browsers that reach this service at `public_url`.
    #[must_use]
    pub fn new(public_url: &Url) -> Self {
        Self { is_secure: public_url.scheme() == "https" }
    }

    /// Every value of the cookie in the request, at most four: another site of the same domain can add one.
    #[must_use]
    pub fn list<'h>(self, http: &'h HttpRequest, tenant: &str) -> Vec<&'h str> {
        let texts = http.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        list_cookies(texts, &self.name(tenant)).take(MAX_VALUES).collect()
    }

    /// The browser's own secret, to which a session is bound: that of its forms, which each sign-in has. `None` without https, where
    /// another site of the same host could plant one as well.
    #[must_use]
    pub fn find_browser_secret(self, http: &HttpRequest) -> Option<&str> {
        if self.is_secure { FormGuard::find_secure_secret(http) } else { None }
    }

    /// Sets the cookie of the directory `tenant` to `value`.
    pub fn set(self, response: &mut HttpResponse, tenant: &str, value: &str) {
        self.write(response, tenant, value, None);
    }

    /// Takes the cookie away from the browser.
    pub fn remove(self, response: &mut HttpResponse, tenant: &str) {
        self.write(response, tenant, "", Some(Duration::ZERO));
    }

    fn name(self, tenant: &str) -> String {
        let prefix = if self.is_secure { "__Secure-" } else { "" };
        format!("{prefix}bot-sso-session-{tenant}")
    }

    fn write(self, response: &mut HttpResponse, tenant: &str, value: &str, lifetime: Option<Duration>) {
        let mut cookie = Cookie::build(self.name(tenant), value)
            .path(format!("/oauth/v4/{tenant}"))
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Lax)
            .finish();
        cookie.set_max_age(lifetime);
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::test::TestRequest;

    use super::*;

    fn cookie(public_url: &str) -> SsoCookie {
        SsoCookie::new(&public_url.parse().unwrap())
    }

    fn header_of(write: impl FnOnce(&mut HttpResponse)) -> String {
        let mut response = HttpResponse::Ok().finish();
        write(&mut response);
        response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_cookie_is_bound_to_the_directory_and_ends_with_the_browser() {
        let secure = cookie("https://sso.example");
        assert_eq!(
            header_of(|response| secure.set(response, "market", "a.b.c")),
            "__Secure-bot-sso-session-market=a.b.c; HttpOnly; SameSite=Lax; Secure; Path=/oauth/v4/market"
        );
        let plain = cookie("http://127.0.0.1:4000");
        assert_eq!(
            header_of(|response| plain.set(response, "market", "a.b.c")),
            "bot-sso-session-market=a.b.c; HttpOnly; SameSite=Lax; Path=/oauth/v4/market"
        );
        assert!(header_of(|response| plain.remove(response, "market")).contains("Max-Age=0"));
    }

    #[test]
    fn the_browsers_secret_is_that_of_its_forms_on_https_only() {
        let secret = "0a".repeat(32);
        for (name, public_url, is_found) in [
            ("__Host-bot-sso-form", "https://sso.example", true),
            ("bot-sso-form", "https://sso.example", false),
            ("bot-sso-form", "http://127.0.0.1:4000", false),
        ] {
            let pair = format!("{name}={secret}");
            let http = TestRequest::default().insert_header((header::COOKIE, pair)).to_http_request();
            let found = cookie(public_url).find_browser_secret(&http);
            assert_eq!(found, Some(secret.as_str()).filter(|_| is_found), "{name} {public_url}");
        }
    }

    #[test]
    fn every_value_of_the_directory_is_listed_and_no_other() {
        let text = "bot-sso-session-market=one; bot-sso-session-bank=two; bot-sso-session-market=three; x=bot-sso-session-market";
        let http = TestRequest::default().insert_header((header::COOKIE, text)).to_http_request();
        assert_eq!(cookie("http://127.0.0.1").list(&http, "market"), ["one", "three"]);
        assert!(
            cookie("https://sso.example").list(&http, "market").is_empty(),
            "without its prefix it is another cookie"
        );
        let many = "bot-sso-session-market=x; ".repeat(50);
        let http = TestRequest::default().insert_header((header::COOKIE, many)).to_http_request();
        assert_eq!(cookie("http://127.0.0.1").list(&http, "market").len(), MAX_VALUES);
    }
}
