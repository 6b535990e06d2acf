//! The door of Office add-ins: their panes, and the servers behind them (docs/office-add-ins.md).
//!
//! Owns which API calls an add-in may make on behalf of its users, how they go out and come back, and how each failure is
//! told to a pane. It deliberately keeps no token: the core gives it one for each call, and only listed servers get it.

mod call;
mod challenges;
mod cors;
mod description;
mod downstream;
mod downstream_answer;
mod downstream_path;
mod downstream_request;
mod downstream_target;
mod failure;
mod identity;
mod replies;
mod token;
mod upload;
mod user_data;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use url::Url;

use crate::domain::{AddInName, ClockAndEntropy, Registrations};
use crate::exchange::{AssertionExchange, TokenValidators};
use crate::inbound::{BodyLimits, ClientGuesses, ClientSecrets, Door, LetterCase, Method, Operation};
use crate::observability::Counters;
use crate::outbound::Outbound;

pub use failure::{Challenge, FAILURES, FailureRow, Inline};

/// The state of this door; built once, shared by all workers.
pub struct AddInDoor {
    registrations: Arc<Registrations>,
    validators: Arc<TokenValidators>,
    exchange: AssertionExchange,
    callers: AddInCallers,
    guesses: ClientGuesses,
    outbound: Outbound,
    public_url: Url,
    limits: BodyLimits,
    timeout: Duration,
    counters: Arc<Counters>,
    ambient: ClockAndEntropy,
}

/// The secrets of the servers that may have the tokens of an add-in's users. Clones share them, so they can be replaced.
pub type AddInCallers = Arc<HashMap<AddInName, ClientSecrets>>;

/// Who may call, and what gets tokens for them.
pub struct AddInAccess {
    /// The configured add-ins and their connections.
    pub registrations: Arc<Registrations>,
    /// Validates the tokens that Office gives to panes.
    pub validators: Arc<TokenValidators>,
    /// Exchanges them.
    pub exchange: AssertionExchange,
    /// The secrets of the servers that may have a user's token.
    pub callers: AddInCallers,
    /// Counts what is not valid here, by the network of the client.
    pub guesses: ClientGuesses,
}

/// How the APIs behind add-ins are called.
pub struct AddInDownstream {
    /// Calls them.
    pub outbound: Outbound,
    /// The address under which `Location` headers name this service.
    pub public_url: Url,
    /// The limits on request bodies.
    pub limits: BodyLimits,
    /// The time limit for the head of an API's answer.
    pub timeout: Duration,
}

impl AddInDoor {
    /// A door for these add-ins.
    #[must_use]
    pub fn new(
        access: AddInAccess,
        downstream: AddInDownstream,
        counters: Arc<Counters>,
        ambient: ClockAndEntropy,
    ) -> Self {
        let AddInAccess { registrations, validators, exchange, callers, guesses } = access;
        let AddInDownstream { outbound, public_url, limits, timeout } = downstream;
        Self {
            registrations,
            validators,
            exchange,
            callers,
            guesses,
            outbound,
            public_url,
            limits,
            timeout,
            counters,
            ambient,
        }
    }
}

const BEARER: &str = "A user's token for the add-in, as `getAccessToken` of Office gives it to the pane.";

/// This door's operations, but the paths of user data.
pub const DOOR: Door = Door {
    name: "Office add-ins",
    description: "Panes of Office add-ins and their servers: who the user is, and calls of an API on behalf of the user.",
    bearer: BEARER,
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const IDENTITY: &str = "/api/add-ins/{add_in}/identity";
const DOWNSTREAM: &str = "/api/add-ins/{add_in}/downstream/{path}";
const TOKEN: &str = "/api/add-ins/{add_in}/token";

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: IDENTITY,
        route: |route| route.to(identity::get),
        description: description::get_identity,
    },
    Operation {
        method: Method::Options,
        path: IDENTITY,
        route: |route| route.to(identity::options),
        description: || description::of_add_in(description::options("AskForAddInIdentity")),
    },
    Operation {
        method: Method::Get,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::call),
        description: || description::call_downstream("GetDownstream"),
    },
    Operation {
        method: Method::Post,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::call),
        description: || description::call_downstream("PostDownstream"),
    },
    Operation {
        method: Method::Put,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::call),
        description: || description::call_downstream("PutDownstream"),
    },
    Operation {
        method: Method::Patch,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::call),
        description: || description::call_downstream("PatchDownstream"),
    },
    Operation {
        method: Method::Delete,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::call),
        description: || description::call_downstream("DeleteDownstream"),
    },
    Operation {
        method: Method::Options,
        path: DOWNSTREAM,
        route: |route| route.to(downstream::options),
        description: || description::of_path(description::of_add_in(description::options("AskForDownstream"))),
    },
    Operation {
        method: Method::Post,
        path: TOKEN,
        route: |route| route.to(token::exchange),
        description: description::exchange_token,
    },
];

/// The door with the paths of user data, which the configuration chooses; `None` if it has none. Its table lives as long as the
/// process, which reads its configuration once.
#[must_use]
pub fn user_data_door(registrations: &Registrations) -> Option<Door> {
    let paths = registrations.add_ins().filter_map(|add_in| add_in.user_data.as_ref().map(|data| data.path.as_str()));
    let mut paths: Vec<&str> = paths.collect();
    paths.sort_unstable();
    let operations = paths.into_iter().flat_map(|path| {
        let path: &'static str = String::from(path).leak();
        [
            Operation {
                method: Method::Get,
                path,
                route: |route| route.to(user_data::get),
                description: description::get_user_data,
            },
            Operation {
                method: Method::Options,
                path,
                route: |route| route.to(user_data::options),
                description: || description::options("AskForUserData"),
            },
        ]
    });
    let operations: Vec<Operation> = operations.collect();
    (!operations.is_empty()).then(|| Door {
        name: "User data of add-ins",
        description: "For add-ins written for `office-addin-sso`: one resource of the API at a path of the add-in's.",
        bearer: "",
        operations: operations.leak(),
        letter_case: LetterCase::Exact,
        answers_head: true,
    })
}

/// Adds this door's paths, and those of `user_data`.
pub fn configure(config: &mut web::ServiceConfig, door: web::Data<AddInDoor>, user_data: Option<&Door>) {
    config.app_data(door);
    DOOR.add_routes(config);
    if let Some(user_data) = user_data {
        user_data.add_routes(config);
    }
}
