//! The sections of the configuration, one file each: its keys, its defaults, its checks, and its validated form.
//!
//! Owns every section except those of identity providers, connections and credentials. It deliberately does not know
//! how its values were read or which rooms use them. A raw section (`Raw…`) holds the values as written; a validated
//! section has no problem.

mod bots;
mod callers;
mod channels;
mod keys;
mod limits;
mod logging;
mod mail;
mod no_proxy;
mod operations;
mod outbound;
mod server;
mod sign_in;
mod skills;
mod statuses;
mod store;
mod token_service;
mod traces;

#[cfg(test)]
mod bots_tests;
#[cfg(test)]
mod channels_tests;
#[cfg(test)]
mod operations_tests;
#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod small_sections_tests;

pub use bots::BotCredentialsSection;
pub use channels::ChannelTrustSection;
pub use keys::KeysSection;
pub use limits::LimitsSection;
pub use logging::{AuditSection, LogFormat, LogLevel, LogSubjects, LoggingSection};
pub use mail::{MailCredentialsSection, MailDeliverySection, MailSection, MailServerEncryption, MailServerSection};
pub use no_proxy::NoProxySection;
pub use operations::OperationsSection;
pub use outbound::OutboundSection;
pub use server::{Server, TlsPair};
pub use sign_in::SignInSection;
pub use statuses::ChannelStatuses;
pub use store::SharedStoreSection;
pub(in crate::config) use store::validate_shared_store_at;
pub use store::{StoreDurability, StoreFileSection, StorePlace, StoreSection};
pub use token_service::TokenServiceSection;
pub use traces::TracesSection;

pub(in crate::config) use bots::{RawBot, ValidatedBots, validate_bots, written_app_ids};
pub(in crate::config) use channels::RawChannels;
pub(in crate::config) use keys::RawKeys;
pub(in crate::config) use limits::RawLimits;
pub(in crate::config) use logging::{RawAudit, RawLogging};
pub(in crate::config) use mail::RawMail;
pub(in crate::config) use operations::RawOperations;
pub(in crate::config) use outbound::RawOutbound;
pub(in crate::config) use server::RawServer;
pub(in crate::config) use sign_in::RawSignIn;
pub(in crate::config) use skills::{RawSkill, validate_skills};
pub(in crate::config) use statuses::{RawStatuses, validate_statuses};
pub(in crate::config) use store::RawStore;
pub(in crate::config) use token_service::RawTokenService;
pub(in crate::config) use traces::RawTraces;
