use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::lock::lock_ignoring_poison;

/// The maximum number of token requests in the call log; a further one replaces the oldest.
const MAX_LOGGED_REQUESTS: usize = 500;

/// The bytes of the texts that these requests have sent; a further request replaces the oldest ones.
const MAX_LOGGED_BYTES: usize = 4 * 1024 * 1024;

/// The grants that the token endpoint supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`
    OnBehalfOf,
    /// `client_credentials`
    ClientCredentials,
    /// `refresh_token`
    RefreshToken,
    /// `password`
    Password,
    /// `authorization_code`
    AuthorizationCode,
    /// `user_fic`: an agent identity's grant for its agent user.
    AgentUser,
}

impl GrantKind {
    /// The grant that the form parameter `grant_type` names.
    #[must_use]
    pub fn from_grant_type(grant_type: &str) -> Option<Self> {
        match grant_type {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => Some(Self::OnBehalfOf),
            "client_credentials" => Some(Self::ClientCredentials),
            "refresh_token" => Some(Self::RefreshToken),
            "password" => Some(Self::Password),
            "authorization_code" => Some(Self::AuthorizationCode),
            "user_fic" => Some(Self::AgentUser),
            _ => None,
        }
    }
}

/// A request to the token endpoint as the call log shows it, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedTokenRequest {
    /// The requested grant.
    pub grant: GrantKind,
    /// The first segment of the path: a tenant id, `organizations` or `common`.
    pub tenant: String,
    /// `client_id`, from the body or the Basic header; `None` if the client was refused.
    pub client_id: Option<String>,
    /// `none`, `secret`, `certificate`, `federation` or `blueprint`; `None` if the client was refused.
    pub client_proof: Option<&'static str>,
    /// Object id of the user whom the request names, if any.
    pub user: Option<String>,
    /// `scope` as sent.
    pub scope: Option<String>,
    /// `claims` as sent.
    pub claims: Option<String>,
    /// `client-request-id`, from the header, the query or the body.
    pub correlation_id: Option<String>,
    /// `traceparent`.
    pub traceparent: Option<String>,
    /// `x-ms-lib-capability`.
    pub lib_capability: Option<String>,
    /// `x-anchormailbox`.
    pub anchor_mailbox: Option<String>,
    /// HTTP status of the answer; 0 if a fault suppressed the answer.
    pub status: u16,
    /// AADSTS number, if the request was refused.
    pub refused: Option<u32>,
}

impl LoggedTokenRequest {
    /// The bytes of what the client has written as it likes.
    fn bytes_as_sent(&self) -> usize {
        let Self { scope, claims, correlation_id, traceparent, lib_capability, anchor_mailbox, .. } = self;
        let sent = [scope, claims, correlation_id, traceparent, lib_capability, anchor_mailbox];
        self.tenant.len() + sent.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// The counts of requests that the stage has received, and the latest token requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// All requests to the token endpoint, whether answered or not.
    pub token_endpoint: u64,
    /// Requests to the token endpoint by grant.
    pub by_grant: BTreeMap<GrantKind, u64>,
    /// Requests to the token endpoint by grant and user, with the key `grant:oid`.
    pub by_user: BTreeMap<String, u64>,
    /// Refusals by AADSTS number.
    pub refusals: BTreeMap<u32, u64>,
    /// Fetches of the tenants' key set.
    pub tenant_keys: u64,
    /// Fetches of the channel's key set.
    pub channel_keys: u64,
    /// Fetches of any metadata document.
    pub metadata: u64,
    /// Channel tokens issued.
    pub channel_tokens: u64,
    /// Successful requests to the protected resource.
    pub graph: u64,
    /// Tokens issued by the managed identity endpoint.
    pub managed_identity: u64,
    /// The latest token requests, oldest first.
    pub requests: VecDeque<LoggedTokenRequest>,
}

/// The stage's call log.
#[derive(Debug, Default)]
pub struct CallLog(Mutex<CallCounts>);

impl CallLog {
    /// A copy of everything that was counted since the start or the last reset.
    #[must_use]
    pub fn snapshot(&self) -> CallCounts {
        lock_ignoring_poison(&self.0).clone()
    }

    /// The number of requests with `grant`.
    #[must_use]
    pub fn count(&self, grant: GrantKind) -> u64 {
        lock_ignoring_poison(&self.0).by_grant.get(&grant).copied().unwrap_or(0)
    }

    /// The number of requests with `grant` for the user with object id `oid`.
    #[must_use]
    pub fn count_for_user(&self, grant: GrantKind, oid: &str) -> u64 {
        lock_ignoring_poison(&self.0).by_user.get(&grant_and_user(grant, oid)).copied().unwrap_or(0)
    }

    /// Sets all counts to zero and empties the log.
    pub fn reset(&self) {
        *lock_ignoring_poison(&self.0) = CallCounts::default();
    }

    /// Adds 1 to the counter that `count` selects. Token requests have other functions, below.
    pub(super) fn count_call(&self, count: impl FnOnce(&mut CallCounts) -> &mut u64) {
        let mut counts = lock_ignoring_poison(&self.0);
        let counter = count(&mut counts);
        *counter = counter.saturating_add(1);
    }

    /// Counts a token request when it arrives, so that a request that is never answered counts, too.
    pub(super) fn count_token_request(&self, grant: Option<GrantKind>, known_user: Option<&str>) {
        let mut counts = lock_ignoring_poison(&self.0);
        counts.token_endpoint = counts.token_endpoint.saturating_add(1);
        if let Some(grant) = grant {
            *counts.by_grant.entry(grant).or_default() += 1;
            if let Some(oid) = known_user {
                *counts.by_user.entry(grant_and_user(grant, oid)).or_default() += 1;
            }
        }
    }

    /// Adds a token request to the log when its answer is known.
    pub(super) fn log_token_request(&self, request: LoggedTokenRequest) {
        let mut counts = lock_ignoring_poison(&self.0);
        if let Some(code) = request.refused {
            *counts.refusals.entry(code).or_default() += 1;
        }
        if counts.requests.len() == MAX_LOGGED_REQUESTS {
            counts.requests.pop_front();
        }
        counts.requests.push_back(request);
        let mut bytes: usize = counts.requests.iter().map(LoggedTokenRequest::bytes_as_sent).sum();
        while bytes > MAX_LOGGED_BYTES {
            let Some(oldest) = counts.requests.pop_front() else { break };
            bytes -= oldest.bytes_as_sent();
        }
    }
}

fn grant_and_user(grant: GrantKind, oid: &str) -> String {
    let grant = match grant {
        GrantKind::OnBehalfOf => "on_behalf_of",
        GrantKind::ClientCredentials => "client_credentials",
        GrantKind::RefreshToken => "refresh_token",
        GrantKind::Password => "password",
        GrantKind::AuthorizationCode => "authorization_code",
        GrantKind::AgentUser => "agent_user",
    };
    format!("{grant}:{oid}")
}
