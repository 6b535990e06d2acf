//! The user's own door: what the browser behind a card's button sees.
//!
//! Owns the three addresses, the cookie and the pages. It deliberately decides nothing about who may sign in where: it
//! hands on what a browser brings, and shows what comes of it.

mod begin;
mod callback;
mod complete;
mod description;
mod pages;
mod replies;

use std::borrow::Cow;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use crate::domain::SharedEntropy;
use crate::inbound::{BodyLimits, Door, LetterCase, Method, Operation};
use crate::sign_in::{BrowserSecret, SignInCompletion, SignInReturn, SignInStart};

/// Where providers send browsers back to, below `public_url` (token-service-api §4.2).
pub const REDIRECT_PATH: &str = "/.auth/web/redirect";
/// Where a browser confirms.
const COMPLETE_PATH: &str = "/api/oauth/PostSignInCallback";
/// Longest value taken of a query parameter, in bytes: codes are the longest.
const VALUE_LIMIT: usize = 8 * 1024;
/// How long a browser is recognised.
const COOKIE_LIFE: Duration = Duration::hours(1);

/// What this door works with; built once, shared by all workers.
pub struct SignInPages {
    steps: SignInSteps,
    public_url: Url,
    teams_library: Url,
    frame_ancestors: Vec<String>,
    limits: BodyLimits,
    entropy: SharedEntropy,
}

/// The steps of a browser's sign-in.
pub struct SignInSteps {
    /// A card's link leads to the identity provider.
    pub start: SignInStart,
    /// The browser is back.
    pub back: SignInReturn,
    /// Its user confirms.
    pub completion: SignInCompletion,
}

/// Where the pages stand and how they are shown.
pub struct PageSite {
    /// Where browsers reach us.
    pub public_url: Url,
    /// The Teams library that pages in Teams load.
    pub teams_library: Url,
    /// Origins that may frame the pages in Teams.
    pub frame_ancestors: Vec<String>,
}

/// What this door answers, in any letter case, as links are copied by hand.
pub const DOOR: Door = Door {
    name: "Sign-in pages",
    description: "For the user's browser, when silence failed. Paths and names of query parameters are read in any \
                  letter case.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Any,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/api/oauth/signin",
        route: |route| route.to(begin::answer),
        description: description::begin,
    },
    Operation {
        method: Method::Get,
        path: REDIRECT_PATH,
        route: |route| route.to(callback::answer),
        description: description::callback,
    },
    Operation {
        method: Method::Get,
        path: COMPLETE_PATH,
        route: |route| route.to(complete::review),
        description: description::review,
    },
    Operation {
        method: Method::Post,
        path: COMPLETE_PATH,
        route: |route| route.to(complete::decide),
        description: description::decide,
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<SignInPages>) {
    config.app_data(door);
    DOOR.add_routes(config);
}

impl SignInPages {
    /// The pages of `site`; browsers may send as much as `limits` say.
    #[must_use]
    pub fn new(steps: SignInSteps, site: PageSite, limits: BodyLimits, entropy: SharedEntropy) -> Self {
        let PageSite { public_url, teams_library, frame_ancestors } = site;
        Self { steps, public_url, teams_library, frame_ancestors, limits, entropy }
    }

    /// The cookie's name; its prefix makes browsers refuse it from anybody but this very host (RFC 6265bis §4.1.3.2).
    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-bot-sso-browser" } else { "bot-sso-browser" }
    }

    /// On a loopback address, in development, there may be no TLS.
    fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Who the browser says it is.
    fn browser_of(&self, http: &HttpRequest) -> Option<BrowserSecret> {
        http.cookie(self.cookie_name()).and_then(|cookie| BrowserSecret::parse(cookie.value()))
    }

    /// Has the browser keep its secret.
    fn set_browser_cookie(&self, response: &mut HttpResponse, browser: &BrowserSecret) {
        let cookie = Cookie::build(self.cookie_name(), browser.expose())
            .path("/")
            .max_age(COOKIE_LIFE)
            .http_only(true)
            .secure(self.is_secure())
            .same_site(SameSite::Lax)
            .finish();
        // Of letters and digits alone, so it can be written.
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }
}

/// The value of the query's parameter `name`, in whatever case; an empty one is none. What is repeated or too long is
/// there, but is no value that anything takes (RFC 6749 §3.1): empty.
fn value_of<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let mut values = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(other, value)| other.eq_ignore_ascii_case(name) && !value.is_empty())
        .map(|(_, value)| value);
    let value = values.next()?;
    let is_usable = values.next().is_none() && value.len() <= VALUE_LIMIT;
    Some(if is_usable { value } else { Cow::default() })
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn a_value_is_said_once_and_not_too_long() {
        let long = format!("code={}", "x".repeat(super::VALUE_LIMIT + 1));
        assert_eq!(value_of("a=1&SignIn=x%26y+z", "signin").as_deref(), Some("x&y z"));
        for nothing in ["", "code=", "codes=1"] {
            assert_eq!(value_of(nothing, "code"), None, "{nothing}");
        }
        for unusable in ["code=1&Code=1", &long] {
            assert_eq!(value_of(unusable, "code").as_deref(), Some(""), "{unusable}");
        }
    }
}
