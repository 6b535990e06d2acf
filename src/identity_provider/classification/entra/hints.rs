//! What the operator should change and where, by the kind of Entra's refusals (docs/protocols/entra-obo.md §3).

pub(in crate::identity_provider::classification) const GRANT_CONSENT: &str = "the user or an administrator has not consented to the connection's scopes: consent on the sign-in page, \
    or grant admin consent under Enterprise applications > Permissions";
pub(in crate::identity_provider::classification) const ADMIN_CONSENT: &str =
    "an administrator has to consent to the connection's scopes: Enterprise applications > Permissions";
pub(in crate::identity_provider::classification) const FURTHER_STEP: &str =
    "conditional access requires a further step of the user (MFA, a new sign-in)";
pub(in crate::identity_provider::classification) const SIGN_IN_AGAIN: &str =
    "the user's sign-in was revoked or is too old: the user must sign in again";
pub(in crate::identity_provider::classification) const DEVICE_OR_LOCATION: &str = "conditional access blocks the user's device, app or location: see the sign-in log; the policy may see this \
    server's address instead of the user's";
pub(in crate::identity_provider::classification) const TENANT_POLICY: &str =
    "a cross-tenant access or tenant restriction policy blocks the user";
pub(in crate::identity_provider::classification) const WRONG_ACCOUNT_HINT: &str =
    "the user does not belong to this tenant, or is an unredeemed guest: another account is needed";
pub(in crate::identity_provider::classification) const BAD_ASSERTION: &str = "the client's token is not a token that this application may exchange: check the exposed API, \
    requestedAccessTokenVersion, custom signing keys, and the cloud";
pub(in crate::identity_provider::classification) const PERMISSIONS: &str = "the connection's scopes are not among the application's API permissions, or that API is not available in \
    the tenant: App registrations > API permissions";
pub(in crate::identity_provider::classification) const SCOPES: &str =
    "the connection's scopes are malformed or belong to several resources: name one resource's scopes";
pub(in crate::identity_provider::classification) const RESOURCE: &str =
    "the resource named by the connection's scopes does not exist in the user's tenant";
pub(in crate::identity_provider::classification) const APPLICATION: &str =
    "the connection's client_id does not exist or is disabled in the user's tenant: install the application there";
pub(in crate::identity_provider::classification) const SECRET: &str = "the client secret is wrong: configure the secret's value (not its id) under App registrations > Certificates & secrets";
pub(in crate::identity_provider::classification) const SECRET_EXPIRED: &str =
    "the client secret has expired: create a new one under App registrations > Certificates & secrets";
pub(in crate::identity_provider::classification) const CREDENTIAL: &str =
    "the client credential is missing or of a kind that this application does not accept";
pub(in crate::identity_provider::classification) const CERTIFICATE: &str =
    "the client certificate is unknown, expired or revoked: upload the current one under Certificates & secrets";
pub(in crate::identity_provider::classification) const SIGNATURE: &str = "the client assertion's signature does not match its certificate: check that the key file belongs to the \
    certificate, and that this certificate is uploaded under Certificates & secrets";
pub(in crate::identity_provider::classification) const ASSERTION_AUDIENCE: &str = "the client assertion is for another token endpoint: configure the login host's canonical name, not an \
    alias";
pub(in crate::identity_provider::classification) const ASSERTION_SUBJECT: &str =
    "the client assertion names another application: check the connection's client_id";
pub(in crate::identity_provider::classification) const CLOCK: &str =
    "the client assertion's nbf or exp was refused: check this machine's clock";
pub(in crate::identity_provider::classification) const FEDERATION: &str =
    "no federated credential of the application matches the presented issuer, subject and audience (case-sensitive)";
pub(in crate::identity_provider::classification) const FEDERATED_ISSUER: &str = "no federated credential of the application has the presented issuer: compare it with the assertion's iss, \
    character by character";
pub(in crate::identity_provider::classification) const FEDERATED_AUDIENCE: &str = "no federated credential of the application has the presented audience: it must be the cloud's audience, such as \
    api://AzureADTokenExchange";
