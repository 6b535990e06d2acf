use utoipa::ToSchema;

use super::activity::{self, DirectoryActivity};
use super::introspection::{self, DirectoryIntrospection};
use super::metadata::{self, DirectoryKeySet, DirectoryMetadata};
use super::replies::DirectoryOAuthError;
use super::token::{self, DirectoryTokenBody};
use super::user_info::{self, DirectoryUserInfo};
use super::{
    ACTIVITY_PATH, DISCOVERY_PATH, GENERATE_CODE_PATH, INTROSPECTION_PATH, KEYS_PATH, METADATA_PATH, REVOCATION_PATH,
    TOKEN_PATH, USER_INFO_PATH, generate_code, preflight, revocation,
};
use crate::inbound::{Answer, Description, Method, Operation};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: TOKEN_PATH,
        route: |route| route.to(token::issue),
        description: issue_token,
    },
    Operation {
        method: Method::Options,
        path: TOKEN_PATH,
        route: |route| route.to(preflight::options_of_post),
        description: || options("AskForDirectoryToken"),
    },
    Operation {
        method: Method::Post,
        path: INTROSPECTION_PATH,
        route: |route| route.to(introspection::introspect),
        description: introspect_token,
    },
    Operation {
        method: Method::Post,
        path: REVOCATION_PATH,
        route: |route| route.to(revocation::revoke),
        description: revoke_token,
    },
    Operation {
        method: Method::Options,
        path: REVOCATION_PATH,
        route: |route| route.to(preflight::options_of_post),
        description: || options("AskForDirectoryRevocation"),
    },
    Operation {
        method: Method::Get,
        path: USER_INFO_PATH,
        route: |route| route.to(user_info::read),
        description: || read_user_info("GetDirectoryUserInfo"),
    },
    Operation {
        method: Method::Post,
        path: USER_INFO_PATH,
        route: |route| route.to(user_info::read),
        description: || read_user_info("PostDirectoryUserInfo"),
    },
    Operation {
        method: Method::Options,
        path: USER_INFO_PATH,
        route: |route| route.to(preflight::options_of_both),
        description: || options("AskForDirectoryUserInfo"),
    },
    Operation {
        method: Method::Get,
        path: GENERATE_CODE_PATH,
        route: |route| route.to(generate_code::generate),
        description: generate_own_page_code,
    },
    Operation {
        method: Method::Get,
        path: KEYS_PATH,
        route: |route| route.to(metadata::list_keys),
        description: list_keys,
    },
    Operation {
        method: Method::Options,
        path: KEYS_PATH,
        route: |route| route.to(preflight::options_of_get),
        description: || options("AskForDirectoryKeys"),
    },
    Operation {
        method: Method::Get,
        path: DISCOVERY_PATH,
        route: |route| route.to(metadata::describe),
        description: || describe("GetDirectoryConfiguration"),
    },
    Operation {
        method: Method::Options,
        path: DISCOVERY_PATH,
        route: |route| route.to(preflight::options_of_get),
        description: || options("AskForDirectoryConfiguration"),
    },
    Operation {
        method: Method::Get,
        path: METADATA_PATH,
        route: |route| route.to(metadata::describe),
        description: || describe("GetDirectoryMetadata"),
    },
    Operation {
        method: Method::Options,
        path: METADATA_PATH,
        route: |route| route.to(preflight::options_of_get),
        description: || options("AskForDirectoryMetadata"),
    },
    Operation {
        method: Method::Post,
        path: ACTIVITY_PATH,
        route: |route| route.to(activity::note),
        description: note_activity,
    },
];

const RETRY: (&str, &str) = ("Retry-After", "Seconds.");
const OF_BEARER: (&str, &str) = ("WWW-Authenticate", "Of the bearer (RFC 6750).");

/// The parameters of the token endpoint. They may come as a form, as `multipart/form-data`, or as members of a JSON object.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read parameter by parameter")]
struct DirectoryTokenForm {
    /// `authorization_code`, `refresh_token`, `password`, `client_credentials`, or `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    grant_type: String,
    /// The code.
    code: Option<String>,
    /// That of the authorization request, where there is a code.
    redirect_uri: Option<String>,
    /// The verifier of PKCE.
    code_verifier: Option<String>,
    /// The refresh token.
    refresh_token: Option<String>,
    /// What the user signs in with.
    username: Option<String>,
    /// The user's password.
    password: Option<String>,
    /// A JWT by which the application vouches for a user of its own.
    assertion: Option<String>,
    /// What is asked for; at a refresh, a part of what was granted.
    scope: Option<String>,
    /// Unless the `Authorization` header has the credentials.
    client_id: Option<String>,
    /// The secret.
    client_secret: Option<String>,
}

/// The parameters of introspection and revocation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read parameter by parameter")]
struct DirectoryTokenOnly {
    /// An access token or a refresh token.
    token: String,
    /// Is ignored.
    token_type_hint: Option<String>,
    /// Unless the `Authorization` header has the credentials.
    client_id: Option<String>,
    /// The secret.
    client_secret: Option<String>,
}

