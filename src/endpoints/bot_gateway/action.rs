use std::sync::Arc;

use actix_web::{HttpResponse, web};
use tokio::time::timeout_at;

use super::BotGateway;
use super::action_replies::{refuse_action, refuse_code, refuse_unreadable, refuse_without_bot};
use super::admitted::{Inbound, read_stated_identity};
use super::chat_code::{ChatCode, redeem_chat_code};
use super::forward::{forward_action, forward_to_bot};
use super::token_exchange::{MAX_TOKEN_BYTES, build_evidence, validate};
use crate::cards::StatedIdentity;
use crate::domain::{Connection, Secret};
use crate::exchange::{
    Evidence, ExchangeReply, ExchangeRequest, JoinedExchange, Outage, OutcomeReport, ProvenIdentity, RateLimited,
    Reason, Refusal, is_another_person,
};
use crate::protocol::deadlines::{ANSWER_BUDGET, PROVIDER_BUDGET};
use crate::protocol::{ActionFamily, Activity, CarriedToken, UsedMembers, without_value_members};

/// What the gateway needs of a user's action that carries a token or a code.
pub(super) struct ActionCall {
    family: ActionFamily,
    token: Option<ActionToken>,
    /// A token that is passed on to the bot, with a connection whose audience it has.
    bots_token: Option<BotsToken>,
    code: Option<String>,
    stated: StatedIdentity,
}

/// A token that the gateway does not exchange, although it has the audience of one of its connections.
struct BotsToken {
    connection: Arc<Connection>,
    raw: Secret,
}

/// A token that an action carries.
struct ActionToken {
    connection: Arc<Connection>,
    /// `None` if it is too long.
    raw: Option<Secret>,
    evidence: Evidence,
}

impl ActionCall {
    pub(super) fn new(activity: &Activity<'_>, family: ActionFamily) -> Self {
        Self { family, token: None, bots_token: None, code: None, stated: read_stated_identity(activity) }
    }

    pub(super) fn with_code(self, code: Option<&str>) -> Self {
        Self { code: code.map(str::to_owned), ..self }
    }

    pub(super) fn with_token(
        self,
        inbound: &Inbound<'_>,
        activity: &Activity<'_>,
        connection: &Arc<Connection>,
        carried: CarriedToken<'_>,
    ) -> Self {
        let raw = Some(carried.token).filter(|token| token.len() <= MAX_TOKEN_BYTES).map(Secret::from);
        let evidence = build_evidence(inbound, activity, carried.id.map(Arc::from)).of_action();
        Self { token: Some(ActionToken { connection: Arc::clone(connection), raw, evidence }), ..self }
    }

    /// With a token that is the bot's to exchange; `connection` has its audience.
    pub(super) fn with_bots_token(self, connection: &Arc<Connection>, token: &str) -> Self {
        let raw = Some(token).filter(|token| token.len() <= MAX_TOKEN_BYTES).map(Secret::from);
        Self { bots_token: raw.map(|raw| BotsToken { connection: Arc::clone(connection), raw }), ..self }
    }

    /// The name of the connection for which its token is exchanged.
    pub(super) fn connection(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.connection.name.as_str())
    }

    /// Whether nothing in the action concerns the gateway.
    pub(super) const fn is_empty(&self) -> bool {
        self.token.is_none() && self.bots_token.is_none() && self.code.is_none()
    }
}

