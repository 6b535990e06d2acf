use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::BASE_PATH;
use crate::domain::{SecretHash, SharedClock};
use crate::inbound::{ExpectedBearer, find_cookie};

/// How long the operator stays signed in.
const LIFETIME: Duration = Duration::from_hours(1);
/// Browsers that are signed in at the same time; the oldest is signed out for another one.
const MAX_BROWSERS: usize = 64;

/// The browsers in which the operator is signed in. They are kept in memory, as hashes of their cookies. They stay with this
/// process also over a shared store: the operator's listener is one replica's own and not behind the balancer that spreads
/// users, so the next request of the browser comes to the same replica.
pub(super) struct OperatorSessions {
    browsers: Mutex<Vec<OperatorBrowser>>,
    is_secure: bool,
    clock: SharedClock,
}

struct OperatorBrowser {
    cookie: SecretHash,
    /// The admin token with which the operator has signed in. Another one ends the session.
    admin_token: SecretHash,
    /// By the clock's elapsed time.
    until: Duration,
}

impl OperatorSessions {
    pub(super) fn new(is_secure: bool, clock: SharedClock) -> Self {
        Self { browsers: Mutex::default(), is_secure, clock }
    }

    /// Signs the browser of `response` in, by the cookie `secret`. The operator has presented `admin_token`.
    pub(super) fn begin(&self, response: &mut HttpResponse, secret: &str, admin_token: &str) {
        let until = self.clock.elapsed().saturating_add(LIFETIME);
        let mut browsers = self.lock_live();
        if browsers.len() >= MAX_BROWSERS {
            browsers.remove(0);
        }
        let (cookie, admin_token) = (SecretHash::of(secret), SecretHash::of(admin_token));
        browsers.push(OperatorBrowser { cookie, admin_token, until });
        drop(browsers);
        self.write(response, secret, LIFETIME);
    }

    /// Whether the browser of `http` is signed in, and `expected` is still the token with which it has signed in.
    pub(super) fn is_signed_in(&self, http: &HttpRequest, expected: &ExpectedBearer) -> bool {
        let Some(secret) = self.read(http) else { return false };
        let browsers = self.lock_live();
        browsers.iter().any(|browser| browser.cookie.matches(secret) && expected.has_hash(&browser.admin_token))
    }

    /// Signs the browser out.
    pub(super) fn end(&self, http: &HttpRequest, response: &mut HttpResponse) {
        if let Some(secret) = self.read(http) {
            self.lock_live().retain(|browser| !browser.cookie.matches(secret));
        }
        self.write(response, "", Duration::ZERO);
    }

    const fn name(&self) -> &'static str {
        if self.is_secure { "__Host-bot-sso-operator" } else { "bot-sso-operator" }
    }

    fn read<'h>(&self, http: &'h HttpRequest) -> Option<&'h str> {
        let texts = http.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        find_cookie(texts, self.name()).filter(|secret| !secret.is_empty())
    }

    fn write(&self, response: &mut HttpResponse, value: &str, lifetime: Duration) {
        let lifetime = CookieDuration::seconds(i64::try_from(lifetime.as_secs()).unwrap_or(0));
        let cookie = Cookie::build(self.name(), value)
            // The prefix demands the path of the whole host (RFC 6265bis §4.1.3.2).
            .path(if self.is_secure { "/" } else { BASE_PATH })
            .max_age(lifetime)
            .http_only(true)
            .secure(self.is_secure)
            .same_site(SameSite::Strict)
            .finish();
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }

    /// The browsers that are signed in now.
    fn lock_live(&self) -> MutexGuard<'_, Vec<OperatorBrowser>> {
        let now = self.clock.elapsed();
        let mut browsers = self.browsers.lock().unwrap_or_else(PoisonError::into_inner);
        browsers.retain(|browser| browser.until > now);
        browsers
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::domain::{OffsetClock, Secret};

    fn browser_with(secret: &str) -> HttpRequest {
        TestRequest::default().insert_header((header::COOKIE, format!("bot-sso-operator={secret}"))).to_http_request()
    }

    #[test]
    fn a_browser_stays_signed_in_for_an_hour_and_not_with_a_replaced_token() {
        let clock = Arc::new(OffsetClock::default());
        let (sessions, expected) =
            (OperatorSessions::new(false, clock.clone()), ExpectedBearer::new(Secret::from("t")));
        let mut response = HttpResponse::Ok().finish();
        sessions.begin(&mut response, "s", "t");
        let cookie = response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        assert_eq!(cookie, "bot-sso-operator=s; HttpOnly; SameSite=Strict; Path=/admin; Max-Age=3600");
        assert!(sessions.is_signed_in(&browser_with("s"), &expected));
        assert!(!sessions.is_signed_in(&browser_with("t"), &expected));
        assert!(!sessions.is_signed_in(&TestRequest::default().to_http_request(), &expected));
        expected.replace(Secret::from("u"));
        assert!(!sessions.is_signed_in(&browser_with("s"), &expected));
        expected.replace(Secret::from("t"));
        clock.advance(LIFETIME);
        assert!(!sessions.is_signed_in(&browser_with("s"), &expected));
    }

    #[test]
    fn a_sign_out_ends_the_session_of_its_browser_only() {
        let clock = Arc::new(OffsetClock::default());
        let (sessions, expected) = (OperatorSessions::new(false, clock), ExpectedBearer::new(Secret::from("t")));
        for secret in ["one", "other"] {
            sessions.begin(&mut HttpResponse::Ok().finish(), secret, "t");
        }
        sessions.end(&browser_with("one"), &mut HttpResponse::Ok().finish());
        assert!(!sessions.is_signed_in(&browser_with("one"), &expected));
        assert!(sessions.is_signed_in(&browser_with("other"), &expected));
    }
}
