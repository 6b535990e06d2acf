use std::borrow::Cow;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::conversation_turns::ConversationTurns;
use super::running_actions::RunningActions;
use crate::domain::{Bot, BotMessage, ExchangeObservation, ExchangeStep, Secret, SharedEntropy};
use crate::outbound::{Outbound, OutboundError, RelayHeaders, RelayRequest, RelayedAnswer};
use crate::records::Records;

/// Headers that apply to one connection and not to the message (RFC 9110 §7.6.1), and headers that the HTTP client sets.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Headers with which a proxy in front of a bot vouches for a client. A caller must not set them.
const SPOOFABLE: [&str; 9] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
];

/// Prefixes of further headers that a caller must not set, among them the identity headers of Azure App Service.
const SPOOFABLE_PREFIXES: [&str; 5] =
    ["x-bot-sso-", "x-forwarded-", "x-ms-client-principal", "x-ms-token-", "x-original-"];

/// The header in which SDKs repeat the id of the conversation (docs/protocols/bot-auth-and-skills.md §4.1).
pub const CONVERSATION_HEADER: &str = "x-ms-conversation-id";

/// The header in which a bot is told the correlation id (docs/operating.md §Traces).
const REQUEST_ID_HEADER: &str = "x-request-id";

/// A request that is to be forwarded to a bot. It has no `Debug`, because headers and body hold tokens.
#[derive(Clone)]
pub struct ForwardedRequest {
    /// The headers that the bot gets.
    headers: RelayHeaders,
    /// The body, unchanged or replaced by `with_json`.
    pub body: Bytes,
}

impl ForwardedRequest {
    /// Keeps those of `headers` that a bot may see, unchanged. Hop-by-hop headers and headers that a caller must not set
    /// are dropped. `Authorization` is kept even if `Connection` names it (docs/protocols/bot-auth-and-skills.md §7).
    pub fn new<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, body: Bytes) -> Self {
        let mut kept = RelayHeaders::with_capacity(headers.size_hint().0);
        let mut connection_values = Vec::new();
        for (name, value) in headers {
            let name = lower_case(name);
            if name == "connection" {
                connection_values.push(value);
            } else if is_end_to_end(&name) && !is_spoofable(&name) {
                kept.append(&name, value);
            }
        }
        for name in connection_values.into_iter().flat_map(list_names).filter(|name| name != "authorization") {
            kept.remove(&name);
        }
        Self { headers: kept, body }
    }

    /// Drops `Accept-Encoding`, so that the bot answers without compression and the gateway can read the answer.
    #[must_use]
    pub fn without_compression(mut self) -> Self {
        self.headers.remove("accept-encoding");
        self
    }

    /// Replaces the caller's bearer by `token`.
    #[must_use]
    pub fn authorized_by(mut self, token: &Secret) -> Self {
        self.headers.set("authorization", format!("Bearer {}", token.expose()).as_bytes());
        self
    }

    /// Replaces the id of the conversation in its header, if the request has the header.
    #[must_use]
    pub fn in_conversation(mut self, id: &str) -> Self {
        if self.headers.get(CONVERSATION_HEADER).is_some() {
            self.headers.set(CONVERSATION_HEADER, id.as_bytes());
        }
        self
    }

    /// Replaces the body with the JSON text `body`.
    #[must_use]
    pub fn with_json(mut self, body: Bytes) -> Self {
        self.headers.remove("content-encoding");
        self.headers.set("content-type", b"application/json");
        self.body = body;
        self
    }

    /// Names the request to the bot, or skill, by the id that the log's lines about it have.
    #[must_use]
    pub(super) fn in_request(mut self, correlation_id: &str) -> Self {
        self.headers.set_known(REQUEST_ID_HEADER, correlation_id);
        self
    }

    /// The request as the HTTP client sends it to `url`, counted for the purpose `counted_as`.
    pub(super) fn to(self, method: &str, url: Url, counted_as: String) -> RelayRequest {
        let Self { headers, body } = self;
        RelayRequest { method: method.to_owned(), url, headers, body, counted_as: counted_as.into() }
    }
}

