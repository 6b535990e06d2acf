//! The user's door: the pages behind the button of a sign-in card.
//!
//! Owns the three addresses, the cookie and the pages. It deliberately decides nothing about who may sign in: it hands
//! a browser's parameters to [`SignInSteps`], and shows the result.

mod begin;
mod callback;
mod complete;
mod description;
mod pages;
mod replies;

use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use crate::domain::SharedEntropy;
use crate::inbound::{BodyLimits, BrowserCookie, Door, LetterCase, Method, Operation};
use crate::sign_in::{BrowserSecret, SignInCompletion, SignInReturn, SignInStart};

/// The path to which identity providers send browsers back, below `public_url`
/// (docs/protocols/token-service-api.md §4.2).
const REDIRECT_PATH: &str = "/.auth/web/redirect";

/// The address to which identity providers send the browsers of cards back.
#[must_use]
pub fn redirect_address(public_url: &Url) -> Url {
    let mut address = public_url.clone();
    address.set_path(REDIRECT_PATH);
    address
}

/// The path of a card's link.
const BEGIN_PATH: &str = "/api/oauth/signin";
/// The parameter of [`BEGIN_PATH`] by which a page begins its sign-in anew: the value of its own `signin`.
const AGAIN: &str = "again";
/// The path at which the user confirms.
const COMPLETE_PATH: &str = "/api/oauth/PostSignInCallback";

/// The state of this door; built once, shared by all workers.
pub struct SignInPages {
    steps: SignInSteps,
    public_url: Url,
    cookie: BrowserCookie,
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
        let cookie = BrowserCookie::new(&public_url);
        Self { steps, public_url, cookie, teams_library, frame_ancestors, limits, entropy }
    }

    /// The browser's secret, from its cookie.
    fn read_browser_cookie(&self, http: &HttpRequest) -> Option<BrowserSecret> {
        BrowserSecret::parse(self.cookie.read(http)?)
    }

    /// Sets the cookie with the browser's secret.
    fn set_browser_cookie(&self, response: &mut HttpResponse, browser: &BrowserSecret) {
        self.cookie.set(response, browser.expose());
    }
}
