use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::OAuthDoor;
use super::call::{DirectoryCall, log_outage, unknown_tenant};
use super::live_token::LiveToken;
use super::replies::{OAuthRefusal, ok};
use crate::accounts::{LinkPurpose, SelfServiceLink};
use crate::domain::Secret;

/// The longest header that is read, in bytes: two tokens.
const MAX_BEARER_BYTES: usize = 16 * 1024;

/// `GET /oauth/v4/{tenant}/cloud_directory/generate_code`: a code by which the user of both tokens changes details on our page.
pub(super) async fn generate(http: HttpRequest, door: Data<OAuthDoor>) -> HttpResponse {
    let Some(call) = DirectoryCall::of_path(&http, door) else { return unknown_tenant() };
    call.finish(call.generate_code().await)
}

impl DirectoryCall<'_> {
    async fn generate_code(&self) -> Result<HttpResponse, OAuthRefusal> {
        if !self.view.settings.self_service.enabled {
            return Err(OAuthRefusal::SelfServiceOff);
        }
        let tokens = read_two_tokens(self.http)?;
        let live = self.door.find_live_token(&self.view, tokens.access).await?.ok_or(OAuthRefusal::InvalidToken)?;
        let link = self.describe_code(live, tokens.id)?;
        let grant = link.grant_id.as_deref().unwrap_or_default();
        let charged = self.door.generated_codes.charge(&[grant.as_bytes()]).await;
        charged.map_err(|exceeded| OAuthRefusal::TooManyRequests { retry_after: Some(exceeded.retry_after) })?;
        let code: Secret = self.door.parts.links.draw(&self.view.directory.tenant, &link).await.map_err(log_outage)?;
        Ok(ok().content_type("text/plain; charset=utf-8").body(code.expose().to_owned()))
    }

    /// What the code is good for: the user of the access token, who must be that of the ID token.
    fn describe_code(&self, live: LiveToken, id_token: &str) -> Result<SelfServiceLink, OAuthRefusal> {
        let hint = self.door.parts.tokens.check_id_token_hint(&self.view.directory, id_token);
        let user = live.user.ok_or(OAuthRefusal::InvalidToken)?;
        if !hint.is_ok_and(|hint| hint.user_id == user.id && hint.client_id == live.claims.client_id) {
            return Err(OAuthRefusal::InvalidToken);
        }
        Ok(SelfServiceLink {
            purpose: LinkPurpose::ChangeDetails,
            user_id: user.id,
            address: None,
            password_changes: user.password_changes,
            client_id: Some(live.claims.client_id),
            return_to: None,
            grant_id: live.claims.grant_id,
        })
    }
}

/// The tokens of `Authorization: Bearer <access token> <ID token>`, as App ID's SDK sends them.
struct TwoTokens<'h> {
    access: &'h str,
    id: &'h str,
}

fn read_two_tokens(http: &HttpRequest) -> Result<TwoTokens<'_>, OAuthRefusal> {
    let mut values = http.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or(OAuthRefusal::NoBearer)?;
    let text = value.to_str().ok().filter(|text| text.len() <= MAX_BEARER_BYTES && values.next().is_none());
    let words: Vec<&str> = text.ok_or(OAuthRefusal::InvalidToken)?.split(' ').collect();
    match words[..] {
        [scheme, access, id] if scheme.eq_ignore_ascii_case("bearer") => Ok(TwoTokens { access, id }),
        _ => Err(OAuthRefusal::InvalidToken),
    }
}
