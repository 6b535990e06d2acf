use super::RefusalMeaning::{
    self, AccessRefused, Cancelled, Denied, Misconfigured, PasswordForgotten, ServerFault, SignInAgain, Throttled,
    Transient, WrongAccount,
};

const REDIRECT_URI: &str =
    "the B2C application does not know the redirect URI: register server.public_url with the path /.auth/web/redirect";
const SCOPES: &str = "the B2C application may not use the connection's scopes: grant them under API permissions";
const SESSION: &str = "the session or the grant at B2C has ended: the user must sign in again";
const RETRIES: &str = "the user tried too often with a wrong password or code, and has to begin a new sign-in";
const POLICY_FAULT: &str = "the B2C user flow or custom policy has a fault: see its logs in Application Insights";
const FEDERATED: &str =
    "an identity provider behind B2C refused the user, or the user refused there: see the B2C audit log";

/// Meanings by AADB2C number (the error codes of Azure AD B2C). B2C sends them through the browser only, and they are a
/// numbering of its own.
#[rustfmt::skip]
pub(super) const BY_B2C_CODE: [(u32, RefusalMeaning, &str); 24] = [
    (90118, PasswordForgotten, "the user asked for a new password: configure a user flow with built-in password reset"),
    (90091, Cancelled, "the user has cancelled at B2C"),
    (90077, SignInAgain, SESSION),
    (90080, SignInAgain, SESSION),
    (90128, SignInAgain, SESSION),
    (90129, SignInAgain, SESSION),
    (90182, SignInAgain, SESSION),
    (90151, SignInAgain, RETRIES),
    (90157, SignInAgain, RETRIES),
    (90273, AccessRefused, FEDERATED),
    (90114, Denied, "the account is locked at B2C: an administrator can unlock it"),
    (99002, WrongAccount, "B2C does not know the account: the user has to sign up, or to use another account"),
    (90006, Misconfigured, REDIRECT_URI),
    (90007, Misconfigured, REDIRECT_URI),
    (90055, Misconfigured, SCOPES),
    (90117, Misconfigured, SCOPES),
    (90057, Misconfigured, "the B2C application does not allow the flow: check its authentication settings"),
    (90088, Misconfigured, "the grant belongs to another B2C policy: authorization and token endpoint must name the same policy"),
    (90047, ServerFault, POLICY_FAULT),
    (90048, ServerFault, POLICY_FAULT),
    (90075, ServerFault, POLICY_FAULT),
    (90085, ServerFault, POLICY_FAULT),
    (90289, Transient, "an identity provider behind B2C could not be reached"),
    (90244, Throttled, "B2C received too many requests for this user"),
];
