use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Decline, json};
use super::{TokenService, account, admitted};
use crate::domain::NamedConnection;
use crate::pending::{NewPendingSignIn, StatedIdentity};
use crate::protocol::{ConversationType, ENTRA_PROVIDER_ID, SignInResource, TokenExchangeResource, TokenExchangeState};

/// `GET /api/botsignin/GetSignInResource`: what a card needs. Records the pending sign-in before the card can leave the
/// bot, so that no client is faster than the record (token-service-api §3.7).
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    begin(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn begin(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admitted(service, http).await?;
    let state = TokenExchangeState::decode(query.get("state")?).map_err(Decline::BadArgument)?;
    let NamedConnection::Exact(connection) = service.directory.find_connection(&bot.name, &state.connection_name)
    else {
        let known: Vec<_> =
            service.directory.connections_of(&bot.name).iter().map(|known| known.name.as_str()).collect();
        tracing::warn!(bot = bot.name.as_str(), known = known.join(", "), "a card is asked for an unknown connection");
        return Err(Decline::UnknownConnection(state.connection_name));
    };
    // In a Teams channel no client signs in silently, so nothing is offered there (invoke-protocol §1.6).
    let uri = connection.token_exchange_uri.clone().filter(|_| state.conversation_type != ConversationType::Channel);
    let new = NewPendingSignIn {
        account: account(&bot, &state.user_id, state.channel_id.as_deref()),
        conversation: state.conversation_id,
        connection: connection.name.clone(),
        offered_sso: uri.is_some(),
        stated: StatedIdentity { object_id: state.aad_object_id, tenant_ids: state.tenant_ids },
        final_redirect: None,
    };
    let pending = service
        .pending
        .begin(new)
        .await
        .map_err(|error| Decline::failed("a pending sign-in cannot be kept", &error))?;
    let base = service.public_url.as_str().trim_end_matches('/');
    json(&SignInResource {
        sign_in_link: format!("{base}/api/oauth/signin?signin={}", pending.card_id.replace('-', "")),
        token_exchange_resource: uri.map(|uri| TokenExchangeResource {
            id: pending.card_id,
            uri,
            provider_id: ENTRA_PROVIDER_ID,
        }),
    })
}
