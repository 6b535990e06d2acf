use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::exchange_token::exchange_token;
use super::replies::{Decline, RefusalManner};
use super::{TokenService, account, admitted, connection_named};
use crate::domain::{Bot, Connection, Secret, TokenSlot};
use crate::exchange::{Reason, Refusal};
use crate::inbound::{RequestId, read_body, require_plain_utf8};
use crate::protocol::Node;

/// `POST /api/usertoken/exchange`: with `{"token"}` what a bot's own prompt asks when an invoke was forwarded to it, with
/// `{"uri"}` a token of a signed-in user for another resource (token-service-api §3.2).
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, service: web::Data<TokenService>) -> HttpResponse {
    exchange(&http, payload, &service).await.unwrap_or_else(Decline::respond)
}

/// What is exchanged.
enum Body {
    Token(Secret),
    Uri(String),
}

/// Who asks for what, and since when.
pub(super) struct Asked<'a> {
    pub(super) service: &'a TokenService,
    pub(super) bot: Arc<Bot>,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) channel_id: Option<&'a str>,
    pub(super) slot: TokenSlot,
    pub(super) correlation_id: String,
    pub(super) begun: Instant,
}

impl Asked<'_> {
    /// Tells the operator why, and the bot in the way its SDK understands.
    pub(super) fn refused(&self, refusal: &Refusal) -> Decline {
        log_refusal(refusal, (self.bot.name.as_str(), self.connection.name.as_str()), &self.correlation_id);
        self.refused_for(refusal.reason)
    }

    /// The same where the operator was told before.
    pub(super) fn refused_for(&self, reason: Reason) -> Decline {
        let manner = RefusalManner {
            style: self.bot.refusal_style,
            channel_id: self.channel_id.map(str::to_owned),
            connection_name: self.connection.name.to_string(),
        };
        Decline::RefusedInStyle(reason, manner)
    }
}

async fn exchange(
    http: &HttpRequest,
    payload: web::Payload,
    service: &web::Data<TokenService>,
) -> Result<HttpResponse, Decline> {
    let begun = Instant::now();
    let (bot, query) = admitted(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.get("channelId")?;
    let connection = connection_named(service, &bot, name)?;
    require_plain_utf8(http.headers())?;
    let body = read_body(payload, service.limits).await?;
    let body = body_of(&body)?;
    let slot = TokenSlot { account: account(&bot, user_id, Some(channel_id)), connection: connection.name.clone() };
    let correlation_id = RequestId::of(http, &service.entropy);
    let channel_id = Some(channel_id);
    let asked = Asked { service, bot, connection, channel_id, slot, correlation_id, begun };
    match body {
        Body::Token(_) if connection.token_exchange_uri.is_none() => Err(Decline::Nothing),
        Body::Token(raw) => exchange_token(&asked, raw).await,
        Body::Uri(uri) => Err(Decline::UnlistedResource(uri, "exchange_uris")),
    }
}

/// One SDK wrapped the body in `exchangeRequest`, another adds a `uri` that is `null` (token-service-api §2).
fn body_of(bytes: &[u8]) -> Result<Body, Decline> {
    let root = Node::parse(bytes).map_err(|_| Decline::BadArgument("The body is not a JSON object."))?;
    let request = root.get("exchangeRequest").filter(|inner| inner.members().is_some()).unwrap_or(&root);
    let text = |name| request.get(name).and_then(Node::as_str).filter(|text: &&str| !text.is_empty());
    match (text("token"), text("uri")) {
        (Some(token), _) => Ok(Body::Token(Secret::from(token))),
        (None, Some(uri)) => Ok(Body::Uri(uri.to_owned())),
        (None, None) => Err(Decline::BadArgument("The body has no 'token' and no 'uri'.")),
    }
}

/// One line a refusal, for the operator.
pub(super) fn log_refusal(refusal: &Refusal, (bot, connection): (&str, &str), correlation_id: &str) {
    // Told where it was decided, once a minute.
    if matches!(refusal.reason, Reason::TooManyRequests { .. }) {
        return;
    }
    let diagnostics = &refusal.diagnostics;
    let check = if let Reason::IdentityMismatch(check) = refusal.reason { Some(check) } else { None };
    tracing::warn!(
        correlation_id,
        bot,
        connection,
        reason = %refusal.reason.code(),
        check,
        security = check.is_some(),
        http_status = diagnostics.http_status,
        error = diagnostics.error,
        suberror = diagnostics.suberror,
        aadsts = diagnostics.aadsts,
        trace_id = diagnostics.trace_id,
        hint = diagnostics.hint,
        "a bot's exchange was refused"
    );
}
