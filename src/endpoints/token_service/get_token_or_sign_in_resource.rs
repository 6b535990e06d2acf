use actix_web::{HttpRequest, HttpResponse, web};

use super::begin_sign_in::begin;
use super::get_token::find_token;
use super::replies::{Decline, json, token_response};
use super::{TokenService, account, admitted, connection_named};
use crate::domain::{ChannelId, TokenSlot};
use crate::exchange::WantedToken;
use crate::protocol::{TokenExchangeState, TokenOrSignInResource};

/// `GET /api/usertoken/GetTokenOrSignInResource`: the user's token, or what a card needs to get one, in one call. A
/// wrong `code` brings the latter (token-service-api §3.8).
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    find_or_begin(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn find_or_begin(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admitted(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.get("channelId")?;
    let connection = connection_named(service, &bot, name)?;
    let slot = TokenSlot::new(&account(&bot, user_id, Some(channel_id)), &connection.name);
    if let Some(found) =
        find_token(http, service, WantedToken { bot: &bot, slot: &slot, connection }, query.find("code")).await?
    {
        return json(&TokenOrSignInResource::TokenResponse(token_response(Some(channel_id), name, &found)));
    }
    let state = TokenExchangeState::decode(query.get("state")?).map_err(Decline::BadArgument)?;
    // What the state says of a user must not be taken for another one.
    if state.user_id != user_id || state.connection_name != name {
        return Err(Decline::BadArgument(
            "'state' names another user or connection than 'userId' and 'connectionName'.",
        ));
    }
    let is_elsewhere = |of_state: &String| slot.account.realm.channel() != Some(&ChannelId::base_of(of_state));
    if state.channel_id.as_ref().is_some_and(is_elsewhere) {
        return Err(Decline::BadArgument("'state' names another channel than 'channelId'."));
    }
    let state = TokenExchangeState { channel_id: Some(channel_id.to_owned()), ..state };
    let begun = begin(service, &bot, state, query.find("finalRedirect")).await?;
    json(&TokenOrSignInResource::SignInResource(begun.resource))
}
