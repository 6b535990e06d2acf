use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::dev::addresses::Addresses;
use crate::dev::lock::lock_ignoring_poison;
use crate::dev::tenant::Directory;

/// The address of the gateway's operator's listener, and its bearer token.
#[derive(Clone)]
pub(in crate::dev) struct OperatorListener {
    /// `127.0.0.1:port`.
    pub(in crate::dev) listen: String,
    pub(in crate::dev) admin_token: String,
}

/// The facts from which the texts about the stage are built.
pub(in crate::dev) struct StageFacts {
    pub(in crate::dev) addresses: Arc<Addresses>,
    pub(in crate::dev) directory: Arc<Directory>,
    /// PEM file of the CA of the TLS listener.
    pub(in crate::dev) ca_file: PathBuf,
    pub(in crate::dev) operator_listener: Mutex<Option<OperatorListener>>,
}

impl StageFacts {
    /// The gateway's operator's listener, once it is known.
    pub(in crate::dev) fn find_operator_listener(&self) -> Option<OperatorListener> {
        lock_ignoring_poison(&self.operator_listener).clone()
    }

    /// Sets the gateway's operator's listener.
    pub(in crate::dev) fn set_operator_listener(&self, listener: OperatorListener) {
        *lock_ignoring_poison(&self.operator_listener) = Some(listener);
    }
}
