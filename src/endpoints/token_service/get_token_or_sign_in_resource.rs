use actix_web::{HttpRequest, HttpResponse, web};

use super::begin_sign_in::{OfferForm, RequestedOffer, begin};
use super::get_token::TokenRequest;
use super::replies::{Decline, json, token_response};
use super::{TokenService, admit, channel_account, get_connection};
use crate::domain::ChannelId;
use crate::exchange::ObtainedToken;
use crate::protocol::{TokenExchangeState, TokenOrSignInResource};

/// `GET /api/usertoken/GetTokenOrSignInResource`: the user's token, or what a card needs to get one. A wrong `code` is
/// answered with the sign-in resource, an outage is not (docs/protocols/token-service-api.md §3.8).
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    find_or_begin(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn find_or_begin(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admit(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.get("channelId")?;
    let connection = get_connection(service, &bot, name)?;
    let account = channel_account(&bot, user_id, Some(channel_id));
    let request = TokenRequest { http, service, bot: &bot, connection };
    match request.find_token(account.clone(), query.find("code")).await? {
        ObtainedToken::Token(found) => {
            return json(&TokenOrSignInResource::TokenResponse(token_response(Some(channel_id), name, &found)));
        }
        ObtainedToken::UserNeeded => {}
        ObtainedToken::Unavailable(outage) => return Err(Decline::Unavailable(outage)),
    }
    let state = TokenExchangeState::decode(query.get("state")?).map_err(Decline::BadArgument)?;
    // The state must be of the same user and connection as the query, or the sign-in would be recorded for another
    // user.
    if state.user_id != user_id || state.connection_name != name {
        return Err(Decline::BadArgument(
            "'state' names another user or connection than 'userId' and 'connectionName'.",
        ));
    }
    let is_other_channel = |state_channel: &String| account.realm.channel() != Some(&ChannelId::new(state_channel));
    if state.channel_id.as_ref().is_some_and(is_other_channel) {
        return Err(Decline::BadArgument("'state' names another channel than 'channelId'."));
    }
    let state = TokenExchangeState { channel_id: Some(channel_id.to_owned()), ..state };
    let offer = RequestedOffer { form: OfferForm::Resource, final_redirect: query.find("finalRedirect") };
    let begun = begin(service, &bot, state, offer).await?;
    json(&TokenOrSignInResource::SignInResource(begun.resource))
}
