//! The gateway before the bots: channels and parent bots post activities here, and most are forwarded to the bot
//! unchanged.
//!
//! Owns the decision which activities the gateway handles itself (the sign-in invokes), and the status table of their
//! answers. It deliberately knows nothing of tokens except that it hands them to the exchange.

mod action;
mod action_decision;
mod action_replies;
mod admitted;
mod agent_lifecycle;
mod chat_code;
mod client_failure;
mod description;
mod disposition;
mod forward;
mod named_connections;
mod observed;
mod replies;
mod services;
mod shared_reply;
mod skill_invoke;
mod token_exchange;
mod tokens_response;
mod verify_state;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use tokio::time::Instant;

use self::admitted::{Inbound, is_action_in_channel, read_channel_statement};
use self::disposition::Disposition;
use crate::bot_connector::{BotClient, ContinuationDelivery, ReportedFailures};
use crate::cards::PendingSignIns;
use crate::domain::{ChannelId, Registrations, SharedEntropy, complete_by};
use crate::exchange::{
    ChannelStatements, CurrentTokens, ExchangeEngine, ExchangeNames, ExchangeReply, Speakers, TokenValidators,
    UserRates,
};
use crate::inbound::{
    BodyLimits, CallerRefusal, Callers, Door, LetterCase, Method, Operation, Peer, Problem, RequestId, read_body,
    refuse_activity, require_plain_utf8, run_to_end,
};
use crate::observability::Counters;
use crate::protocol::deadlines::PROVIDER_BUDGET;
use crate::protocol::{Activity, MAX_ID_BYTES};
use crate::sign_in::CodeRedemption;
use crate::sign_out::AgentLifecycle;

#[cfg(test)]
pub use self::client_failure::list_hints;
pub use self::replies::{InvokeReply, StatusOverrides};
pub use self::services::{GatewayAnswers, GatewayBots, GatewayCallers, GatewayExchange, GatewaySignIns, GatewaySkills};

/// The state of this door; built once, shared by all workers.
pub struct BotGateway {
    callers: Arc<Callers>,
    registrations: Arc<Registrations>,
    limits: BodyLimits,
    entropy: SharedEntropy,
    validators: Arc<TokenValidators>,
    engine: Arc<ExchangeEngine<InvokeReply>>,
    action_engine: Arc<ExchangeEngine<ExchangeReply>>,
    tokens: CurrentTokens,
    speakers: Speakers,
    agents: AgentLifecycle,
    statements: Arc<ChannelStatements>,
    cards: Arc<PendingSignIns>,
    codes: CodeRedemption,
    rates: Arc<UserRates>,
    exchange_names: ExchangeNames,
    bots: BotClient,
    delivery: ContinuationDelivery,
    bot_timeout: Duration,
    skills: GatewaySkills,
    reported_failures: ReportedFailures,
    counters: Arc<Counters>,
    statuses: HashMap<ChannelId, StatusOverrides>,
}

impl BotGateway {
    /// A gateway for these callers and bots.
    #[must_use]
    pub fn new(
        callers: GatewayCallers,
        exchange: GatewayExchange,
        sign_ins: GatewaySignIns,
        bots: GatewayBots,
        answers: GatewayAnswers,
    ) -> Self {
        let GatewayCallers { callers, registrations, limits, entropy } = callers;
        let GatewayExchange { validators, engine, action_engine, tokens, speakers, agents, statements } = exchange;
        let GatewaySignIns { cards, codes, rates } = sign_ins;
        let GatewayBots { client: bots, delivery, reported_failures, exchange_names, timeout: bot_timeout, skills } =
            bots;
        let GatewayAnswers { counters, statuses } = answers;
        Self {
            callers,
            registrations,
            limits,
            entropy,
            validators,
            engine,
            action_engine,
            tokens,
            speakers,
            agents,
            statements,
            cards,
            codes,
            rates,
            exchange_names,
            bots,
            delivery,
            bot_timeout,
            skills,
            reported_failures,
            counters,
            statuses,
        }
    }
}

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Bot gateway",
    description: "Channels and parent bots post activities here instead of to the bot.",
    bearer: "A channel's, a parent bot's or the Agent 365 platform's: the token with which it would call the bot itself.",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Post,
        path: "/api/messages",
        route: |route| route.to(receive),
        description: || {
            description::describe_posting(
                "PostActivity",
                "Accepts an activity for the bot that the bearer names as audience.",
            )
        },
    },
    Operation {
        method: Method::Post,
        path: "/bots/{bot}/api/messages",
        route: |route| route.to(receive),
        description: || {
            description::describe_posting("PostActivityToBot", "Accepts an activity for the bot in the path.")
                .path_parameter("bot", "The bot's name in the configuration; the bearer must be for that bot.")
        },
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig, gateway: web::Data<BotGateway>) {
    config.app_data(gateway);
    DOOR.add_routes(config);
}

