use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::exchange_call::ExchangeCall;
use super::exchange_token::exchange_token;
use super::replies::{Decline, require_token, token};
use super::{TokenService, admit, channel_account, find_account_in_use, get_connection};
use crate::domain::{Secret, TokenSlot};
use crate::exchange::{Reason, Refusal, WantedResource};
use crate::inbound::{RequestId, read_body, require_plain_utf8};
use crate::protocol::{JsonDocument, Node};

/// `POST /api/usertoken/exchange` (docs/protocols/token-service-api.md §3.2). With `{"token"}` it is the call of a
/// bot's own prompt after an invoke was forwarded to the bot; with `{"uri"}` it returns a signed-in user's token for
/// another resource.
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, service: web::Data<TokenService>) -> HttpResponse {
    exchange(&http, payload, &service).await.unwrap_or_else(Decline::respond)
}

/// What is exchanged.
enum Body {
    Token(Secret),
    Uri(String),
}

async fn exchange(
    http: &HttpRequest,
    payload: web::Payload,
    service: &web::Data<TokenService>,
) -> Result<HttpResponse, Decline> {
    let begun = Instant::now();
    let (bot, query) = admit(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.get("channelId")?;
    let connection = get_connection(service, &bot, name)?;
    require_plain_utf8(http.headers())?;
    let body = read_body(http, payload, service.limits).await?;
    let body = read_exchange_body(&body)?;
    let account = channel_account(&bot, user_id, Some(channel_id));
    let in_use = find_account_in_use(service, http, &bot, account.clone()).await?;
    let is_known = in_use.is_some();
    let slot = TokenSlot::new(&in_use.unwrap_or(account), &connection.name);
    let correlation_id = RequestId::get_or_draw(http, &service.entropy);
    let channel_id = Some(channel_id);
    let call = ExchangeCall { service, bot, connection, channel_id, slot, correlation_id, begun };
    match body {
        Body::Token(_) if connection.token_exchange_uri.is_none() => Err(Decline::NoToken),
        // Neither is a token given nor one kept: it is not known whose it would be.
        Body::Token(_) if !is_known => Err(call.refused(&Refusal::local(
            Reason::SignInRequired,
            "it is not known for which account the bot asks: two accounts spoke under the user id within fifteen minutes, \
             or the last one is of a parent bot that is no longer listed",
        ))),
        Body::Uri(_) if !is_known => Err(Decline::NoToken),
        Body::Token(raw) => exchange_token(&call, raw).await,
        Body::Uri(uri) => exchange_uri(&call, uri).await,
    }
}

/// Returns a signed-in user's token for a resource that the operator has listed. A root bot answers a skill's card with
/// it.
async fn exchange_uri(call: &ExchangeCall<'_>, uri: String) -> Result<HttpResponse, Decline> {
    let Some(scope) = WantedResource::ExchangeUri(&uri).find_scope(call.connection) else {
        return Err(Decline::UnlistedResource(uri, "exchange_uris"));
    };
    let found = call.resource_token(&scope).await;
    let found = require_token(found.map_err(|refusal| call.refused(&refusal))?)?;
    Ok(token(call.channel_id, call.connection.name.as_str(), &found))
}

/// Reads the body. One SDK wraps it in `exchangeRequest`, another adds a `uri` that is `null`
/// (docs/protocols/token-service-api.md §2).
fn read_exchange_body(bytes: &[u8]) -> Result<Body, Decline> {
    let document = JsonDocument::parse_unambiguous(bytes);
    let document = document.map_err(|_| Decline::BadArgument("The body is not a JSON object."))?;
    let root = document.root();
    let ambiguous = |_| Decline::BadArgument("The body has a member twice.");
    let wrapped = root.get_any_case("exchangeRequest").map_err(ambiguous)?;
    let request = wrapped.filter(|inner| inner.is_object()).unwrap_or(root);
    let text = |name| {
        let written = request.get_any_case(name).map_err(ambiguous)?;
        Ok::<_, Decline>(written.and_then(Node::as_str).filter(|text: &&str| !text.is_empty()))
    };
    match (text("token")?, text("uri")?) {
        (Some(token), _) => Ok(Body::Token(Secret::from(token))),
        (None, Some(uri)) => Ok(Body::Uri(uri.to_owned())),
        (None, None) => Err(Decline::BadArgument("The body has no 'token' and no 'uri'.")),
    }
}
