use std::net::IpAddr;
use std::sync::Arc;

use super::super::problem::Problem;
use super::{GuessLimit, OperatorCall};

/// The limit for a token in a form. The listener's guard puts it into the requests that may present one; the door counts by it
/// after it has found the token wrong, since other requests of the client may be counted while the form is read.
#[derive(Clone)]
pub struct FormGuesses {
    /// The limit.
    pub limit: Arc<GuessLimit>,
    /// The address of the client; `None` if it is unknown.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub correlation_id: String,
}

/// Marks the answer to a wrong token in a form, which has been counted.
#[derive(Clone, Copy, Debug)]
pub struct CountedGuess;

impl FormGuesses {
    /// Counts a wrong token.
    ///
    /// # Errors
    /// 429 if the client has presented too many of them, with the time until it gets the answer to one.
    pub async fn count(&self) -> Result<(), Problem> {
        self.limit.guess(&OperatorCall { client: self.client, correlation_id: &self.correlation_id }).await
    }
}
