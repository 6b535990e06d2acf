use std::ops::Deref;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, BotName, ChannelId, ConnectionName, ConversationId, Timestamp};
use crate::records::catalogue::CARD_LIFETIME;
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// The user's identity as the bot states it when it requests a card. The bot copies it from the channel's activity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedIdentity {
    /// The user's Entra object id.
    pub object_id: Option<String>,
    /// The Entra tenant ids that the activity names for the user and for the conversation.
    pub tenant_ids: Vec<String>,
    /// Whether the identity was stated in a group or a channel, whose tenant may be the host's and not the user's.
    #[serde(default)]
    pub in_group: bool,
    /// The user's name in the chat. It is shown to people and proves nothing.
    #[serde(default)]
    pub name: Option<String>,
}

impl StatedIdentity {
    /// The tenant in which the user is stated to have an account: the user's own if it is stated, else the
    /// conversation's, which bots state first. Some clients write the GUID of zeros where they know no tenant, so it
    /// states none.
    #[must_use]
    pub fn tenant_of_user(&self) -> Option<&str> {
        let is_nil = |tenant: &str| uuid::Uuid::try_parse(tenant).is_ok_and(|id| id.is_nil());
        self.tenant_ids.iter().rev().map(String::as_str).find(|tenant| !is_nil(tenant))
    }
}

/// A sign-in that a card offers to one user for one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInOffer {
    /// The account that receives the card.
    pub account: Account,
    /// The id of the conversation that the card is sent to; `None` if the bot's request names no conversation.
    pub conversation: Option<ConversationId>,
    /// The connection to sign in to.
    pub connection: ConnectionName,
    /// Whether the card contains a `tokenExchangeResource`, with which the client can sign the user in silently.
    pub offered_sso: bool,
    /// The user's identity as the bot states it; empty if the bot's request states none.
    pub stated: StatedIdentity,
    /// The URL that the browser is redirected to after the sign-in, instead of our final page. The configuration
    /// allows it.
    pub final_redirect: Option<String>,
}

/// An offer that was sent to the user. [`Deref`] gives access to the fields of the offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The card's `tokenExchangeResource.id`, a GUID.
    pub card_id: String,
    /// The offer that the card makes.
    pub offer: SignInOffer,
    /// The time of the offer. The card can be answered for fifteen minutes from then.
    pub begun_at: Timestamp,
    /// Since when a browser that followed the card's link has been at the stated tenant. `None` if it has come back.
    pub browser_away_since: Option<Timestamp>,
}

impl PendingSignIn {
    /// Until when the card can be answered. A browser that has followed its link may finish later.
    #[must_use]
    pub fn answerable_until(&self) -> Timestamp {
        self.begun_at.plus(CARD_LIFETIME)
    }
}

impl Deref for PendingSignIn {
    type Target = SignInOffer;

    fn deref(&self) -> &SignInOffer {
        &self.offer
    }
}

/// The card that a completed sign-in answers. Older cards for the same account and connection finish with it.
#[derive(Clone, Copy, Debug)]
pub struct FinishedCard<'a> {
    /// Cards of this conversation finish, and cards that name no conversation.
    pub conversation: Option<&'a ConversationId>,
    /// Only cards that were offered at or before this time finish.
    pub begun_by: Timestamp,
}

/// A pending sign-in as the store keeps it.
pub(super) struct CardRecord {
    pub(super) sign_in: PendingSignIn,
    /// Orders sign-ins that began in the same millisecond.
    pub(super) sequence: u64,
}

/// The JSON form of a [`CardRecord`] before it is sealed.
#[derive(Serialize, Deserialize)]
struct CardJson {
    card_id: String,
    bot: String,
    channel: String,
    user: String,
    conversation: Option<String>,
    connection: String,
    offered_sso: bool,
    #[serde(default)]
    stated: StatedIdentity,
    #[serde(default)]
    final_redirect: Option<String>,
    begun_at: i64,
    sequence: u64,
    #[serde(default)]
    browser_away_since: Option<i64>,
}

impl Content for CardRecord {
    const KIND: &'static Kind = &catalogue::CARD;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let PendingSignIn { card_id, offer, begun_at, browser_away_since } = &self.sign_in;
        encode_json(&CardJson {
            card_id: card_id.clone(),
            bot: offer.account.holder.to_string(),
            channel: offer.account.channel_name().unwrap_or_default().to_owned(),
            user: offer.account.subject.to_string(),
            conversation: offer.conversation.as_ref().map(ToString::to_string),
            connection: offer.connection.to_string(),
            offered_sso: offer.offered_sso,
            stated: offer.stated.clone(),
            final_redirect: offer.final_redirect.clone(),
            begun_at: begun_at.unix_millis(),
            sequence: self.sequence,
            browser_away_since: browser_away_since.map(Timestamp::unix_millis),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let card: CardJson = plain.json(Self::KIND)?;
        let offer = SignInOffer {
            account: Account::of_channel(&BotName::new(&card.bot), ChannelId::new(&card.channel), &card.user),
            conversation: card.conversation.as_deref().map(ConversationId::new),
            connection: ConnectionName::new(&card.connection),
            offered_sso: card.offered_sso,
            stated: card.stated,
            final_redirect: card.final_redirect,
        };
        let begun_at = Timestamp::from_unix_millis(card.begun_at);
        let browser_away_since = card.browser_away_since.map(Timestamp::from_unix_millis);
        let sign_in = PendingSignIn { card_id: card.card_id, offer, begun_at, browser_away_since };
        Some(Self { sign_in, sequence: card.sequence })
    }
}
