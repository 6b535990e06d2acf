use super::RefusalMeaning::{
    self, AccessRefused, AccountSelection, Cancelled, Consent, Denied, Interaction, Misconfigured, PageExpired,
    ServerFault, SignInAgain, Transient,
};
use super::entra::hints::{
    APPLICATION, CHOOSE_ACCOUNT, CREDENTIAL, DECLINED, DEVICE_OR_LOCATION, FAULT, FURTHER_STEP, GRANT_CONSENT,
    LASTING_FAULT, OUR_REQUEST, PARAMETERS, PASSWORD_EXPIRED, RESOURCE, RESPONSE_TYPE, SCOPES, SIGN_IN_AGAIN, TENANT,
};

/// A registered or well-known word of a refusal.
pub(super) struct WordRow {
    pub(super) word: &'static str,
    pub(super) meaning: RefusalMeaning,
    /// The hint if Entra says the word.
    pub(super) entra: &'static str,
    /// The hint if another provider says the word.
    pub(super) other: &'static str,
}

const fn row(word: &'static str, meaning: RefusalMeaning, entra: &'static str, other: &'static str) -> WordRow {
    WordRow { word, meaning, entra, other }
}

const OTHER_SIGN_IN_AGAIN: &str =
    "the code or refresh token has expired, was used before or was revoked: the user must sign in again";
const OTHER_SESSION: &str = "the provider requires the user to sign in again";
const OTHER_STEP: &str = "the provider requires a further step of the user, and offers it only in a new sign-in";
const OTHER_CONSENT: &str = "the user has not consented to the connection's scopes";
const OTHER_REGISTRATION: &str = "the provider does not allow this client to use the grant: allow the grant types authorization_code and \
    refresh_token, and the redirect URI, in the client's registration";
const OTHER_SCOPES: &str = "the provider does not know or does not allow the connection's scopes";
const OTHER_REQUEST: &str = "the provider rejects the request: check token_endpoint and the client's registration; if both are right, report a bug";
const OTHER_FAULT: &str = "the provider has a fault; there is nothing to change in this configuration";

/// Meanings by `error` (RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9470 §3, `OpenID` Connect Core §3.1.2.6, and Entra's own
/// values). The browser's callback and the token endpoint share them.
pub(super) const BY_ERROR: [WordRow; 28] = [
    row("consent_required", Consent, GRANT_CONSENT, OTHER_CONSENT),
    row("interaction_required", Interaction, FURTHER_STEP, OTHER_STEP),
    row("insufficient_user_authentication", Interaction, FURTHER_STEP, OTHER_STEP),
    row("unmet_authentication_requirements", Interaction, FURTHER_STEP, OTHER_STEP),
    row("login_required", SignInAgain, SIGN_IN_AGAIN, OTHER_SESSION),
    row("bad_token", SignInAgain, SIGN_IN_AGAIN, OTHER_SIGN_IN_AGAIN),
    row("account_selection_required", AccountSelection, CHOOSE_ACCOUNT, CHOOSE_ACCOUNT),
    row(
        "invalid_grant",
        SignInAgain,
        "the issuer refused the grant for an unknown reason: look up the AADSTS number",
        OTHER_SIGN_IN_AGAIN,
    ),
    row(
        "access_denied",
        AccessRefused,
        "the issuer denied access: see the sign-in log",
        "the provider denied access: see its log",
    ),
    row(
        "invalid_client",
        Misconfigured,
        CREDENTIAL,
        "the provider rejects the client's credential: check client_id and the credential",
    ),
    row("unauthorized_client", Misconfigured, APPLICATION, OTHER_REGISTRATION),
    row("invalid_scope", Misconfigured, SCOPES, OTHER_SCOPES),
    row("invalid_resource", Misconfigured, RESOURCE, OTHER_SCOPES),
    row("invalid_target", Misconfigured, RESOURCE, OTHER_SCOPES),
    row("invalid_tenant", Misconfigured, TENANT, OTHER_REQUEST),
    row("invalid_instance", Misconfigured, TENANT, OTHER_REQUEST),
    row("invalid_request", Misconfigured, OUR_REQUEST, OTHER_REQUEST),
    row("unsupported_grant_type", Misconfigured, OUR_REQUEST, OTHER_REQUEST),
    row("unsupported_response_type", Misconfigured, RESPONSE_TYPE, OTHER_REGISTRATION),
    row("unsupported_response_mode", Misconfigured, PARAMETERS, PARAMETERS),
    row("invalid_request_uri", Misconfigured, PARAMETERS, PARAMETERS),
    row("invalid_request_object", Misconfigured, PARAMETERS, PARAMETERS),
    row("request_not_supported", Misconfigured, PARAMETERS, PARAMETERS),
    row("request_uri_not_supported", Misconfigured, PARAMETERS, PARAMETERS),
    row("registration_not_supported", Misconfigured, PARAMETERS, PARAMETERS),
    row("authentication_expired", PageExpired, PAGE_EXPIRED, PAGE_EXPIRED),
    row("temporarily_unavailable", Transient, FAULT, OTHER_FAULT),
    row("server_error", ServerFault, LASTING_FAULT, OTHER_FAULT),
];

const PAGE_EXPIRED: &str =
    "the provider's sign-in page had expired or was used in another tab; one new request is sent at once";

/// Meanings by `suberror` or, in the browser, `error_subcode`, used if the number is unknown; these words change less
/// often than numbers (MSAL's classification).
pub(super) const BY_SUBERROR: [(&str, RefusalMeaning, &str); 9] = [
    ("cancel", Cancelled, DECLINED),
    ("consent_required", Consent, GRANT_CONSENT),
    ("basic_action", Interaction, FURTHER_STEP),
    ("user_password_expired", Interaction, PASSWORD_EXPIRED),
    ("bad_token", SignInAgain, SIGN_IN_AGAIN),
    // The user cannot do these two actions in the sign-in that a card opens. If a challenge were needed, the response
    // would hold `claims`.
    ("additional_action", Denied, DEVICE_OR_LOCATION),
    ("message_only", Denied, DEVICE_OR_LOCATION),
    ("client_mismatch", Denied, "the grant was issued to another client; a new sign-in does not cure that"),
    ("protection_policy_required", Denied, "an app protection policy is required, which a server cannot satisfy"),
];

/// Whole descriptions that say more than their `error`, compared without regard to letter case. Keycloak answers so when
/// its sign-in page was left open in another tab, and asks for a new request.
pub(super) const BY_DESCRIPTION: [(&str, RefusalMeaning, &str); 1] =
    [("authentication_expired", PageExpired, PAGE_EXPIRED)];

/// Finds the row of a word.
pub(super) fn find_error_word(word: &str) -> Option<&'static WordRow> {
    BY_ERROR.iter().find(|row| row.word.eq_ignore_ascii_case(word))
}
