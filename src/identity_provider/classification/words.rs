use super::RefusalMeaning::{
    self, AccessRefused, AccountSelection, Cancelled, Consent, Denied, Interaction, Misconfigured, PageExpired,
    ServerFault, SignInAgain, Transient,
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

/// Meanings by `error` (RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9470 §3, `OpenID` Connect Core §3.1.2.6, and Entra's own
/// values). The browser's callback and the token endpoint share them.
#[rustfmt::skip]
pub(super) const BY_ERROR: [WordRow; 28] = [
    row("consent_required", Consent,
        "Entra misses a consent to the connection's scopes: consent on the sign-in page, or grant admin consent under Enterprise applications > Permissions",
        "the user has not consented to the connection's scopes"),
    row("interaction_required", Interaction,
        "Entra requires a further step of the user (MFA, a new sign-in), and names no number",
        "the provider requires a further step of the user, and offers it only in a new sign-in"),
    row("insufficient_user_authentication", Interaction,
        "Entra requires a stronger or newer authentication of the user",
        "the provider requires a stronger or newer authentication of the user (RFC 9470)"),
    row("unmet_authentication_requirements", Interaction,
        "Entra cannot meet an authentication that the request requires",
        "the provider cannot meet an authentication that the request requires: compare acr_values and claims in authorize_params"),
    row("login_required", SignInAgain,
        "Entra has no session of the user, who must sign in again",
        "the provider requires the user to sign in again"),
    row("bad_token", SignInAgain,
        "Entra does not take the grant any more: the user must sign in again",
        "the provider does not take the refresh token any more: the user must sign in again"),
    row("account_selection_required", AccountSelection,
        "several accounts are signed in at Entra: the user must choose one",
        "several accounts are signed in at the provider, or none that fits: the user must choose one"),
    row("invalid_grant", SignInAgain,
        "the issuer refused the grant for an unknown reason: look up the AADSTS number",
        "the code or refresh token has expired, was used before or was revoked: the user must sign in again"),
    row("access_denied", AccessRefused,
        "the issuer denied access: see the sign-in log",
        "the provider denied access: see its log"),
    row("invalid_client", Misconfigured,
        "Entra rejects the client's credential: check client_id, and the credentials under Certificates & secrets",
        "the provider rejects the client's credential: check client_id and the credential"),
    row("unauthorized_client", Misconfigured,
        "Entra does not allow this application to use the grant: check client_id and the application's registration",
        "the provider does not allow this client to use the grant: allow the grant types authorization_code and refresh_token, and the redirect URI, in the client's registration"),
    row("invalid_scope", Misconfigured,
        "Entra does not take the connection's scopes: name well-formed scopes of one resource",
        "the provider does not know or does not allow the connection's scopes"),
    row("invalid_resource", Misconfigured,
        "Entra does not know the resource of the connection's scopes in the user's tenant",
        "the provider does not know the resource of the request: compare the connection's scopes and authorize_params"),
    row("invalid_target", Misconfigured,
        "Entra does not take the target that the connection's scopes name",
        "the provider does not take the target of the request (RFC 8707): compare resource and audience in authorize_params"),
    row("invalid_tenant", Misconfigured,
        "Entra does not know the tenant of the request: check the identity provider's authority",
        "the provider does not know the tenant in its addresses: check the identity provider's issuer"),
    row("invalid_instance", Misconfigured,
        "the request went to another national cloud than the tenant's: check the identity provider's authority",
        "the provider does not know the instance in its addresses: check the identity provider's issuer and endpoints"),
    row("invalid_request", Misconfigured,
        "Entra calls the token request malformed: check the token endpoint's address; if it is right, report a bug",
        "the provider rejects the request: check token_endpoint and the client's registration; if both are right, report a bug"),
    row("unsupported_grant_type", Misconfigured,
        "Entra does not support the grant at this endpoint: check that the token endpoint is one of version 2.0",
        "the provider does not support the grant: allow authorization_code and refresh_token in the client's registration"),
    row("unsupported_response_type", Misconfigured,
        "Entra does not allow the authorization code flow for this redirect URI: register it for the platform Web",
        "the provider does not allow the response type code to this client: allow the authorization code flow in its registration"),
    row("unsupported_response_mode", Misconfigured,
        "Entra does not support the response mode: check the authorization endpoint",
        "the provider does not support the response mode query: check authorization_endpoint"),
    row("invalid_request_uri", Misconfigured,
        "Entra does not take a request_uri: check the authorization endpoint",
        "the provider cannot use the request_uri: leave it out of authorization_endpoint"),
    row("invalid_request_object", Misconfigured,
        "Entra does not take a request object: check the authorization endpoint, and the registration",
        "the provider requires another request object: allow requests without one in the client's registration"),
    row("request_not_supported", Misconfigured,
        "Entra does not support the parameter request: check the authorization endpoint's address",
        "the provider does not support the parameter request: check what authorization_endpoint contains"),
    row("request_uri_not_supported", Misconfigured,
        "Entra does not support the parameter request_uri: check the authorization endpoint's address",
        "the provider does not support the parameter request_uri: check what authorization_endpoint contains"),
    row("registration_not_supported", Misconfigured,
        "Entra does not support the parameter registration: check the authorization endpoint's address",
        "the provider does not support the parameter registration: check what authorization_endpoint contains"),
    row("authentication_expired", PageExpired,
        "Entra's sign-in page had expired; one new request is sent at once",
        "the provider's sign-in page had expired or was used in another tab; one new request is sent at once"),
    row("temporarily_unavailable", Transient,
        "Entra says that it is not available for the moment; there is nothing to change in this configuration",
        "the provider says that it is not available for the moment; there is nothing to change in this configuration"),
    row("server_error", ServerFault,
        "Entra says that it has a fault; there is nothing to change in this configuration",
        "the provider says that it has a fault; there is nothing to change in this configuration"),
];

/// Meanings by `suberror` or, in the browser, `error_subcode`, used if the number is unknown; these words change less
/// often than numbers (MSAL's classification).
#[rustfmt::skip]
pub(super) const BY_SUBERROR: [(&str, RefusalMeaning, &str); 9] = [
    ("cancel", Cancelled, "the user has cancelled, or declined to consent, on the provider's page"),
    ("consent_required", Consent, "the suberror says that a consent is missing: consent on the sign-in page, or as an administrator"),
    ("basic_action", Interaction, "the suberror says that the user has to take a step in a new sign-in"),
    ("user_password_expired", Interaction, "the suberror says that the user's password has expired or must be changed"),
    ("bad_token", SignInAgain, "the suberror says that the grant has ended: the user must sign in again"),
    // The user cannot do these two actions in the sign-in that a card opens. If a challenge were needed, the response
    // would hold `claims`.
    ("additional_action", Denied, "the suberror says that the user's device or place needs an action outside of the sign-in: see the sign-in log"),
    ("message_only", Denied, "the suberror says that conditional access can only tell the user why it blocks: see the sign-in log"),
    ("client_mismatch", Denied, "the grant was issued to another client; a new sign-in does not cure that"),
    ("protection_policy_required", Denied, "an app protection policy is required, which a server cannot satisfy"),
];

/// Whole descriptions that say more than their `error`, compared without regard to letter case. Keycloak answers so when
/// its sign-in page was left open in another tab, and asks for a new request.
pub(super) const BY_DESCRIPTION: [(&str, RefusalMeaning, &str); 1] = [(
    "authentication_expired",
    PageExpired,
    "the provider's description says that its sign-in page had expired; one new request is sent at once",
)];

/// Finds the row of a word, however it is spelled.
pub(super) fn find_error_word(word: &str) -> Option<&'static WordRow> {
    BY_ERROR.iter().find(|row| is_same_word(row.word, word))
}