pub(in crate::identity_provider::classification) const FEDERATED_SUBJECT: &str = "no federated credential of the application has the presented subject: compare it with the assertion's sub \
    (a managed identity's object id), character by character";
pub(in crate::identity_provider::classification) const TENANT: &str =
    "the tenant is unknown to the issuer or belongs to another national cloud: check the identity provider's authority";
pub(in crate::identity_provider::classification) const OUR_REQUEST: &str =
    "the token request is malformed: check the token endpoint's address; if it is right, report a bug";
pub(in crate::identity_provider::classification) const FAULT: &str =
    "the issuer has a temporary fault; there is nothing to change in this configuration";
pub(in crate::identity_provider::classification) const LASTING_FAULT: &str =
    "the issuer has a fault; there is nothing to change in this configuration";

pub(in crate::identity_provider::classification) const REDIRECT_URI: &str = "the application does not know the redirect URI of the request: register server.public_url with the path \
    /.auth/web/redirect under App registrations > Authentication, platform Web, character by character";
pub(in crate::identity_provider::classification) const PLATFORM: &str = "the redirect URI is registered for the platform single-page application: register it for the platform Web \
    under App registrations > Authentication, and remove it from the other platform";
pub(in crate::identity_provider::classification) const CUSTOM_KEY_REQUIRED: &str = "the application maps claims and has no signing key of its own: add one, or set acceptMappedClaims in its \
    manifest; with a key of its own, configure the identity provider's jwks_url with ?appid=<client_id>";
pub(in crate::identity_provider::classification) const CUSTOM_KEY_REFUSED: &str = "the client's token is not one that Entra takes for an exchange: it is signed with a custom signing key of the \
    application (claims mapping), or belongs to another cloud; remove the custom signing key";
pub(in crate::identity_provider::classification) const INSTALLATION: &str = "the application cannot be installed in the user's tenant: an administrator has to remove the enterprise \
    application of the same name there, or to compare the API permissions, and to consent again";
pub(in crate::identity_provider::classification) const OTHER_TENANT: &str = "the code or token is redeemed at another tenant than the one that issued it: compare the connection's \
    tenants with the user's tenant, and check the identity provider's authority";
pub(in crate::identity_provider::classification) const ACCOUNT_TYPES: &str = "the application's supported account types do not fit the connection's tenants: change one of them (App \
    registrations > Authentication > Supported account types, or tenants)";
pub(in crate::identity_provider::classification) const RESPONSE_TYPE: &str = "the application does not allow the authorization code flow for this redirect URI: register it for the platform \
    Web under App registrations > Authentication";
pub(in crate::identity_provider::classification) const CODE_VERIFIER: &str =
    "the code belongs to another authorization request (its PKCE verifier differs): the user must sign in again";
pub(in crate::identity_provider::classification) const CHOOSE_ACCOUNT: &str =
    "several accounts are signed in at the issuer, or none that fits: the user must choose one";
pub(in crate::identity_provider::classification) const PASSWORD_EXPIRED: &str =
    "the user's password has expired or must be changed";
pub(in crate::identity_provider::classification) const ON_PREMISES: &str = "the organisation's own directory does not respond to the issuer (password agent, federation): see the tenant's \
    Entra Connect health";
pub(in crate::identity_provider::classification) const SIGNING_CREDENTIAL: &str =
    "the issuer has no signing key for this application: see the enterprise application's single sign-on settings";
pub(in crate::identity_provider::classification) const DELETED: &str =
    "the account was deleted, or is not old enough: see the tenant's users";
pub(in crate::identity_provider::classification) const DECLINED: &str = "the user declined to consent";
pub(in crate::identity_provider::classification) const NO_MFA: &str = "the user has registered no second factor, and risk or policy blocks the registration: an administrator has to help";
pub(in crate::identity_provider::classification) const PARAMETERS: &str = "the identity provider does not accept a parameter of the request: check authorization_endpoint and the registration";
