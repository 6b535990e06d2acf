use bytes::Bytes;
use tokio::time::Instant;

use super::turns::Turns;
use crate::domain::Bot;
use crate::outbound::{Outbound, OutboundError, RelayRequest, RelayedAnswer};

/// Headers of one connection, not of the message (RFC 9110 §7.6.1), and those the HTTP client sets itself.
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

/// Headers by which somebody in front of a bot vouches for a client: a caller must not set them.
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

/// The same, by how they begin (App Service's identity headers among them).
const SPOOFABLE_PREFIXES: [&str; 5] =
    ["x-bot-sso-", "x-forwarded-", "x-ms-client-principal", "x-ms-token-", "x-original-"];

/// A request to be passed on to a bot. Not printable: headers and body hold tokens.
#[derive(Clone)]
pub struct ForwardedRequest {
    /// The headers that go along.
    headers: Vec<(String, Vec<u8>)>,
    /// The body, byte by byte.
    pub body: Bytes,
}

impl ForwardedRequest {
    /// Takes of `headers` what a bot may see: hop-by-hop and spoofable ones are dropped, `Authorization` (whatever
    /// `Connection` says) and the rest stay as they are (docs/protocols/bot-auth-and-skills.md §7).
    pub fn new<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, body: Bytes) -> Self {
        let headers: Vec<_> = headers.collect();
        let named: Vec<String> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .flat_map(|(_, value)| {
                String::from_utf8_lossy(value)
                    .split(',')
                    .map(|name| name.trim().to_ascii_lowercase())
                    .collect::<Vec<_>>()
            })
            .collect();
        let kept = headers.into_iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            is_end_to_end(&name) && (!named.contains(&name) || name == "authorization") && !is_spoofable(&name)
        });
        Self { headers: kept.map(|(name, value)| (name.to_owned(), value.to_vec())).collect(), body }
    }

    /// The same, but the answer must come as it is: it is going to be read.
    #[must_use]
    pub fn without_compression(mut self) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
        self
    }

    /// The same headers with a JSON body of our own.
    #[must_use]
    pub fn with_json(mut self, body: Bytes) -> Self {
        self.headers
            .retain(|(name, _)| !["content-type", "content-encoding"].iter().any(|it| name.eq_ignore_ascii_case(it)));
        self.headers.push((String::from("content-type"), b"application/json".to_vec()));
        self.body = body;
        self
    }
}

/// Whether a header (in lower case) belongs to the message rather than to one connection.
#[must_use]
pub fn is_end_to_end(name: &str) -> bool {
    !HOP_BY_HOP.contains(&name) && name != "upgrade"
}

/// Underscores count as hyphens: CGI-style frameworks cannot tell the two apart.
fn is_spoofable(name: &str) -> bool {
    let name = name.replace('_', "-");
    SPOOFABLE.contains(&name.as_str()) || SPOOFABLE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Posts to bots' messages endpoints.
#[derive(Clone)]
pub struct BotClient {
    outbound: Outbound,
    turns: Turns,
}

impl BotClient {
    /// Over this HTTP client.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, turns: Turns::default() }
    }

    /// The turns that bots are working on.
    #[must_use]
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Posts `request` to the bot once and returns its answer as soon as the status is known; the body streams.
    ///
    /// # Errors
    /// [`OutboundError`] if the bot cannot be reached or its status is not there by `by`. Nothing is repeated.
    pub async fn forward(
        &self,
        bot: &Bot,
        request: ForwardedRequest,
        by: Instant,
    ) -> Result<RelayedAnswer, OutboundError> {
        let relay = RelayRequest {
            method: String::from("POST"),
            url: bot.endpoint.clone(),
            headers: request.headers,
            body: request.body,
        };
        self.outbound.relay(relay, by).await
    }
}
