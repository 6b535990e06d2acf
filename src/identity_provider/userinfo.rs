use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;

use crate::domain::{Secret, read_bounded_object};
use crate::outbound::{Outbound, RequestHeader};

/// A page waits for the names, and it can do without them.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The names of a user as the provider writes them. They are shown on a page and never compared; they identify no user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// The names in a response of the userinfo endpoint; `None` if it is no JSON object, or another user's than `subject`. A
/// name that is no text counts as absent (`OpenID` Connect Core §5.3.2), and the other ones serve.
#[must_use]
pub fn read_names(body: &[u8], subject: &str) -> Option<ProvidedNames> {
    let info: Map<String, Value> = read_bounded_object(body).ok()?;
    let text = |name: &str| info.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = |name: &str| text(name).map(str::to_owned);
    (text("sub")? == subject).then(|| ProvidedNames {
        name: name("name"),
        preferred_username: name("preferred_username"),
        email: name("email"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_is_no_text_leaves_the_other_names_in_place() {
        for odd in [json!(7), json!({}), json!(["x"]), json!(true), json!(null), json!("")] {
            let read = |info: &Value| read_names(info.to_string().as_bytes(), "ada");
            let info = json!({"sub": "ada", "name": odd, "preferred_username": "ada@x", "email": "e@x"});
            let (username, email) = (Some("ada@x".to_owned()), Some("e@x".to_owned()));
            let names = ProvidedNames { name: None, preferred_username: username.clone(), email };
            assert_eq!(read(&info), Some(names), "{odd}");
            let info = json!({"sub": "ada", "name": "Ada", "preferred_username": "ada@x", "email": odd});
            let names = ProvidedNames { name: Some("Ada".to_owned()), preferred_username: username, email: None };
            assert_eq!(read(&info), Some(names), "{odd}");
            assert_eq!(read(&json!({"sub": odd, "name": "Ada"})), None, "{odd}");
        }
        assert_eq!(read_names(br#"{"sub":"ben","name":"Ada"}"#, "ada"), None);
    }
}