async fn receive(http: HttpRequest, payload: web::Payload, gateway: web::Data<BotGateway>) -> HttpResponse {
    let begun = Instant::now();
    let call = match authenticate_and_read(&http, payload, &gateway, begun).await {
        Ok(call) => call,
        Err(problem) => return problem.respond(),
    };
    // A server drops the work of a connection that breaks. The activity is handled to its end: otherwise a code could be
    // redeemed without the bot's event. A stranger gets no task, so hanging up gains nothing.
    match run_to_end(async move { admit_and_handle(&http, &gateway, call, begun).await }).await {
        Some(Ok(response)) => response,
        Some(Err(problem)) => problem.respond(),
        // It ends without a result only if it panics.
        None => Problem::ServiceUnavailable.respond(),
    }
}

/// A caller that is authenticated, and the body of its request.
struct AuthenticatedCall {
    peer: Peer,
    body: Bytes,
}

/// Authenticates the caller, and reads the body.
async fn authenticate_and_read(
    http: &HttpRequest,
    payload: web::Payload,
    gateway: &BotGateway,
    begun: Instant,
) -> Result<AuthenticatedCall, Problem> {
    let peer = authenticate(http, gateway, begun).await?;
    let refused_body = |problem| CallerRefusal::new(problem, "body").at_bot(peer.bot.name.as_str()).logged(http);
    require_plain_utf8(http.headers()).map_err(refused_body)?;
    let body = read_body(http, payload, gateway.limits).await.map_err(refused_body)?;
    Ok(AuthenticatedCall { peer, body })
}

/// Admits the activity, and handles it.
async fn admit_and_handle(
    http: &HttpRequest,
    gateway: &web::Data<BotGateway>,
    call: AuthenticatedCall,
    begun: Instant,
) -> Result<HttpResponse, Problem> {
    let AuthenticatedCall { peer, body } = call;
    let (inbound, disposition) = admit(http, gateway, &peer, &body, begun)?;
    drop(body);
    if disposition.reaches_bot() && has_speaker(gateway, &inbound) {
        Box::pin(note_speaker(gateway, &inbound)).await?;
    }
    Ok(handle(gateway, &inbound, disposition).await)
}

/// Admits the activity in `body`, and decides how it is handled. The parsed activity ends here, before anything is
/// awaited.
fn admit<'a>(
    http: &'a HttpRequest,
    gateway: &'a BotGateway,
    peer: &'a Peer,
    body: &Bytes,
    begun: Instant,
) -> Result<(Inbound<'a>, Disposition<'a>), Problem> {
    let correlation_id = RequestId::get_or_draw(http, &gateway.entropy);
    let refused_activity = |error| refuse_activity(&error, &peer.bot, &correlation_id);
    let regularized = OnceCell::new();
    let activity = Activity::parse_leniently(body, &regularized).map_err(refused_activity)?;
    let traffic = disposition::classify(gateway, &peer.bot, &activity).map_err(refused_activity)?;
    let caller = gateway.callers.admit(peer, &activity).map_err(|refusal| refusal.logged(http))?;
    if caller.parent().is_some() && peer.bot.keeps_parents_apart() {
        disposition::require_one_user_id(&activity).map_err(refused_activity)?;
    }
    let caller_id = gateway.callers.derive_caller_id(caller, &activity);
    let body = activity.recompute_caller_id(body, caller_id.as_deref()).map_err(refused_activity)?;
    let inbound = Inbound {
        bot: Arc::clone(&peer.bot),
        caller,
        channel_id: activity.channel_id().to_owned(),
        from_id: activity.from_id().to_owned(),
        conversation_id: activity.conversation_id().to_owned(),
        activity_id: activity.id().map(str::to_owned),
        expects_replies: activity.expects_replies(),
        is_action_in_channel: is_action_in_channel(gateway, peer, &activity),
        channel_statement: traffic
            .may_be_passed_on()
            .then(|| read_channel_statement(gateway, &peer.bot, caller, &activity))
            .flatten(),
        body,
        http,
        correlation_id,
        begun,
        observation: &gateway.counters.observation,
    };
    let disposition = disposition::decide(gateway, &inbound, &activity, traffic);
    let disposition = disposition.map_err(|error| refuse_activity(&error, &peer.bot, &inbound.correlation_id))?;
    inbound.tell_arrival(&activity, &disposition);
    Ok((inbound, disposition))
}

