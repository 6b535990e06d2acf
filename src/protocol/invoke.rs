use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::activity::Activity;
use super::json::{JsonDocument, Node};
use super::members::Member;
use super::raw_members::{elements_of, find_member, members_of};
use super::token_service::TokenResponse;
use crate::domain::write_string_literal;

/// The name of the event that delivers a user's token to a bot (docs/protocols/invoke-protocol.md §1.5).
pub const TOKENS_RESPONSE: &str = "tokens/response";

/// The `state` of a `signin/verifyState` invoke that holds no magic code, because the user has closed the sign-in; our
/// page reports the same text to the client (docs/protocols/invoke-protocol.md §1.3). Compared ignoring ASCII case.
pub const CANCELLED_BY_USER: &str = "CancelledByUser";

/// The `state` of a `signin/verifyState` invoke that may come from one of our pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInState {
    /// Six ASCII digits.
    Code(String),
    /// [`CANCELLED_BY_USER`].
    Cancelled,
}

impl SignInState {
    /// Reads a `state`. `None` for everything that no page of ours makes clients send, numbers included: Teams sends the
    /// digits as a string (docs/protocols/invoke-protocol.md §1.3).
    #[must_use]
    pub fn read(state: Node<'_>) -> Option<Self> {
        let text = state.as_str()?;
        if text.eq_ignore_ascii_case(CANCELLED_BY_USER) {
            return Some(Self::Cancelled);
        }
        (text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self::Code(text.to_owned()))
    }
}

/// The sign-in invokes that the gateway handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokeKind {
    /// `signin/tokenExchange`
    TokenExchange,
    /// `signin/verifyState`
    VerifyState,
    /// `signin/failure`
    Failure,
}

impl InvokeKind {
    const ALL: [Self; 3] = [Self::TokenExchange, Self::VerifyState, Self::Failure];

    /// Reads the kind of `activity`; `None` if it is no sign-in invoke. Type and name are compared ignoring ASCII case
    /// (docs/architecture.md §Life of a silent sign-in).
    #[must_use]
    pub fn from_activity(activity: &Activity<'_>) -> Option<Self> {
        activity.find_invoke(&Self::ALL, Self::canonical_name)
    }

    /// The kinds that some reader of the same bytes takes `activity` for ([`Activity::may_be`]).
    pub fn possible_kinds(activity: &Activity<'_>) -> impl Iterator<Item = Self> {
        activity.possible_invokes(&Self::ALL, Self::canonical_name)
    }

    /// The spelling that the SDKs of bots compare with.
    #[must_use]
    pub const fn canonical_name(self) -> &'static str {
        match self {
            Self::TokenExchange => "signin/tokenExchange",
            Self::VerifyState => "signin/verifyState",
            Self::Failure => "signin/failure",
        }
    }
}

/// The `value` of a `signin/tokenExchange` invoke; its members are read ignoring ASCII case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenExchangeInvokeRequest<'v> {
    /// `id`: the card's `tokenExchangeResource.id`, unless absent or empty.
    pub id: Option<&'v str>,
    /// `connectionName`.
    pub connection_name: &'v str,
    /// `token`, unless absent, empty or not a string.
    pub token: Option<&'v str>,
}

impl<'v> TokenExchangeInvokeRequest<'v> {
    /// Reads the `value` of `activity`; the error is the `id` to echo, if one could be read.
    ///
    /// # Errors
    /// If `value` is no object, names no connection, or its members are ambiguous or of the wrong type.
    pub fn read(activity: &'v Activity<'_>) -> Result<Self, Option<&'v str>> {
        if !activity.value().is_some_and(Node::is_object) {
            return Err(None);
        }
        let id = match activity.get_any_case(Member::ValueId) {
            Ok(None | Some(Node::Null)) => None,
            Ok(Some(Node::String(id))) if id.len() <= 256 => Some(id).filter(|id| !id.is_empty()),
            _ => return Err(None),
        };
        let connection_name = match activity.get_any_case(Member::ConnectionName) {
            Ok(Some(Node::String(name))) if !name.is_empty() && name.len() <= 256 => name,
            _ => return Err(id),
        };
        let token = match activity.get_any_case(Member::Token) {
            Ok(token) => token.and_then(Node::as_str).filter(|token| !token.is_empty()),
            Err(_) => return Err(id),
        };
        Ok(Self { id, connection_name, token })
    }
}

/// The body of the answer to `signin/tokenExchange`. Absent members are left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenExchangeInvokeResponse<'v> {
    /// The request's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<&'v str>,
    /// The name of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connection_name: Option<&'v str>,
    /// Why the exchange was refused: one fixed sentence for each reason, and a correlation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure_detail: Option<String>,
}

/// What is reserved for the copied members of an activity and the token.
const USUAL_HEAD_BYTES: usize = 4096;

/// A `tokens/response` event about the user of an activity, complete except for its id and value.
///
/// It has the addresses of the activity: the caller's bearer is valid for no others.
#[derive(Clone, Debug)]
pub struct TokensResponseEvent {
    head: Vec<u8>,
}

impl TokensResponseEvent {
    /// Copies the members that address an activity from its `body`, as they are written: channel, service URL, sender,
    /// recipient, conversation.
    #[must_use]
    pub fn for_activity(body: &[u8]) -> Self {
        const COPIED_MEMBERS: [&str; 9] = [
            "channelId",
            "serviceUrl",
            "from",
            "recipient",
            "conversation",
            "channelData",
            "locale",
            "relatesTo",
            "entities",
        ];
        let mut head = Vec::with_capacity(USUAL_HEAD_BYTES);
        head.extend_from_slice(b"{\"type\":\"event\",\"name\":");
        write_string_literal(&mut head, TOKENS_RESPONSE);
        for member in members_of(body).filter(|member| COPIED_MEMBERS.contains(&&*member.name())) {
            head.push(b',');
            head.extend_from_slice(member.literal);
            head.push(b':');
            head.extend_from_slice(member.value);
        }
        Self { head }
    }

