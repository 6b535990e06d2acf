//! `SelfService`: the links and messages to users.

use url::form_urlencoded;

use super::{SelfService, SelfServiceError, SelfServiceRequest};
use crate::accounts::{DirectoryView, LinkPurpose, SelfServiceLink};
use crate::domain::{DirectoryUser, Secret};
use crate::endpoints::directory::{DirectoryMail, MailTemplate};

/// A message to a user.
pub(super) struct Message<'a> {
    pub(super) template: MailTemplate,
    pub(super) user: &'a DirectoryUser,
    /// The whole URL that the user is to open.
    pub(super) link: Option<&'a Secret>,
}

impl SelfService {
    /// Sends one of the messages to a user again. A user without an e-mail address gets none.
    ///
    /// # Errors
    /// [`SelfServiceError::UnknownUser`] if there is no such user; [`SelfServiceError::Unavailable`].
    pub async fn resend(
        &self,
        view: &DirectoryView,
        template: MailTemplate,
        user_id: &str,
        request: &SelfServiceRequest<'_>,
    ) -> Result<(), SelfServiceError> {
        let found = self.parts.users.find(&view.directory.tenant, user_id).await;
        let user = found.map_err(|error| SelfServiceError::failed(&error))?.ok_or(SelfServiceError::UnknownUser)?;
        let purpose = match template {
            MailTemplate::UserVerification => Some(LinkPurpose::ConfirmAddress),
            MailTemplate::ResetPassword => Some(LinkPurpose::ResetPassword),
            MailTemplate::Welcome | MailTemplate::PasswordChanged | MailTemplate::AddressTaken => None,
        };
        let link = match purpose {
            Some(purpose) => Some(self.draw_link(view, purpose, Some(&user), request).await?),
            None => None,
        };
        self.send(view, &Message { template, user: &user, link: link.as_ref() }, request);
        Ok(())
    }

    /// Tells a user that the password was changed, if the directory does so.
    pub fn notify_password_changed(
        &self,
        view: &DirectoryView,
        user: &DirectoryUser,
        request: &SelfServiceRequest<'_>,
    ) {
        if view.settings.self_service.password_mail {
            self.send(view, &Message { template: MailTemplate::PasswordChanged, user, link: None }, request);
        }
    }

    /// Sends a message to the primary address of a user, if there is one.
    pub(super) fn send(&self, view: &DirectoryView, message: &Message<'_>, request: &SelfServiceRequest<'_>) {
        let Message { template, user, link } = *message;
        let Some(to) = user.email() else { return };
        // Whose mails an administrator lets be sent is not a question of the administrator's address.
        let client = request.client.filter(|_| request.administrator.is_none());
        self.parts.mails.send(&DirectoryMail {
            view,
            template,
            to,
            shown_name: &user.shown_name(),
            link,
            language: request.language,
            client,
            correlation_id: request.correlation_id,
        });
    }

    /// Draws a link to the primary address of `user`. Without a user a link is drawn as well, which is good for nothing and for which the
    /// caller sends no message, so that the work says nothing of whether there is a user. Returns the whole URL.
    pub(super) async fn draw_link(
        &self,
        view: &DirectoryView,
        purpose: LinkPurpose,
        user: Option<&DirectoryUser>,
        request: &SelfServiceRequest<'_>,
    ) -> Result<Secret, SelfServiceError> {
        let directory = &view.directory;
        let link = SelfServiceLink {
            purpose,
            user_id: user.map(|user| user.id.clone()).unwrap_or_default(),
            address: user.and_then(DirectoryUser::email).map(str::to_owned),
            password_changes: user.map(|user| user.password_changes).unwrap_or_default(),
            client_id: request.application.map(str::to_owned),
            return_to: request.return_to.map(str::to_owned),
            grant_id: None,
        };
        let drawn = self.parts.links.draw(&directory.tenant, &link).await;
        let secret = drawn.map_err(|error| SelfServiceError::failed(&error))?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("token", secret.expose()).append_pair("language", request.language.texts().tag);
        Ok(Secret::new(format!("{}/cloud_directory/link/{}?{}", directory.issuer, purpose.name(), query.finish())))
    }
}
