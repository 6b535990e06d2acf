//! The value types that all rooms share: users, bots, channels, connections, tokens, names, secrets, time and
//! randomness.
//!
//! Owns these types, and the only access to the system's clock and to the system's randomness. The room deliberately
//! knows no wire format, no HTTP, no storage and no configuration syntax.

mod account;
mod app_scope;
mod back_ends;
mod bot;
mod bytes;
mod channel;
mod clock;
mod clock_and_entropy;
mod connection;
mod conversation_id;
mod directory;
mod entropy;
mod exchange;
mod fingerprint;
mod json;
mod kept_records;
mod names;
mod quick_hashing;
mod record_key;
mod registrations;
mod reload;
mod secret;
#[cfg(test)]
pub(crate) mod test_samples;
mod token;
mod user_key;
mod version_number;

pub use account::{Account, Realm, TokenSlot};
pub use app_scope::AppScope;
pub use back_ends::{
    AddIn, BackEnd, Downstream, DownstreamMethod, DownstreamPath, ErrorConvention, RedirectToken, SecretHash,
    ServiceRoleApp, UserData,
};
pub use bot::{
    Agent365, Bot, CallerEntry, ContinuationMode, IdentityBinding, RefusalStyle, Sdk, SignInInvoke, Skill,
    VerifiedUserIds,
};
pub use bytes::any_byte;
pub use channel::{ChannelId, ChannelKind, base_channel};
pub use clock::{Clock, CompleteBy, OffsetClock, RateClock, SharedClock, SystemClock, Timestamp, complete_by};
pub use clock_and_entropy::ClockAndEntropy;
pub use connection::{
    AudienceRule, Connection, ConnectionRevision, ExchangePolicy, PERSONAL_ACCOUNTS_TENANT, ProviderKind,
    SubjectIssuer, TenantPolicy, acceptable_audiences,
};
pub use conversation_id::ConversationId;
pub use directory::{
    ActionUrls, AddressConfirmation, AddressFault, Administrator, AdministratorRole, Application, ApplicationKind,
    Directory, DirectorySettings, DirectoryUser, GRANTED_SCOPES, IdentityField, LockoutPolicy, LoginProvider,
    LogoutAddressFault, LogoutReceiver, LogoutReceivers, MAX_ADDRESSES, ManagedBy, NamedIdentity, OPTIONAL_SCOPES,
    PasswordExpiration, PasswordPattern, PasswordPolicy, ProviderIdentity, SelfServiceMail, SelfServiceSettings,
    SignInMethod, SsoFault, SsoSettings, TenantId, TokenSettings, UserEmail, UserNames, UserStatus,
    check_browser_address, check_browser_addresses, check_logout_address,
};
pub use entropy::{Entropy, SharedEntropy, SystemEntropy, draw_256_bits};
pub use exchange::{
    ArrivedActivity, BotMessage, ExchangeEvent, ExchangeKey, ExchangeObservation, ExchangeObserver, ExchangeStep,
    ProviderCall, SkillCardOutcome, SkillMessage, StatedClaims,
};
pub use fingerprint::{Fingerprint, Fingerprints};
pub use json::{
    ClaimsChallenge, JsonShape, is_object_text, read_bounded_json, read_bounded_object, write_string_literal,
};
pub use kept_records::{
    CountFuture, DataSubject, EndFuture, EndedAtSignOut, ExportFuture, KeysFuture, LinkedKeys, PersonalData,
};
pub use names::{AddInName, AppId, BackEndName, BotName, ConnectionName, HolderName, SkillName, SubjectId};
pub use quick_hashing::{ConfiguredMap, QuickHashing};
pub use record_key::{ElementId, RecordKey};
pub use registrations::{NamedConnection, Registrations};
pub use reload::{AwaitedReload, ReceivedReloads, ReloadCalls, ReloadProblem, ReloadReport, ReportFuture};
pub use secret::{CredentialEnd, Secret, is_private, wipe};
pub use token::{DisplayedNames, ExchangeableToken, IdToken, SecurityContext, UserToken};
pub use user_key::UserKey;
pub use version_number::VersionNumber;
