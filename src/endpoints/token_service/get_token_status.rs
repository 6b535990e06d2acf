use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Decline, json};
use super::{TokenService, admit, channel_account, find_account_in_use};
use crate::domain::{ProviderKind, TokenSlot};
use crate::exchange::WantedToken;
use crate::protocol::TokenStatus;

/// `GET /api/usertoken/GetTokenStatus`: all connections of the bot, and for each whether the user has a token
/// (docs/protocols/token-service-api.md §3.4). `include` is a comma-separated list of the connections to report. The
/// parameter `includeFilter`, which the Teams SDKs send, has never had an effect at the hosted service, and has none
/// here (docs/protocols/token-service-api.md §1 rule 2).
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    list(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn list(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admit(service, http).await?;
    let (user_id, channel_id) = (query.get("userId")?, query.find("channelId"));
    let included: Option<Vec<&str>> = query.find("include").map(|list| list.split(',').map(str::trim).collect());
    let account = find_account_in_use(service, http, &bot, channel_account(&bot, user_id, channel_id)).await?;
    let mut statuses = Vec::new();
    for connection in service.registrations.list_connections(bot.name.as_str()) {
        let name = connection.name.as_str();
        if included.as_ref().is_some_and(|included| !included.contains(&name)) {
            continue;
        }
        let has_token = match &account {
            Some(account) => {
                let slot = TokenSlot::new(account, &connection.name);
                let found = service.tokens.can_give(WantedToken { bot: &bot, slot: &slot, connection }).await;
                found.map_err(|error| Decline::failed("a token cannot be read", &error))?
            }
            None => false,
        };
        statuses.push(TokenStatus {
            channel_id,
            connection_name: name,
            has_token,
            service_provider_display_name: display_name(connection.provider_kind),
        });
    }
    json(&statuses)
}

/// The names that the hosted service uses.
fn display_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Entra => "Azure Active Directory v2",
        ProviderKind::OpenIdConnect | ProviderKind::Directory => "OpenID Connect",
    }
}
