use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::calls::GrantKind;
use super::lock::lock_ignoring_poison;

/// The longest time for which a fault delays an answer. Callers give up earlier.
const MAX_DELAY: Duration = Duration::from_mins(1);
/// The maximum number of rules; a further one replaces the oldest.
const MAX_RULES: usize = 100;

/// A way for the token endpoint or the protected resource to misbehave.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 429 with an Entra-shaped body; `Retry-After` in seconds if given.
    Throttled {
        /// Seconds to put into `Retry-After`.
        retry_after: Option<u32>,
    },
    /// 503 with `temporarily_unavailable`; `Retry-After` in seconds if given.
    Unavailable {
        /// Seconds to put into `Retry-After`.
        retry_after: Option<u32>,
    },
    /// No answer for a minute, then 504.
    Hang,
    /// The regular answer after a delay.
    Slow {
        /// The delay in milliseconds.
        millis: u64,
    },
    /// 500 with a sentence as `text/plain`.
    PlainText,
    /// 502 with a proxy's HTML page.
    Html,
    /// 200 with JSON that ends too early.
    InvalidJson,
    /// 200 without a body.
    Empty,
    /// A claims challenge: `interaction_required` at the token endpoint, 401 with `insufficient_claims` at the resource.
    Challenge,
    /// The regular answer with this value for `expires_in`; `null` leaves the member out.
    OddExpiresIn(Value),
    /// Exactly this answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// Body.
        body: String,
    },
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultPlace {
    /// At the token endpoint, to requests with this grant; with `None`, with any.
    TokenEndpoint(Option<GrantKind>),
    /// At the protected resource, to requests with a good token.
    Graph,
}

/// A fault, and the requests to which it applies.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    fault: Fault,
    place: FaultPlace,
    user: Option<String>,
    remaining: Option<u32>,
}

impl FaultRule {
    /// A rule for every on-behalf-of request until the switches are cleared. Other grants still work, so that a test
    /// can obtain the tokens that it needs.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        let place = FaultPlace::TokenEndpoint(Some(GrantKind::OnBehalfOf));
        Self { fault, place, user: None, remaining: None }
    }

    /// Applies the rule to requests with `grant`, or with `None` to requests with any grant.
    #[must_use]
    pub fn for_grant(mut self, grant: Option<GrantKind>) -> Self {
        self.place = FaultPlace::TokenEndpoint(grant);
        self
    }

    /// Applies the rule to requests to the protected resource, not to the token endpoint.
    #[must_use]
    pub fn for_graph(mut self) -> Self {
        self.place = FaultPlace::Graph;
        self
    }

    /// Limits the rule to requests for the user with this object id.
    #[must_use]
    pub fn for_user(mut self, oid: &str) -> Self {
        self.user = Some(oid.to_owned());
        self
    }

    /// Limits the rule to the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    fn matches_request(&self, grant: Option<GrantKind>, user: Option<&str>) -> bool {
        match self.place {
            FaultPlace::TokenEndpoint(wanted) => (wanted.is_none() || wanted == grant) && self.matches_user(user),
            FaultPlace::Graph => false,
        }
    }

    fn matches_user(&self, user: Option<&str>) -> bool {
        self.user.is_none() || self.user.as_deref() == user
    }
}

/// The fault switches of the stage. All are off at the start.
#[derive(Debug, Default)]
pub struct FaultSwitches {
    rules: Mutex<Vec<FaultRule>>,
    keys_unavailable: AtomicBool,
}

impl FaultSwitches {
    /// Adds a rule. If several rules match a request, the oldest applies.
    pub fn add(&self, rule: FaultRule) {
        let mut rules = lock_ignoring_poison(&self.rules);
        if rules.len() == MAX_RULES {
            rules.remove(0);
        }
        rules.push(rule);
    }

    /// Removes the rules that are equal to `rule`.
    pub(super) fn remove(&self, rule: &FaultRule) {
        lock_ignoring_poison(&self.rules).retain(|known| known != rule);
    }

    /// Whether there is a rule that is equal to `rule`.
    pub(super) fn has(&self, rule: &FaultRule) -> bool {
        lock_ignoring_poison(&self.rules).contains(rule)
    }

    /// How many rules there are.
    pub(super) fn count(&self) -> usize {
        lock_ignoring_poison(&self.rules).len()
    }

    /// Switches whether every key set and every metadata document answers 503.
    pub fn set_keys_unavailable(&self, unavailable: bool) {
        self.keys_unavailable.store(unavailable, Ordering::SeqCst);
    }

    /// Turns all switches off.
    pub fn clear(&self) {
        lock_ignoring_poison(&self.rules).clear();
        self.set_keys_unavailable(false);
    }

    pub(super) fn keys_unavailable(&self) -> bool {
        self.keys_unavailable.load(Ordering::SeqCst)
    }

    /// The fault for a request with `grant` for `user` (an object id). Uses up one of the rule's [`FaultRule::times`].
    pub(super) fn take_fault_for(&self, grant: Option<GrantKind>, user: Option<&str>) -> Option<Fault> {
        self.take_first(|rule| rule.matches_request(grant, user))
    }