/// Whether it is noted who speaks. Tokens have no user with a longer id.
fn has_speaker(gateway: &BotGateway, inbound: &Inbound<'_>) -> bool {
    (1..=MAX_ID_BYTES).contains(&inbound.from_id.len()) && gateway.speakers.takes_notes_for(&inbound.bot)
}

/// Notes that the activity's user speaks, whatever the activity is: the bot that gets it may ask for the user's token, or
/// redeem the user's code. If that cannot be made known to other replicas, the bot does not get the activity.
async fn note_speaker(gateway: &BotGateway, inbound: &Inbound<'_>) -> Result<(), Problem> {
    let correlation_id = inbound.correlation_id.as_str();
    gateway.speakers.note_sender(&inbound.bot, &inbound.sender()).await;
    gateway.speakers.note(&inbound.bot, &inbound.account(), correlation_id).await.map_err(|error| {
        let bot = inbound.bot.name.as_str();
        tracing::error!(correlation_id, bot, %error, "an activity is refused: which account spoke cannot be stored");
        Problem::ServiceUnavailable
    })
}

/// Authenticates the caller, and checks that its token is for the bot that the path names. An unauthenticated caller
/// does not learn which bots exist.
async fn authenticate(http: &HttpRequest, gateway: &BotGateway, begun: Instant) -> Result<Peer, Problem> {
    let authenticating = complete_by(begun + PROVIDER_BUDGET, gateway.callers.authenticate(http));
    let too_slow = || Err(CallerRefusal::new(Problem::KeysUnavailable, "keys_in_time"));
    let peer = authenticating.await.unwrap_or_else(too_slow).map_err(|refusal| refusal.logged(http))?;
    match http.match_info().get("bot") {
        Some(name) if gateway.registrations.find_bot(name).is_none() => Err(Problem::NotFound),
        Some(name) if name != peer.bot.name.as_str() => {
            let refusal =
                CallerRefusal::new(Problem::InvalidToken, "aud_of_another_bot").at_bot(peer.bot.name.as_str());
            Err(refusal.comparing(name, peer.bot.name.as_str()).logged(http))
        }
        _ => Ok(peer),
    }
}

async fn handle(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>, disposition: Disposition<'_>) -> HttpResponse {
    match disposition {
        Disposition::Exchange { connection, call } => {
            let reply = Box::pin(token_exchange::exchange(gateway, inbound, connection, call)).await;
            reply.respond(inbound)
        }
        Disposition::Refuse(reply) => reply.respond(inbound),
        // What is rare is boxed, so that it adds nothing to the state of every request.
        Disposition::Action(call) => Box::pin(action::answer(gateway, inbound, *call)).await,
        Disposition::ToSkill { invoke, otherwise } => {
            match Box::pin(skill_invoke::answer(gateway, inbound, &invoke)).await {
                Some(answer) => answer,
                None => Box::pin(handle(gateway, inbound, *otherwise)).await,
            }
        }
        Disposition::VerifyState { state, stated } => {
            Box::pin(verify_state::answer(gateway, inbound, state, stated)).await
        }
        Disposition::ClientFailure(code) => {
            Box::pin(client_failure::answer(gateway, inbound, &code)).await.respond(inbound)
        }
        Disposition::AgentLifecycle(event) => Box::pin(agent_lifecycle::answer(gateway, inbound, &event)).await,
        Disposition::Drop => {
            inbound.tell_answer(200, None, false);
            HttpResponse::Ok().finish()
        }
        Disposition::Forward => Box::pin(forward::forward_to_bot(gateway, inbound)).await,
    }
}
