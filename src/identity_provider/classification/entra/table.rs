use super::EntraErrorClass;
use super::EntraErrorClass::{
    AssertionExpired, AssertionRejected, Consent, Denied, Interaction, Misconfigured, ServerFault, TenantThrottled,
    Throttled, Transient,
};

const GRANT_CONSENT: &str = "the user or an administrator has not consented to the connection's scopes: consent on the sign-in page, \
    or grant admin consent under Enterprise applications > Permissions";
const ADMIN_CONSENT: &str =
    "an administrator has to consent to the connection's scopes: Enterprise applications > Permissions";
const MORE_FROM_THE_USER: &str = "conditional access wants more from the user (MFA, a fresh sign-in)";
const SIGN_IN_AGAIN: &str = "the user's sign-in was revoked or is too old: a fresh one cures it";
const DEVICE_OR_PLACE: &str = "conditional access blocks the user's device, app or place: see the sign-in log; the policy may see this \
    server's address instead of the user's";
const TENANT_POLICY: &str = "a cross-tenant access or tenant restriction policy blocks the user";
const WRONG_ACCOUNT: &str =
    "the user does not belong to this tenant, or is an unredeemed guest: another account is needed";
const BAD_ASSERTION: &str = "the client's token is not one that this application may exchange: check the exposed API, \
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
pub(super) const CREDENTIAL: &str = "the client credential is missing or of a kind that this application does not take";
const CERTIFICATE: &str =
    "the client certificate is unknown, expired or revoked: upload the current one under Certificates & secrets";
const SIGNATURE: &str = "the client assertion's signature does not fit its certificate: check that the key file belongs to the \
    certificate, and that this very certificate is uploaded under Certificates & secrets";
const ASSERTION_AUDIENCE: &str = "the client assertion is for another token endpoint: configure the login host's own name, not an \
    alias of it";
const ASSERTION_SUBJECT: &str = "the client assertion names another application: check the connection's client_id";
const CLOCK: &str = "the client assertion's times do not fit: check this machine's clock";
const FEDERATION: &str =
    "no federated credential of the application fits the presented issuer, subject and audience (case matters)";
const FEDERATED_ISSUER: &str = "no federated credential of the application has the presented issuer: compare it with the assertion's iss, \
    letter by letter";
const FEDERATED_AUDIENCE: &str = "no federated credential of the application has the presented audience: it must be the cloud's, as \
    api://AzureADTokenExchange";
const FEDERATED_SUBJECT: &str = "no federated credential of the application has the presented subject: compare it with the assertion's sub \
    (a managed identity's object id), letter by letter";
const TENANT: &str =
    "the tenant is unknown here or belongs to another national cloud: check the identity provider's authority";
const OUR_REQUEST: &str = "the token request is malformed: check the token endpoint's address, else report a bug";
const FAULT: &str = "the issuer has a passing fault; nothing to change here";
const LASTING_FAULT: &str = "the issuer has a fault; nothing to change here";

