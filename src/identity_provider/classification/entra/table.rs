use super::EntraErrorClass;
use super::EntraErrorClass::{
    AssertionExpired, AssertionRejected, Consent, Denied, Interaction, Misconfigured, ServerFault, TenantThrottled,
    Throttled, Transient,
};

const GRANT_CONSENT: &str = "the user or an administrator has not consented to the connection's scopes: consent on the sign-in page, \
    or grant admin consent under Enterprise applications > Permissions";
const ADMIN_CONSENT: &str =
    "an administrator has to consent to the connection's scopes: Enterprise applications > Permissions";
const FURTHER_STEP: &str = "conditional access requires a further step of the user (MFA, a new sign-in)";
const SIGN_IN_AGAIN: &str = "the user's sign-in was revoked or is too old: the user must sign in again";
const DEVICE_OR_LOCATION: &str = "conditional access blocks the user's device, app or location: see the sign-in log; the policy may see this \
    server's address instead of the user's";
const TENANT_POLICY: &str = "a cross-tenant access or tenant restriction policy blocks the user";
const WRONG_ACCOUNT_HINT: &str =
    "the user does not belong to this tenant, or is an unredeemed guest: another account is needed";
const BAD_ASSERTION: &str = "the client's token is not a token that this application may exchange: check the exposed API, \
    requestedAccessTokenVersion, custom signing keys, and the cloud";
const PERMISSIONS: &str = "the connection's scopes are not among the application's API permissions, or that API is not available in \
    the tenant: App registrations > API permissions";
const SCOPES: &str = "the connection's scopes are malformed or belong to several resources: name one resource's scopes";
const RESOURCE: &str = "the resource named by the connection's scopes does not exist in the user's tenant";
const APPLICATION: &str =
    "the connection's client_id does not exist or is disabled in the user's tenant: install the application there";
const SECRET: &str = "the client secret is wrong: configure the secret's value (not its id) under App registrations > Certificates & secrets";
const SECRET_EXPIRED: &str =
    "the client secret has expired: create a new one under App registrations > Certificates & secrets";
pub(super) const CREDENTIAL: &str =
    "the client credential is missing or of a kind that this application does not accept";
const CERTIFICATE: &str =
    "the client certificate is unknown, expired or revoked: upload the current one under Certificates & secrets";
const SIGNATURE: &str = "the client assertion's signature does not match its certificate: check that the key file belongs to the \
    certificate, and that this certificate is uploaded under Certificates & secrets";
const ASSERTION_AUDIENCE: &str = "the client assertion is for another token endpoint: configure the login host's canonical name, not an \
    alias";
const ASSERTION_SUBJECT: &str = "the client assertion names another application: check the connection's client_id";
const CLOCK: &str = "the client assertion's nbf or exp was refused: check this machine's clock";
const FEDERATION: &str =
    "no federated credential of the application matches the presented issuer, subject and audience (case-sensitive)";
const FEDERATED_ISSUER: &str = "no federated credential of the application has the presented issuer: compare it with the assertion's iss, \
    character by character";
const FEDERATED_AUDIENCE: &str = "no federated credential of the application has the presented audience: it must be the cloud's audience, such as \
    api://AzureADTokenExchange";
const FEDERATED_SUBJECT: &str = "no federated credential of the application has the presented subject: compare it with the assertion's sub \
    (a managed identity's object id), character by character";
const TENANT: &str =
    "the tenant is unknown to the issuer or belongs to another national cloud: check the identity provider's authority";
const OUR_REQUEST: &str =
    "the token request is malformed: check the token endpoint's address; if it is right, report a bug";
const FAULT: &str = "the issuer has a temporary fault; there is nothing to change in this configuration";
const LASTING_FAULT: &str = "the issuer has a fault; there is nothing to change in this configuration";

