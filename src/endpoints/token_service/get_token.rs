use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Decline, token};
use super::{TokenService, account, admitted};
use crate::domain::{NamedConnection, TokenSlot};

/// `GET /api/usertoken/GetToken`: the user's usable token, or with `code` the one that this magic code is good for
/// (token-service-api §3.1).
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    find(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn find(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admitted(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.find("channelid");
    let connection = match service.directory.find_connection(&bot.name, name) {
        NamedConnection::Exact(connection) => connection,
        NamedConnection::OtherCase(near) => {
            tracing::warn!(
                bot = bot.name.as_str(),
                near = near.name.as_str(),
                "GetToken names a connection in another letter case"
            );
            return Err(Decline::Nothing);
        }
        NamedConnection::Unknown => return Err(Decline::Nothing),
    };
    let slot = TokenSlot { account: account(&bot, user_id, channel_id), connection: connection.name.clone() };
    let found = match query.find("code") {
        Some(code) => service
            .codes
            .redeem(&slot, connection, code)
            .await
            .map_err(|error| Decline::failed("a magic code cannot be checked", &error))?,
        None => service
            .tokens
            .find(&slot, connection)
            .await
            .map_err(|error| Decline::failed("a token cannot be read", &error))?,
    };
    Ok(token(channel_id, name, &*found.ok_or(Decline::Nothing)?))
}
