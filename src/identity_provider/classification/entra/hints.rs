//! What mends a refusal of Entra, for the operator (docs/protocols/entra-obo.md §3). Several numbers share a remedy, and each has a
//! cause of its own, so no two hints are the same.

/// The hint of a number: its cause, which is its own, and the remedy of this name.
#[rustfmt::skip]
macro_rules! hint {
    ($cause:literal, grant_consent) => { concat!($cause, ": consent on the sign-in page, or grant admin consent under Enterprise applications > Permissions") };
    ($cause:literal, admin_consent) => { concat!($cause, ": an administrator has to consent under Enterprise applications > Permissions") };
    ($cause:literal, further_step) => { concat!($cause, ": the user takes this step in the next sign-in") };
    ($cause:literal, sign_in_again) => { concat!($cause, ": the user must sign in again") };
    ($cause:literal, new_password) => { concat!($cause, ": the user sets a new password in the next sign-in") };
    ($cause:literal, assertion) => { concat!($cause, ": check the exposed API, requestedAccessTokenVersion, custom signing keys, and the cloud") };
    ($cause:literal, access_policy) => { concat!($cause, ": see the sign-in log; the policy may see this server's address instead of the user's") };
    ($cause:literal, tenant_policy) => { concat!($cause, ": see the cross-tenant access settings and tenant restrictions") };
    ($cause:literal, other_account) => { concat!($cause, ": another account is needed") };
    ($cause:literal, permissions) => { concat!($cause, ": compare the connection's scopes with App registrations > API permissions") };
    ($cause:literal, scopes) => { concat!($cause, ": name well-formed scopes of one resource in the connection") };
    ($cause:literal, resource) => { concat!($cause, ": check the resource in the connection's scopes") };
    ($cause:literal, application) => { concat!($cause, ": check the connection's client_id, and install or enable the application in the user's tenant") };
    ($cause:literal, credential) => { concat!($cause, ": check the connection's credentials, and what the application accepts under Certificates & secrets") };
    ($cause:literal, certificate) => { concat!($cause, ": upload the current certificate under Certificates & secrets") };
    ($cause:literal, client_id) => { concat!($cause, ": check the connection's client_id") };
    ($cause:literal, subject) => { concat!($cause, ": compare it with the assertion's sub (a managed identity's object id), character by character") };
    ($cause:literal, authority) => { concat!($cause, ": check the identity provider's authority and the connection's tenants") };
    ($cause:literal, request) => { concat!($cause, ": check the token endpoint's address; if it is right, report a bug") };
    ($cause:literal, wait) => { concat!($cause, ": there is nothing to change in this configuration, and a repeated request usually succeeds") };
    ($cause:literal, lasting) => { concat!($cause, ": there is nothing to change in this configuration") };
    ($cause:literal, verifier) => { concat!($cause, ": the code belongs to another authorization request, and the user must sign in again") };
    ($cause:literal, mfa_help) => { concat!($cause, ": an administrator has to help the user to register one") };
    ($cause:literal, users) => { concat!($cause, ": see the tenant's users") };
    ($cause:literal, redirect_uri) => { concat!($cause, ": register server.public_url with the path /.auth/web/redirect under App registrations > Authentication, platform Web, character by character") };
    ($cause:literal, platform) => { concat!($cause, ": register the redirect URI for the platform Web under App registrations > Authentication, and remove it from the platform single-page application") };
    ($cause:literal, tenants) => { concat!($cause, ": compare the connection's tenants with the user's tenant, and check the identity provider's authority") };
    ($cause:literal, account_types) => { concat!($cause, ": change App registrations > Authentication > Supported account types, or the connection's tenants") };
    ($cause:literal, code_flow) => { concat!($cause, ": register the redirect URI for the platform Web under App registrations > Authentication") };
    ($cause:literal, on_premises) => { concat!($cause, ": see the tenant's Entra Connect health") };
}

pub(super) use hint;

/// The hint if the application's assertion was refused under `invalid_client`, and no number says more.
pub(in crate::identity_provider::classification) const CLIENT_ASSERTION: &str =
    "the issuer rejects the client's assertion: check the credential that the connection presents, and its client_id";
/// The hint of a claims challenge that comes without a known number.
pub(in crate::identity_provider::classification) const CLAIMS_CHALLENGE: &str =
    "the provider sent the browser back with a claims challenge: the next sign-in carries it";
