//! The file as it is written. Every key is optional, so that an unreadable key does not hide the problems of the
//! others.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::back_ends::{RawAddIn, RawApp, RawBackEnd};
use crate::config::connections::RawConnection;
use crate::config::directories::{RawDirectory, RawPasswordHashes};
use crate::config::identity_providers::RawIdentityProvider;
use crate::config::sections::{
    RawAudit, RawBot, RawChannels, RawKeys, RawLimits, RawLogging, RawMail, RawOperations, RawOutbound, RawServer,
    RawSignIn, RawSkill, RawStatuses, RawStore, RawTokenService, RawTraces,
};

/// The sections of a configuration, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawConfiguration {
    pub(in crate::config) server: RawServer,
    pub(in crate::config) outbound: RawOutbound,
    pub(in crate::config) channels: RawChannels,
    pub(in crate::config) token_service: RawTokenService,
    pub(in crate::config) sign_in: RawSignIn,
    pub(in crate::config) identity_providers: BTreeMap<String, RawIdentityProvider>,
    pub(in crate::config) bots: BTreeMap<String, RawBot>,
    pub(in crate::config) connections: BTreeMap<String, RawConnection>,
    pub(in crate::config) skills: BTreeMap<String, RawSkill>,
    pub(in crate::config) add_ins: BTreeMap<String, RawAddIn>,
    pub(in crate::config) back_ends: BTreeMap<String, RawBackEnd>,
    pub(in crate::config) apps: BTreeMap<String, RawApp>,
    pub(in crate::config) directories: BTreeMap<String, RawDirectory>,
    pub(in crate::config) password_hashes: RawPasswordHashes,
    pub(in crate::config) statuses: BTreeMap<String, RawStatuses>,
    pub(in crate::config) operations: Option<RawOperations>,
    pub(in crate::config) mail: Option<RawMail>,
    pub(in crate::config) limits: RawLimits,
    pub(in crate::config) store: RawStore,
    pub(in crate::config) keys: RawKeys,
    pub(in crate::config) logging: RawLogging,
    pub(in crate::config) audit: Option<RawAudit>,
    pub(in crate::config) traces: Option<RawTraces>,
}