    /// The fault for a request of `user` (an object id) to the protected resource. Uses up one of the rule's times.
    pub(super) fn take_graph_fault(&self, user: &str) -> Option<Fault> {
        self.take_first(|rule| rule.place == FaultPlace::Graph && rule.matches_user(Some(user)))
    }

    fn take_first(&self, fits: impl Fn(&FaultRule) -> bool) -> Option<Fault> {
        let mut rules = lock_ignoring_poison(&self.rules);
        let index = rules.iter().position(fits)?;
        let rule = rules.get_mut(index)?;
        let fault = rule.fault.clone();
        if let Some(remaining) = &mut rule.remaining {
            *remaining = remaining.saturating_sub(1);
            if *remaining == 0 {
                rules.remove(index);
            }
        }
        Some(fault)
    }
}

impl Fault {
    /// Waits as long as the fault demands, and returns the answer that replaces the regular one. `None` means that the
    /// regular answer is sent.
    pub(super) async fn replace_answer(&self) -> Option<HttpResponse> {
        match self {
            Self::Throttled { retry_after } => {
                Some(retry_later_answer(StatusCode::TOO_MANY_REQUESTS, *retry_after, THROTTLED_BODY))
            }
            Self::Unavailable { retry_after } => {
                Some(retry_later_answer(StatusCode::SERVICE_UNAVAILABLE, *retry_after, UNAVAILABLE_BODY))
            }
            Self::Hang => {
                tokio::time::sleep(MAX_DELAY).await;
                Some(HttpResponse::GatewayTimeout().finish())
            }
            Self::Slow { millis } => {
                tokio::time::sleep(Duration::from_millis(*millis).min(MAX_DELAY)).await;
                None
            }
            Self::PlainText => {
                Some(text_answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "Server Error 500-599"))
            }
            Self::Html => {
                Some(text_answer(StatusCode::BAD_GATEWAY, "text/html", "<html><h1>502 Bad Gateway</h1></html>"))
            }
            Self::InvalidJson => Some(text_answer(StatusCode::OK, "application/json", r#"{"access_token": "eyJ"#)),
            Self::Empty => Some(HttpResponse::Ok().finish()),
            Self::Challenge => Some(text_answer(StatusCode::BAD_REQUEST, "application/json", &interaction_required())),
            Self::OddExpiresIn(_) => None,
            Self::Answer { status, content_type, body } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(text_answer(status, content_type, body))
            }
        }
    }

    /// As [`Self::replace_answer`], at the protected resource.
    pub(super) async fn replace_graph_answer(&self) -> Option<HttpResponse> {
        match self {
            Self::Challenge => Some(insufficient_claims()),
            other => other.replace_answer().await,
        }
    }

    /// Changes `expires_in` in the regular answer, if the fault demands it.
    pub(super) fn alter_answer(&self, members: &mut Value) {
        if let (Self::OddExpiresIn(odd), Value::Object(members)) = (self, members) {
            if odd.is_null() {
                members.remove("expires_in");
            } else {
                members.insert("expires_in".to_owned(), odd.clone());
            }
        }
    }
}

/// The body of a 429 answer. It has no AADSTS number, because 90055 would mean that the whole tenant is throttled.
/// [`Fault::Answer`] can send that number.
const THROTTLED_BODY: &str = r#"{"error":"temporarily_unavailable","error_description":"Too many requests."}"#;
const UNAVAILABLE_BODY: &str = concat!(
    r#"{"error":"temporarily_unavailable","error_codes":[90033],"#,
    r#""error_description":"AADSTS90033: A transient error has occurred. Please try again."}"#
);

/// The claims that a challenge asks for, as continuous access evaluation does: a token that is newer than a moment.
const CHALLENGE: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;

/// The token endpoint's refusal with the challenge.
fn interaction_required() -> String {
    json!({
        "error": "interaction_required",
        "error_codes": [50_079],
        "error_description": "AADSTS50079: Strong authentication is required.",
        "suberror": "basic_action",
        "claims": CHALLENGE,
    })
    .to_string()
}

/// The resource's refusal with the challenge, in base64 as Microsoft Graph has it.
fn insufficient_claims() -> HttpResponse {
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(CHALLENGE)
    );
    HttpResponse::Unauthorized().insert_header(("WWW-Authenticate", challenge)).json(json!({
        "error": {"code": "InvalidAuthenticationToken", "message": "Continuous access evaluation resulted in challenge."}
    }))
}

fn retry_later_answer(status: StatusCode, retry_after: Option<u32>, body: &'static str) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    if let Some(seconds) = retry_after {
        answer.insert_header(("Retry-After", seconds.to_string()));
    }
    answer.content_type("application/json").body(body)
}

fn text_answer(status: StatusCode, content_type: &str, body: &str) -> HttpResponse {
    HttpResponse::build(status).content_type(content_type).body(body.to_owned())
}
