use super::RefusalMeaning::{
    self, AccessRefused, Cancelled, Denied, Misconfigured, PasswordForgotten, ServerFault, SignInAgain, Throttled,
    Transient, WrongAccount,
};

/// Meanings by AADB2C number (the error codes of Azure AD B2C). B2C sends them through the browser only, and they are a
/// numbering of its own.
#[rustfmt::skip]
pub(super) const BY_B2C_CODE: [(u32, RefusalMeaning, &str); 24] = [
    (90118, PasswordForgotten, "the user asked for a new password: configure a user flow with built-in password reset"),
    (90091, Cancelled, "the user has cancelled at B2C"),
    (90077, SignInAgain, "B2C has no session of this user: the user must sign in again"),
    (90080, SignInAgain, "the grant at B2C has expired: the user must sign in again"),
    (90128, SignInAgain, "the account of the grant does not exist at B2C any more: the user must sign in again"),
    (90129, SignInAgain, "the grant at B2C was revoked: the user must sign in again"),
    (90182, SignInAgain, "the code verifier does not fit the code at B2C: the user must sign in again"),
    (90151, SignInAgain, "the user tried too often with a wrong code, and has to begin a new sign-in at B2C"),
    (90157, SignInAgain, "the user exceeded B2C's number of attempts, and has to begin a new sign-in"),
    (90273, AccessRefused, "an identity provider behind B2C refused the user, or the user refused there: see the B2C audit log"),
    (90114, Denied, "the account is locked at B2C: an administrator can unlock it"),
    (99002, WrongAccount, "B2C does not know the account: the user has to sign up, or to use another account"),
    (90006, Misconfigured, "the B2C application does not know the redirect URI: register server.public_url with the path /.auth/web/redirect"),
    (90007, Misconfigured, "the B2C application has no redirect URI registered: register server.public_url with the path /.auth/web/redirect"),
    (90055, Misconfigured, "the B2C application may not use a scope of the connection: grant it under API permissions"),
    (90117, Misconfigured, "B2C does not know a scope of the connection: compare it with Expose an API"),
    (90057, Misconfigured, "the B2C application does not allow the flow: check its authentication settings"),
    (90088, Misconfigured, "the grant belongs to another B2C policy: authorization and token endpoint must name the same policy"),
    (90047, ServerFault, "B2C could not fetch a resource of the user flow or its page: see its page layout, and CORS of its address"),
    (90048, ServerFault, "the B2C user flow or custom policy had an unhandled error: see its logs in Application Insights"),
    (90075, ServerFault, "a claims exchange of the B2C custom policy got a bad answer: see its logs in Application Insights"),
    (90085, ServerFault, "B2C had an internal error in the policy: see its logs in Application Insights"),
    (90289, Transient, "an identity provider behind B2C could not be reached"),
    (90244, Throttled, "B2C received too many requests for this user"),
];
