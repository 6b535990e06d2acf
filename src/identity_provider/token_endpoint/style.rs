/// Which form of requests and error responses a token endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity_provider) enum TokenEndpointStyle {
    /// Entra: secrets in the form, Entra's own headers, AADSTS numbers in error responses.
    Entra,
    /// The OAuth standards alone.
    Standard(SecretMethod),
    /// The same, where a user's token is exchanged: some words of refusals then concern that token or the target of the
    /// exchange (RFC 8693 §2.2.2, RFC 7523 §3.1).
    StandardExchange(SecretMethod),
}

impl TokenEndpointStyle {
    /// Whether a secret is sent in the `Authorization` header.
    pub(in crate::identity_provider) fn sends_secret_in_header(self) -> bool {
        matches!(self, Self::Standard(SecretMethod::Basic) | Self::StandardExchange(SecretMethod::Basic))
    }
}

/// Where a client's secret is sent (RFC 6749 §2.3.1). Assertions are always sent in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMethod {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}
