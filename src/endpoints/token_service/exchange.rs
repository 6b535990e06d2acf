use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::{Instant, timeout_at};

use super::replies::{Decline, token};
use super::{TokenService, account, admitted};
use crate::domain::{NamedConnection, Secret, TokenSlot};
use crate::exchange::{Reason, Refusal};
use crate::inbound::{RequestId, read_body, require_plain_utf8};
use crate::protocol::Node;

/// The issuer's keys are waited for so long.
const KEYS_BUDGET: Duration = Duration::from_millis(7500);

/// `POST /api/usertoken/exchange` with `{"token"}`: what a bot's own prompt asks when an invoke was forwarded to it.
///
/// The answer is the token that the invoke brought into the vault. Nothing is exchanged here: this call names a user but
/// proves nobody, and the invoke, which did, has been through the gateway before.
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, service: web::Data<TokenService>) -> HttpResponse {
    recall(&http, payload, &service).await.unwrap_or_else(Decline::respond)
}

async fn recall(http: &HttpRequest, payload: web::Payload, service: &TokenService) -> Result<HttpResponse, Decline> {
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
    require_plain_utf8(http.headers())?;
    let body = read_body(payload, service.limits).await?;
    let root = Node::parse(&body).map_err(|_| Decline::BadArgument("The body is not a JSON object."))?;
    let raw = root.get("token").and_then(Node::as_str).filter(|token| !token.is_empty());
    let raw = Secret::from(raw.ok_or(Decline::BadArgument("The body has no 'token'."))?);
    let correlation_id = RequestId::of(http, &service.entropy);
    let refuse = |refusal: &Refusal| {
        let (reason, hint) = (refusal.reason.code(), refusal.diagnostics.hint);
        tracing::warn!(correlation_id, bot = bot.name.as_str(), connection = name, %reason, hint, "a bot's exchange was refused");
        Decline::from(refusal)
    };
    let validated = timeout_at(begun + KEYS_BUDGET, service.validators.validate(connection, &raw)).await;
    let validated = validated.unwrap_or_else(|_| Err(slow_keys())).map_err(|refusal| refuse(&refusal))?;
    let account = account(&bot, user_id, Some(channel_id));
    let slot = TokenSlot { account, connection: connection.name.clone() };
    let found = service.tokens.get(&slot, connection).await;
    match found.map_err(|error| Decline::failed("a token cannot be read", &error))? {
        Some(kept) if kept.user == validated.user => Ok(token(Some(channel_id), name, &kept)),
        Some(_) => Err(refuse(&Refusal::local(
            Reason::IdentityMismatch("slot"),
            "the token is not of the user whose token is kept for this account",
        ))),
        None => Err(refuse(&Refusal::local(
            Reason::SignInRequired,
            "no token is kept for this user: the signin/tokenExchange invoke has to come through bot-sso first",
        ))),
    }
}

fn slow_keys() -> Refusal {
    Refusal::local(Reason::TemporarilyUnavailable, "the issuer's keys did not arrive in time")
}
