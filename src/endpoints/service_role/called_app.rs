use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;

use super::ServiceRole;
use super::refusal::Refused;
use crate::accounts::is_app_user_id;
use crate::domain::{Account, Connection, HolderName, ServiceRoleApp, TokenSlot, UserKey};
use crate::inbound::decode_percent;

/// What the path of a request names, read from the path as it came: the router has decoded parts of its own copy, and decoding
/// those again would make another path of it.
pub(super) struct AppPath<'a> {
    /// The app's id, decoded once.
    pub(super) app: Cow<'a, str>,
    /// What follows the app's id, as it came.
    rest: &'a str,
}

/// The app that a request is for, and the connection of its users' tokens.
#[derive(Clone, Copy)]
pub(super) struct CalledApp<'a> {
    pub(super) app: &'a Arc<ServiceRoleApp>,
    pub(super) connection: &'a Arc<Connection>,
}

impl<'a> AppPath<'a> {
    /// Reads the path of `http`, whose first slash may be doubled.
    pub(super) fn read(http: &'a HttpRequest) -> Result<Self, Refused> {
        let path = http.uri().path();
        let path = path.strip_prefix('/').filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let (app, rest) =
            path.strip_prefix("/api/apps/").and_then(|named| named.split_once('/')).ok_or(Refused::NoSuchPath)?;
        Ok(Self { app: decode_percent(app).ok_or(Refused::NoSuchPath)?, rest })
    }

    /// The user id behind `beginning`.
    pub(super) fn read_user_id(&self, beginning: &str) -> Result<Cow<'a, str>, Refused> {
        let encoded = self.rest.strip_prefix(beginning).ok_or(Refused::NoSuchPath)?;
        decode_percent(encoded).filter(|user_id| is_app_user_id(user_id)).ok_or(Refused::UserNotFound)
    }
}

impl<'a> CalledApp<'a> {
    /// The app with the id `id`; `None` if there is none.
    pub(super) fn find(door: &'a ServiceRole, id: &str) -> Option<Self> {
        let app = door.registrations.find_app(id)?;
        let connection = door.registrations.find_only_connection(&HolderName::from(&app.id))?;
        Some(Self { app, connection })
    }

    /// The place of the token of `user`.
    pub(super) fn slot_of(&self, user: &UserKey) -> TokenSlot {
        TokenSlot::new(&Account::of_app(self.connection.holder.clone(), user), &self.connection.name)
    }
}