    /// The event as JSON, with `id` and the token.
    #[must_use]
    pub fn complete(mut self, id: &str, value: &TokenResponse<'_>) -> Vec<u8> {
        self.head.extend_from_slice(b",\"id\":");
        write_string_literal(&mut self.head, id);
        self.head.extend_from_slice(b",\"value\":");
        self.head.extend_from_slice(&value.to_json());
        self.head.push(b'}');
        self.head
    }
}

/// The body of an invoke for the bot: unchanged if type, name and the members of `value` have the spelling that SDKs
/// compare with, otherwise with these respelled. `normal_delivery` replaces a delivery mode of `expectReplies` by
/// `normal`.
#[must_use]
pub fn normalize_for_bot(activity: &Activity<'_>, kind: InvokeKind, body: &Bytes, normal_delivery: bool) -> Bytes {
    let value_members = activity.value().into_iter().flat_map(Node::members);
    let value_is_canonical = !value_members.into_iter().any(|(key, _)| respelled(key).is_some());
    let delivery_is_right = !(normal_delivery && activity.expects_replies());
    let is_named = activity.kind() == "invoke" && activity.name() == Some(kind.canonical_name());
    if is_named && value_is_canonical && delivery_is_right {
        return body.clone();
    }
    let mut written = Vec::with_capacity(body.len() + 64);
    for member in members_of(body) {
        written.push(if written.is_empty() { b'{' } else { b',' });
        written.extend_from_slice(member.literal);
        written.push(b':');
        match &*member.name() {
            "type" => written.extend_from_slice(b"\"invoke\""),
            "name" => write_string_literal(&mut written, kind.canonical_name()),
            "deliveryMode" if normal_delivery => written.extend_from_slice(b"\"normal\""),
            "value" if member.value.starts_with(b"{") => write_respelled(&mut written, member.value),
            _ => written.extend_from_slice(member.value),
        }
    }
    written.push(b'}');
    Bytes::from(written)
}

/// The canonical spelling of a member of `value`, if it is another than `key`.
fn respelled(key: &str) -> Option<&'static str> {
    const VALUE_MEMBERS: [&str; 3] = ["id", "connectionName", "token"];
    VALUE_MEMBERS.into_iter().find(|name| name.eq_ignore_ascii_case(key) && *name != key)
}

/// Writes the object `value` with its members in canonical spelling.
fn write_respelled(to: &mut Vec<u8>, value: &[u8]) {
    let mut separator = b'{';
    for member in members_of(value) {
        to.push(separator);
        separator = b',';
        match respelled(&member.name()) {
            Some(name) => write_string_literal(to, name),
            None => to.extend_from_slice(member.literal),
        }
        to.push(b':');
        to.extend_from_slice(member.value);
    }
    to.extend_from_slice(if separator == b'{' { b"{}" } else { b"}" });
}

/// The answer to a parent bot that sent an activity with `expectReplies`.
#[derive(Serialize, ToSchema)]
pub struct ExpectedReplies<'b> {
    activities: [InvokeResponseActivity<'b>; 1],
}

#[derive(Serialize, ToSchema)]
struct InvokeResponseActivity<'b> {
    /// `invokeResponse`
    #[serde(rename = "type")]
    kind: &'static str,
    value: InvokeResponse<'b>,
}

#[derive(Serialize, ToSchema)]
struct InvokeResponse<'b> {
    /// The HTTP status that the answer would have had without the envelope.
    status: u16,
    /// The HTTP body that the answer would have had without the envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    body: Option<&'b RawValue>,
}

/// Wraps an invoke's answer for a parent bot that sent `expectReplies`: HTTP 200 with an `invokeResponse` activity that
/// holds the invoke's status as an integer (docs/protocols/invoke-protocol.md §1.2).
#[must_use]
pub fn invoke_response_envelope(status: u16, body: &[u8]) -> Vec<u8> {
    let body = serde_json::from_slice::<&RawValue>(body).ok();
    let activity = InvokeResponseActivity { kind: "invokeResponse", value: InvokeResponse { status, body } };
    // Strings, integers and raw JSON cannot fail to serialise.
    serde_json::to_vec(&ExpectedReplies { activities: [activity] }).unwrap_or_else(|_| b"{\"activities\":[]}".to_vec())
}

/// The status and body of the invoke response inside an `expectReplies` answer. A numeric string is accepted as status;
/// a missing body is empty. `None`: the answer holds no invoke response.
#[must_use]
pub fn response_in_envelope(envelope: &[u8]) -> Option<(u16, Vec<u8>)> {
    let document = JsonDocument::parse_unambiguous(envelope).ok()?;
    let is_response =
        |activity: Node<'_>| activity.get("type").and_then(Node::as_str).is_some_and(|kind| kind == "invokeResponse");
    let (number, response) =
        document.root().get("activities")?.elements().enumerate().find(|(_, activity)| is_response(*activity))?;
    let value = response.get("value")?;
    let status = match value.get("status")? {
        Node::Number(number) => number.and_then(|status| u16::try_from(status).ok())?,
        Node::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let body = match value.get("body") {
        None | Some(Node::Null) => Vec::new(),
        Some(_) => {
            let activity = elements_of(find_member(envelope, "activities")?).nth(number)?;
            find_member(find_member(activity, "value")?, "body")?.to_vec()
        }
    };
    Some((status, body))
}
