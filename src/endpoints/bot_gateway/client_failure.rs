use actix_web::web;

use super::replies::InvokeReply;
use super::{BotGateway, Inbound};
use crate::domain::ContinuationMode;
use crate::protocol::Node;
use crate::protocol::deadlines::BOT_INVOKE_BUDGET;

/// Longest failure code kept, in characters; Teams' longest has 20.
const CODE_LIMIT: usize = 64;

/// What to change when Teams reports one of these (invoke-protocol §1.4).
const HINTS: [(&str, &str); 9] = [
    ("installedappnotfound", "the app is not installed for the user or the group chat"),
    (
        "resourcematchfailed",
        "the connection's token_exchange_uri is not the app's Application ID URI (always so in Teams channels)",
    ),
    ("oauthcardnotvalid", "the client could not read the card"),
    ("tokenmissing", "the client could not get a token from Entra: check the app's scope and authorised clients"),
    ("invokeerror", "the client failed on its own"),
    ("installappfailed", "the app could not be installed into the user's personal scope"),
    (
        "authrequestfailed",
        "the authorisation request failed: usually an administrator's consent is missing in the user's tenant",
    ),
    ("userconsentrequired", "the user has to consent"),
    ("interactionrequired", "the user has to sign in interactively"),
];

/// Answers `signin/failure` with 200, always: the client could not sign in silently and only wants to say so. It is
/// recorded against the most recent sign-in that offered silence, and passed on if the bot takes such invokes itself.
pub(super) async fn answer(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) -> InvokeReply {
    let code =
        inbound.activity.value().and_then(|value| value.get_any_case("code").ok().flatten()).and_then(Node::as_str);
    let code: String = code.unwrap_or("").chars().filter(char::is_ascii_alphanumeric).take(CODE_LIMIT).collect();
    // What is not one of the documented codes is the client's own text: that stays out of the log.
    let (known, hint) = HINTS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&code))
        .unwrap_or(("other", "the client sent a code that is not documented"));
    let attributed = match gateway.cards.list(&inbound.channel_account()).await {
        Ok(pending) => pending.into_iter().find(|sign_in| sign_in.offered_sso),
        Err(error) => {
            tracing::error!(correlation_id = inbound.correlation_id, %error, "pending sign-ins cannot be read");
            None
        }
    };
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        connection = attributed.as_ref().map(|sign_in| sign_in.connection.as_str()),
        code = known,
        hint,
        "the client could not sign in silently"
    );
    if let Some(sign_in) = attributed
        && let Err(error) = gateway.cards.record_client_failure(&sign_in, &code).await
    {
        tracing::error!(correlation_id = inbound.correlation_id, %error, "the client's failure could not be recorded");
    }
    if inbound.bot.continuation == ContinuationMode::Forward {
        pass_on_unanswered(gateway, inbound);
    }
    InvokeReply::empty(200)
}

/// The bot is told too, but its answer is not the client's: SDKs answer 501, and the client can do nothing with that.
fn pass_on_unanswered(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) {
    let (bots, bot) = (gateway.bots.clone(), inbound.bot.clone());
    let request = inbound.forwarded(inbound.body.clone());
    let by = inbound.begun + BOT_INVOKE_BUDGET;
    tokio::spawn(async move {
        if let Err(error) = bots.forward(&bot, request, by).await {
            tracing::warn!(bot = bot.name.as_str(), %error, "the client's failure could not be passed on to the bot");
        }
    });
}
