/// How a token endpoint wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity_provider) enum TokenEndpointStyle {
    /// Entra's: secrets in the form, headers of its own, refusals by number.
    Entra,
    /// What the standards say, and nothing else.
    Standard(SecretMethod),
}

/// Where a client's secret goes (RFC 6749 §2.3.1). Assertions always go into the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity_provider) enum SecretMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}
