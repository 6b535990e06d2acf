use std::ops::Deref;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Account, BotName, ChannelId, ConnectionName, Timestamp};
use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// What the bot says of a user's identity where it asks for a card, copied from what its channel told it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedIdentity {
    /// The Entra object id.
    pub object_id: Option<String>,
    /// The tenants named for user and conversation.
    pub tenant_ids: Vec<String>,
}

/// What a card offers: to sign a user in to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInOffer {
    /// To whom it is offered.
    pub account: Account,
    /// Where, if the bot said so.
    pub conversation: Option<String>,
    /// For which connection.
    pub connection: ConnectionName,
    /// Whether the card lets the client vouch for the user.
    pub offered_sso: bool,
    /// Who the user is, if the bot said so.
    pub stated: StatedIdentity,
    /// Where the browser goes at the end in the place of the plain page; allowed by configuration.
    pub final_redirect: Option<String>,
}

/// A sign-in that a card has offered to a user. It is read as the offer that it is, hence the [`Deref`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The card's `tokenExchangeResource.id`, a GUID.
    pub card_id: String,
    /// What was offered.
    pub offer: SignInOffer,
    /// When it was offered; it is gone fifteen minutes later.
    pub begun_at: Timestamp,
    /// The code of a `signin/failure` that the client sent.
    pub client_failure: Option<String>,
}

impl Deref for PendingSignIn {
    type Target = SignInOffer;

    fn deref(&self) -> &SignInOffer {
        &self.offer
    }
}

/// Which of a user's sign-ins have come to their end.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Those in this conversation.
    pub conversation: Option<&'a str>,
    /// Those that had begun by then.
    pub begun_by: Timestamp,
}

/// A pending sign-in as it is kept.
pub(super) struct CardRecord {
    pub(super) sign_in: PendingSignIn,
    /// Orders sign-ins that one process has begun in the same millisecond.
    pub(super) sequence: u64,
}

/// Plaintext form.
#[derive(Serialize, Deserialize)]
struct PlainCard {
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
    client_failure: Option<String>,
}

impl Content for CardRecord {
    const KIND: &'static Kind = &catalogue::CARD;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let PendingSignIn { card_id, offer, begun_at, client_failure } = &self.sign_in;
        encode_json(&PlainCard {
            card_id: card_id.clone(),
            bot: offer.account.holder.to_string(),
            channel: offer.account.channel_name().unwrap_or_default().to_owned(),
            user: offer.account.subject.to_string(),
            conversation: offer.conversation.clone(),
            connection: offer.connection.to_string(),
            offered_sso: offer.offered_sso,
            stated: offer.stated.clone(),
            final_redirect: offer.final_redirect.clone(),
            begun_at: begun_at.unix_millis(),
            sequence: self.sequence,
            client_failure: client_failure.clone(),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let card: PlainCard = plain.json(Self::KIND)?;
        let offer = SignInOffer {
            account: Account::of_channel(&BotName::new(&card.bot), ChannelId::base_of(&card.channel), &card.user),
            conversation: card.conversation,
            connection: ConnectionName::new(&card.connection),
            offered_sso: card.offered_sso,
            stated: card.stated,
            final_redirect: card.final_redirect,
        };
        let begun_at = Timestamp::from_unix_millis(card.begun_at);
        let sign_in = PendingSignIn { card_id: card.card_id, offer, begun_at, client_failure: card.client_failure };
        Some(Self { sign_in, sequence: card.sequence })
    }
}
