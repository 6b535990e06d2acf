use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::parameters::find_cookie;
use crate::domain::{Entropy, draw_256_bits};

/// The cookie of a browser's secret on https.
const SECURE_NAME: &str = "__Host-bot-sso-form";
/// The length of a browser's secret: 256 bits as hexadecimal digits.
const SECRET_LENGTH: usize = 64;

/// Guards forms against requests that another site makes in the user's name (CSRF): each form has a token that is bound to a
/// secret in a cookie of this browser, and to what the form does.
///
/// On https the cookie has the prefix `__Host-` (RFC 6265bis §4.1.3.2), so no other site of the domain can plant a secret of
/// its own with a form token that fits. All guards of a host then share the cookie, and only their keys differ. Without https
/// the prefix does not exist: there a site on another port or on the way can plant one, and the guard holds only against sites
/// of other hosts. Development on loopback alone is without https.
#[derive(Clone)]
pub struct FormGuard {
    key: hmac::Key,
    path: String,
    is_secure: bool,
}

/// The token of one form.
#[derive(Clone, Debug)]
pub struct FormToken {
    /// The value of the hidden field `form_token`.
    pub value: String,
    /// The browser's secret, if it has to be set.
    new_secret: Option<String>,
}

impl FormGuard {
    /// Guards the forms below `path`. `key` is secret.
    #[must_use]
    pub fn new(key: [u8; 32], path: &str, is_secure: bool) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), path: path.to_owned(), is_secure }
    }

    /// The token of a form that does `action` (a text that names the form and what it acts on). Keeps the browser's secret, so that
    /// forms in other tabs stay good.
    #[must_use]
    pub fn issue(&self, http: &HttpRequest, action: &str, entropy: &dyn Entropy) -> FormToken {
        if let Some(secret) = self.read_secret(http) {
            return FormToken { value: self.compute(secret, action), new_secret: None };
        }
        let secret = draw_256_bits(entropy).expose().to_owned();
        FormToken { value: self.compute(&secret, action), new_secret: Some(secret) }
    }

    /// The token of another form on the page of `token`.
    #[must_use]
    pub fn issue_beside(&self, http: &HttpRequest, token: &FormToken, action: &str) -> String {
        let secret = token.new_secret.as_deref().or_else(|| self.read_secret(http));
        secret.map(|secret| self.compute(secret, action)).unwrap_or_default()
    }

    /// Sets the browser's secret, if `token` has drawn one. The cookie ends with the browser.
    pub fn set_cookie(&self, response: &mut HttpResponse, token: &FormToken) {
        let Some(secret) = &token.new_secret else { return };
        let cookie = Cookie::build(self.name(), secret)
            // The prefix demands the path of the whole host.
            .path(if self.is_secure { "/" } else { &self.path })
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Lax)
            .finish();
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }

    /// Whether `value` is the token of this browser for `action`.
    #[must_use]
    pub fn check(&self, http: &HttpRequest, action: &str, value: &str) -> bool {
        let expected = self.read_secret(http).map(|secret| self.compute(secret, action));
        expected.is_some_and(|expected| expected.as_bytes().ct_eq(value.as_bytes()).into())
    }

    /// The browser's secret on https, whatever the form: no other host can have set it.
    pub(super) fn find_secure_secret(http: &HttpRequest) -> Option<&str> {
        find_secret(http, SECURE_NAME)
    }

    const fn name(&self) -> &'static str {
        if self.is_secure { SECURE_NAME } else { "bot-sso-form" }
    }

    /// The browser's secret, if the request has one that could be ours.
    fn read_secret<'h>(&self, http: &'h HttpRequest) -> Option<&'h str> {
        find_secret(http, self.name())
    }

    /// The MAC over the secret, whose length is fixed, and `action`.
    fn compute(&self, secret: &str, action: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"bot-sso form");
        context.update(secret.as_bytes());
        context.update(action.as_bytes());
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}

fn find_secret<'h>(http: &'h HttpRequest, name: &str) -> Option<&'h str> {
    let texts = http.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    find_cookie(texts, name).filter(|secret| secret.len() == SECRET_LENGTH && secret.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::test::TestRequest;

    use super::*;
    use crate::domain::SystemEntropy;

    /// A browser that got a form, and the form's token.
    fn open_form(guard: &FormGuard, action: &str) -> (String, String) {
        let token = guard.issue(&TestRequest::default().to_http_request(), action, &SystemEntropy);
        let mut response = HttpResponse::Ok().finish();
        guard.set_cookie(&mut response, &token);
        let cookie = response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap().to_owned();
        (cookie, token.value)
    }

    fn browser_with(cookie: &str) -> HttpRequest {
        let pair = cookie.split(';').next().unwrap();
        TestRequest::default().insert_header((header::COOKIE, pair)).to_http_request()
    }

    #[test]
    fn a_token_is_good_for_its_browser_form_and_key_only() {
        let guard = FormGuard::new([7; 32], "/oauth/v4/market", true);
        let (cookie, value) = open_form(&guard, "sign-in");
        let (other_cookie, _) = open_form(&guard, "sign-in");
        assert!(guard.check(&browser_with(&cookie), "sign-in", &value));
        assert!(!guard.check(&browser_with(&cookie), "sign-out", &value), "another form");
        assert!(!guard.check(&browser_with(&other_cookie), "sign-in", &value), "another browser");
        assert!(!guard.check(&TestRequest::default().to_http_request(), "sign-in", &value), "no cookie");
        assert!(!guard.check(&browser_with(&cookie), "sign-in", ""));
        assert!(!FormGuard::new([8; 32], "/oauth/v4/market", true).check(&browser_with(&cookie), "sign-in", &value));
    }

    #[test]
    fn a_browser_keeps_its_secret_so_forms_in_other_tabs_stay_good() {
        let guard = FormGuard::new([7; 32], "/oauth/v4/market", true);
        let (cookie, first) = open_form(&guard, "sign-in");
        let second = guard.issue(&browser_with(&cookie), "sign-out", &SystemEntropy);
        assert!(second.new_secret.is_none());
        assert!(guard.check(&browser_with(&cookie), "sign-in", &first));
        assert!(guard.check(&browser_with(&cookie), "sign-out", &second.value));
        assert_eq!(guard.issue_beside(&browser_with(&cookie), &second, "sign-in"), first);
    }

    #[test]
    fn on_https_no_other_host_can_set_the_cookie() {
        let (cookie, _) = open_form(&FormGuard::new([7; 32], "/oauth/v4/market", true), "sign-in");
        assert!(cookie.starts_with("__Host-bot-sso-form="), "{cookie}");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{cookie}");
        let (cookie, _) = open_form(&FormGuard::new([7; 32], "/oauth/v4/market", false), "sign-in");
        assert!(cookie.starts_with("bot-sso-form="), "{cookie}");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/oauth/v4/market"), "{cookie}");
    }

    #[test]
    fn a_secret_of_another_form_is_replaced() {
        let guard = FormGuard::new([7; 32], "/", false);
        for planted in ["", "short", &"A".repeat(64), &"0".repeat(65)] {
            let http = browser_with(&format!("bot-sso-form={planted}"));
            assert!(guard.issue(&http, "sign-in", &SystemEntropy).new_secret.is_some(), "{planted}");
            assert!(!guard.check(&http, "sign-in", &guard.compute(planted, "sign-in")), "{planted}");
        }
    }
}
