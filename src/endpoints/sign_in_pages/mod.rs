//! The user's door: the pages behind the button of a sign-in card.
//!
//! Owns the three addresses, the cookie and the pages. It deliberately decides nothing about who may sign in: it hands
//! a browser's parameters to [`SignInSteps`], and shows the result.

mod begin;
mod callback;
mod complete;
mod description;
mod pages;
mod parameters;
mod replies;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

pub use parameters::{find_browser_secret, find_parameter};

use crate::domain::SharedEntropy;
use crate::inbound::{BodyLimits, Door, LetterCase, Method, Operation};
use crate::sign_in::{BrowserSecret, SignInCompletion, SignInReturn, SignInStart};

/// The path to which identity providers send browsers back, below `public_url`
/// (docs/protocols/token-service-api.md §4.2).
pub const REDIRECT_PATH: &str = "/.auth/web/redirect";
/// The path of a card's link.
const BEGIN_PATH: &str = "/api/oauth/signin";
/// The parameter of [`BEGIN_PATH`] by which a page begins its sign-in anew: the value of its own `signin`.
const AGAIN: &str = "again";
/// The path at which the user confirms.
const COMPLETE_PATH: &str = "/api/oauth/PostSignInCallback";
/// How long a browser keeps its cookie.
const BROWSER_COOKIE_LIFETIME: Duration = Duration::hours(1);

/// The state of this door; built once, shared by all workers.
pub struct SignInPages {
    steps: SignInSteps,
    public_url: Url,
    teams_library: TeamsLibrary,
    frame_ancestors: Vec<String>,
    limits: BodyLimits,
    entropy: SharedEntropy,
}

/// The steps of a browser's sign-in, in their order.
pub struct SignInSteps {
    /// Follows a card's link to the identity provider.
    pub start: SignInStart,
    /// Takes the browser's return from the identity provider.
    pub back: SignInReturn,
    /// Takes the user's confirmation.
    pub completion: SignInCompletion,
}

/// The addresses of the pages, and who may frame them.
pub struct PageSite {
    /// The address at which browsers reach this service.
    pub public_url: Url,
    /// The Teams library that pages in Teams load.
    pub teams_library: TeamsLibrary,
    /// Origins that may frame the pages in Teams.
    pub frame_ancestors: Vec<String>,
}

/// The script by which a page tells Teams its result.
pub struct TeamsLibrary {
    /// Where browsers fetch the script.
    pub address: Url,
    /// The digest of the script, as a value of the attribute `integrity`; `None` if the script is not known.
    pub integrity: Option<&'static str>,
}

/// This door's operations. Paths are read in any letter case, since links are copied by hand.
pub const DOOR: Door = Door {
    name: "Sign-in pages",
    description: "For the user's browser, when silent sign-in is not possible. Paths and names of query \
                  parameters are read in any letter case.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Any,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: BEGIN_PATH,
        route: |route| route.to(begin::answer),
        description: description::begin,
    },
    Operation {
        method: Method::Head,
        path: BEGIN_PATH,
        route: |route| route.to(begin::head),
        description: description::begin_head,
    },
    Operation {
        method: Method::Get,
        path: REDIRECT_PATH,
        route: |route| route.to(callback::answer),
        description: description::callback,
    },
    Operation {
        method: Method::Head,
        path: REDIRECT_PATH,
        route: |route| route.to(callback::head),
        description: description::callback_head,
    },
    Operation {
        method: Method::Get,
        path: COMPLETE_PATH,
        route: |route| route.to(complete::review),
        description: description::review,
    },
    Operation {
        method: Method::Head,
        path: COMPLETE_PATH,
        route: |route| route.to(complete::head),
        description: description::review_head,
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
    /// The pages of `site`.
    #[must_use]
    pub fn new(steps: SignInSteps, site: PageSite, limits: BodyLimits, entropy: SharedEntropy) -> Self {
        let PageSite { public_url, teams_library, frame_ancestors } = site;
        Self { steps, public_url, teams_library, frame_ancestors, limits, entropy }
    }

    /// The cookie's name. With the prefix `__Host-`, browsers accept the cookie from this very host only (RFC 6265bis
    /// §4.1.3.2).
    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-bot-sso-browser" } else { "bot-sso-browser" }
    }

    /// Whether browsers use TLS; development mode on loopback may do without.
    fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// The browser's secret, from its cookie.
    fn read_browser_cookie(&self, http: &HttpRequest) -> Option<BrowserSecret> {
        // The framework would keep all cookies, at many times the memory of their text.
        let texts = http.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        find_browser_secret(texts, self.cookie_name())
    }

    /// Sets the cookie with the browser's secret.
    fn set_browser_cookie(&self, response: &mut HttpResponse, browser: &BrowserSecret) {
        let cookie = Cookie::build(self.cookie_name(), browser.expose())
            .path("/")
            .max_age(BROWSER_COOKIE_LIFETIME)
            .http_only(true)
            .secure(self.is_secure())
            .same_site(SameSite::Lax)
            .finish();
        // The secret has letters and digits only, so the cookie can be written.
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, "a cookie cannot be written");
        }
    }
}
