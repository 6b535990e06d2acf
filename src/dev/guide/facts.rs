use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::dev::addresses::Addresses;
use crate::dev::directories::{DirectoryUserIds, MailOutbox};
use crate::dev::lock::lock_ignoring_poison;
use crate::dev::tenant::Directory;
use crate::dev::workload::BackEndKey;

/// The name of the local tenant in the configuration.
pub(super) const IDENTITY_PROVIDER: &str = "entra";

/// The listener of the gateway for the operator: its address and its bearer token.
#[derive(Clone)]
pub(in crate::dev) struct OperatorListener {
    /// `127.0.0.1:port`.
    pub(in crate::dev) address: String,
    pub(in crate::dev) admin_token: String,
}

/// The replicas of the gateway beside the first, and the store that all of them share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayReplicas {
    /// The address of the store; empty if the gateway has no replicas.
    pub store_url: String,
    /// The base URLs of the gateways beside the first.
    pub others: Vec<String>,
}

/// What the texts about the stage are built from.
pub(in crate::dev) struct StageFacts {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) directory: Arc<Directory>,
    /// PEM file of the CA that signed the TLS listener's certificate.
    pub(in crate::dev) ca_file: PathBuf,
    pub(in crate::dev) back_end_key: BackEndKey,
    /// Where the gateway writes the mails of its directories.
    pub(in crate::dev) outbox: MailOutbox,
    pub(in crate::dev) operator_listener: Mutex<Option<OperatorListener>>,
    pub(in crate::dev) replicas: Mutex<GatewayReplicas>,
    /// The ids of the directories' users, as soon as the gateway has them.
    pub(in crate::dev) directory_user_ids: Arc<DirectoryUserIds>,
}

impl StageFacts {
    /// The gateway's listener for the operator, if it has one.
    pub(in crate::dev) fn find_operator_listener(&self) -> Option<OperatorListener> {
        lock_ignoring_poison(&self.operator_listener).clone()
    }

    /// The replicas of the gateway beside the first.
    pub(in crate::dev) fn replicas(&self) -> GatewayReplicas {
        lock_ignoring_poison(&self.replicas).clone()
    }

    /// Sets the replicas of the gateway beside the first.
    pub(in crate::dev) fn set_replicas(&self, replicas: GatewayReplicas) {
        *lock_ignoring_poison(&self.replicas) = replicas;
    }

    /// Sets the gateway's listener for the operator.
    pub(in crate::dev) fn set_operator_listener(&self, listener: OperatorListener) {
        *lock_ignoring_poison(&self.operator_listener) = Some(listener);
    }
}
