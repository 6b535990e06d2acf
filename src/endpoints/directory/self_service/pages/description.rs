use utoipa::ToSchema;

use super::{
    CHANGE_DETAILS_PATH, LINK_PATH, MAILBOX_PATH, change_details, change_password, forgot_password, links, mailbox,
    sign_up,
};
use crate::endpoints::directory::authorization::{CHANGE_PASSWORD_PATH, FORGOT_PASSWORD_PATH, SIGN_UP_PATH};
use crate::inbound::{Answer, Description, Method, Operation};
use crate::protocol::ErrorResponse;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: SIGN_UP_PATH,
        route: |route| route.to(sign_up::show),
        description: || page("GetSignUpPage", "The page on which strangers become users.").of_application(302),
    },
    Operation {
        method: Method::Post,
        path: SIGN_UP_PATH,
        route: |route| route.to(sign_up::take),
        description: sign_up,
    },
    Operation {
        method: Method::Get,
        path: FORGOT_PASSWORD_PATH,
        route: |route| route.to(forgot_password::show),
        description: || {
            page("GetForgottenPasswordPage", "The page on which a user asks for a link.").of_application(302)
        },
    },
    Operation {
        method: Method::Post,
        path: FORGOT_PASSWORD_PATH,
        route: |route| route.to(forgot_password::take),
        description: forget_password,
    },
    Operation {
        method: Method::Get,
        path: CHANGE_PASSWORD_PATH,
        route: |route| route.to(change_password::show),
        description: || {
            page("GetPasswordPage", "The page on which a user changes the password.")
                .query("user_id", "The user's id.")
                .of_application(302)
        },
    },
    Operation {
        method: Method::Post,
        path: CHANGE_PASSWORD_PATH,
        route: |route| route.to(change_password::take),
        description: change_password,
    },
    Operation {
        method: Method::Get,
        path: CHANGE_DETAILS_PATH,
        route: |route| route.to(change_details::show),
        description: || {
            page("GetDetailsPage", "The page on which a user changes names.")
                .optional_query(
                    "code",
                    "The code that `generate_code` has drawn; without it, the user who is signed in.",
                )
                .answer(410, Answer::html("The code is not good, or no user is signed in."))
                .of_application(302)
        },
    },
    Operation {
        method: Method::Post,
        path: CHANGE_DETAILS_PATH,
        route: |route| route.to(change_details::take),
        description: change_details,
    },
    Operation {
        method: Method::Get,
        path: MAILBOX_PATH,
        route: |route| route.to(mailbox::show),
        description: || {
            page("GetMailboxPage", "Tells the user to look into the mailbox, whether or not a message was sent.")
                .optional_query("flow", "`sign_up` or `forgot_password`.")
                .of_application(302)
        },
    },
    Operation {
        method: Method::Get,
        path: LINK_PATH,
        route: |route| route.to(links::show),
        description: || {
            page("GetLinkPage", "What a link of a message leads to: a page with a button. The link stays good.")
                .of_link()
        },
    },
    Operation { method: Method::Post, path: LINK_PATH, route: |route| route.to(links::take), description: use_link },
];

/// The form of the page on which strangers become users.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct SignUpForm {
    /// The user name, where users sign in by one.
    username: Option<String>,
    /// The e-mail address.
    email: String,
    /// The name for people.
    name: Option<String>,
    /// The password.
    password: String,
    /// The hidden field of the page.
    form_token: String,
}

/// The form of the page for a forgotten password.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct ForgottenPasswordForm {
    /// What the user signs in by.
    username: String,
    /// The hidden field of the page.
    form_token: String,
}

/// The form of the page on which a user changes the password.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct PasswordForm {
    /// The present password.
    old_password: String,
    /// The new one.
    password: String,
    /// The hidden field of the page.
    form_token: String,
}

/// The form of the page for names.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct DetailsForm {
    /// The name as it is displayed.
    display_name: Option<String>,
    /// The first name.
    given_name: Option<String>,
    /// The last name.
    family_name: Option<String>,
    /// The hidden field of the page.
    form_token: String,
}

