/// How the client of a token request proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) enum ClientProof {
    /// The client did not prove it: it is a public client.
    Public,
    /// A secret, in the body or in a Basic header.
    Secret,
    /// An assertion signed with a registered certificate's key.
    Certificate,
    /// A token of another issuer that the app trusts through a federated credential.
    Federation,
    /// An agent identity has a token that its blueprint has obtained for it.
    Blueprint,
}

impl ClientProof {
    /// The value of the claim `azpacr` (v2 tokens) or `appidacr` (v1 tokens).
    pub(in crate::dev) const fn acr_value(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Certificate | Self::Federation | Self::Blueprint => "2",
        }
    }

    /// The value of `client_proof` in the call log.
    pub(in crate::dev) const fn call_log_name(self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Federation => "federation",
            Self::Blueprint => "blueprint",
        }
    }
}
