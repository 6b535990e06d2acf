use super::answers::{AppUserAnswer, RedeemedCodeAnswer, TokenAnswer};
use super::redeem_code::CodeToRedeem;
use super::refusal::ServiceRoleError;
use super::{current_user, read_token, redeem_code};
use crate::inbound::{Answer, Description, Method, Operation};

/// The table of this door.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: "/api/apps/{app}/auth/sso/accesstoken/{userId}",
        route: |route| route.to(read_token::answer_access_token),
        description: || {
            let given = Answer::json::<TokenAnswer<'_>>("The token. It is refreshed first if it has ended.");
            reading("GetAppUserAccessToken", "The access token of an app's user.").answer(200, given)
        },
    },
    Operation {
        method: Method::Get,
        path: "/api/apps/{app}/auth/sso/idtoken/{userId}",
        route: |route| route.to(read_token::answer_id_token),
        description: || {
            let given = Answer::empty("The ID token, a JSON string.").or_json_text();
            reading("GetAppUserIdToken", "The ID token of an app's user.").answer(200, given)
        },
    },
    Operation {
        method: Method::Post,
        path: "/api/apps/{app}/auth/sso/token",
        route: |route| route.to(redeem_code::answer),
        description: || {
            let given = Answer::json::<RedeemedCodeAnswer<'_>>("The app's user token.");
            of_app("RedeemAppCode", "Redeems the code of a sign-in, once.")
                .json_body::<CodeToRedeem>(true, "The code; a form with `code` is read as well.")
                .answer(200, given)
                .answer(400, error("The code is not one of this app, was used before, or is too old."))
                .body_errors()
        },
    },
    Operation {
        method: Method::Get,
        path: "/api/apps/{app}/entities/User/me",
        route: |route| route.to(current_user::answer),
        description: || {
            let given = Answer::json::<AppUserAnswer<'_>>("The user, with the names that the sign-in stated.");
            Description::new("GetAppUser", "The user of the app's user token in `Authorization`.")
                .bearer()
                .path_parameter("app", "The app's id.")
                .answer(200, given)
                .answer(401, error("The token is not valid for this app."))
                .answer(403, error("`X-App-Id` names another app."))
                .answer(503, error("The store fails.").header("Retry-After", "Seconds."))
        },
    },
    Operation {
        method: Method::Options,
        path: "/api/apps/{app}/entities/User/me",
        route: |route| route.to(current_user::answer_preflight),
        description: || {
            Description::new("AllowAppPage", "The question of a browser before a page of the app reads its user.")
                .path_parameter("app", "The app's id.")
                .answer(204, Answer::empty("Pages of the app's `login_origins` may."))
        },
    },
];

/// What the two readings have in common.
fn reading(id: &str, summary: &str) -> Description {
    of_app(id, summary)
        .note("`on-behalf-of: Bearer <the app's user token>` restricts the request to that user.")
        .path_parameter("userId", "The user's id at the app.")
        .answer(404, error("No such user, or no sign-in of the user is kept, or there is no ID token: see `code`."))
        .answer(409, error("The user has to sign in again."))
}

/// What all operations with a service token have in common.
fn of_app(id: &str, summary: &str) -> Description {
    Description::new(id, summary)
        .bearer()
        .path_parameter("app", "The app's id.")
        .answer(401, error("No service token, or a token that is not valid: see `code`."))
        .answer(403, error("Another app's token, or what the app's settings do not allow: see `code`."))
        .answer(429, error("Too many wrong service tokens from this address.").header("Retry-After", "Seconds."))
        .answer(503, error("An outage of the store or the identity provider.").header("Retry-After", "Seconds."))
}

fn error(text: &str) -> Answer {
    Answer::json::<ServiceRoleError>(text)
}