/// `name` in lower case, in which most names are already.
fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The names that a value of the header `Connection` lists, in lower case.
pub(super) fn list_names(connection: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(connection).split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// Whether a header (in lower case) belongs to the message rather than to one connection.
pub(super) fn is_end_to_end(name: &str) -> bool {
    !HOP_BY_HOP.contains(&name) && name != "upgrade"
}

/// Whether a caller must not set the header (in lower case). Underscores count as hyphens, because CGI-style frameworks
/// do not distinguish them.
fn is_spoofable(name: &str) -> bool {
    let name = if name.contains('_') { Cow::Owned(name.replace('_', "-")) } else { Cow::Borrowed(name) };
    SPOOFABLE.contains(&&*name) || SPOOFABLE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Sends requests to the messages endpoints of bots.
#[derive(Clone)]
pub struct BotClient {
    outbound: Outbound,
    turns: ConversationTurns,
    actions: RunningActions,
    observation: ExchangeObservation,
}

/// What a request to a bot is a part of, and when its answer has to begin.
#[derive(Clone, Copy)]
pub struct BotCall<'a> {
    /// The id of the request that causes it.
    pub correlation_id: &'a str,
    /// What is sent.
    pub message: BotMessage,
    /// When the status of the answer has to have arrived.
    pub deadline: Instant,
}

impl BotClient {
    /// Sends through the HTTP client `outbound`, and tells `observation` of each request.
    #[must_use]
    pub fn new(outbound: Outbound, observation: ExchangeObservation) -> Self {
        Self { outbound, turns: ConversationTurns::default(), actions: RunningActions::default(), observation }
    }

    /// The same client, which knows of the turns and actions of all replicas that share `records`.
    #[must_use]
    pub fn among_replicas(self, records: &Records, entropy: &SharedEntropy) -> Self {
        let turns = ConversationTurns::among_replicas(records, entropy.clone());
        let actions = RunningActions::among_replicas(records, entropy.clone());
        Self { turns, actions, ..self }
    }

    /// The running turns of all bots.
    #[must_use]
    pub fn turns(&self) -> &ConversationTurns {
        &self.turns
    }

    /// The actions in Teams channels that all bots work on.
    #[must_use]
    pub fn running_actions(&self) -> &RunningActions {
        &self.actions
    }

    /// Posts `request` to the bot once and returns the answer as soon as the status has arrived. The body is streamed.
    ///
    /// # Errors
    /// [`OutboundError`] if the bot cannot be reached or its status does not arrive in time. The request is not
    /// repeated.
    pub async fn forward(
        &self,
        bot: &Bot,
        request: ForwardedRequest,
        call: BotCall<'_>,
    ) -> Result<RelayedAnswer, OutboundError> {
        let purpose = format!("bot {}", bot.name);
        self.send(bot, request.in_request(call.correlation_id).to("POST", bot.endpoint.clone(), purpose), call).await
    }

    /// As [`BotClient::forward`], for a sign-in invoke. A turn of the bot may be waiting for it, if the bot is the skill of
    /// another one, so it is counted apart from turns.
    ///
    /// # Errors
    /// As [`BotClient::forward`].
    pub async fn forward_sign_in(
        &self,
        bot: &Bot,
        request: ForwardedRequest,
        call: BotCall<'_>,
    ) -> Result<RelayedAnswer, OutboundError> {
        let purpose = format!("sign-in at bot {}", bot.name);
        self.send(bot, request.in_request(call.correlation_id).to("POST", bot.endpoint.clone(), purpose), call).await
    }

    async fn send(&self, bot: &Bot, relay: RelayRequest, call: BotCall<'_>) -> Result<RelayedAnswer, OutboundError> {
        let BotCall { correlation_id, message, deadline } = call;
        let (name, begun) = (bot.name.as_str(), Instant::now());
        self.observation.tell(correlation_id, || ExchangeStep::BotAsked { bot: name, message });
        let answer = self.outbound.relay(relay, deadline).await;
        self.observation.tell(correlation_id, || ExchangeStep::BotAnswered {
            bot: name,
            message,
            status: answer.as_ref().ok().map(|answer| answer.status),
            took: begun.elapsed(),
        });
        answer
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule, header by header.
    fn keep_plainly(headers: &[(String, String)]) -> Vec<(String, String)> {
        let named = |wanted: &str| {
            let mut values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
            values.any(|(_, value)| value.split(',').any(|name| name.trim().eq_ignore_ascii_case(wanted)))
        };
        let is_kept = |name: &str| {
            let spelled = name.replace('_', "-");
            let is_hop_by_hop = HOP_BY_HOP.contains(&name) || name == "upgrade";
            let is_named = named(name) && name != "authorization";
            let is_spoofable =
                SPOOFABLE.contains(&&*spelled) || SPOOFABLE_PREFIXES.iter().any(|prefix| spelled.starts_with(prefix));
            !is_hop_by_hop && !is_named && !is_spoofable
        };
        let lower = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        lower.filter(|(name, _)| is_kept(name.as_str())).collect()
    }

    proptest! {
        #[test]
        fn the_bot_sees_the_headers_that_the_plain_rule_keeps(
            headers in proptest::collection::vec(
                (
                    "[Cc]onnection|[Aa]uthorization|te|TE|Upgrade|host|[Xx]-[Ii]nner|Accept|via|X[-_]Real[-_]IP|x[-_]forwarded[-_]for",
                    " ?(close|X-Inner|accept|Authorization|te|x-forwarded-for)?(, ?(x-inner|Accept|authorization)){0,2}",
                ),
                0..8,
            )
        ) {
            let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let request = ForwardedRequest::new(pairs, Bytes::new());
            let mut kept: Vec<_> = request.headers.iter().map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect();
            let mut plain = keep_plainly(&headers);
            // Headers of one name stay in their order; names may change theirs.
            kept.sort_by(|one, other| one.0.cmp(&other.0));
            plain.sort_by(|one, other| one.0.cmp(&other.0));
            prop_assert_eq!(kept, plain);
        }
    }
}
