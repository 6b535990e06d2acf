//! `SelfService`: strangers who become users.

use super::messages::Message;
use super::{SelfService, SelfServiceError, SelfServiceRequest};
use crate::accounts::{DirectoryView, LinkPurpose, SignUp, UserProfile};
use crate::domain::{AddressConfirmation, DirectoryUser, Secret};
use crate::endpoints::directory::MailTemplate;
use crate::observability::AuditEvent;

/// Who signs up.
#[derive(Clone, Debug)]
pub struct NewSignUp {
    /// What a user is known by. Whether the user is active or confirmed counts for nothing.
    pub profile: UserProfile,
    /// The password.
    pub password: Secret,
}

impl SelfService {
    /// Creates a user who signs up, and sends the messages of the directory. `None` if another user has the address: a stranger may
    /// not learn that, so the page answers as to a new user, the work is the same, and the owner of the address gets a message.
    ///
    /// # Errors
    /// [`SelfServiceError::Taken`] if another user has the user name; to an administrator also of an address. Others.
    pub async fn sign_up(
        &self,
        view: &DirectoryView,
        new: NewSignUp,
        request: &SelfServiceRequest<'_>,
    ) -> Result<Option<DirectoryUser>, SelfServiceError> {
        request.require(view.settings.self_service.sign_up)?;
        self.rates.charge_sign_up(request).await?;
        let NewSignUp { profile, password } = new;
        let (users, tenant) = (&self.parts.users, &view.directory.tenant);
        match users.sign_up(&self.parts.directories, tenant, profile, &password).await? {
            SignUp::Created(user) => {
                request.note(AuditEvent::DirectorySignedUp, view, Some(&user.id));
                self.greet(view, &user, request).await?;
                Ok(Some(*user))
            }
            SignUp::NameTaken => {
                request.note_detail(AuditEvent::DirectorySignUpRefused, view, None, Some("user_name"));
                Err(SelfServiceError::Taken)
            }
            SignUp::AddressTaken(owner) => {
                request.note_detail(AuditEvent::DirectorySignUpRefused, view, Some(&owner.id), Some("address"));
                if request.administrator.is_some() {
                    return Err(SelfServiceError::Taken);
                }
                self.tell_owner(view, &owner, request).await?;
                Ok(None)
            }
        }
    }

    /// Asks a new user to confirm the address, or greets the user.
    async fn greet(
        &self,
        view: &DirectoryView,
        user: &DirectoryUser,
        request: &SelfServiceRequest<'_>,
    ) -> Result<(), SelfServiceError> {
        let settings = &view.settings.self_service;
        if settings.confirmation != AddressConfirmation::Off {
            let link = self.draw_link(view, LinkPurpose::ConfirmAddress, Some(user), request).await?;
            self.send(view, &Message { template: MailTemplate::UserVerification, user, link: Some(&link) }, request);
        } else if settings.welcome_mail {
            self.send(view, &Message { template: MailTemplate::Welcome, user, link: None }, request);
        }
        Ok(())
    }

    /// Tells the owner of an address that somebody has tried to sign up with it. Does as much as [`SelfService::greet`]. No link goes out
    /// also where the owner has still to confirm the address: whoever has signed up first may be a stranger, who could let the
    /// owner get link after link until one is followed.
    async fn tell_owner(
        &self,
        view: &DirectoryView,
        owner: &DirectoryUser,
        request: &SelfServiceRequest<'_>,
    ) -> Result<(), SelfServiceError> {
        if view.settings.self_service.confirmation != AddressConfirmation::Off {
            self.draw_link(view, LinkPurpose::ConfirmAddress, None, request).await?;
        }
        self.send(view, &Message { template: MailTemplate::AddressTaken, user: owner, link: None }, request);
        Ok(())
    }
}
