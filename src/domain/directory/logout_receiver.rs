use std::sync::Arc;

use url::Url;

use crate::domain::{Directory, TenantId};

/// Where an application of a directory is told, at one moment, that sessions have ended.
#[derive(Clone, Debug)]
pub struct LogoutReceiver {
    /// The directory.
    pub directory: Arc<Directory>,
    /// The application's id.
    pub client_id: String,
    /// The address, which [`check_logout_address`](super::check_logout_address) permits.
    pub address: Url,
}

/// Finds where applications of directories are told now that sessions have ended. A notice in the background asks again before each
/// try, since an administrator may have changed or deleted the application meanwhile.
pub trait LogoutReceivers: Send + Sync {
    /// The receiver of the application `client_id` of the directory `tenant`; `None` if there is no such application, if it has no
    /// address, or one that is not permitted (any more).
    fn find_receiver(&self, tenant: &TenantId, client_id: &str) -> Option<LogoutReceiver>;
}
