use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use crate::dev::guide::StageFacts;
use crate::dev::tenant::{User, UserScenario};
use crate::outbound::{Outbound, RequestHeader};

/// The time limit for one sign-out.
const SIGN_OUT_TIMEOUT: Duration = Duration::from_secs(5);

/// Signs the stage's users out of the gateway, as its operator. While a token of a user is kept, nothing is exchanged, and a
/// switch would show nothing.
pub(in crate::dev) struct SignOuts {
    pub(in crate::dev) facts: Arc<StageFacts>,
    pub(in crate::dev) outbound: Outbound,
}

impl SignOuts {
    /// Signs all users out everywhere. Without an operator's listener nothing is done.
    pub(super) async fn sign_all_out(&self) {
        let people = self.facts.directory.users.iter().filter(|user| user.scenario != UserScenario::AgentUser);
        for user in people {
            if let Err(problem) = self.sign_out(user).await {
                tracing::warn!(user = user.name, problem, "a user of the stage could not be signed out");
            }
        }
    }

    /// Signs `user` out everywhere. Without an operator's listener nothing is done.
    ///
    /// # Errors
    /// A sentence on why the gateway has not done it.
    pub(super) async fn sign_out(&self, user: &User) -> Result<(), String> {
        let Some(listener) = self.facts.find_operator_listener() else { return Ok(()) };
        let url = format!("http://{}/admin/users/{}@{}/sign-out", listener.address, user.oid, user.tid);
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        let authorization = format!("Bearer {}", listener.admin_token);
        let headers = [RequestHeader::new("authorization", &authorization)];
        let answer = self.outbound.post_json(&url, &headers, Bytes::new(), Instant::now() + SIGN_OUT_TIMEOUT).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status == 200 { Ok(()) } else { Err(format!("status {}", answer.status)) }
    }
}
