use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::replies::{Decline, require_token, token};
use super::{TokenService, admit, channel_account, find_account_in_use, log_unknown_connection};
use crate::cards::StatedIdentity;
use crate::domain::{Account, Bot, ClaimsChallenge, Connection, NamedConnection, TokenSlot};
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
    let request = TokenRequest { http, service, bot: &bot, connection };
    let account = channel_account(&bot, user_id, channel_id);
    let found = match (query.find("code"), query.find("claims")) {
        (None, Some(claims)) => request.answer_challenge(account, claims).await?,
        (code, _) => request.find_token(account, code).await?,
    };
    Ok(token(channel_id, name, &*require_token(found)?))
}

/// A bot's request for a token of one connection.
pub(super) struct TokenRequest<'a> {
    pub(super) http: &'a HttpRequest,
    pub(super) service: &'a TokenService,
    pub(super) bot: &'a Arc<Bot>,
    pub(super) connection: &'a Arc<Connection>,
}

impl TokenRequest<'_> {
    /// The user's present token, or with `code` the token of the sign-in that this code completes. `account` is the
    /// channel's; the token is that of the account which spoke last under its user id.
    pub(super) async fn find_token(&self, account: Account, code: Option<&str>) -> Result<ObtainedToken, Decline> {
        let Some(code) = code else {
            let Some(account) = self.find_account(account).await? else { return Ok(ObtainedToken::UserNeeded) };
            return Ok(self.get_present(&account).await);
        };
        self.redeem(account, code).await
    }

    /// Redeems `code`, which waits for the channel's `account`, for the account that spoke last, which gets the token. The
    /// tries of the party that sent the last activity count.
    async fn redeem(&self, account: Account, code: &str) -> Result<ObtainedToken, Decline> {
        let slot = TokenSlot::new(&account, &self.connection.name);
        let Some(account) = self.find_account(account).await? else { return Ok(ObtainedToken::UserNeeded) };
        let sender = self.service.speakers.find_sender(self.bot, &account);
        // Each code is an attempt to guess one.
        self.charge(&sender).await?;
        let bearer = CodeBearer { account, sender, stated: StatedIdentity::default() };
        let redeemed = self.service.codes.redeem(self.wanted(&slot), &bearer, code).await;
        Ok(match redeemed.map_err(|error| Decline::failed("a magic code cannot be checked", &error))? {
            CodeAnswer::Redeemed { token, .. } => ObtainedToken::Token(token),
            // A bot or an SDK that repeats its request gets the same answer: what came of the code is the present token.
            CodeAnswer::RedeemedBefore => self.get_present(&bearer.account).await,
            CodeAnswer::Wrong => ObtainedToken::UserNeeded,
        })
    }

    /// A token that satisfies `claims`, with which a resource has refused the present one. The answer may call the identity
    /// provider, so it counts against the user's rate limit.
    async fn answer_challenge(&self, account: Account, claims: &str) -> Result<ObtainedToken, Decline> {
        let Some(account) = self.find_account(account).await? else { return Ok(ObtainedToken::UserNeeded) };
        self.charge(&account).await?;
        let challenge = ClaimsChallenge::parse(claims).ok_or(Decline::BadArgument(
            "The query parameter 'claims' must be the JSON object of a claims challenge, of up to 8192 bytes.",
        ))?;
        let slot = TokenSlot::new(&account, &self.connection.name);
        Ok(self.service.tokens.get_challenged(self.wanted(&slot), challenge).await)
    }

    async fn find_account(&self, account: Account) -> Result<Option<Account>, Decline> {
        find_account_in_use(self.service, self.http, self.bot, account).await
    }

    async fn get_present(&self, account: &Account) -> ObtainedToken {
        self.service.tokens.get(self.wanted(&TokenSlot::new(account, &self.connection.name))).await
    }

    fn wanted<'w>(&'w self, slot: &'w TokenSlot) -> WantedToken<'w> {
        WantedToken { bot: self.bot, slot, connection: self.connection }
    }

    async fn charge(&self, account: &Account) -> Result<(), Decline> {
        let correlation_id = RequestId::get_or_draw(self.http, &self.service.entropy);
        Ok(self.service.rates.charge(account, &correlation_id).await?)
    }
}