/// Handles a user's action: exchanges its token and redeems its code, and passes the action on without them. The bot's
/// answer is the user's. Where the token or the code is refused, the bot is not asked
/// (docs/protocols/sign-in-invokes.md §4).
pub(super) async fn answer(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>, call: ActionCall) -> HttpResponse {
    let ActionCall { family, token, bots_token, code, stated } = call;
    if let Some(token) = bots_token
        && let Err(reason) = check_owner(gateway, inbound, token, &stated).await
    {
        return refuse_action(gateway, inbound, family, reason).respond(inbound);
    }
    let asked = token.as_ref().map(|token| Arc::clone(&token.connection));
    let refused = match token {
        Some(token) => exchange(gateway, inbound, token).await.err(),
        None => None,
    };
    if let Some(reason) = refused.filter(|reason| !reason.is_curable_by_user()) {
        return refuse_action(gateway, inbound, family, reason).respond(inbound);
    }
    let code = match code {
        Some(code) => redeem_chat_code(gateway, inbound, &stated, &code).await,
        None => ChatCode::NotOurs,
    };
    // If the user has signed in to the connection that the action asks for, in the window that an earlier refusal opened,
    // the refused token does not matter.
    let has_code_of = |asked: &Connection| code.connection().is_some_and(|signed_in| signed_in.name == asked.name);
    let refused = refused.filter(|_| !asked.as_deref().is_some_and(has_code_of));
    let used = UsedMembers { authentication: asked.is_some(), state: code.connection().is_some() };
    match (refused, code) {
        (None, ChatCode::Redeemed(_) | ChatCode::RedeemedBefore(_) | ChatCode::NotOurs) => {}
        (Some(reason), _) => return refuse_action(gateway, inbound, family, reason).respond(inbound),
        // The token proves the user, so the code does not matter.
        (None, _) if asked.is_some() => {}
        (None, ChatCode::Wrong) => return refuse_code(inbound, family).respond(inbound),
        (None, ChatCode::RateLimited(RateLimited { retry_after })) => {
            let reason = Reason::TooManyRequests { retry_after };
            return refuse_action(gateway, inbound, family, reason).respond(inbound);
        }
        (None, ChatCode::Failed) => {
            let reason = Reason::TemporarilyUnavailable(Outage::FAULT);
            return refuse_action(gateway, inbound, family, reason).respond(inbound);
        }
    }
    if used == UsedMembers::default() {
        return forward_to_bot(gateway, inbound).await;
    }
    match without_value_members(&inbound.body, used) {
        Some(body) => match forward_action(gateway, inbound, body).await {
            Ok(response) => response,
            Err(problem) => refuse_without_bot(inbound, family, problem),
        },
        // The members were found, so this cannot happen; a token must not be passed on in any case.
        None => refuse_unreadable(gateway, inbound, family).respond(inbound),
    }
}

/// Refuses a valid token of another person, which never reaches the bot. What is no valid token of this connection is the
/// bot's affair. The refusal is logged.
async fn check_owner(
    gateway: &BotGateway,
    inbound: &Inbound<'_>,
    token: BotsToken,
    stated: &StatedIdentity,
) -> Result<(), Reason> {
    let BotsToken { connection, raw } = token;
    let by = inbound.begun + PROVIDER_BUDGET;
    let Ok(Ok(validated)) = timeout_at(by, gateway.validators.validate(&connection, &raw)).await else { return Ok(()) };
    let proven = ProvenIdentity::of_user(&validated.user);
    if !is_another_person(&inbound.channel_account(), stated, proven) {
        return Ok(());
    }
    let hint = "the token of an action, which the bot would have exchanged itself, belongs to another person than the user \
                of the action";
    let refusal = Refusal::local(Reason::IdentityMismatch("oid"), hint);
    let (bot, name) = (inbound.bot.name.as_str(), connection.name.as_str());
    refusal.report(&gateway.counters, bot, Some(name), &inbound.correlation_id);
    Err(refusal.reason)
}

/// Exchanges the token for the user of the action. The refusal is logged.
async fn exchange(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>, token: ActionToken) -> Result<(), Reason> {
    let ActionToken { connection, raw, evidence } = token;
    let refused = |refusal: Refusal| {
        let (bot, name) = (inbound.bot.name.as_str(), connection.name.as_str());
        refusal.report(&gateway.counters, bot, Some(name), &inbound.correlation_id);
        refusal.reason
    };
    let raw = raw.ok_or_else(|| refused(Refusal::local(Reason::BadRequest, "authentication.token is too long")))?;
    let validated = validate(gateway, inbound, &connection, &raw).await.map_err(&refused)?;
    let request = ExchangeRequest {
        bot: Arc::clone(&inbound.bot),
        connection: Arc::clone(&connection),
        account: inbound.account(),
        evidence,
        token: validated,
        correlation_id: inbound.correlation_id.clone(),
        deadline: inbound.begun + PROVIDER_BUDGET,
        answer_by: inbound.begun + ANSWER_BUDGET,
    };
    let report = OutcomeReport { counters: Arc::clone(&gateway.counters) };
    let settled = match gateway.action_engine.join(Box::new(request)).await {
        Ok(JoinedExchange::Settled(reply)) => {
            gateway.counters.exchanges.add_duplicate(inbound.bot.name.as_str(), connection.name.as_str());
            Ok(reply)
        }
        Ok(JoinedExchange::Leads(exchange)) => exchange.run(report).await,
        Err(refusal) => Err(refusal),
    };
    match settled.map_err(&refused)? {
        ExchangeReply(None) => Ok(()),
        ExchangeReply(Some(reason)) => Err(reason),
    }
}
