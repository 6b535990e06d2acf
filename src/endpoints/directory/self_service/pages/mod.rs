//! The pages on which users of directories help themselves: sign-up, a forgotten password, changes of password and details, and
//! what the links of messages lead to (docs/directory.md §Pages for users).
//!
//! Owns what such a page shows, and where it leads afterwards. It deliberately knows neither what a change needs nor what it
//! ends: the acts behind the pages do.

mod act;
mod change_details;
mod change_password;
mod description;
mod faults;
mod fields;
mod forgot_password;
mod known_user;
mod links;
mod mailbox;
mod outcomes;
mod own_page;
mod page_request;
mod refusals;
mod repeated_forms;
mod replies;
mod sign_up;
mod texts;

use std::num::NonZeroU32;

use actix_web::web;

use self::act::ActOutcome;
use self::repeated_forms::RepeatedForms;
use super::service::SelfService;
use crate::accounts::{Directories, DirectoryUsers, FormOutcomes, SelfServiceLinks};
use crate::domain::ClockAndEntropy;
use crate::endpoints::directory::BrowserSessions;
use crate::endpoints::directory::authorization::AppSignIns;
use crate::inbound::{BodyLimits, Door, KeyedRate, LetterCase, RateLimit, SampledLines, SharedLimits};
use crate::token_issuer::{DirectoryKeyRing, Grants};

/// The path of the page after a message was sent.
const MAILBOX_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/mail_sent";
/// The path of the page for names.
const CHANGE_DETAILS_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/change_details";
/// The path of the links of messages.
const LINK_PATH: &str = "/oauth/v4/{tenant}/cloud_directory/link/{purpose}";

/// How often one user gets a code or a session by these pages in a minute. Each is a record that is kept for a day or longer.
const SIGN_INS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// What this door works with.
pub struct SelfServiceParts {
    /// The directories and their settings.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// The acts behind the pages.
    pub service: SelfService,
    /// The links of messages.
    pub links: SelfServiceLinks,
    /// What forms have led to, for those that are sent to several replicas.
    pub outcomes: FormOutcomes,
    /// The grants of applications.
    pub grants: Grants,
    /// The sessions of browsers.
    pub browsers: BrowserSessions,
    /// Begins sessions and issues codes.
    pub app_sign_ins: AppSignIns,
    /// The keys of the directories.
    pub keys: DirectoryKeyRing,
    /// What the limits of this door are made from.
    pub shared_limits: SharedLimits,
}

/// The state of this door; built once.
pub struct SelfServiceDoor {
    parts: SelfServiceParts,
    forms: RepeatedForms<ActOutcome>,
    /// Of each user, at sign-ins by these pages. A form that is sent again costs no hash, and neither do changes of details.
    sign_ins: KeyedRate,
    /// The lines about refusals that strangers can cause without end.
    lines: SampledLines,
    ambient: ClockAndEntropy,
    limits: BodyLimits,
}

impl SelfServiceDoor {
    /// The door over `parts`.
    #[must_use]
    pub fn new(parts: SelfServiceParts, ambient: ClockAndEntropy, limits: BodyLimits) -> Self {
        let (forms, lines) = (RepeatedForms::new(ambient.clone()), SampledLines::new(ambient.clock.clone()));
        let sign_ins = RateLimit::per_minute("own_page_sign_ins", SIGN_INS_PER_MINUTE);
        let sign_ins = KeyedRate::new(sign_ins, &parts.shared_limits);
        Self { parts, forms, sign_ins, lines, ambient, limits }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Directory: self-service",
    description: "The pages on which users of a directory help themselves. A `GET` changes nothing, so programs that look at the \
                  links of messages use none of them up.",
    bearer: "",
    operations: description::OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, state: web::Data<SelfServiceDoor>) {
    config.app_data(state);
    DOOR.add_routes(config);
}