/// Refinements by AADSTS number. Microsoft may change numbers: an unknown one falls back to the tables below.
pub(super) const BY_CODE: [(u32, EntraErrorClass, &str); 120] = [
    (65001, Consent, GRANT_CONSENT),
    (65004, Consent, "the user declined to consent"),
    (90094, Consent, ADMIN_CONSENT),
    (90095, Consent, ADMIN_CONSENT),
    (50072, Interaction, MORE_FROM_THE_USER),
    (50074, Interaction, MORE_FROM_THE_USER),
    (50076, Interaction, MORE_FROM_THE_USER),
    (50078, Interaction, MORE_FROM_THE_USER),
    (50079, Interaction, MORE_FROM_THE_USER),
    (50097, Interaction, MORE_FROM_THE_USER),
    (50129, Interaction, MORE_FROM_THE_USER),
    (50155, Interaction, MORE_FROM_THE_USER),
    (50158, Interaction, MORE_FROM_THE_USER),
    (50161, Interaction, MORE_FROM_THE_USER),
    (50187, Interaction, MORE_FROM_THE_USER),
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
        "the client's token is over: it fetches a fresh one; if this repeats, check the clocks",
    ),
    (50006, AssertionRejected, BAD_ASSERTION),
    (50013, AssertionRejected, BAD_ASSERTION),
    (50027, AssertionRejected, BAD_ASSERTION),
    (90016, AssertionRejected, BAD_ASSERTION),
    (240_002, AssertionRejected, "the client sent an ID token: it must ask for the connection's token_exchange_uri"),
    (
        500_131,
        AssertionRejected,
        "the token's audience is not the connection's client_id: check both, and write the App ID URI in lower case",
    ),
    (50053, Denied, "the account is locked or the address is suspicious: see the sign-in log"),
    (50057, Denied, "the account is disabled"),
    (50105, Denied, "the user is not assigned to the application: Enterprise applications > Users and groups"),
    (50131, Denied, DEVICE_OR_PLACE),
    (53000, Denied, DEVICE_OR_PLACE),
    (53001, Denied, DEVICE_OR_PLACE),
    (53002, Denied, DEVICE_OR_PLACE),
    (53003, Denied, DEVICE_OR_PLACE),
    (53011, Denied, DEVICE_OR_PLACE),
    (530_002, Denied, DEVICE_OR_PLACE),
    (530_003, Denied, DEVICE_OR_PLACE),
    (530_032, Denied, DEVICE_OR_PLACE),
    (530_035, Denied, DEVICE_OR_PLACE),
    (500_021, Denied, TENANT_POLICY),
    (500_212, Denied, TENANT_POLICY),
    (500_213, Denied, TENANT_POLICY),
    (16000, Denied, WRONG_ACCOUNT),
    (50014, Denied, WRONG_ACCOUNT),
    (50020, Denied, WRONG_ACCOUNT),
    (50034, Denied, WRONG_ACCOUNT),
    (51004, Denied, WRONG_ACCOUNT),
    (90072, Denied, WRONG_ACCOUNT),
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
    // The reference lists it among the scopes' faults; its text is about the client assertion's audience.
    (700_023, Misconfigured, ASSERTION_AUDIENCE),
    (ASSERTION_TIMES, Misconfigured, CLOCK),
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
    (50196, Throttled, "the issuer sees a loop: some client asks for the same token again and again"),
    (50088, TenantThrottled, "the issuer limits this tenant's telephone verifications"),
    (90055, TenantThrottled, "the issuer limits this tenant's requests"),
    // Passing faults may arrive under HTTP 400.
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

/// `suberror`, the more stable witness where no number is known (MSAL's classification).
pub(super) const BY_SUBERROR: [(&str, EntraErrorClass, &str); 8] = [
    ("consent_required", Consent, GRANT_CONSENT),
    ("basic_action", Interaction, MORE_FROM_THE_USER),
    ("user_password_expired", Interaction, "the user's password has expired"),
    ("bad_token", Interaction, SIGN_IN_AGAIN),
    // What these two want cannot be done in the prompt that a card opens; a challenge would have come with `claims`.
    ("additional_action", Denied, DEVICE_OR_PLACE),
    ("message_only", Denied, DEVICE_OR_PLACE),
    ("client_mismatch", Denied, "the grant was issued to another client; no prompt cures that"),
    ("protection_policy_required", Denied, "an app protection policy is required, which a server cannot satisfy"),
];

/// `error` (RFC 6749 §5.2, `OpenID` Connect Core §3.1.2.6, and Entra's own).
pub(super) const BY_ERROR: [(&str, EntraErrorClass, &str); 17] = [
    ("consent_required", Consent, GRANT_CONSENT),
    ("interaction_required", Interaction, MORE_FROM_THE_USER),
    ("login_required", Interaction, SIGN_IN_AGAIN),
    ("bad_token", Interaction, SIGN_IN_AGAIN),
    (
        "invalid_grant",
        Interaction,
        "the issuer refused the grant without a reason that is known here: see the AADSTS number",
    ),
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

/// The client assertion's times: worth one new assertion of the same credential.
pub(super) const ASSERTION_TIMES: u32 = 700_024;

/// Numbers that condemn one credential, not the client. 7000215 (wrong secret) is among them because two configured
/// secrets are the present and the next one, and either may be the withdrawn one. An unknown application (700016) or
/// one that takes no credential (700025) is not: the next credential would be refused as well.
pub(super) const OTHER_CREDENTIAL_MAY_SERVE: [u32; 17] = [
    7_000_215, 7_000_222, 700_027, 7_000_274, 50012, 1_000_502, 7_000_214, 7_000_277, 700_021, 700_023, 70021, 700_211,
    700_212, 700_213, 7_002_137, 7_002_138, 700_229,
];
