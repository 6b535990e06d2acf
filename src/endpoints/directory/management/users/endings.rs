use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{of_one, read_user_id};
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, PROFILE, done, ok};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, perform_change, read_segment};
use crate::observability::AuditEvent;

/// The users that one call deletes at most.
const MAX_IDS: usize = 100;
/// `detail` of sessions that an administrator ends.
const ADMINISTRATOR: &str = "administrator";

/// `DELETE …/cloud_directory/remove/{id}`.
pub(in super::super) const REMOVE: Operation = Operation {
    method: Method::Delete,
    path: "/management/v4/{tenant}/cloud_directory/remove/{id}",
    route: |route| route.to(remove_user),
    description: || {
        let gone = Answer::empty("The user is deleted, and the user's sessions and tokens have ended.");
        of_one(changing("CloudDirectoryRemove", "Deletes a user.")).answer(204, gone)
    },
};

/// `POST …/cloud_directory/bulk_remove`.
pub(in super::super) const BULK_REMOVE: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/bulk_remove",
    route: |route| route.to(remove_several),
    description: || {
        let described = changing("CloudDirectoryBulkRemove", "Deletes several users.")
            .json_body::<UsersToRemove>(true, "The ids of at most 100 users.")
            .answer(200, Answer::json::<RemovedUsers>("Which of them were deleted."));
        with_body_errors(described)
    },
};

/// `POST …/cloud_directory/Users/{userId}/sso/logout`.
pub(in super::super) const END_SESSIONS: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/cloud_directory/Users/{id}/sso/logout",
    route: |route| route.to(end_sessions),
    description: || {
        let described = of_one(changing("InvalidateUserSsoSessions", "Ends all sign-on sessions of a user."));
        described.answer(204, Answer::empty("The user has no session now."))
    },
};

/// `POST …/users/{profileId}/revoke_refresh_token`.
pub(in super::super) const REVOKE_REFRESH_TOKENS: Operation = Operation {
    method: Method::Post,
    path: "/management/v4/{tenant}/users/{profileId}/revoke_refresh_token",
    route: |route| route.to(revoke_refresh_tokens),
    description: || {
        changing("UsersRevokeRefreshToken", "Revokes all refresh tokens of a user.")
            .path_parameter("profileId", "`sub` of the user's tokens, which is the user's id.")
            .answer(204, Answer::empty("The refresh tokens are worth nothing now."))
            .answer(404, error("The directory has no such user."))
    },
};

#[derive(Deserialize, ToSchema)]
struct UsersToRemove {
    /// The ids, at most 100.
    ids: Vec<String>,
}

/// The outcome of deleting several users.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RemovedUsers {
    /// The ids of the users who were deleted.
    success: Vec<String>,
    /// The ids that no user of the directory has.
    not_found: Vec<String>,
}

/// Deletes the user whose id ends the path.
pub(super) async fn remove_user(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    remove_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn remove_several(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    remove_several_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn end_sessions(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    end_sessions_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn revoke_refresh_tokens(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    revoke_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn remove_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_user_id(http)?;
    let removed = perform_change(async move { call.remove(&id).await }).await?;
    if removed { Ok(done()) } else { Err(Refused::NoUser) }
}

async fn remove_several_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let UsersToRemove { ids } = read_json(http, payload, door.limits).await?;
    if ids.len() > MAX_IDS {
        return Err(Refused::Value("ids can name at most 100 users.".into()));
    }
    let removed = perform_change(async move {
        let mut outcome = RemovedUsers::default();
        for id in ids {
            if call.remove(&id).await? { outcome.success.push(id) } else { outcome.not_found.push(id) }
        }
        Ok::<_, Refused>(outcome)
    });
    Ok(ok().json(removed.await?))
}

async fn end_sessions_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_user_id(http)?;
    perform_change(async move {
        let ended = call.door.parts.endings.end_all(&call.view, &id, &call.end_cause(ADMINISTRATOR)).await;
        let exists = ended.map_err(|error| Refused::failed("the sessions of a user cannot be ended", &error))?;
        if !exists {
            return Err(Refused::NoUser);
        }
        call.log_user(AuditEvent::DirectorySessionsEnded, &call.view.directory.user_key(&id));
        Ok(())
    })
    .await?;
    Ok(done())
}

async fn revoke_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_segment(http, PROFILE).ok_or(Refused::NoUser)?;
    perform_change(async move {
        let revoked = call.door.parts.users.revoke_grants(call.tenant(), &id).await;
        let exists =
            revoked.map_err(|error| Refused::failed("the refresh tokens of a user cannot be revoked", &error))?;
        if !exists {
            return Err(Refused::NoUser);
        }
        call.audit_user(AuditEvent::DirectoryGrantsRevoked, &id);
        Ok(())
    })
    .await?;
    Ok(done())
}

impl ManagementCall {
    /// Deletes a user. Returns whether there was one.
    async fn remove(&self, id: &str) -> Result<bool, Refused> {
        let removed = self.door.parts.users.delete(self.tenant(), id).await;
        let removed = removed.map_err(|error| Refused::failed("a user of a directory cannot be deleted", &error))?;
        if removed {
            self.audit_user(AuditEvent::DirectoryUserDeleted, id);
            self.tell_applications(id);
        }
        Ok(removed)
    }
}
