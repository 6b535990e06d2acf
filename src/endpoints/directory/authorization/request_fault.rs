/// Why an application's request is answered with an error at its own address (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoints::directory) enum RequestFault {
    /// A parameter is stated more than once.
    RepeatedParameter,
    /// `response_type` is missing.
    ResponseTypeMissing,
    /// `response_type` is neither `code` nor `sign_up`.
    OtherResponseType,
    /// `response_mode` is neither `query` nor `web_message`.
    OtherResponseMode,
    /// A public application sends no `code_challenge`.
    ChallengeMissing,
    /// `code_challenge` is no SHA-256, or its method is not `S256`.
    BadChallenge,
    /// `prompt` has an unknown word, or `none` with another one.
    BadPrompt,
    /// `max_age` is no number of seconds.
    BadMaxAge,
    /// `nonce` is longer than 512 bytes.
    NonceTooLong,
    /// `idp` names another identity provider than the directory.
    OtherIdentityProvider,
    /// `prompt=none`, and the user has to sign in.
    LoginRequired,
    /// `prompt=none`, and the service cannot tell whether the user is signed in.
    Unavailable,
    /// `prompt=none`, and the user is signed in silently too often.
    TooMany,
}

impl RequestFault {
    /// The value of `error`.
    pub(in crate::endpoints::directory) const fn error(self) -> &'static str {
        match self {
            Self::OtherResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::Unavailable | Self::TooMany => "temporarily_unavailable",
            _ => "invalid_request",
        }
    }

    /// The value of `error_description`.
    pub(in crate::endpoints::directory) const fn description(self) -> &'static str {
        match self {
            Self::RepeatedParameter => "A parameter is stated more than once.",
            Self::ResponseTypeMissing => "response_type is missing.",
            Self::OtherResponseType => "response_type must be code or sign_up.",
            Self::OtherResponseMode => "response_mode must be query or web_message.",
            Self::ChallengeMissing => "A public application must send code_challenge.",
            Self::BadChallenge => "code_challenge must be a SHA-256, with code_challenge_method S256.",
            Self::BadPrompt => "prompt has an unknown word, or none with another one.",
            Self::BadMaxAge => "max_age must be a number of seconds.",
            Self::NonceTooLong => "nonce has more than 512 bytes.",
            Self::OtherIdentityProvider => "idp names an identity provider that this directory does not have.",
            Self::LoginRequired => "The user has to sign in.",
            Self::Unavailable => "The service is not available right now.",
            Self::TooMany => "The user is signed in too often; try again in a minute.",
        }
    }
}
