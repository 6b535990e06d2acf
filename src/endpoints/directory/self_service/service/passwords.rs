//! `SelfService`: a new password, by a link or by the present one.

use super::link_checks::PresentedLink;
use super::messages::Message;
use super::{SelfService, SelfServiceError, SelfServiceRequest};
use crate::accounts::{
    DirectoryView, LinkPurpose, OwnPasswordChange, OwnPasswordOutcome, PasswordCheck, PasswordReset, UserChangeError,
};
use crate::domain::{DirectoryUser, Secret};
use crate::endpoints::directory::password_audit::PasswordAudit;
use crate::endpoints::directory::{EndCause, MailTemplate};
use crate::observability::AuditEvent;

/// `detail` of what ends because a user has reset the password.
const RESET: &str = "password_reset";
/// `detail` of what ends because a user has changed the password.
const CHANGED: &str = "password_changed";

impl SelfService {
    /// Sends a link for a new password to the user who signs in by `login`. The caller learns nothing of whether there is such a user: the
    /// work is the same, and the message is sent in the background.
    ///
    /// # Errors
    /// [`SelfServiceError::SwitchedOff`], [`SelfServiceError::TooMany`] and [`SelfServiceError::Unavailable`], whoever is asked for.
    pub async fn forgot_password(
        &self,
        view: &DirectoryView,
        login: &str,
        request: &SelfServiceRequest<'_>,
    ) -> Result<(), SelfServiceError> {
        request.require(view.settings.self_service.reset_password)?;
        self.rates.charge_reset(request).await?;
        let found = self.parts.users.find_by_login(&view.directory.tenant, &view.settings, login).await;
        let user = found.map_err(|error| SelfServiceError::failed(&error))?;
        let user = user.filter(|user| user.active && user.email().is_some());
        let link = self.draw_link(view, LinkPurpose::ResetPassword, user.as_ref(), request).await?;
        request.note(AuditEvent::DirectoryPasswordResetAsked, view, user.as_ref().map(|user| user.id.as_str()));
        if let Some(user) = &user {
            self.send(view, &Message { template: MailTemplate::ResetPassword, user, link: Some(&link) }, request);
        }
        Ok(())
    }

    /// Sets the password of the user to whom a link was sent. All sessions and refresh tokens of the user end. The link stays good if the
    /// rules refuse the password.
    ///
    /// # Errors
    /// [`SelfServiceError::LinkEnded`] if the link is not good; [`SelfServiceError::BadPassword`] and others.
    pub async fn reset_password(
        &self,
        view: &DirectoryView,
        secret: &str,
        password: &Secret,
        request: &SelfServiceRequest<'_>,
    ) -> Result<DirectoryUser, SelfServiceError> {
        request.require(view.settings.self_service.reset_password)?;
        let presented = PresentedLink { purpose: LinkPurpose::ResetPassword, secret };
        let good = self.find_good_link(view, presented, request).await?;
        let reset = PasswordReset {
            user_id: &good.user.id,
            address: &good.address,
            password_changes: good.link.password_changes,
            password,
        };
        let set = self.parts.users.reset_password(&view.directory.tenant, &view.settings.passwords, reset).await;
        let user = match set {
            Ok(user) => user,
            Err(error) => {
                self.note_ended_sessions(view, &good.user.id, &error, request.end_cause(RESET));
                return Err(match SelfServiceError::from(error) {
                    SelfServiceError::PasswordRefused | SelfServiceError::UnknownUser => {
                        self.refuse_link(view, Some(&good.link), request)
                    }
                    other => other,
                });
            }
        };
        self.parts.endings.note_all(view, &user.id, &request.end_cause(RESET));
        request.note_detail(AuditEvent::DirectoryGrantsRevoked, view, Some(&user.id), Some(RESET));
        request.note(AuditEvent::DirectoryPasswordReset, view, Some(&user.id));
        self.notify_password_changed(view, &user, request);
        // The link is good no longer in any case, since the password was changed.
        let _ = self.take_link(view, presented, request).await;
        Ok(user)
    }

    /// Changes the password of a user who knows the present one. All sessions of the user end.
    ///
    /// # Errors
    /// [`SelfServiceError::PasswordRefused`] if the present password is not right or there is no such user;
    /// [`SelfServiceError::TooSoon`], [`SelfServiceError::BadPassword`] and others.
    pub async fn change_password(
        &self,
        view: &DirectoryView,
        change: &OwnPasswordChange,
        request: &SelfServiceRequest<'_>,
    ) -> Result<DirectoryUser, SelfServiceError> {
        request.require(view.settings.self_service.enabled)?;
        let (tenant, settings, network) = (&view.directory.tenant, &view.settings, request.network());
        let outcome = self.parts.users.change_own_password(tenant, settings, change, network.as_deref()).await;
        match outcome.map_err(|error| SelfServiceError::failed(&error))? {
            OwnPasswordOutcome::Changed(user) => {
                self.parts.endings.note_all(view, &user.id, &request.end_cause(CHANGED));
                request.note(AuditEvent::DirectoryPasswordChanged, view, Some(&user.id));
                self.notify_password_changed(view, &user, request);
                Ok(*user)
            }
            OwnPasswordOutcome::Refused(check) => Err(self.refuse_password(view, &check, request)),
            OwnPasswordOutcome::TooSoon { until, .. } => Err(SelfServiceError::TooSoon { until }),
            OwnPasswordOutcome::NotSet { user_id, error } => {
                self.note_ended_sessions(view, &user_id, &error, request.end_cause(CHANGED));
                Err(error.into())
            }
        }
    }

    /// Notes a refused password as that of a sign-in.
    fn refuse_password(
        &self,
        view: &DirectoryView,
        check: &PasswordCheck,
        request: &SelfServiceRequest<'_>,
    ) -> SelfServiceError {
        let audit = PasswordAudit {
            counts: &self.parts.counts,
            lines: &self.lines,
            view,
            application: request.application,
            correlation_id: request.correlation_id,
            client: request.client,
            detail: None,
        };
        audit.write(check);
        match check {
            PasswordCheck::TooMany { retry_after, .. } => SelfServiceError::TooMany { retry_after: *retry_after },
            PasswordCheck::Busy => SelfServiceError::Busy,
            PasswordCheck::Refused(_)
            | PasswordCheck::Unconfirmed { .. }
            | PasswordCheck::Accepted(_)
            | PasswordCheck::Expired { .. } => SelfServiceError::PasswordRefused,
        }
    }

    /// Notes that sessions have ended for a password that was then not set.
    fn note_ended_sessions(&self, view: &DirectoryView, user_id: &str, error: &UserChangeError, cause: EndCause<'_>) {
        if error.has_ended_sessions() {
            self.parts.endings.note_all(view, user_id, &cause);
        }
    }
}
