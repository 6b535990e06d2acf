use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ServiceRole;
use super::access::refuse;
use super::answers::{RedeemedCodeAnswer, TokenAnswer, ok};
use super::called_app::AppPath;
use super::refusal::Refused;
use crate::inbound::{Form, RequestId, read_body};
use crate::observability::conceal;

/// What an app sends to redeem a code.
#[derive(Deserialize, ToSchema)]
pub(super) struct CodeToRedeem {
    /// The code that the sign-in brought back.
    code: String,
}

/// `POST /api/apps/{app}/auth/sso/token`: the app's user token for a code of the sign-in.
pub(super) async fn answer(http: HttpRequest, payload: web::Payload, door: web::Data<ServiceRole>) -> HttpResponse {
    redeem_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn redeem_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &ServiceRole,
) -> Result<HttpResponse, Refused> {
    let path = AppPath::read(http)?;
    let called = door.authenticate(http, &path).await?;
    let body = read_body(http, payload, door.limits).await.map_err(Refused::Problem)?;
    let Some(code) = read_code(&body) else { return Err(refuse(http, called, "app_code", Refused::InvalidCode)) };
    let redeemed = door.app_tokens.redeem_code(&called.app.id, &code).await;
    let redeemed = redeemed.map_err(|error| Refused::failed("a code of an app cannot be redeemed", &error))?;
    let redeemed = match redeemed {
        Some(redeemed) if door.is_signed_in(called, &redeemed.owner).await? => redeemed,
        _ => return Err(refuse(http, called, "app_code", Refused::InvalidCode)),
    };
    tracing::info!(
        correlation_id = RequestId::find(http),
        bot = called.connection.holder.as_str(),
        user = %conceal(&redeemed.owner.user),
        "an app redeemed the code of a sign-in"
    );
    let token = TokenAnswer::new(&redeemed.issued.token, redeemed.issued.expires_at, door.clock.now());
    let user_id = &redeemed.owner.user_id;
    Ok(ok().json(RedeemedCodeAnswer { token, user_id, is_new_user: redeemed.is_new_user }))
}

/// The code in a JSON object or in a form.
fn read_code(body: &[u8]) -> Option<String> {
    if body.trim_ascii_start().starts_with(b"{") {
        return serde_json::from_slice::<CodeToRedeem>(body).ok().map(|read| read.code);
    }
    let form = Form::parse(body).ok()?;
    form.find("code").filter(|_| !form.is_repeated("code")).map(str::to_owned)
}
