use std::borrow::Cow;

use crate::identity_provider::AuthorizationError;

/// The authorization response that a browser brings from the identity provider (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Debug, Default)]
pub struct ProviderAnswer<'a> {
    /// `state`.
    pub state: Option<&'a str>,
    /// `code`.
    pub code: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
    /// `error_description`.
    pub error_description: Option<&'a str>,
    /// `error_subcode` or `suberror` (Entra).
    pub error_subcode: Option<&'a str>,
    /// Whether the response holds `claims` (Entra).
    pub has_claims: bool,
    /// `iss`.
    pub iss: Option<&'a str>,
}

impl ProviderAnswer<'_> {
    /// The error in the answer. The browser may have forged it, so it only selects the page that is shown.
    pub(super) fn error(&self) -> AuthorizationError<'_> {
        AuthorizationError {
            error: self.error,
            description: self.error_description,
            subcode: self.error_subcode,
            has_claims: self.has_claims,
        }
    }
}

/// The parameters of a [`ProviderAnswer`], decoded.
#[derive(Debug)]
pub struct ProviderParameters<'q> {
    state: Option<Cow<'q, str>>,
    code: Option<Cow<'q, str>>,
    error: Option<Cow<'q, str>>,
    error_description: Option<Cow<'q, str>>,
    error_subcode: Option<Cow<'q, str>>,
    has_claims: bool,
    iss: Option<Cow<'q, str>>,
}

impl<'q> ProviderParameters<'q> {
    /// Reads the parameters by `find`, which finds one by its name.
    pub fn read(find: impl Fn(&str) -> Option<Cow<'q, str>>) -> Self {
        let [state, code, error, error_description, iss] =
            ["state", "code", "error", "error_description", "iss"].map(&find);
        // Entra uses the first name at its authorization endpoint and the second at its token endpoint.
        let error_subcode = find("error_subcode").or_else(|| find("suberror"));
        let has_claims = find("claims").is_some();
        Self { state, code, error, error_description, error_subcode, has_claims, iss }
    }

    /// `state`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The answer that the parameters are.
    #[must_use]
    pub fn as_answer(&self) -> ProviderAnswer<'_> {
        ProviderAnswer {
            state: self.state.as_deref(),
            code: self.code.as_deref(),
            error: self.error.as_deref(),
            error_description: self.error_description.as_deref(),
            error_subcode: self.error_subcode.as_deref(),
            has_claims: self.has_claims,
            iss: self.iss.as_deref(),
        }
    }
}
