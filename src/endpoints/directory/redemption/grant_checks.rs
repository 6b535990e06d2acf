/// A check of a code, refresh token or assertion: its name and its hint for the log, and the sentence for the application, which
/// is the same for all checks of one grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantCheck {
    /// The name.
    pub name: &'static str,
    /// What the operator reads.
    pub hint: &'static str,
    /// What the application reads.
    pub sentence: &'static str,
}

const CODE: &str = "The authorization code is not valid for this request.";
const PASSWORD: &str = "The user name or the password is wrong.";
const ASSERTED: &str = "The assertion is not valid here.";
const REFRESH: &str = "The refresh token is not valid for this request.";

/// There is no such code for the application.
pub(in crate::endpoints::directory) const CODE_UNKNOWN: GrantCheck =
    check("code_unknown", CODE, "the code is another application's, is older than a minute, or was never issued");
/// The code was used before.
pub(in crate::endpoints::directory) const CODE_REPLAYED: GrantCheck =
    check("code_replayed", CODE, "the code was used before, so what it gave has ended: it may be stolen");
/// The request does not repeat the redirect URI.
pub(in crate::endpoints::directory) const CODE_REDIRECT: GrantCheck =
    check("code_redirect_uri", CODE, "redirect_uri must repeat that of the authorization request, letter by letter");
/// The verifier does not fit the challenge.
pub(in crate::endpoints::directory) const CODE_VERIFIER: GrantCheck =
    check("code_verifier", CODE, "the code_verifier does not fit the code_challenge of the authorization request");
/// The request lacks the verifier of the challenge.
pub(in crate::endpoints::directory) const CODE_VERIFIER_ABSENT: GrantCheck = check(
    "code_verifier_absent",
    CODE,
    "the authorization request had a code_challenge, or the application is public, and no code_verifier came",
);
/// The request has a verifier, and the code has no challenge.
pub(in crate::endpoints::directory) const CODE_CHALLENGE_ABSENT: GrantCheck = check(
    "code_challenge_absent",
    CODE,
    "a code_verifier came for a code without a code_challenge: somebody may have taken the challenge out of the request",
);
/// The user of the code may not sign in any more.
pub(in crate::endpoints::directory) const CODE_USER: GrantCheck =
    check("code_user", CODE, "since the sign-in the user was deleted or disabled, or all sessions of the user ended");

/// The user whose password was right may not sign in any more.
pub(in crate::endpoints::directory) const PASSWORD_USER: GrantCheck = check(
    "password_user",
    PASSWORD,
    "while the password was checked the user was deleted or disabled, or all sessions of the user ended",
);

/// The directory issues no refresh tokens.
pub(in crate::endpoints::directory) const REFRESH_OFF: GrantCheck =
    check("refresh_off", REFRESH, "refresh tokens are switched off in the token settings of the directory");
/// There is no such refresh token of the application.
pub(in crate::endpoints::directory) const REFRESH_UNKNOWN: GrantCheck =
    check("refresh_token", REFRESH, "the refresh token has ended, was revoked, or is another application's");
/// The refresh token was replaced before.
pub(in crate::endpoints::directory) const REFRESH_REUSED: GrantCheck = check(
    "refresh_token_reused",
    REFRESH,
    "the refresh token was replaced before, so its grant has ended: it may be stolen, or the application runs twice",
);
/// The user of the grant may not sign in any more.
pub(in crate::endpoints::directory) const REFRESH_USER: GrantCheck = check(
    "refresh_user",
    REFRESH,
    "since the sign-in the user was deleted or disabled, or the user's refresh tokens were revoked",
);

/// The assertion is not accepted; the log has the check of the token.
pub(in crate::endpoints::directory) const ASSERTION: GrantCheck = check(
    "assertion",
    ASSERTED,
    "the assertion must be signed by the application's key, with iss its client id, aud the issuer, and an exp within an hour",
);
/// The assertion was used before.
pub(in crate::endpoints::directory) const ASSERTION_USED: GrantCheck = check(
    "assertion_used",
    ASSERTED,
    "the assertion has a jti that was used before: sign another one for each request",
);

const fn check(name: &'static str, sentence: &'static str, hint: &'static str) -> GrantCheck {
    GrantCheck { name, hint, sentence }
}

/// Every check, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    let checks = [
        &CODE_UNKNOWN,
        &CODE_REPLAYED,
        &CODE_REDIRECT,
        &CODE_VERIFIER,
        &CODE_VERIFIER_ABSENT,
        &CODE_CHALLENGE_ABSENT,
        &CODE_USER,
        &PASSWORD_USER,
        &REFRESH_OFF,
        &REFRESH_UNKNOWN,
        &REFRESH_REUSED,
        &REFRESH_USER,
        &ASSERTION,
        &ASSERTION_USED,
    ];
    checks.into_iter().map(|check| (check.name.to_owned(), check.hint)).collect()
}
