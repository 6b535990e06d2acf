//! `OperatedDirectories`: one session of a user ends, and applications are told. `mod.rs` has the type.

use std::error::Error;

use super::{OPERATOR, OperatedDirectories, OperatorAct};
use crate::domain::UserKey;
use crate::observability::{AuditEvent, conceal};
use crate::sign_out::LogoutNotice;

impl OperatedDirectories {
    /// Ends one session of `user`, and tells the applications that have a grant of it. Returns whether it lived.
    ///
    /// # Errors
    /// The failure of the store, as a text for the log.
    pub(in crate::endpoints::operations) async fn end_session(
        &self,
        act: &OperatorAct,
        session_id: &str,
        user: &UserKey,
    ) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let existed = self.sessions.end(&act.tenant, session_id).await?;
        if existed {
            act.audit(AuditEvent::DirectorySignedOut).user(user).detail(OPERATOR).write();
            act.log_end(user);
            self.tell(act, user, Some(session_id));
        }
        Ok(existed)
    }

    /// Tells the applications that one session of a user has ended, or all.
    pub(super) fn tell(&self, act: &OperatorAct, user: &UserKey, session_id: Option<&str>) {
        self.back_channel.tell(LogoutNotice {
            tenant: act.tenant.clone(),
            user_id: user.subject().to_owned(),
            session_id: session_id.map(str::to_owned),
            correlation_id: act.correlation_id.clone(),
        });
    }
}

impl OperatorAct {
    pub(super) fn log_end(&self, user: &UserKey) {
        let (correlation_id, tenant) = (&self.correlation_id, self.tenant.as_str());
        tracing::info!(correlation_id, tenant, user = %conceal(user), "the operator ended sessions of a user of a directory");
    }
}
