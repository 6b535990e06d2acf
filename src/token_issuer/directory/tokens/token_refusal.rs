/// Why a token or an assertion is not accepted. The text is the check's name, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenRefusal(pub &'static str);