/// Classes by AADSTS number. Microsoft may change numbers; an unknown number is classified by the tables below.
pub(super) const BY_CODE: [(u32, EntraErrorClass, &str); 120] = [
    (65001, Consent, GRANT_CONSENT),
    (65004, Consent, "the user declined to consent"),
    (90094, Consent, ADMIN_CONSENT),
    (90095, Consent, ADMIN_CONSENT),
    (50072, Interaction, FURTHER_STEP),
    (50074, Interaction, FURTHER_STEP),
    (50076, Interaction, FURTHER_STEP),
    (50078, Interaction, FURTHER_STEP),
    (50079, Interaction, FURTHER_STEP),
    (50097, Interaction, FURTHER_STEP),
    (50129, Interaction, FURTHER_STEP),
    (50155, Interaction, FURTHER_STEP),
    (50158, Interaction, FURTHER_STEP),
    (50161, Interaction, FURTHER_STEP),
    (50187, Interaction, FURTHER_STEP),
    (50058, Interaction, SIGN_IN_AGAIN),
    (50055, Interaction, "the user's password has expired"),
    (50144, Interaction, "the user's password has expired"),
    (50089, Interaction, SIGN_IN_AGAIN),
    (50132, Interaction, SIGN_IN_AGAIN),
    (50133, Interaction, SIGN_IN_AGAIN),
    (50173, Interaction, SIGN_IN_AGAIN),
    (54005, Interaction, SIGN_IN_AGAIN),
    (70008, Interaction, SIGN_IN_AGAIN),
    (70043, Interaction, SIGN_IN_AGAIN),
    (700_082, Interaction, SIGN_IN_AGAIN),
    (700_084, Interaction, SIGN_IN_AGAIN),
    (
        500_133,
        AssertionExpired,
        "the client's token has expired: the client fetches a new one; if this repeats, check the clocks",
    ),
    (50006, AssertionRejected, BAD_ASSERTION),
    (50013, AssertionRejected, BAD_ASSERTION),
    (50027, AssertionRejected, BAD_ASSERTION),
    (90016, AssertionRejected, BAD_ASSERTION),
    (
        240_002,
        AssertionRejected,
        "the client sent an ID token: it must request a token for the connection's token_exchange_uri",
    ),
    (
        500_131,
        AssertionRejected,
        "the token's audience is not the connection's client_id: check both, and write the App ID URI in lower case",
    ),
    (50053, Denied, "the account is locked or the address is suspicious: see the sign-in log"),
    (50057, Denied, "the account is disabled"),
    (50105, Denied, "the user is not assigned to the application: Enterprise applications > Users and groups"),
    (50131, Denied, DEVICE_OR_LOCATION),
    (53000, Denied, DEVICE_OR_LOCATION),
    (53001, Denied, DEVICE_OR_LOCATION),
    (53002, Denied, DEVICE_OR_LOCATION),
    (53003, Denied, DEVICE_OR_LOCATION),
    (53011, Denied, DEVICE_OR_LOCATION),
    (530_002, Denied, DEVICE_OR_LOCATION),
    (530_003, Denied, DEVICE_OR_LOCATION),
    (530_032, Denied, DEVICE_OR_LOCATION),
    (530_035, Denied, DEVICE_OR_LOCATION),
    (500_021, Denied, TENANT_POLICY),
    (500_212, Denied, TENANT_POLICY),
    (500_213, Denied, TENANT_POLICY),
    (16000, Denied, WRONG_ACCOUNT_HINT),
    (50014, Denied, WRONG_ACCOUNT_HINT),
    (50020, Denied, WRONG_ACCOUNT_HINT),
    (50034, Denied, WRONG_ACCOUNT_HINT),
    (51004, Denied, WRONG_ACCOUNT_HINT),
    (90072, Denied, WRONG_ACCOUNT_HINT),
    (65002, Misconfigured, PERMISSIONS),
    (65005, Misconfigured, PERMISSIONS),
    (650_052, Misconfigured, PERMISSIONS),
    (650_056, Misconfigured, PERMISSIONS),
    (650_057, Misconfigured, PERMISSIONS),
    (28002, Misconfigured, SCOPES),
    (28003, Misconfigured, SCOPES),
    (70011, Misconfigured, SCOPES),
    (700_022, Misconfigured, SCOPES),
    (50001, Misconfigured, RESOURCE),
    (500_011, Misconfigured, RESOURCE),
    (70001, Misconfigured, APPLICATION),
    (700_011, Misconfigured, APPLICATION),
    (700_016, Misconfigured, APPLICATION),
    (1_000_031, Misconfigured, APPLICATION),
    (7_000_112, Misconfigured, APPLICATION),
    (7_000_114, Misconfigured, "the application may not act on behalf of users: check its registration"),
    (7_000_215, Misconfigured, SECRET),
    (7_000_222, Misconfigured, SECRET_EXPIRED),
    (70002, Misconfigured, CREDENTIAL),
    (700_025, Misconfigured, CREDENTIAL),
    (7_000_218, Misconfigured, CREDENTIAL),
    (50012, Misconfigured, SIGNATURE),
    (700_027, Misconfigured, CERTIFICATE),
    (1_000_502, Misconfigured, CERTIFICATE),
    (7_000_214, Misconfigured, CERTIFICATE),
    (7_000_274, Misconfigured, CERTIFICATE),
    (7_000_277, Misconfigured, CERTIFICATE),
    (700_021, Misconfigured, ASSERTION_SUBJECT),
    // Microsoft's reference lists this number among the scope errors, but its text is about the client assertion's
    // audience.
    (700_023, Misconfigured, ASSERTION_AUDIENCE),
    (ASSERTION_TIMES_REFUSED, Misconfigured, CLOCK),
    (70021, Misconfigured, FEDERATION),
    (700_211, Misconfigured, FEDERATED_ISSUER),
    (700_212, Misconfigured, FEDERATED_AUDIENCE),
    (700_213, Misconfigured, FEDERATED_SUBJECT),
    (7_002_137, Misconfigured, FEDERATED_SUBJECT),
    (7_002_138, Misconfigured, FEDERATED_SUBJECT),
    (
        700_229,
        Misconfigured,
        "a user's token was presented as the application's assertion: check what the assertion file holds",
    ),
    (50049, Misconfigured, TENANT),
    (90002, Misconfigured, TENANT),
    (90038, Misconfigured, TENANT),
    (900_023, Misconfigured, TENANT),
    (900_382, Misconfigured, TENANT),
    (900_432, Misconfigured, TENANT),
    (90014, Misconfigured, OUR_REQUEST),
    (900_144, Misconfigured, OUR_REQUEST),
    (9_001_023, Misconfigured, OUR_REQUEST),
    (9_002_313, Misconfigured, OUR_REQUEST),
    (50196, Throttled, "the issuer detected a loop: a client requests the same token again and again"),
    (50088, TenantThrottled, "the issuer limits this tenant's telephone verifications"),
    (90055, TenantThrottled, "the issuer limits this tenant's requests"),
    // Temporary faults may have HTTP status 400.
    (40010, Transient, FAULT),
    (50033, Transient, FAULT),
    (50087, Transient, FAULT),
    (70012, Transient, FAULT),
    (80005, Transient, FAULT),
    (90006, Transient, FAULT),
    (90012, Transient, FAULT),
    (90024, Transient, FAULT),
    (90033, Transient, FAULT),
    (90090, Transient, FAULT),
    (50000, ServerFault, LASTING_FAULT),
    (90036, ServerFault, LASTING_FAULT),
    (90092, ServerFault, LASTING_FAULT),
];

