use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{BackChannelParts, LogoutNotice};
use crate::domain::LogoutReceiver;
use crate::observability::{AuditEntry, AuditEvent, DirectoryCount, conceal};
use crate::outbound::{FormField, OutboundError};

/// The pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// A notice to one application.
pub(super) struct Delivery {
    pub(super) parts: Arc<BackChannelParts>,
    pub(super) notice: LogoutNotice,
    pub(super) client_id: String,
}

/// Why a try has failed, as log and audit stream name it.
type Reason = &'static str;

/// The address is none that may be called, which no further try changes.
const NOT_PERMITTED: Reason = "address_not_permitted";

impl Delivery {
    /// Tries up to three times. The application is looked up before each try, so that nothing goes to an address that an administrator
    /// has taken away meanwhile.
    pub(super) async fn run(&self) {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Some(receiver) = self.parts.receivers.find_receiver(&self.notice.tenant, &self.client_id) else {
                return;
            };
            let Err(reason) = self.try_once(&receiver).await else {
                self.parts.counts.add(&receiver.directory.name, DirectoryCount::LogoutNoticeDelivered);
                return;
            };
            match pauses.next() {
                Some(pause) if reason != NOT_PERMITTED => sleep(pause).await,
                _ => return self.report_failure(DirectoryCount::LogoutNoticeFailed, reason),
            }
        }
    }

    /// Sends a token of its own with each try: an application may have seen the one before, and refuse it as a repetition.
    async fn try_once(&self, receiver: &LogoutReceiver) -> Result<(), Reason> {
        let LogoutNotice { user_id, session_id, .. } = &self.notice;
        let (directory, session) = (&receiver.directory, session_id.as_deref());
        let token = self.parts.tokens.issue_logout_token(directory, &self.client_id, user_id, session);
        let token = token.map_err(|_| "not_signed")?;
        let form = [FormField::new("logout_token", token.expose())];
        let deadline = Instant::now() + TRY_TIMEOUT;
        match self.parts.outbound.post_form(&receiver.address, &[], &form, deadline).await {
            Ok(answer) if matches!(answer.status, 200 | 204) => Ok(()),
            Ok(answer) if (300..400).contains(&answer.status) => Err("redirect"),
            Ok(_) => Err("status"),
            Err(OutboundError::HostRefused { .. }) => Err(NOT_PERMITTED),
            Err(OutboundError::TimedOut) => Err("timed_out"),
            Err(_) => Err("unreachable"),
        }
    }

    /// Notes that the application does not know of the sign-out.
    pub(super) fn report_failure(&self, count: DirectoryCount, reason: Reason) {
        let LogoutNotice { tenant, user_id, correlation_id, .. } = &self.notice;
        let Some(receiver) = self.parts.receivers.find_receiver(tenant, &self.client_id) else { return };
        self.parts.counts.add(&receiver.directory.name, count);
        let user = receiver.directory.user_key(user_id);
        tracing::warn!(
            correlation_id,
            tenant = tenant.as_str(),
            application = self.client_id,
            user = %conceal(&user),
            reason,
            hint = "the application keeps the user until its own session ends; look at its backchannel_logout_uri",
            "an application was not told of a sign-out"
        );
        let entry =
            AuditEntry::new(AuditEvent::DirectoryLogoutNoticeFailed).tenant(tenant).application(&self.client_id);
        entry.user(&user).correlation_id(correlation_id).detail(reason).write();
    }
}
