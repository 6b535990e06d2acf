use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{UserBody, UserToWrite};
use super::endings::remove_user;
use super::{LIST_PATH, PATH, of_one, read_user_id};
use crate::accounts::UserChangeError;
use crate::domain::{AdministratorRole, DirectoryUser, Secret};
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, created, ok};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::self_service::{read_language, with_language};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, perform_change};
use crate::observability::AuditEvent;

/// `detail` of sessions that end because an administrator sets a password.
const PASSWORD: &str = "password_set";

/// `POST …/cloud_directory/Users`.
pub(in super::super) const CREATE: Operation = Operation {
    method: Method::Post,
    path: LIST_PATH,
    route: |route| route.to(create),
    description: || {
        let described = changing("StartNewUser", "Creates a user. No message is sent.")
            .json_body::<UserToWrite>(true, "The user, with a password.")
            .answer(201, Answer::json::<UserBody>("The user."))
            .answer(409, error("Another user has the user name or an e-mail address."));
        with_body_errors(described)
    },
};

/// `PUT …/cloud_directory/Users/{id}`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = of_one(changing("UpdateCloudDirectoryUser", "Replaces what is written of a user."))
            .note("`active: false` ends the user's sessions and tokens at once, and so does a password.")
            .json_body::<UserToWrite>(true, "The user.")
            .answer(200, Answer::json::<UserBody>("The user as it is now."))
            .answer(409, error("Another user has the user name or an e-mail address."));
        with_body_errors(described)
    },
};

/// `DELETE …/cloud_directory/Users/{id}`.
pub(in super::super) const DELETE: Operation = Operation {
    method: Method::Delete,
    path: PATH,
    route: |route| route.to(remove_user),
    description: || {
        let gone = Answer::empty("The user is deleted, and the user's sessions and tokens have ended.");
        of_one(changing("DeleteCloudDirectoryUser", "Deletes a user.")).answer(204, gone)
    },
};

/// `POST …/cloud_directory/change_password`.
pub(in super::super) const CHANGE_PASSWORD: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/change_password",
    route: |route| route.to(change_password),
    description: || {
        let described = changing("ChangePassword", "Sets a user's password. All sessions of the user end first.")
            .note("The user gets a message, if the directory's settings say so.")
            .json_body::<PasswordToSet>(true, "The user's id and the new password.")
            .answer(200, Answer::json::<UserBody>("The user."))
            .answer(404, error("The directory has no such user."));
        with_body_errors(with_language(described))
    },
};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PasswordToSet {
    /// The user's id.
    uuid: String,
    /// The new password.
    new_password: String,
    /// The address of the person who changes the password, as the application states it. It is not kept.
    #[allow(dead_code, reason = "is checked for its type only")]
    changed_ip_address: Option<String>,
}

async fn create(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    create_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn replace(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    replace_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn change_password(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    change_password_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn create_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let mut body: UserToWrite = read_json(http, payload, door.limits).await?;
    let password = body.take_password().ok_or(Refused::Syntax("The member password is missing.".into()))?;
    let profile = body.into_profile()?;
    let user = perform_change(async move {
        let parts = &call.door.parts;
        let created = parts.users.create_in(&parts.directories, call.tenant(), profile, &password).await;
        let user = created.map_err(Refused::from)?;
        call.audit_user(AuditEvent::DirectoryUserCreated, &user.id);
        Ok::<_, Refused>(user)
    });
    Ok(created().json(UserBody::new(user.await?, door.ambient.now())))
}

async fn replace_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_user_id(http)?;
    let mut body: UserToWrite = read_json(http, payload, door.limits).await?;
    let password = body.take_password();
    let profile = body.into_profile()?;
    let language = read_language(http);
    let user = perform_change(async move {
        let users = &call.door.parts.users;
        let before = users.find(call.tenant(), &id).await;
        let before = before.map_err(|error| Refused::failed("a user of a directory cannot be read", &error))?;
        let is_disabled = profile.active == Some(false) && before.is_some_and(|user| user.active);
        let replaced = users.replace(call.tenant(), call.settings(), &id, profile, password.as_ref()).await;
        let user = replaced.map_err(|error| call.refuse_change(&id, error))?;
        call.audit_user(AuditEvent::DirectoryUserUpdated, &user.id);
        if password.is_some() {
            call.audit_password(&user.id);
            call.notify_password_changed(&user, language);
        }
        if is_disabled {
            call.audit_user(AuditEvent::DirectoryUserDisabled, &user.id);
            call.tell_applications(&user.id);
        }
        Ok::<_, Refused>(user)
    });
    Ok(ok().json(UserBody::new(user.await?, door.ambient.now())))
}

async fn change_password_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let PasswordToSet { uuid, new_password, .. } = read_json(http, payload, door.limits).await?;
    let (password, language) = (Secret::new(new_password), read_language(http));
    let user = perform_change(async move {
        let user = call.set_password(uuid, password).await?;
        call.notify_password_changed(&user, language);
        Ok::<_, Refused>(user)
    });
    let user = user.await?;
    Ok(ok().json(UserBody::new(user, door.ambient.now())))
}

impl ManagementCall {
    async fn set_password(&self, id: String, password: Secret) -> Result<DirectoryUser, Refused> {
        let policy = &self.settings().passwords;
        let set = self.door.parts.users.set_password(self.tenant(), policy, &id, &password).await;
        let user = set.map_err(|error| self.refuse_change(&id, error))?;
        self.audit_password(&user.id);
        Ok(user)
    }

    /// The answer to a change that failed. Sessions that have ended are noted all the same.
    fn refuse_change(&self, id: &str, error: UserChangeError) -> Refused {
        if error.has_ended_sessions() {
            self.note_ended_sessions(id);
        }
        Refused::from(error)
    }

    /// Tells the user that the password was set, if the directory does so.
    fn notify_password_changed(&self, user: &DirectoryUser, language: Language) {
        let service = &self.door.parts.self_service;
        service.notify_password_changed(&self.view, user, &self.as_self_service(language));
    }

    fn audit_password(&self, id: &str) {
        self.note_ended_sessions(id);
        self.audit_user(AuditEvent::DirectoryPasswordSet, id);
    }

    /// Notes that all sessions of a user have ended for a new password, and tells the applications.
    fn note_ended_sessions(&self, id: &str) {
        self.door.parts.endings.note_all(&self.view, id, &self.end_cause(PASSWORD));
        self.log_user(AuditEvent::DirectorySessionsEnded, &self.view.directory.user_key(id));
    }
}
