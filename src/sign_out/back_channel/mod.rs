//! Notices to the applications of directories that sessions have ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! A notice is sent in the background: no sign-out waits for an application.

mod delivery;
mod notice_slots;

use std::sync::Arc;

use crate::domain::LogoutReceivers;
use crate::domain::TenantId;
use crate::observability::{DirectoryCount, DirectoryCounts};
use crate::outbound::Outbound;
use crate::records::RecordError;
use crate::token_issuer::{DirectoryTokens, Grants};

use self::delivery::Delivery;
use self::notice_slots::NoticeSlots;

/// What a [`BackChannel`] works with.
pub struct BackChannelParts {
    /// What users have granted to applications: an application with a grant has the user signed in.
    pub grants: Grants,
    /// Signs the logout tokens.
    pub tokens: DirectoryTokens,
    /// Finds the addresses of the applications.
    pub receivers: Arc<dyn LogoutReceivers>,
    /// Calls them. It refuses addresses that are not public, beside those that the operator has configured.
    pub outbound: Outbound,
    /// Where deliveries are counted.
    pub counts: DirectoryCounts,
}

/// Tells applications that sessions of a user have ended. Clones share the same state.
///
/// The replica that has ended the sessions tells of it. A notice that waits when this process is killed is lost, as it is when
/// the only process of an exclusive store is: the application keeps the user until its own session ends.
#[derive(Clone)]
pub struct BackChannel {
    parts: Arc<BackChannelParts>,
    slots: NoticeSlots,
}

/// What has ended.
#[derive(Clone, Debug)]
pub struct LogoutNotice {
    /// The directory.
    pub tenant: TenantId,
    /// The user's id.
    pub user_id: String,
    /// The public id of the session; `None` for all sessions of the user.
    pub session_id: Option<String>,
    /// The id of the request that has ended them.
    pub correlation_id: String,
}

impl BackChannel {
    /// Tells applications through `parts`.
    #[must_use]
    pub fn new(parts: BackChannelParts) -> Self {
        Self { parts: Arc::new(parts), slots: NoticeSlots::default() }
    }

    /// Tells the applications that have a grant of the user, of the session if `notice` names one, in the background. Returns at
    /// once.
    pub fn tell(&self, notice: LogoutNotice) {
        let Some(slot) = self.slots.take(&notice.tenant, "") else {
            tracing::warn!(
                correlation_id = notice.correlation_id,
                tenant = notice.tenant.as_str(),
                hint = "many users were signed out while applications were slow",
                "no application was told of a sign-out"
            );
            return;
        };
        let back_channel = self.clone();
        tokio::spawn(async move {
            match back_channel.list_applications(&notice).await {
                Ok(applications) => back_channel.send(&notice, applications),
                Err(error) => tracing::error!(
                    correlation_id = notice.correlation_id,
                    tenant = notice.tenant.as_str(),
                    %error,
                    "no application was told of a sign-out: the grants of the user cannot be listed"
                ),
            }
            drop(slot);
        });
    }

    /// Lists the client ids of the applications that [`BackChannel::tell`] would tell. A caller that ends the grants asks before that.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn list_applications(&self, notice: &LogoutNotice) -> Result<Vec<String>, RecordError> {
        let mut applications = Vec::new();
        for grant in self.parts.grants.list_of_user(&notice.tenant, &notice.user_id).await? {
            let is_of_session = notice.session_id.is_none() || notice.session_id == grant.session_id;
            if is_of_session
                && !applications.contains(&grant.client_id)
                && self.parts.receivers.find_receiver(&notice.tenant, &grant.client_id).is_some()
            {
                applications.push(grant.client_id);
            }
        }
        Ok(applications)
    }

    /// Tells `applications` in the background. Returns at once.
    pub fn send(&self, notice: &LogoutNotice, applications: Vec<String>) {
        for client_id in applications {
            let delivery = Delivery { parts: Arc::clone(&self.parts), notice: notice.clone(), client_id };
            match self.slots.take(&notice.tenant, &delivery.client_id) {
                Some(slot) => {
                    tokio::spawn(async move {
                        delivery.run().await;
                        drop(slot);
                    });
                }
                None => delivery.report_failure(DirectoryCount::LogoutNoticeDropped, "dropped"),
            }
        }
    }
}
