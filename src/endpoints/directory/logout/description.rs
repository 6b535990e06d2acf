use utoipa::ToSchema;

use super::{DECISION_PATH, END_SESSION_PATH, SSO_LOGOUT_PATH, decision, end_session, sso_logout};
use crate::inbound::{Answer, Description, Method, Operation};
use crate::protocol::ErrorResponse;

const TENANT: &str = "The directory's tenant id.";
const EVERYWHERE: &str = "`true` to end everything of the user, at applications, bots and back ends as well: at once with an \
                          `id_token_hint` of the session, else after a question.";

/// This door's operations.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: SSO_LOGOUT_PATH,
        route: |route| route.to(sso_logout::answer),
        description: describe_sso_logout,
    },
    Operation {
        method: Method::Post,
        path: DECISION_PATH,
        route: |route| route.to(decision::answer),
        description: describe_decision,
    },
    Operation {
        method: Method::Get,
        path: END_SESSION_PATH,
        route: |route| route.to(end_session::answer),
        description: describe_end_session,
    },
    Operation {
        method: Method::Post,
        path: END_SESSION_PATH,
        route: |route| route.to(end_session::answer_form),
        description: describe_end_session_form,
    },
];

/// The form of the page that asks which sessions are to end.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct LogoutDecisionForm {
    /// `browser`, `everywhere` (all browsers), `everything`, or `stay`.
    decision: String,
    /// The hidden field of the page.
    form_token: String,
}

/// The parameters of the end session endpoint.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct EndSessionForm {
    /// An ID token of the user, of any age.
    id_token_hint: Option<String>,
    /// The application, if it is the audience of `id_token_hint`.
    client_id: Option<String>,
    /// One of the directory's `logoutRedirectUris`, exactly.
    post_logout_redirect_uri: Option<String>,
    /// Comes back unchanged.
    state: Option<String>,
    /// `true` to end everything of the user.
    everywhere: Option<String>,
    /// The languages of the page, the wanted one first.
    ui_locales: Option<String>,
}

fn describe_sso_logout() -> Description {
    let description = Description::new("LogoutSso", "Ends the browser's session, as App ID's SDK asks for it.")
        .note("Without a registered `redirect_uri` nothing is ended, and a page says so.")
        .path_parameter("tenant", TENANT)
        .query("client_id", "The application.")
        .query("redirect_uri", "One of the directory's `logoutRedirectUris`, exactly.")
        .optional_query("all_sessions", "`true` to end all sessions of the user: at once with an `id_token_hint` of the session, else after a question.")
        .optional_query("everywhere", EVERYWHERE)
        .optional_query("id_token_hint", "An ID token of the session, of any age.")
        .optional_query("ui_locales", "The languages of the page, the wanted one first: `en`, `ja`, `de`.")
        .optional_query("language", "The same, as App ID's SDK sends it.");
    with_answers(description, 302)
}

fn describe_end_session() -> Description {
    let description = Description::new("EndSession", "OpenID Connect RP-Initiated Logout 1.0.")
        .note("Without an `id_token_hint` of the browser's user a page asks first.")
        .path_parameter("tenant", TENANT)
        .optional_query("id_token_hint", "An ID token of the user, of any age.")
        .optional_query("client_id", "The application, if it is the audience of `id_token_hint`.")
        .optional_query("post_logout_redirect_uri", "One of the directory's `logoutRedirectUris`, exactly.")
        .optional_query("state", "Comes back unchanged.")
        .optional_query("everywhere", EVERYWHERE)
        .optional_query("ui_locales", "The languages of the page, the wanted one first: `en`, `ja`, `de`.");
    with_answers(description, 302)
}

fn describe_end_session_form() -> Description {
    Description::new("EndSessionByForm", "The same, with the parameters as a form.")
        .path_parameter("tenant", TENANT)
        .form_body::<EndSessionForm>("The request.")
        .answer(303, Answer::empty("Redirects to the same request with a query.").header("Location", "The request."))
        .answer(400, Answer::html("The form cannot be read, or states a parameter twice."))
        .answer(404, Answer::html("There is no such directory."))
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
}

fn describe_decision() -> Description {
    let description =
        Description::new("DecideLogout", "Takes the form of the page that asks which sessions are to end.")
            .note("The query is that of the form's address.")
            .path_parameter("tenant", TENANT)
            .optional_query("client_id", "The application.")
            .optional_query("redirect_uri", "Where the browser goes.")
            .optional_query("state", "Comes back unchanged.")
            .optional_query("everywhere", "Whether the page offers to end everything.")
            .cookie("__Host-bot-sso-form", "Identifies the browser that got the page.")
            .form_body::<LogoutDecisionForm>("What the user has chosen.");
    with_answers(description, 303)
        .answer(403, Answer::html("The page again: the form is not of this browser, or has no choice."))
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
}

fn with_answers(description: Description, redirect: u16) -> Description {
    let sent_on = Answer::empty("Redirects to the registered address.")
        .header("Location", "The address.")
        .header("Set-Cookie", "Takes the session's cookie away.");
    description
        .answer(
            200,
            Answer::html("The page that asks, or without an address to return to the page that says what was done."),
        )
        .answer(redirect, sent_on)
        .answer(400, Answer::html("Application or address is not registered, or the request cannot be read."))
        .answer(404, Answer::html("There is no such directory."))
        .answer(
            503,
            Answer::html("The service cannot do its work now.")
                .header("Retry-After", "Seconds.")
                .or_json::<ErrorResponse<'_>>(),
        )
}
