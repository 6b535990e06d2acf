use serde::{Deserialize, Serialize};

use crate::domain::{Account, BotName, ChannelId, ConnectionName, Timestamp};

/// What the bot says of a user's identity where it asks for a card, copied from what its channel told it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedIdentity {
    /// The Entra object id.
    pub object_id: Option<String>,
    /// The tenants named for user and conversation.
    pub tenant_ids: Vec<String>,
}

/// A sign-in that a card has offered to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The card's `tokenExchangeResource.id`, a GUID.
    pub card_id: String,
    /// To whom it was offered.
    pub account: Account,
    /// Where, if the bot said so.
    pub conversation: Option<String>,
    /// For which connection.
    pub connection: ConnectionName,
    /// Whether the card let the client vouch for the user.
    pub offered_sso: bool,
    /// Who the user is, if the bot said so.
    pub stated: StatedIdentity,
    /// Where the browser goes at the end in the place of the plain page; allowed by configuration.
    pub final_redirect: Option<String>,
    /// When it was offered; it is gone fifteen minutes later.
    pub begun_at: Timestamp,
    /// The code of a `signin/failure` that the client sent.
    pub client_failure: Option<String>,
}

/// A sign-in about to be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPendingSignIn {
    /// To whom.
    pub account: Account,
    /// Where, if the bot said so.
    pub conversation: Option<String>,
    /// For which connection.
    pub connection: ConnectionName,
    /// Whether the card lets the client vouch for the user.
    pub offered_sso: bool,
    /// Who the user is, if the bot said so.
    pub stated: StatedIdentity,
    /// Where the browser goes at the end; allowed by configuration.
    pub final_redirect: Option<String>,
}

/// Which of a user's sign-ins have come to their end.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Those in this conversation.
    pub conversation: Option<&'a str>,
    /// Those that had begun by then.
    pub begun_by: Timestamp,
}

/// Plaintext form.
#[derive(Serialize, Deserialize)]
pub(super) struct Plain {
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
    pub(super) sequence: u64,
    client_failure: Option<String>,
}

impl Plain {
    pub(super) fn of(sign_in: &PendingSignIn, sequence: u64) -> Self {
        let PendingSignIn { card_id, account, conversation, connection, .. } = sign_in;
        Self {
            card_id: card_id.clone(),
            bot: account.holder.to_string(),
            channel: account.channel_name().unwrap_or_default().to_owned(),
            user: account.subject.to_string(),
            conversation: conversation.clone(),
            connection: connection.to_string(),
            offered_sso: sign_in.offered_sso,
            stated: sign_in.stated.clone(),
            final_redirect: sign_in.final_redirect.clone(),
            begun_at: sign_in.begun_at.unix_millis(),
            sequence,
            client_failure: sign_in.client_failure.clone(),
        }
    }

    pub(super) fn into_sign_in(self) -> PendingSignIn {
        PendingSignIn {
            card_id: self.card_id,
            account: Account::of_channel(&BotName::new(&self.bot), ChannelId::base_of(&self.channel), &self.user),
            conversation: self.conversation,
            connection: ConnectionName::new(&self.connection),
            offered_sso: self.offered_sso,
            stated: self.stated,
            final_redirect: self.final_redirect,
            begun_at: Timestamp::from_unix_millis(self.begun_at),
            client_failure: self.client_failure,
        }
    }
}
