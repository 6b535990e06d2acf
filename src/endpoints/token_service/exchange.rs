use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use tokio::time::{Instant, timeout_at};

use super::replies::{Decline, token};
use super::{TokenService, account, admitted};
use crate::domain::{NamedConnection, Secret};
use crate::exchange::{Caller, Conversation, ExchangeRequest, Outcome, Reason, Refusal};
use crate::inbound::{RequestId, read_body};
use crate::protocol::Node;

/// The identity provider's part ends here.
const PROVIDER_BUDGET: Duration = Duration::from_millis(7500);
/// The bot is answered by here.
const ANSWER_BUDGET: Duration = Duration::from_millis(7800);

/// `POST /api/usertoken/exchange` with `{"token"}`: what a bot's own prompt asks when an invoke was forwarded to it. The
/// token kept for that invoke is the answer; the identity provider is asked only where there is none.
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, service: web::Data<TokenService>) -> HttpResponse {
    exchange(&http, payload, &service).await.unwrap_or_else(Decline::respond)
}

async fn exchange(http: &HttpRequest, payload: web::Payload, service: &TokenService) -> Result<HttpResponse, Decline> {
    let begun = Instant::now();
    let (bot, query) = admitted(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.get("channelId")?;
    let NamedConnection::Exact(connection) = service.directory.find_connection(&bot.name, name) else {
        return Err(Decline::UnknownConnection(name.to_owned()));
    };
    if connection.token_exchange_uri.is_none() {
        return Err(Decline::Nothing);
    }
    let body = read_body(payload, service.limits).await?;
    let root = Node::parse(&body).map_err(|_| Decline::BadArgument("The body is not a JSON object."))?;
    let raw = root.get("token").and_then(Node::as_str).filter(|token| !token.is_empty());
    let raw = Secret::from(raw.ok_or(Decline::BadArgument("The body has no 'token'."))?);
    let correlation_id = http.extensions().get::<RequestId>().map_or_else(|| service.entropy.uuid(), |id| id.0.clone());
    let refuse = |refusal: &Refusal| {
        let (reason, hint) = (refusal.reason.code(), refusal.diagnostics.hint);
        tracing::warn!(correlation_id, bot = bot.name.as_str(), connection = name, %reason, aadsts = refusal.diagnostics.aadsts, hint, "a bot's exchange was refused");
        Decline::from(refusal)
    };
    let deadline = begun + PROVIDER_BUDGET;
    let validated = timeout_at(deadline, service.engine.validate(connection, &raw)).await;
    let validated = validated.unwrap_or_else(|_| Err(slow_keys())).map_err(|refusal| refuse(&refusal))?;
    let request = ExchangeRequest {
        bot: bot.clone(),
        connection: connection.clone(),
        caller: Caller::Bot,
        account: account(&bot, user_id, Some(channel_id)),
        conversation: Conversation { id: String::new(), shared: false, tenant_ids: Vec::new() },
        aad_object_id: None,
        exchange_id: validated.digest(),
        names_card: false,
        token: validated,
        correlation_id: correlation_id.clone(),
        deadline,
        answer_by: begun + ANSWER_BUDGET,
    };
    let outcome = service.engine.exchange(request, |outcome, _| async move { outcome }).await;
    match outcome.unwrap_or_else(Outcome::Refused) {
        Outcome::Kept(kept) => token(channel_id, name, &kept),
        Outcome::Refused(refusal) => Err(refuse(&refusal)),
    }
}

fn slow_keys() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the issuer's keys did not arrive in time")
}