fn issue_token() -> Description {
    Description::new("IssueDirectoryToken", "Issues tokens of a directory for a grant.")
        .form_body::<DirectoryTokenForm>("The grant, its parameters, and the application's credentials.")
        .answer(200, Answer::json::<DirectoryTokenBody<'_>>("The tokens. No cache may store them."))
        .of_application()
}

fn introspect_token() -> Description {
    Description::new("IntrospectDirectoryToken", "Whether a token of the directory is good at the moment.")
        .form_body::<DirectoryTokenOnly>("The token, and the credentials of an application with a secret.")
        .answer(200, Answer::json::<DirectoryIntrospection>("`active`; and the token's details, if it is."))
        .of_application()
}

fn revoke_token() -> Description {
    Description::new("RevokeDirectoryToken", "Ends the grant of a token of the application.")
        .form_body::<DirectoryTokenOnly>("The token, and the application's credentials.")
        .answer(200, Answer::empty("The grant has ended, also if the token is unknown. No body."))
        .of_application()
}

fn read_user_info(id: &str) -> Description {
    Description::new(id, "The user of an access token with the scope `openid`.")
        .answer(200, Answer::json::<DirectoryUserInfo<'_>>("The user."))
        .answer(403, error("The token lacks the scope `openid`.").header(OF_BEARER.0, OF_BEARER.1))
        .of_bearer()
}

fn generate_own_page_code() -> Description {
    Description::new("GenerateOwnPageCode", "Draws a code by which a user changes details on the directory's page.")
        .note(
            "The header is `Authorization: Bearer <access token> <ID token>`, both of the same user and application. The code is \
             good for an hour and one use, as `code` of the page `change_details`.",
        )
        .answer(200, Answer::text("The code."))
        .answer(403, error("Self-service is off in this directory."))
        .answer(429, error("The application draws too many codes for the user.").header(RETRY.0, RETRY.1))
        .of_bearer()
}

fn note_activity() -> Description {
    Description::new("NoteDirectoryActivity", "Notes in the audit stream that an application has signed its user out.")
        .json_body::<DirectoryActivity>(true, "The name of the event.")
        .answer(204, Answer::empty("It is noted."))
        .answer(400, error("The body is malformed."))
        .answer(408, error("The body did not arrive in time."))
        .answer(413, error("The body is larger than `server.body_limit_bytes`."))
        .of_bearer()
}

fn list_keys() -> Description {
    Description::new("GetDirectoryKeys", "The public keys of a directory.")
        .answer(200, Answer::json::<DirectoryKeySet>("The key that signs, and those of older tokens."))
        .answer(503, error("The keys are not available.").header(RETRY.0, RETRY.1))
        .of_directory()
}

fn describe(id: &str) -> Description {
    Description::new(id, "The metadata of a directory (OpenID Connect Discovery, RFC 8414).")
        .answer(200, Answer::json::<DirectoryMetadata<'_>>("The endpoints, and what they take."))
        .of_directory()
}

fn options(id: &str) -> Description {
    Description::new(id, "Answers the question of a browser before a page's request.")
        .answer(204, Answer::empty("What pages of the directory's applications may do."))
        .of_directory()
}

/// Adds the answers that several of these operations have.
trait WithSharedAnswers {
    /// Those of every operation.
    fn of_directory(self) -> Self;
    /// Those of an operation that an application calls with its credentials.
    fn of_application(self) -> Self;
    /// Those of an operation that takes an access token.
    fn of_bearer(self) -> Self;
}

impl WithSharedAnswers for Description {
    fn of_directory(self) -> Self {
        self.path_parameter("tenant", "The tenant id of the directory.").error(404, "There is no such directory.")
    }

    fn of_application(self) -> Self {
        self.answer(400, error("The request or its grant is refused; `error` says which."))
            .answer(
                401,
                error("The application is not authenticated.")
                    .header("WWW-Authenticate", "Of HTTP Basic, if it was used."),
            )
            .answer(408, error("The body did not arrive in time."))
            .answer(413, error("The body is larger than `server.body_limit_bytes`."))
            .answer(429, error("Too many wrong credentials or passwords.").header(RETRY.0, RETRY.1))
            .answer(503, error("An outage of the store.").header(RETRY.0, RETRY.1))
            .of_directory()
    }

    fn of_bearer(self) -> Self {
        let refused = "The bearer is absent or not good at the moment.";
        self.bearer()
            .answer(401, error(refused).header(OF_BEARER.0, OF_BEARER.1))
            .answer(503, error("An outage of the store.").header(RETRY.0, RETRY.1))
            .of_directory()
    }
}

fn error(text: &str) -> Answer {
    Answer::json::<DirectoryOAuthError<'_>>(text)
}
