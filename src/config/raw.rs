//! The file as it is written: every key optional, so that a key that cannot be read leaves the others readable.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bots::RawBot;
use super::channels::RawChannels;
use super::connections::RawConnection;
use super::identity_providers::RawIdentityProvider;
use super::keys::RawKeys;
use super::limits::RawLimits;
use super::logging::RawLogging;
use super::operations::RawOperations;
use super::outbound::RawOutbound;
use super::server::RawServer;
use super::sign_in::RawSignIn;
use super::statuses::RawStatuses;
use super::store::RawStore;
use super::token_service::RawTokenService;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawConfiguration {
    pub(super) server: RawServer,
    pub(super) outbound: RawOutbound,
    pub(super) channels: RawChannels,
    pub(super) token_service: RawTokenService,
    pub(super) sign_in: RawSignIn,
    pub(super) identity_providers: BTreeMap<String, RawIdentityProvider>,
    pub(super) bots: BTreeMap<String, RawBot>,
    pub(super) connections: BTreeMap<String, RawConnection>,
    pub(super) statuses: BTreeMap<String, RawStatuses>,
    pub(super) operations: Option<RawOperations>,
    pub(super) limits: RawLimits,
    pub(super) store: RawStore,
    pub(super) keys: RawKeys,
    pub(super) logging: RawLogging,
}
