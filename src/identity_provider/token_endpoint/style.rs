/// Which form of requests and error responses a token endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity_provider) enum TokenEndpointStyle {
    /// Entra: secrets in the form, Entra's own headers, AADSTS numbers in error responses.
    Entra,
    /// The OAuth standards alone.
    Standard(SecretMethod),
}

/// Where a client's secret is sent (RFC 6749 §2.3.1). Assertions are always sent in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMethod {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}
