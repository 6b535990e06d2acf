use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::{Instant, timeout_at};

use super::exchange_call::ExchangeCall;
use super::query::{MAX_VALUE_BYTES, Query};
use super::replies::{Decline, json, require_token, token_response};
use super::{TokenService, admit, channel_account, find_account_in_use, get_connection};
use crate::domain::{TokenSlot, UserToken};
use crate::exchange::WantedResource;
use crate::inbound::{Problem, RequestId, read_body, require_plain_utf8};
use crate::protocol::deadlines::PROVIDER_BUDGET;
use crate::protocol::{JsonDocument, Node};

/// The most resources that one call may name.
const MAX_RESOURCES: usize = 16;

/// `POST /api/usertoken/GetAadTokens`: tokens of a signed-in user for resources that the operator has listed, by the
/// names that the bot has sent. Clients put the parameters into the query, the body or both: a value in the body takes
/// precedence, and the two lists of resources are joined (docs/protocols/token-service-api.md §3.5).
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, service: web::Data<TokenService>) -> HttpResponse {
    tokens(&http, payload, &service).await.unwrap_or_else(Decline::respond)
}

async fn tokens(http: &HttpRequest, payload: web::Payload, service: &TokenService) -> Result<HttpResponse, Decline> {
    let begun = Instant::now();
    let (bot, query) = admit(service, http).await?;
    require_plain_utf8(http.headers())?;
    let body = read_body(http, payload, service.limits).await?;
    let wanted = WantedTokens::read(&body, &query)?;
    let (name, channel_id) = (wanted.connection_name.as_str(), wanted.channel_id.as_deref());
    let connection = get_connection(service, &bot, name)?;
    let account = find_account_in_use(service, http, &bot, channel_account(&bot, &wanted.user_id, channel_id)).await?;
    let slot = TokenSlot::new(&account.ok_or(Decline::NoToken)?, &connection.name);
    let correlation_id = RequestId::get_or_draw(http, &service.entropy);
    let call = ExchangeCall { service, bot, connection, channel_id, slot, correlation_id, begun };
    // Tokens that were obtained before the deadline are stored, so a repeated call finds them.
    let found = timeout_at(begun + PROVIDER_BUDGET, find_all(&call, &wanted.resources)).await;
    let found = found.unwrap_or(Err(Decline::Problem(Problem::ServiceUnavailable)))?;
    let responses: BTreeMap<_, _> =
        found.iter().map(|(resource, token)| (*resource, token_response(channel_id, name, token))).collect();
    json(&responses)
}

/// The parameters of a call.
struct WantedTokens {
    user_id: String,
    connection_name: String,
    channel_id: Option<String>,
    resources: Vec<String>,
}

impl WantedTokens {
    fn read(body: &[u8], query: &Query<'_>) -> Result<Self, Decline> {
        let document = (!body.is_empty()).then(|| JsonDocument::parse_unambiguous(body));
        let document = document.transpose().map_err(|_| not_an_object())?;
        let root = document.as_ref().map_or(Node::Null, JsonDocument::root);
        let find = |name: &'static str| -> Result<Option<String>, Decline> {
            let written = root.get_any_case(name).map_err(|_| not_an_object())?.and_then(Node::as_str);
            match written.filter(|text| !text.is_empty()) {
                Some(text) if text.len() > MAX_VALUE_BYTES => Err(Decline::TooLong(name)),
                Some(text) => Ok(Some(text.to_owned())),
                None => Ok(query.find(name).map(str::to_owned)),
            }
        };
        Ok(Self {
            user_id: find("userId")?.ok_or(Decline::Missing("userId"))?,
            connection_name: find("connectionName")?.ok_or(Decline::Missing("connectionName"))?,
            channel_id: find("channelId")?,
            resources: read_resources(root, query)?,
        })
    }
}

/// Obtains the tokens of all resources, or fails.
async fn find_all<'r>(
    call: &ExchangeCall<'_>,
    resources: &'r [String],
) -> Result<Vec<(&'r str, Arc<UserToken>)>, Decline> {
    let find_scope = |resource: &'r String| {
        let scope = WantedResource::Aad(resource).find_scope(call.connection);
        scope.ok_or_else(|| Decline::UnlistedResource(resource.clone(), "aad_resources"))
    };
    // All resources are checked before the first token is requested.
    let scopes = resources.iter().map(find_scope).collect::<Result<Vec<_>, _>>()?;
    let mut tokens = Vec::with_capacity(resources.len());
    // Tokens are requested one after the other: they may need the same refresh token, which some issuers accept only
    // once.
    for (resource, scope) in resources.iter().zip(&scopes) {
        let found = call.resource_token(scope).await;
        // The bot's `refusal_style` does not apply: an answer of 200 is a map of resources here.
        let found = found.map_err(|refusal| {
            call.report(&refusal);
            Decline::Refused(refusal.reason)
        })?;
        tokens.push((resource.as_str(), require_token(found)?));
    }
    Ok(tokens)
}

fn read_resources(root: Node<'_>, query: &Query<'_>) -> Result<Vec<String>, Decline> {
    let mut resources: Vec<String> = Vec::new();
    let listed = root.get_any_case("resourceUrls").map_err(|_| not_an_object())?;
    let one_in_body = listed.and_then(Node::as_str);
    let in_body = listed.into_iter().flat_map(Node::elements).filter_map(Node::as_str).chain(one_in_body);
    for resource in in_body.chain(query.list("resourceUrls")) {
        if !resource.is_empty() && !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
        if resources.len() > MAX_RESOURCES {
            return Err(Decline::BadArgument("'resourceUrls' names more than 16 resources."));
        }
    }
    if resources.is_empty() { Err(Decline::Missing("resourceUrls")) } else { Ok(resources) }
}

fn not_an_object() -> Decline {
    Decline::BadArgument("The body is not a JSON object.")
}
