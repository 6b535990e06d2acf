use utoipa::ToSchema;

use super::replies::LogoutErrorBody;
use super::{PATH, logout};
use crate::inbound::{Answer, Description, Method, Operation};

/// This door's operations.
pub(super) const OPERATIONS: &[Operation] =
    &[Operation { method: Method::Post, path: PATH, route: |route| route.to(logout::answer), description: describe }];

/// The body of a request.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the schema is derived from it")]
struct LogoutForm {
    /// The logout token.
    logout_token: String,
}

fn describe() -> Description {
    let error = |text: &'static str| Answer::json::<LogoutErrorBody>(text);
    Description::new("BackChannelLogout", "Signs the person of a logout token out, everywhere.")
        .note("The token is a logout token of OpenID Connect Back-Channel Logout 1.0 for a client of this service at the provider.")
        .path_parameter("identity_provider", "The provider's name in the configuration.")
        .form_body::<LogoutForm>("The logout token.")
        .answer(200, Answer::empty("Nothing of the person is left. An unknown person is answered in the same way."))
        .answer(400, error("The token is not valid, or was used before; or there is no such provider."))
        .answer(408, error("The body did not arrive in time."))
        .answer(413, error("The body is too large."))
        .answer(429, error("The address has sent too many refused tokens.").header("Retry-After", "Seconds."))
        .answer(503, error("The service cannot do its work now: send the token again.").header("Retry-After", "Seconds."))
}
