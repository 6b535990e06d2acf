use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::replies::{self, Decline};
use super::{TokenService, admit, channel_account, get_connection};

/// `DELETE /api/usertoken/SignOut`: removes the user's token for one connection, or without `connectionName` for all of
/// the bot's connections on the channel (docs/protocols/token-service-api.md §3.3). In a parent's turn it ends what the
/// parent brought, and nothing of the channel's user; while two accounts dispute the user id, it ends what both have
/// (docs/security.md §Parent bots). It succeeds if the user is signed out already. The answer is exactly 200 with an empty JSON object (docs/protocols/token-service-api.md §1 rule 6).
/// Some clients send a copy of the query as body, which is ignored.
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    sign_out(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn sign_out(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admit(service, http).await?;
    let user_id = query.get("userId")?;
    let name = query.find("connectionName");
    let connection = name.map(|name| get_connection(service, &bot, name)).transpose()?.map(|found| &found.name);
    let account = channel_account(&bot, user_id, query.find("channelId"));
    let speaking = service.speakers.find_signing_out(&bot, &account).await;
    let speaking = speaking.map_err(|error| Decline::failed("which account spoke last cannot be read", &error))?;
    for account in &speaking {
        let signed_out = service.sign_out.of_account(account, connection).await;
        signed_out.map_err(|error| Decline::failed("a user cannot be signed out", &error))?;
    }
    replies::json(&json!({}))
}
