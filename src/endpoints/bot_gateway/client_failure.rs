use actix_web::web;

use super::BotGateway;
use super::admitted::Inbound;
use super::replies::InvokeReply;
use crate::bot_connector::BotCall;
use crate::cards::PendingSignIn;
use crate::domain::{BotMessage, ExchangeKey};
use crate::observability::carry;
use crate::protocol::{Activity, Node};

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

/// Every documented failure code of a client, and its hint.
#[cfg(test)]
#[must_use]
pub fn list_hints() -> Vec<(String, &'static str)> {
    HINTS.iter().map(|(code, hint)| (format!("client: {code}"), *hint)).collect()
}

/// The code in a `signin/failure`: its letters and digits, up to a length.
pub(super) fn read_code(activity: &Activity<'_>) -> String {
    let code = activity.value().and_then(|value| value.get_any_case("code").ok().flatten()).and_then(Node::as_str);
    code.unwrap_or("").chars().filter(char::is_ascii_alphanumeric).take(MAX_CODE_CHARACTERS).collect()
}

/// Answers `signin/failure` with 200, always: the client reports that it could not sign in silently, and expects
/// nothing. The failure counts against the most recent card of its conversation that offered silent sign-in, so that
/// the next card there is one that the client shows. The bot is told of the failure once, in every mode of
/// `after_exchange`.
pub(super) async fn answer(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>, code: &str) -> InvokeReply {
    // An undocumented code is text of the client and stays out of the log.
    let (known, hint) = HINTS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(code))
        .unwrap_or(("other", "the client sent a code that is not documented"));
    let account = inbound.channel_account();
    let failed = match gateway.cards.record_client_failure(&account, &inbound.conversation()).await {
        Ok(failed) => failed,
        Err(error) => {
            tracing::error!(
                correlation_id = inbound.correlation_id,
                %error,
                "the client's failure could not be recorded"
            );
            None
        }
    };
    tracing::warn!(
        correlation_id = inbound.correlation_id,
        bot = inbound.bot.name.as_str(),
        connection = failed.as_ref().map(|sign_in| sign_in.connection.as_str()),
        code = known,
        hint,
        "the client could not sign in silently"
    );
    // The bot may ask for the next card as soon as it is told, so the failure is recorded before.
    if gateway.reported_failures.claim(name_report(gateway, inbound, failed.as_ref(), code)).await {
        forward_without_waiting(gateway, inbound);
    }
    InvokeReply::empty(200)
}

/// The name of the client's report. Only a repeated request has the name of another one.
fn name_report(gateway: &BotGateway, inbound: &Inbound<'_>, failed: Option<&PendingSignIn>, code: &str) -> ExchangeKey {
    // A report without an id is one of its own.
    let id = inbound.activity_id.as_deref().unwrap_or(&inbound.correlation_id);
    let card_id = failed.map_or("", |sign_in| sign_in.card_id.as_str());
    let account = inbound.account();
    let [holder, realm, subject] = account.key_parts();
    let parts = ["clientFailure", &*holder, &*realm, &*subject, &inbound.conversation_id, id, card_id, code];
    gateway.exchange_names.exchange_key(&parts)
}

/// Forwards the invoke once and does not wait for the bot's answer: SDKs answer 501, which is of no use to the client.
fn forward_without_waiting(gateway: &web::Data<BotGateway>, inbound: &Inbound<'_>) {
    let (bots, bot) = (gateway.bots.clone(), inbound.bot.clone());
    let request = inbound.forwarded(inbound.body.clone());
    let (correlation_id, by) = (inbound.correlation_id.clone(), inbound.begun + gateway.bot_timeout);
    tokio::spawn(carry(async move {
        let call = BotCall { correlation_id: &correlation_id, message: BotMessage::Activity, deadline: by };
        if let Err(error) = bots.forward(&bot, request, call).await {
            tracing::warn!(bot = bot.name.as_str(), %error, "the client's failure could not be forwarded to the bot");
        }
    }));
}
