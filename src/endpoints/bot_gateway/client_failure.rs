use actix_web::web;

use super::replies::InvokeReply;
use super::{BotGateway, Inbound};
use crate::domain::ContinuationMode;
use crate::protocol::Node;
use crate::protocol::deadlines::BOT_INVOKE_BUDGET;

/// Longest failure code that is recorded, in characters; the longest of Teams has 20.
const MAX_CODE_CHARACTERS: usize = 64;

/// The documented failure codes of Teams, and what each means for the operator
/// (docs/protocols/invoke-protocol.md §1.4).
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

/// Answers `signin/failure` with 200, always: the client reports that it could not sign in silently, and expects
/// nothing. The failure is recorded for the most recent card that offered silent sign-in, and forwarded if the bot
/// handles such invokes itself.
pub(super) async fn answer(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) -> InvokeReply {
    let code =
        inbound.activity.value().and_then(|value| value.get_any_case("code").ok().flatten()).and_then(Node::as_str);
    let code: String =
        code.unwrap_or("").chars().filter(char::is_ascii_alphanumeric).take(MAX_CODE_CHARACTERS).collect();
    // An undocumented code is text of the client and stays out of the log.
    let (known, hint) = HINTS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&code))
        .unwrap_or(("other", "the client sent a code that is not documented"));
    let failed_sign_in = match gateway.cards.list_answerable(&inbound.channel_account()).await {
        Ok(pending) => pending.into_iter().find(|sign_in| sign_in.offered_sso),
        Err(error) => {
            tracing::error!(correlation_id = inbound.correlation_id, %error, "pending sign-ins cannot be read");
            None
        }
    };
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        connection = failed_sign_in.as_ref().map(|sign_in| sign_in.connection.as_str()),
        code = known,
        hint,
        "the client could not sign in silently"
    );
    if let Some(sign_in) = failed_sign_in
        && let Err(error) = gateway.cards.record_client_failure(&sign_in, &code).await
    {
        tracing::error!(correlation_id = inbound.correlation_id, %error, "the client's failure could not be recorded");
    }
    if inbound.bot.continuation == ContinuationMode::Forward {
        forward_without_waiting(gateway, inbound);
    }
    InvokeReply::empty(200)
}

/// Forwards the invoke without waiting for the bot's answer: SDKs answer 501, which is of no use to the client.
fn forward_without_waiting(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) {
    let (bots, bot) = (gateway.bots.clone(), inbound.bot.clone());
    let request = inbound.forwarded(inbound.body.clone());
    let by = inbound.begun + BOT_INVOKE_BUDGET;
    tokio::spawn(async move {
        if let Err(error) = bots.forward(&bot, request, by).await {
            tracing::warn!(bot = bot.name.as_str(), %error, "the client's failure could not be forwarded to the bot");
        }
    });
}
