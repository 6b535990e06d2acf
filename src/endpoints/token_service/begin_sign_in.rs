use url::Url;

use super::replies::Decline;
use super::{TokenService, channel_account, get_connection};
use crate::cards::{SignInOffer, StatedIdentity};
use crate::domain::{Account, Bot, ChannelKind};
use crate::exchange::may_be_bound;
use crate::protocol::{
    ConversationType, ENTRA_PROVIDER_ID, SignInResource, TokenExchangeResource, TokenExchangeState, TokenPostResource,
};

/// How much of a user's name is kept for the pages, in characters.
const MAX_SHOWN_NAME: usize = 128;

/// A sign-in that a bot is about to offer.
pub(super) struct BegunSignIn {
    /// The name of the connection.
    pub(super) connection_name: String,
    /// The channel of the card.
    pub(super) channel: ChannelKind,
    /// The content of the card.
    pub(super) resource: SignInResource,
}

/// What a bot requests in order to offer a sign-in.
pub(super) struct RequestedOffer<'q> {
    pub(super) form: OfferForm,
    /// The address that the browser is redirected to at the end.
    pub(super) final_redirect: Option<&'q str>,
}

/// The form in which a bot offers a sign-in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OfferForm {
    /// A complete card, with which clients may sign in silently.
    Card,
    /// What a card needs, for the bot to build a card of or an answer to an action.
    Resource,
    /// The link alone.
    Link,
}

/// Stores the pending sign-in and builds what its card needs (docs/protocols/token-service-api.md §3.7). The record is
/// written before the card can leave the bot, so no client is faster than the record. `final_redirect` must lie below
/// an address that the operator has listed.
pub(super) async fn begin(
    service: &TokenService,
    bot: &Bot,
    state: TokenExchangeState,
    offer: RequestedOffer<'_>,
) -> Result<BegunSignIn, Decline> {
    let connection = get_connection(service, bot, &state.connection_name)?;
    let final_redirect =
        offer.final_redirect.map(|text| validate_redirect(&service.final_redirects, text)).transpose()?;
    let account = channel_account(bot, &state.user_id, state.channel_id.as_deref());
    let channel = account.channel_kind();
    // Silent sign-in is not offered to clients without OAuth cards (docs/protocols/invoke-protocol.md §1.6), nor where the
    // exchange would be refused anyway, nor with a mere link. In a Teams channel no card can offer it.
    let is_silent = offer.form != OfferForm::Link
        && (state.conversation_type != ConversationType::Channel
            || offer.form == OfferForm::Resource)
        && channel.supports_oauth_card()
        && may_be_bound(bot, &account, connection)
        // Asked for last, because another replica may know of the action.
        && (state.conversation_type != ConversationType::Channel || answers_action(service, &account, &state).await);
    let uri = connection.token_exchange_uri.clone().filter(|_| is_silent);
    let new = SignInOffer {
        account,
        conversation: state.conversation_id,
        connection: connection.name.clone(),
        offered_sso: uri.is_some(),
        stated: StatedIdentity {
            object_id: state.aad_object_id,
            tenant_ids: state.tenant_ids,
            in_group: state.conversation_type != ConversationType::Personal,
            name: state.user_name.map(|name| name.chars().take(MAX_SHOWN_NAME).collect()),
        },
        final_redirect,
    };
    let begun = service.cards.begin(new).await;
    let (pending, link) = begun.map_err(|error| Decline::failed("a pending sign-in cannot be stored", &error))?;
    let base = service.public_url.as_str().trim_end_matches('/');
    let resource = SignInResource {
        sign_in_link: format!("{base}/api/oauth/signin?signin={}", link.expose()),
        token_exchange_resource: uri.filter(|_| pending.offered_sso).map(|uri| TokenExchangeResource {
            id: pending.card_id,
            uri,
            provider_id: ENTRA_PROVIDER_ID,
        }),
        token_post_resource: TokenPostResource {},
    };
    Ok(BegunSignIn { connection_name: connection.name.to_string(), channel, resource })
}

/// Whether the bot works on an action of this very user in this conversation, whose answer can carry the offer: the only
/// way to sign in silently in a Teams channel (docs/protocols/sign-in-invokes.md §5).
async fn answers_action(service: &TokenService, account: &Account, state: &TokenExchangeState) -> bool {
    let Some(conversation) = &state.conversation_id else { return false };
    service.running_actions.is_running(account, conversation).await
}

/// Normalises `text` as a browser does, if it lies at or below one of `listed`: same origin, whole path segments.
/// Without the list, any request could turn this service into an open redirector.
fn validate_redirect(listed: &[Url], text: &str) -> Result<String, Decline> {
    let refused = Decline::BadArgument(
        "'finalRedirect' is not listed: add its origin and the beginning of its path to sign_in.final_redirects.",
    );
    let Ok(target) = Url::parse(text) else { return Err(refused) };
    let is_plain = target.username().is_empty() && target.password().is_none();
    if is_plain && listed.iter().any(|entry| entry.origin() == target.origin() && is_below(entry.path(), target.path()))
    {
        return Ok(target.into());
    }
    Err(refused)
}

fn is_below(listed: &str, path: &str) -> bool {
    let rest = path.strip_prefix(listed.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn admits(text: &str) -> bool {
        let listed = ["https://www.example.com/done", "https://all.example.com/", "http://localhost:3000/a/"];
        validate_redirect(&listed.map(|text| Url::parse(text).unwrap()), text).is_ok()
    }

    #[test]
    fn a_redirect_at_or_below_a_listed_address_is_accepted() {
        for text in [
            "https://www.example.com/done",
            "https://www.example.com/done/",
            "https://www.example.com:443/done/more?x=1#part",
            "https://WWW.EXAMPLE.com/done",
            "https://all.example.com",
            "https://all.example.com/whatever",
            "http://localhost:3000/a/b",
        ] {
            assert!(admits(text), "{text}");
        }
    }

    #[test]
    fn a_redirect_that_only_resembles_a_listed_address_is_refused() {
        for text in [
            "https://www.example.com/",
            "https://www.example.com/done-not",
            "https://www.example.com/done/../else",
            "https://www.example.com/done/%2e%2e/else",
            "https://www.example.com/done\\..\\..\\else",
            "https://www.example.com.evil.example/done",
            "https://www.example.com@evil.example/done",
            "https://user@www.example.com/done",
            "https://:secret@www.example.com/done",
            "https://www.example.com:8443/done",
            "http://www.example.com/done",
            "//www.example.com/done",
            "/done",
            "javascript:alert(1)//https://www.example.com/done",
            "https:\\\\evil.example\\done",
            "",
        ] {
            assert!(!admits(text), "{text}");
        }
    }
}