/// Whether both are one word. Letter case and what separates its parts do not count: `invalid_grant`, `InvalidGrant`,
/// `INVALID-GRANT` and `Invalid Grant` are the same (docs/troubleshooting.md §What the identity provider says).
pub(in crate::identity_provider) fn is_same_word(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(word: &str) -> impl Iterator<Item = char> {
    word.trim().chars().filter(|letter| !is_separator(*letter)).map(|letter| letter.to_ascii_lowercase())
}

/// The word in the form of the registered ones: parts in lower case, joined by `_`.
pub(super) fn to_standard_form(word: &str) -> String {
    let mut standard = String::with_capacity(word.len());
    let (mut letters, mut previous) = (word.trim().chars().peekable(), None::<char>);
    while let Some(letter) = letters.next() {
        let is_before_lower_case = letters.peek().is_some_and(char::is_ascii_lowercase);
        // A capital begins a part after a small letter or a digit, and as the last capital of several.
        let begins_part = letter.is_ascii_uppercase()
            && previous.is_some_and(|previous| {
                previous.is_ascii_lowercase() || previous.is_ascii_digit() || is_before_lower_case
            });
        if (begins_part || is_separator(letter)) && !standard.ends_with('_') {
            standard.push('_');
        }
        if !is_separator(letter) {
            standard.push(letter.to_ascii_lowercase());
        }
        previous = Some(letter);
    }
    standard
}

fn is_separator(letter: char) -> bool {
    matches!(letter, '_' | '-' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_standard_form_however_it_is_spelled() {
        for (word, standard) in [
            ("expired_token", "expired_token"),
            ("expired-token", "expired_token"),
            ("ExpiredToken", "expired_token"),
            ("expiredToken", "expired_token"),
            ("EXPIRED_TOKEN", "expired_token"),
            (" Expired  Token ", "expired_token"),
            ("Expired-Token", "expired_token"),
            ("HTTPError", "http_error"),
            ("Error4Client", "error4_client"),
        ] {
            assert_eq!(to_standard_form(word), standard, "{word}");
        }
    }

    #[test]
    fn each_row_is_found_however_its_word_is_spelled() {
        for row in &BY_ERROR {
            let spaced = row.word.replace('_', " ");
            let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
            let camel: String = spaced.split(' ').map(capital).collect();
            for spelled in [row.word.to_uppercase(), row.word.replace('_', "-"), camel, spaced] {
                assert_eq!(find_error_word(&spelled).map(|found| found.word), Some(row.word), "{spelled}");
            }
        }
    }
}
