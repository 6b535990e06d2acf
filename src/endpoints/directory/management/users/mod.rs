//! The users of a directory, as its administrators see and change them.

mod bodies;
mod endings;
mod identities;
mod reading;
mod writing;

pub(super) use bodies::{UserBody, UserToWrite};
pub(super) use endings::{BULK_REMOVE, END_SESSIONS, REMOVE, REVOKE_REFRESH_TOKENS};
pub(super) use identities::{LINK as LINK_IDENTITY, UNLINK as UNLINK_IDENTITY};
pub(super) use reading::{GET, LIST};
pub(super) use writing::{CHANGE_PASSWORD, CREATE, DELETE, PUT};

use actix_web::HttpRequest;

use super::Refused;
use super::call::USER;
use super::description::error;
use crate::inbound::{Description, read_segment};

const LIST_PATH: &str = "/management/v4/{tenant}/cloud_directory/Users";
const PATH: &str = "/management/v4/{tenant}/cloud_directory/Users/{id}";

/// The user's id in the path.
fn read_user_id(http: &HttpRequest) -> Result<String, Refused> {
    read_segment(http, USER).ok_or(Refused::NoUser)
}

/// What all calls about one user have in common.
fn of_one(description: Description) -> Description {
    description.path_parameter("id", "The user's id.").answer(404, error("The directory has no such user."))
}
