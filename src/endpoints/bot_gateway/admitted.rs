use std::sync::Arc;

use actix_web::HttpRequest;
use bytes::Bytes;
use tokio::time::Instant;

use super::BotGateway;
use crate::bot_connector::ForwardedRequest;
use crate::cards::StatedIdentity;
use crate::domain::{Account, Bot, ChannelId, ChannelKind, ConversationId, ExchangeObservation, base_channel};
use crate::inbound::{AdmittedCaller, Peer};
use crate::protocol::{ActionKind, Activity, ConversationType, MAX_ID_BYTES};

/// An authenticated and admitted request for one bot.
///
/// Of the activity it has the bytes and the values that are needed until the end. The parsed form would cost several
/// times the memory of the bytes while a bot or an identity provider is awaited.
pub(super) struct Inbound<'a> {
    pub(super) bot: Arc<Bot>,
    pub(super) caller: AdmittedCaller<'a>,
    /// `channelId`, in the spelling of the sender.
    pub(super) channel_id: String,
    /// `from.id`.
    pub(super) from_id: String,
    /// `conversation.id`, in the spelling of the sender.
    pub(super) conversation_id: String,
    /// `id` of the activity, unless absent or empty.
    pub(super) activity_id: Option<String>,
    /// Whether the caller wants the replies in the body of the answer.
    pub(super) expects_replies: bool,
    /// Whether a user in a Teams channel acts on a card or searches there, for a bot with connections.
    pub(super) is_action_in_channel: bool,
    /// What the channel states about the user, if the bot may need it for a later exchange.
    pub(super) channel_statement: Option<StatedIdentity>,
    /// The body for the bot.
    pub(super) body: Bytes,
    pub(super) http: &'a HttpRequest,
    pub(super) correlation_id: String,
    pub(super) begun: Instant,
    pub(super) observation: &'a ExchangeObservation,
}

impl Inbound<'_> {
    /// The part of this request that is forwarded to a bot, with `body` as its body.
    pub(super) fn forwarded(&self, body: Bytes) -> ForwardedRequest {
        let headers = self.http.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        ForwardedRequest::new(headers, body)
    }

    /// Whether the answer has to be an `expectReplies` envelope. Parent bots may request one, channels may not.
    pub(super) fn wants_envelope(&self) -> bool {
        self.caller.parent().is_some() && self.expects_replies
    }

    /// The account of the activity's user on the channel, which the bot uses.
    pub(super) fn channel_account(&self) -> Account {
        Account::of_channel(&self.bot.name, self.channel(), &self.from_id)
    }

    /// The account of the activity's user by the caller's word: that on the channel, or one of the parent bot's. The
    /// Emulator is a channel, although it calls with the token of an app.
    pub(super) fn account(&self) -> Account {
        match self.parent() {
            Some(app_id) if !self.bot.trusts_parent(app_id, &self.channel()) => {
                self.channel_account().as_parent_account(app_id)
            }
            _ => self.channel_account(),
        }
    }

    /// The account to whose limit the guesses of the activity's user count: as [`Inbound::account`], and that of a parent
    /// bot also where the operator trusts the parent's user ids as the channel's.
    pub(super) fn sender(&self) -> Account {
        let account = self.channel_account();
        match self.parent() {
            Some(app_id) => account.as_parent_account(app_id),
            None => account,
        }
    }

    /// The parent bot that has sent the activity, by its app id. The Emulator is none.
    fn parent(&self) -> Option<&str> {
        self.caller.parent().filter(|_| self.channel().kind() != ChannelKind::Emulator)
    }

    /// The conversation of the activity, as offers and exchanges are matched by it.
    pub(super) fn conversation(&self) -> ConversationId {
        ConversationId::new(&self.conversation_id)
    }

    pub(super) fn channel(&self) -> ChannelId {
        ChannelId::new(&self.channel_id)
    }
}

/// The Entra identity that `activity` states for its user.
pub(super) fn read_stated_identity(activity: &Activity<'_>) -> StatedIdentity {
    StatedIdentity {
        object_id: activity.aad_object_id().map(str::to_owned),
        tenant_ids: activity.tenant_ids().map(str::to_owned).collect(),
        in_group: activity.conversation_type() != ConversationType::Personal,
        name: None,
    }
}

/// Whether `activity` is one of those invokes in a Teams channel whose answers can make the client sign in silently
/// (docs/protocols/sign-in-invokes.md §5).
pub(super) fn is_action_in_channel(gateway: &BotGateway, peer: &Peer, activity: &Activity<'_>) -> bool {
    ActionKind::from_activity(activity).is_some()
        && activity.conversation_type() == ConversationType::Channel
        && !gateway.registrations.list_connections(peer.bot.name.as_str()).is_empty()
}

/// What the channel itself states about the user of `activity`, where a bot may exchange a token of that user later without
/// a card: on Teams, for bots whose connections exchange tokens. A parent's word is not the channel's
/// (docs/protocols/sign-in-invokes.md §6).
pub(super) fn read_channel_statement(
    gateway: &BotGateway,
    bot: &Bot,
    caller: AdmittedCaller<'_>,
    activity: &Activity<'_>,
) -> Option<StatedIdentity> {
    let base = base_channel(activity.channel_id());
    let states = matches!(caller, AdmittedCaller::Channel | AdmittedCaller::Platform { .. })
        && ChannelKind::from_name(base).states_identities()
        && activity.from_id().len() <= MAX_ID_BYTES;
    let mut connections = gateway.registrations.list_connections(bot.name.as_str()).iter();
    let exchanges = states
        && connections.any(|connection| {
            connection.exchange.entra_provider().is_some() && connection.token_exchange_uri.is_some()
        });
    (exchanges && activity.aad_object_id().is_some() && activity.states_one_user())
        .then(|| read_stated_identity(activity))
}
