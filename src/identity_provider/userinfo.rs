use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::domain::{Secret, read_bounded_object};
use crate::outbound::{Outbound, RequestHeader};

/// A page waits for the names, and it can do without them.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The names of a user as the provider writes them. They are shown on a page and never compared; they identify no user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProvidedNames {
    /// `name`.
    pub name: Option<String>,
    /// `preferred_username`.
    pub preferred_username: Option<String>,
    /// `email`.
    pub email: Option<String>,
}

/// The future that [`IdentityProvider::find_names`](super::IdentityProvider::find_names) returns.
pub type NamesFuture<'a> = Pin<Box<dyn Future<Output = Option<ProvidedNames>> + Send + 'a>>;

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    names: ProvidedNames,
}

/// Asks the userinfo endpoint at `url` for the names of the user `subject`, with the user's access token (`OpenID`
/// Connect Core §5.3). `None` if the response is late, too large, not JSON, or another user's: `sub` must equal
/// `subject`, or a substituted access token could show another user's name (`OpenID` Connect Core §5.3.4).
pub(super) async fn find_names(
    outbound: &Outbound,
    url: &Url,
    access_token: &Secret,
    subject: &str,
    deadline: Instant,
) -> Option<ProvidedNames> {
    let authorization = format!("Bearer {}", access_token.expose());
    let headers =
        [RequestHeader::new("accept", "application/json"), RequestHeader::new("authorization", &authorization)];
    let deadline = deadline.min(Instant::now() + NAMES_TIMEOUT);
    let answer = outbound.get_with(url, &headers, deadline, MAX_ANSWER_BYTES).await;
    let answer = answer.ok().filter(|answer| answer.status == 200);
    let names = answer.and_then(|answer| read_names(&answer.body, subject));
    if names.is_none() {
        tracing::debug!("the userinfo endpoint gave no names");
    }
    names
}

/// The names in a response of the userinfo endpoint; `None` if it is not JSON, or another user's than `subject`.
#[must_use]
pub fn read_names(body: &[u8], subject: &str) -> Option<ProvidedNames> {
    let info = read_bounded_object::<UserInfo>(body).ok();
    info.filter(|info| info.sub == subject).map(|info| info.names)
}
