//! `SelfService`: whether a link is good, and its use.

use super::{SelfService, SelfServiceError, SelfServiceRequest};
use crate::accounts::{DirectoryView, LinkPurpose, SelfServiceContext, SelfServiceLink};
use crate::domain::DirectoryUser;
use crate::observability::AuditEvent;

/// A link of a message that can be used.
pub(super) struct GoodLink {
    pub(super) link: SelfServiceLink,
    pub(super) user: DirectoryUser,
    /// The address to which it was sent, which is still the user's primary one.
    pub(super) address: String,
}

/// The link that a browser presents.
#[derive(Clone, Copy)]
pub(super) struct PresentedLink<'a> {
    pub(super) purpose: LinkPurpose,
    pub(super) secret: &'a str,
}

impl SelfService {
    /// Finds a link whose user may still use it: the user is active, has the address that the link was sent to, and, if it is for a new
    /// password, still has the old one.
    pub(super) async fn find_good_link(
        &self,
        view: &DirectoryView,
        presented: PresentedLink<'_>,
        request: &SelfServiceRequest<'_>,
    ) -> Result<GoodLink, SelfServiceError> {
        let (tenant, PresentedLink { purpose, secret }) = (&view.directory.tenant, presented);
        let found = self.parts.links.find(tenant, purpose, secret).await;
        let Some(link) = found.map_err(|error| SelfServiceError::failed(&error))? else {
            return Err(self.refuse_link(view, None, request));
        };
        let user = self.parts.users.find(tenant, &link.user_id).await;
        let user = user.map_err(|error| SelfServiceError::failed(&error))?;
        let good = user.and_then(|user| check_link(&link, user));
        good.ok_or_else(|| self.refuse_link(view, Some(&link), request))
    }

    /// Uses a link up. Of several callers at once, one succeeds.
    pub(super) async fn take_link(
        &self,
        view: &DirectoryView,
        presented: PresentedLink<'_>,
        request: &SelfServiceRequest<'_>,
    ) -> Result<(), SelfServiceError> {
        let (tenant, PresentedLink { purpose, secret }) = (&view.directory.tenant, presented);
        let taken = self.parts.links.take(tenant, purpose, secret).await;
        let Some(link) = taken.map_err(|error| SelfServiceError::failed(&error))? else {
            return Err(self.refuse_link(view, None, request));
        };
        if let Err(error) = self.parts.links.note_used(tenant, &link, secret).await {
            // The page of the link then says that it has ended, which is true as well.
            tracing::warn!(%error, "the use of a link was not noted");
        }
        Ok(())
    }

    /// Notes that a link was refused. `link`: the one that was drawn, if it was.
    pub(super) fn refuse_link(
        &self,
        view: &DirectoryView,
        link: Option<&SelfServiceLink>,
        request: &SelfServiceRequest<'_>,
    ) -> SelfServiceError {
        // A browser can present any text, and a link that is good no longer, without end.
        if self.lines.note(request.client).is_some() {
            let user_id = link.map(|link| link.user_id.as_str()).filter(|id| !id.is_empty());
            request.note(AuditEvent::DirectoryLinkRefused, view, user_id);
        }
        SelfServiceError::LinkEnded
    }
}

fn check_link(link: &SelfServiceLink, user: DirectoryUser) -> Option<GoodLink> {
    let address = link.address.clone()?;
    let sent = SentLink { purpose: link.purpose, address: &address, password_changes: link.password_changes };
    sent.is_good_for(&user).then(|| GoodLink { link: link.clone(), user, address })
}

/// Whether what a link has shown still holds for its user.
pub(super) fn is_context_good(context: &SelfServiceContext, user: &DirectoryUser) -> bool {
    let SelfServiceContext { purpose, address, password_changes, .. } = context;
    SentLink { purpose: *purpose, address, password_changes: *password_changes }.is_good_for(user)
}

/// A link as it was sent to its user.
struct SentLink<'a> {
    purpose: LinkPurpose,
    address: &'a str,
    password_changes: u64,
}

impl SentLink<'_> {
    fn is_good_for(&self, user: &DirectoryUser) -> bool {
        let has_address = user.email().is_some_and(|email| email.to_lowercase() == self.address.to_lowercase());
        let has_password = self.purpose != LinkPurpose::ResetPassword || self.password_changes == user.password_changes;
        user.active && has_address && has_password
    }
}
