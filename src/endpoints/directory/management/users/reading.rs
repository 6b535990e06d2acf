use actix_web::{HttpRequest, HttpResponse, web};

use super::bodies::{UserBody, UserListBody};
use super::{LIST_PATH, PATH, of_one, read_user_id};
use crate::domain::AdministratorRole;
use crate::endpoints::directory::management::call::{ManagementCall, ok};
use crate::endpoints::directory::management::description::{error, reading};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, find_parameter};

/// The users of one answer at most.
const MAX_COUNT: usize = 100;
/// The longest text that is searched for, in bytes.
const MAX_QUERY_BYTES: usize = 320;

/// `GET …/cloud_directory/Users`.
pub(in super::super) const LIST: Operation = Operation {
    method: Method::Get,
    path: LIST_PATH,
    route: |route| route.to(list),
    description: || {
        reading("ListCloudDirectoryUsers", "The users of a directory, a page at a time, in the order of their ids.")
            .optional_query("startIndex", "The place of the first user, from 1 on; 0 is the same as 1.")
            .optional_query("count", "The number of users, 100 if it is absent or more.")
            .optional_query("query", "A part of a user name or of an e-mail address, in any letter case.")
            .answer(200, Answer::json::<UserListBody>("The users."))
            .answer(400, error("A parameter is no number, or stated twice, or too long."))
    },
};

/// `GET …/cloud_directory/Users/{id}`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<UserBody>("The user.");
        of_one(reading("GetCloudDirectoryUser", "A user of a directory.")).answer(200, answer)
    },
};

async fn list(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    list_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    read_and_reply(&http, &door).await.unwrap_or_else(Refused::respond)
}

async fn list_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Reader).await?;
    let start_index = read_number(http, "startIndex", "startIndex must be a whole number.")?.unwrap_or(1).max(1);
    let count = read_number(http, "count", "count must be a whole number.")?.unwrap_or(MAX_COUNT).min(MAX_COUNT);
    let query = find_parameter(http.query_string(), "query");
    if query.as_ref().is_some_and(|query| query.is_empty() || query.len() > MAX_QUERY_BYTES) {
        return Err(Refused::Value("query must be stated once, and have at most 320 bytes.".into()));
    }
    let page = door.parts.users.list(call.tenant(), start_index - 1, count, query.as_deref()).await;
    let page = page.map_err(|error| Refused::failed("the users of a directory cannot be listed", &error))?;
    let now = door.ambient.now();
    let users = page.users.into_iter().map(|user| UserBody::new(user, now)).collect();
    Ok(ok().json(UserListBody::new(users, start_index, page.total)))
}

async fn read_and_reply(http: &HttpRequest, door: &web::Data<ManagementDoor>) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Reader).await?;
    let found = door.parts.users.find(call.tenant(), &read_user_id(http)?).await;
    let user = found.map_err(|error| Refused::failed("a user of a directory cannot be read", &error))?;
    Ok(ok().json(UserBody::new(user.ok_or(Refused::NoUser)?, door.ambient.now())))
}

fn read_number(http: &HttpRequest, name: &str, otherwise: &'static str) -> Result<Option<usize>, Refused> {
    let text = find_parameter(http.query_string(), name);
    text.map(|text| text.parse().map_err(|_| Refused::Value(otherwise.into()))).transpose()
}
