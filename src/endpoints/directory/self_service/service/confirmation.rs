//! `SelfService`: the links of messages that lead on, and a user's own names.

use url::Url;

use super::link_checks::{GoodLink, PresentedLink, is_context_good};
use super::messages::Message;
use super::{SelfService, SelfServiceError, SelfServiceRequest};
use crate::accounts::{DirectoryView, LinkPurpose, SelfServiceContext};
use crate::domain::{AddressConfirmation, DirectoryUser, UserNames, UserStatus};
use crate::endpoints::directory::MailTemplate;
use crate::observability::AuditEvent;

/// Why sessions have ended, where it is due to a confirmed address.
const CONFIRMED: &str = "address_confirmed";

/// A link that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedLink {
    /// The page of the operator to which it leads on, with the context by which that page asks what the link has shown.
    pub next: Option<String>,
}

impl SelfService {
    /// Confirms the address to which a link was sent.
    ///
    /// # Errors
    /// [`SelfServiceError::LinkEnded`] if the link is not good, or its user has another address by now;
    /// [`SelfServiceError::Unavailable`].
    pub async fn confirm(
        &self,
        view: &DirectoryView,
        secret: &str,
        request: &SelfServiceRequest<'_>,
    ) -> Result<UsedLink, SelfServiceError> {
        let presented = PresentedLink { purpose: LinkPurpose::ConfirmAddress, secret };
        let good = self.find_good_link(view, presented, request).await?;
        let (tenant, user_id) = (&view.directory.tenant, &good.user.id);
        let confirmed = self.parts.users.confirm_address(tenant, user_id, &good.address).await;
        let Some(user) = confirmed.map_err(|error| SelfServiceError::failed(&error))? else {
            return Err(self.refuse_link(view, Some(&good.link), request));
        };
        self.note_ended_by_confirmation(view, &good.user, request);
        let next = self.lead_on(view, presented.purpose, &good, request).await?;
        self.take_link(view, presented, request).await?;
        request.note(AuditEvent::DirectoryAddressConfirmed, view, Some(user_id));
        let settings = &view.settings.self_service;
        let is_new = good.user.status == UserStatus::Pending && settings.confirmation != AddressConfirmation::Off;
        if settings.welcome_mail && is_new {
            self.send(view, &Message { template: MailTemplate::Welcome, user: &user, link: None }, request);
        }
        Ok(UsedLink { next })
    }

    /// Uses a link for a new password up for the page of the operator that asks for the password in the place of ours. The address
    /// counts as confirmed.
    ///
    /// # Errors
    /// [`SelfServiceError::LinkEnded`] if the link is not good; [`SelfServiceError::SwitchedOff`] if there is no such page;
    /// [`SelfServiceError::Unavailable`].
    pub async fn permit_reset(
        &self,
        view: &DirectoryView,
        secret: &str,
        request: &SelfServiceRequest<'_>,
    ) -> Result<UsedLink, SelfServiceError> {
        request.require(view.settings.self_service.reset_password)?;
        let presented = PresentedLink { purpose: LinkPurpose::ResetPassword, secret };
        let good = self.find_good_link(view, presented, request).await?;
        let next = self.lead_on(view, presented.purpose, &good, request).await?;
        let next = Some(next.ok_or(SelfServiceError::SwitchedOff)?);
        // The link has shown whose mailbox it is, as one that confirms the address does.
        let confirmed = self.parts.users.confirm_address(&view.directory.tenant, &good.user.id, &good.address).await;
        if confirmed.map_err(|error| SelfServiceError::failed(&error))?.is_some() {
            self.note_ended_by_confirmation(view, &good.user, request);
        }
        self.take_link(view, presented, request).await?;
        request.note_detail(AuditEvent::DirectoryPasswordResetAsked, view, Some(&good.user.id), Some("link_used"));
        Ok(UsedLink { next })
    }

    /// Says once what the link behind `context` has shown, to an application that has a token of the management API. `None` also if it
    /// holds no longer: the user is not active or has another address by now, or, for a new password, has changed it since.
    ///
    /// # Errors
    /// [`SelfServiceError::Unavailable`].
    pub async fn take_context(
        &self,
        view: &DirectoryView,
        purpose: LinkPurpose,
        context: &str,
    ) -> Result<Option<SelfServiceContext>, SelfServiceError> {
        let tenant = &view.directory.tenant;
        let taken = self.parts.links.take_context(tenant, purpose, context).await;
        let Some(context) = taken.map_err(|error| SelfServiceError::failed(&error))? else { return Ok(None) };
        let user = self.parts.users.find(tenant, &context.user_id).await;
        let user = user.map_err(|error| SelfServiceError::failed(&error))?;
        Ok(user.is_some_and(|user| is_context_good(&context, &user)).then_some(context))
    }

    /// Changes the names of a user for people.
    ///
    /// # Errors
    /// [`SelfServiceError`].
    pub async fn change_names(
        &self,
        view: &DirectoryView,
        user_id: &str,
        names: UserNames,
        request: &SelfServiceRequest<'_>,
    ) -> Result<DirectoryUser, SelfServiceError> {
        request.require(view.settings.self_service.enabled)?;
        let user = self.parts.users.change_names(&view.directory.tenant, user_id, names).await?;
        request.note(AuditEvent::DirectoryDetailsChanged, view, Some(user_id));
        Ok(user)
    }

    /// Notes that sessions and refresh tokens have ended with the confirmation of an address, and tells the applications. `before`: the
    /// user as before that.
    fn note_ended_by_confirmation(
        &self,
        view: &DirectoryView,
        before: &DirectoryUser,
        request: &SelfServiceRequest<'_>,
    ) {
        if before.status == UserStatus::Pending && before.has_password {
            self.parts.endings.note_all(view, &before.id, &request.end_cause(CONFIRMED));
            request.note_detail(AuditEvent::DirectoryGrantsRevoked, view, Some(&before.id), Some(CONFIRMED));
        }
    }

    /// The page of the operator to which a link leads on, if there is one. The context is worth nothing to those who have no token of the
    /// management API.
    async fn lead_on(
        &self,
        view: &DirectoryView,
        purpose: LinkPurpose,
        good: &GoodLink,
        request: &SelfServiceRequest<'_>,
    ) -> Result<Option<String>, SelfServiceError> {
        let actions = &view.settings.self_service.actions;
        let page = match purpose {
            LinkPurpose::ConfirmAddress => actions.user_verified.as_deref(),
            LinkPurpose::ResetPassword => actions.reset_password.as_deref(),
            LinkPurpose::ChangeDetails => None,
        };
        // The settings have addresses only.
        let Some(mut page) = page.and_then(|page| Url::parse(page).ok()) else { return Ok(None) };
        let context = SelfServiceContext {
            purpose,
            user_id: good.user.id.clone(),
            address: good.address.clone(),
            password_changes: good.link.password_changes,
        };
        let drawn = self.parts.links.draw_context(&view.directory.tenant, &context).await;
        let context = drawn.map_err(|error| SelfServiceError::failed(&error))?;
        let language = request.language.texts().tag;
        page.query_pairs_mut().append_pair("context", context.expose()).append_pair("language", language);
        Ok(Some(page.into()))
    }
}