/// The form behind a link.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct LinkForm {
    /// The new password, behind a link for one.
    password: Option<String>,
    /// The hidden field of the page.
    form_token: String,
}

fn sign_up() -> Description {
    form::<SignUpForm>(
        "SignUp",
        "Creates the user of the form, and signs the user in where no address has to be confirmed.",
    )
    .note("The answer to an address that another user has is a page that tells to look into the mailbox.")
    .answer(409, Answer::html("The page again: another user has the user name."))
    .of_application(303)
}

fn forget_password() -> Description {
    form::<ForgottenPasswordForm>("ForgetPassword", "Sends a link for a new password, if there is such a user.")
        .of_application(303)
}

fn change_password() -> Description {
    form::<PasswordForm>(
        "ChangeOwnPassword",
        "Changes the password of a user who knows the present one. All sessions end.",
    )
    .query("user_id", "The user's id.")
    .answer(401, Answer::html("The page again: the present password is wrong."))
    .of_application(303)
}

fn change_details() -> Description {
    form::<DetailsForm>("ChangeOwnDetails", "Stores the names of a user.")
        .optional_query("code", "The code, which is used up.")
        .answer(410, Answer::html("The code is not good, or no user is signed in."))
        .of_application(303)
}

fn use_link() -> Description {
    form::<LinkForm>("UseLink", "Uses a link of a message.")
        .answer(
            303,
            Answer::empty("The link has done its work.")
                .header("Location", "The page that says so, or the operator's."),
        )
        .answer(400, Answer::html("The page again: the new password is against a rule."))
        .of_link()
}

fn page(id: &str, summary: &str) -> Description {
    Description::new(id, summary).answer(200, Answer::html("The page.").header("Set-Cookie", "The browser's secret."))
}

fn form<T: ToSchema>(id: &str, summary: &str) -> Description {
    Description::new(id, summary)
        .cookie("__Host-bot-sso-form", "Identifies the browser that got the page.")
        .form_body::<T>("What the user has typed.")
        .answer(403, Answer::html("The page again: the form is not of this browser."))
        .answer(429, Answer::html("The page again: too many tries.").header("Retry-After", "Seconds."))
        .error(408, "The body did not arrive in time.")
        .error(413, "The body is too large.")
}

/// Adds what several of these operations have.
trait WithSharedParts {
    /// Of a page for which an application asks.
    fn of_application(self, redirect: u16) -> Self;
    /// Of a page behind a link of a message.
    fn of_link(self) -> Self;
}

impl WithSharedParts for Description {
    fn of_application(self, redirect: u16) -> Self {
        self.path_parameter("tenant", "The directory's tenant id.")
            .query("client_id", "The application.")
            .query("redirect_uri", "One of the application's or the directory's redirect URIs, exactly.")
            .optional_query("language", "The language of the page, as App ID's SDK sends it: `en`, `ja`, `de`.")
            .optional_query("response_type", "Where a sign-in goes on afterwards, with its other parameters.")
            .answer(
                redirect,
                Answer::empty("Redirects to the application, or after a form to the page about a message.")
                    .header("Location", "`redirect_uri` with `code`, `flow` or `error`."),
            )
            .answer(400, Answer::html("The request names no registered application and address, or the page again."))
            .answer(404, Answer::html("There is no such directory, or it does not offer the page."))
            .answer(503, unavailable())
    }

    fn of_link(self) -> Self {
        self.path_parameter("tenant", "The directory's tenant id.")
            .path_parameter("purpose", "`confirm` for an address, `reset` for a new password.")
            .query("token", "The secret of the link.")
            .answer(404, Answer::html("There is no such directory or purpose, or it does not offer the page."))
            .answer(410, Answer::html("The link is unknown, or has ended."))
            .answer(503, unavailable())
    }
}

fn unavailable() -> Answer {
    Answer::html("The service cannot do its work now.").header("Retry-After", "Seconds.").or_json::<ErrorResponse<'_>>()
}