/// Classes by `suberror`, used if the number is unknown; `suberror` changes less often than numbers (MSAL's
/// classification).
pub(super) const BY_SUBERROR: [(&str, EntraErrorClass, &str); 8] = [
    ("consent_required", Consent, GRANT_CONSENT),
    ("basic_action", Interaction, FURTHER_STEP),
    ("user_password_expired", Interaction, "the user's password has expired"),
    ("bad_token", Interaction, SIGN_IN_AGAIN),
    // The user cannot do these two actions in the sign-in that a card opens. If a challenge were needed, the response
    // would hold `claims`.
    ("additional_action", Denied, DEVICE_OR_LOCATION),
    ("message_only", Denied, DEVICE_OR_LOCATION),
    ("client_mismatch", Denied, "the grant was issued to another client; a new sign-in does not cure that"),
    ("protection_policy_required", Denied, "an app protection policy is required, which a server cannot satisfy"),
];

/// Classes by `error` (RFC 6749 §5.2, `OpenID` Connect Core §3.1.2.6, and Entra's own values).
pub(super) const BY_ERROR: [(&str, EntraErrorClass, &str); 17] = [
    ("consent_required", Consent, GRANT_CONSENT),
    ("interaction_required", Interaction, FURTHER_STEP),
    ("login_required", Interaction, SIGN_IN_AGAIN),
    ("bad_token", Interaction, SIGN_IN_AGAIN),
    ("invalid_grant", Interaction, "the issuer refused the grant for an unknown reason: look up the AADSTS number"),
    ("access_denied", Denied, "the issuer denied access: see the sign-in log"),
    ("invalid_client", Misconfigured, CREDENTIAL),
    ("unauthorized_client", Misconfigured, APPLICATION),
    ("invalid_scope", Misconfigured, SCOPES),
    ("invalid_resource", Misconfigured, RESOURCE),
    ("invalid_target", Misconfigured, RESOURCE),
    ("invalid_tenant", Misconfigured, TENANT),
    ("invalid_instance", Misconfigured, TENANT),
    ("invalid_request", Misconfigured, OUR_REQUEST),
    ("unsupported_grant_type", Misconfigured, OUR_REQUEST),
    ("temporarily_unavailable", Transient, FAULT),
    ("server_error", ServerFault, LASTING_FAULT),
];

/// Entra refused the client assertion's `nbf` or `exp`. The client tries one new assertion of the same credential.
pub(super) const ASSERTION_TIMES_REFUSED: u32 = 700_024;

/// Numbers that reject one credential but not the client. 7000215 (wrong secret) is one of them: if two secrets
/// are configured for a rotation, either may be the withdrawn secret. 700016 (unknown application) and 700025 (the
/// application takes no credential) are not: the next credential would be refused as well.
pub(super) const OTHER_CREDENTIAL_MAY_SERVE: [u32; 17] = [
    7_000_215, 7_000_222, 700_027, 7_000_274, 50012, 1_000_502, 7_000_214, 7_000_277, 700_021, 700_023, 70021, 700_211,
    700_212, 700_213, 7_002_137, 7_002_138, 700_229,
];
