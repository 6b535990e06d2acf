use utoipa::ToSchema;

use super::introspection::{self, IntrospectionBody};
use super::metadata::{self, MetadataBody};
use super::replies::OAuthErrorBody;
use super::token::{self, IssuedTokenBody};
use super::{INTROSPECTION_PATH, METADATA_PATH, REVOCATION_PATH, TOKEN_PATH, revocation};
use crate::inbound::{Answer, Description, Method, Operation};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: TOKEN_PATH,
        route: |route| route.to(token::issue),
        description: || {
            Description::new("IssueToken", "Exchanges a user's token for a token of the connection's resource.")
                .note(
                    "The grants are token exchange (RFC 8693), the same exchange by `assertion` (RFC 7523), and \
                     `client_credentials` for back ends that may have tokens as themselves.",
                )
                .form_body::<TokenForm>("The grant, its parameters, and the client's credentials.")
                .answer(200, Answer::json::<IssuedTokenBody<'_>>("The token. No cache may store it."))
                .answer(400, error("The request, the user's token, or the user is refused; `claims` is the challenge."))
                .answer(500, error("The operator must correct something; the log says what.").header(RETRY.0, RETRY.1))
                .common_answers()
        },
    },
    Operation {
        method: Method::Post,
        path: INTROSPECTION_PATH,
        route: |route| route.to(introspection::introspect),
        description: || {
            Description::new("IntrospectToken", "Whether a token is valid at the moment, and for this back end.")
                .form_body::<TokenOnly>("The token, and the client's credentials.")
                .answer(200, Answer::json::<IntrospectionBody>("`active`; and the token's details, if it is."))
                .answer(400, error("The request is malformed."))
                .common_answers()
        },
    },
    Operation {
        method: Method::Post,
        path: REVOCATION_PATH,
        route: |route| route.to(revocation::revoke),
        description: || {
            Description::new(
                "RevokeToken",
                "Removes what is kept for the token's user, and revokes it at the provider.",
            )
            .form_body::<TokenOnly>("The token, and the client's credentials.")
            .answer(200, Answer::empty("Nothing is kept now, also if the token is unknown. No body."))
            .answer(400, error("The request is malformed."))
            .common_answers()
        },
    },
    Operation {
        method: Method::Get,
        path: METADATA_PATH,
        route: |route| route.to(metadata::describe),
        description: || {
            Description::new("GetServerMetadata", "The metadata of this authorization server (RFC 8414).")
                .answer(200, Answer::json::<MetadataBody<'_>>("The endpoints, and what they take."))
        },
    },
];

const RETRY: (&str, &str) = ("Retry-After", "Seconds.");

/// The parameters of the token endpoint.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read parameter by parameter")]
struct TokenForm {
    /// `client_credentials`, or `urn:ietf:params:oauth:grant-type:` with `token-exchange` or `jwt-bearer`.
    grant_type: String,
    /// Of a token exchange: the user's token.
    subject_token: Option<String>,
    /// `urn:ietf:params:oauth:token-type:access_token`, or `…:jwt`.
    subject_token_type: Option<String>,
    /// `urn:ietf:params:oauth:token-type:access_token`, if it is there.
    requested_token_type: Option<String>,
    /// Of the grant jwt-bearer: the user's token.
    assertion: Option<String>,
    /// One of the back end's audiences; may be repeated.
    audience: Option<String>,
    /// As `audience`.
    resource: Option<String>,
    /// Scopes of the connection, with blanks between them.
    scope: Option<String>,
    /// Unless the `Authorization` header has the credentials.
    client_id: Option<String>,
    /// The secret.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`
    client_assertion_type: Option<String>,
    /// A JWT that the client has signed.
    client_assertion: Option<String>,
}

/// The parameters of introspection and revocation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body is read parameter by parameter")]
struct TokenOnly {
    /// A user's token, or one that the token endpoint gave.
    token: String,
    /// Is ignored.
    token_type_hint: Option<String>,
}

/// Adds the answers that each of these operations has.
trait WithCommonAnswers {
    fn common_answers(self) -> Self;
}

impl WithCommonAnswers for Description {
    fn common_answers(self) -> Self {
        self.answer(401, error("The client is not authenticated.").header("WWW-Authenticate", "Of HTTP Basic."))
            .answer(408, error("The body did not arrive in time."))
            .answer(413, error("The body is larger than `server.body_limit_bytes`."))
            .answer(429, error("Too many wrong credentials, or exchanges of this user.").header(RETRY.0, RETRY.1))
            .answer(503, error("An outage of the provider or of the store.").header(RETRY.0, RETRY.1))
    }
}

fn error(text: &str) -> Answer {
    Answer::json::<OAuthErrorBody<'_>>(text)
}
