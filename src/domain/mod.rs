//! The nouns of bot-sso: people, bots, connections, tokens, and the two ambient inputs (time and randomness).
//!
//! Owns what every room talks about and the only access to the system clock and the system's randomness. It
//! deliberately knows no wire format, no HTTP, no storage and no configuration syntax.

mod app_scope;
mod bot;
mod bytes;
mod claims_challenge;
mod clock;
mod connection;
mod directory;
mod entropy;
mod fingerprint;
mod people;
mod secret;
mod token;

pub use app_scope::AppScope;
pub use bot::{AfterExchange, Bot, CallerEntry, IdentityBinding, RefusalStyle, VerifiedUserIds};
pub use bytes::any_byte;
pub use claims_challenge::ClaimsChallenge;
pub use clock::{Clock, OffsetClock, RateClock, SharedClock, SystemClock, Timestamp};
pub use connection::{
    AudienceRule, Connection, ConnectionRevision, ExchangePolicy, ProviderKind, TenantPolicy, audiences_of,
};
pub use directory::{Directory, NamedConnection};
pub use entropy::{Entropy, SharedEntropy, SystemEntropy};
pub use fingerprint::{Fingerprint, Fingerprints};
pub use people::{BotName, ChannelAccount, ChannelId, ChannelUserId, ConnectionName, TokenSlot, UserKey};
pub use secret::Secret;
pub use token::{ExchangeableToken, SecurityContext, UserToken};
