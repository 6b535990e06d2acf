use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::exchange_token::exchange_token;
use super::replies::{Decline, RefusalManner, token};
use super::{TokenService, account, admitted, connection_named};
use crate::domain::{Bot, Connection, Secret, TokenSlot};
use crate::exchange::{Reason, Refusal, WantedResource};
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
        self.report(refusal);
        self.refused_for(refusal.reason)
    }

    /// Tells the operator why.
    pub(super) fn report(&self, refusal: &Refusal) {
        let place = (self.bot.name.as_str(), Some(self.connection.name.as_str()));
        refusal.report(&self.service.counters, place, &self.correlation_id);
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
        Body::Uri(uri) => exchange_uri(&asked, uri).await,
    }
}

/// A token of the user who is signed in already, for a resource that the operator has listed: what a root bot answers a
/// skill's card with.
async fn exchange_uri(asked: &Asked<'_>, uri: String) -> Result<HttpResponse, Decline> {
    let Some(scope) = WantedResource::ExchangeUri(&uri).find_scope(asked.connection) else {
        return Err(Decline::UnlistedResource(uri, "exchange_uris"));
    };
    let found = asked.service.resources.get(&asked.slot, asked.connection, &scope, &asked.correlation_id).await;
    let found = found.map_err(|refusal| asked.refused(&refusal))?.ok_or(Decline::Nothing)?;
    Ok(token(asked.channel_id, asked.connection.name.as_str(), &found))
}

/// One SDK wrapped the body in `exchangeRequest`, another adds a `uri` that is `null` (token-service-api §2).
fn body_of(bytes: &[u8]) -> Result<Body, Decline> {
    let root = Node::parse(bytes).map_err(|_| Decline::BadArgument("The body is not a JSON object."))?;
    let ambiguous = |_| Decline::BadArgument("The body says the same thing twice.");
    let wrapped = root.get_any_case("exchangeRequest").map_err(ambiguous)?;
    let request = wrapped.filter(|inner| inner.members().is_some()).unwrap_or(&root);
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
