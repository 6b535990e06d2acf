use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Decline, require_token, token};
use super::{TokenService, admit, channel_account, log_unknown_connection};
use crate::cards::StatedIdentity;
use crate::domain::{ClaimsChallenge, NamedConnection, TokenSlot};
use crate::exchange::{ObtainedToken, WantedToken};
use crate::inbound::RequestId;
use crate::sign_in::{CodeAnswer, CodeBearer};

/// `GET /api/usertoken/GetToken`: the user's present token, or with `code` the token of the sign-in that this magic
/// code completes (docs/protocols/token-service-api.md §3.1).
///
/// The parameter `claims` is an extension of bot-sso: the decoded challenge with which a resource has refused the
/// present token. The answer is a token that satisfies the challenge; or 404, and the user's next sign-in will satisfy
/// it.
///
/// While no token can be obtained for an outage, both answer 503, or 429 where the issuer throttles.
pub(super) async fn answer(http: HttpRequest, service: web::Data<TokenService>) -> HttpResponse {
    find_and_reply(&http, &service).await.unwrap_or_else(Decline::respond)
}

async fn find_and_reply(http: &HttpRequest, service: &TokenService) -> Result<HttpResponse, Decline> {
    let (bot, query) = admit(service, http).await?;
    let (user_id, name) = (query.get("userId")?, query.get("connectionName")?);
    let channel_id = query.find("channelId");
    let connection = match service.registrations.find_connection(bot.name.as_str(), name) {
        NamedConnection::Exact(connection) => connection,
        NamedConnection::OtherCase(_) | NamedConnection::Unknown => {
            log_unknown_connection(service, &bot);
            return Err(Decline::NoToken);
        }
    };
    let slot = TokenSlot::new(&channel_account(&bot, user_id, channel_id), &connection.name);
    let wanted = WantedToken { bot: &bot, slot: &slot, connection };
    let found = match (query.find("code"), query.find("claims")) {
        (None, Some(claims)) => {
            // The answer to a challenge may call the identity provider, so it counts against the user's rate limit.
            charge(http, service, &slot)?;
            answer_challenge(service, wanted, claims).await?
        }
        (code, _) => find_token(http, service, wanted, code).await?,
    };
    Ok(token(channel_id, name, &*require_token(found)?))
}

/// The token of the sign-in that `code` completes; without a code the user's present token.
pub(super) async fn find_token(
    http: &HttpRequest,
    service: &TokenService,
    wanted: WantedToken<'_>,
    code: Option<&str>,
) -> Result<ObtainedToken, Decline> {
    let Some(code) = code else {
        return Ok(service.tokens.get(wanted).await);
    };
    // Each code is an attempt to guess one.
    charge(http, service, wanted.slot)?;
    let bearer = CodeBearer { account: wanted.slot.account.clone(), stated: StatedIdentity::default() };
    let redeemed = service.codes.redeem(wanted, &bearer, code).await;
    Ok(match redeemed.map_err(|error| Decline::failed("a magic code cannot be checked", &error))? {
        CodeAnswer::Redeemed(token) => ObtainedToken::Token(token),
        // A bot or an SDK that repeats its request gets the same answer: what came of the code is the present token.
        CodeAnswer::RedeemedBefore => service.tokens.get(wanted).await,
        CodeAnswer::Wrong => ObtainedToken::UserNeeded,
    })
}

fn charge(http: &HttpRequest, service: &TokenService, slot: &TokenSlot) -> Result<(), Decline> {
    let correlation_id = RequestId::get_or_draw(http, &service.entropy);
    Ok(service.rates.charge(&slot.account, &correlation_id)?)
}

async fn answer_challenge(
    service: &TokenService,
    wanted: WantedToken<'_>,
    claims: &str,
) -> Result<ObtainedToken, Decline> {
    let challenge = ClaimsChallenge::parse(claims).ok_or(Decline::BadArgument(
        "The query parameter 'claims' must be the JSON object of a claims challenge, of up to 8192 bytes.",
    ))?;
    Ok(service.tokens.get_challenged(wanted, challenge).await)
}
