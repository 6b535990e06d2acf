//! What users of directories do by themselves: they sign up, confirm their address, replace a password and change their names.
//!
//! Owns the rules of these acts (docs/directory.md §Self-service), their limits, their messages and their lines in the audit stream,
//! for pages and management alike. The caller runs each act to its end ([`perform_change`](crate::inbound::perform_change)). It
//! deliberately knows neither forms nor the wire.

mod ask_rates;
mod confirmation;
mod link_checks;
mod messages;
mod passwords;
mod request;
mod self_service_error;
mod sign_ups;

use std::sync::Arc;

use self::ask_rates::AskRates;
use crate::accounts::{Directories, DirectoryUsers, SelfServiceLinks};
use crate::domain::SharedClock;
use crate::endpoints::directory::{DirectoryMails, SessionEndings};
use crate::inbound::{SampledLines, SharedLimits};
use crate::observability::DirectoryCounts;

pub use confirmation::UsedLink;
pub use request::SelfServiceRequest;
pub use self_service_error::SelfServiceError;
pub use sign_ups::NewSignUp;

/// The acts of self-service. Clones share the limits.
#[derive(Clone)]
pub struct SelfService {
    parts: SelfServiceSources,
    rates: Arc<AskRates>,
    /// The lines about refusals that strangers can cause without end.
    lines: Arc<SampledLines>,
}

/// What the acts use.
#[derive(Clone)]
pub struct SelfServiceSources {
    /// The directories.
    pub directories: Directories,
    /// Their users.
    pub users: DirectoryUsers,
    /// The links of messages.
    pub links: SelfServiceLinks,
    /// The messages.
    pub mails: DirectoryMails,
    /// Tells of sessions that end.
    pub endings: SessionEndings,
    /// What is counted at directories.
    pub counts: DirectoryCounts,
    /// What the limits of the acts are made from.
    pub shared_limits: SharedLimits,
}

impl SelfService {
    /// The acts on `parts`.
    #[must_use]
    pub fn new(parts: SelfServiceSources, clock: SharedClock) -> Self {
        let rates = Arc::new(AskRates::new(&parts.shared_limits));
        Self { parts, rates, lines: Arc::new(SampledLines::new(clock)) }
    }
}
