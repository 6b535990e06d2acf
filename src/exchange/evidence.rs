use std::sync::Arc;

use crate::cards::StatedIdentity;
use crate::domain::ConversationId;

/// What vouches that a token belongs to the user of an account.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// An activity from the account's channel.
    Activity(ActivityEvidence),
    /// An activity from a parent bot. The account is the parent's own, or the channel's if the operator trusts the
    /// parent's user ids.
    Parent(ActivityEvidence),
    /// What the bot stated about the user when it asked for a card. The card itself proves that the bot wanted this
    /// user to sign in. The account is the one that spoke last.
    Bot(BotStatement),
    /// What the account's channel stated about the user a short while ago, in an activity that was passed on to the bot.
    Channel(StatedIdentity),
}

/// What an activity states about its user and its conversation.
#[derive(Clone, Debug)]
pub struct ActivityEvidence {
    /// The conversation that the activity was sent in.
    pub conversation: Conversation,
    /// The card that the activity answers, if the activity names one.
    pub card_id: Option<Arc<str>>,
    /// Whether the activity is an action of the user that carries a token. It answers no card, so no card is required, and
    /// none is finished.
    pub is_action: bool,
    /// The Entra identity that the activity states for the user.
    pub stated: StatedIdentity,
}

/// The conversation that an activity was sent in.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The channel's id of the conversation.
    pub id: ConversationId,
    /// Whether it is a group, so that other people see its cards.
    pub shared: bool,
}

/// What a bot stated about a user when it asked for a card.
#[derive(Clone, Debug)]
pub struct BotStatement {
    /// The conversation that shows the card, if the bot named it.
    pub conversation_id: Option<ConversationId>,
    /// The Entra identity that the bot stated.
    pub stated: StatedIdentity,
}

impl Evidence {
    /// The same evidence for a token that came with an action of the user.
    #[must_use]
    pub fn of_action(self) -> Self {
        let mark = |activity| ActivityEvidence { is_action: true, ..activity };
        match self {
            Self::Activity(activity) => Self::Activity(mark(activity)),
            Self::Parent(activity) => Self::Parent(mark(activity)),
            Self::Bot(_) | Self::Channel(_) => self,
        }
    }

    /// The stated Entra identity of the user.
    pub(super) const fn stated(&self) -> &StatedIdentity {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => &activity.stated,
            Self::Bot(statement) => &statement.stated,
            Self::Channel(stated) => stated,
        }
    }

    /// The conversation of the sign-in, if it is known.
    pub(super) fn conversation_id(&self) -> Option<&ConversationId> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(&activity.conversation.id),
            Self::Bot(statement) => statement.conversation_id.as_ref(),
            Self::Channel(_) => None,
        }
    }

    /// The activity that carries the token, if there is one.
    pub(super) const fn activity(&self) -> Option<&ActivityEvidence> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(activity),
            Self::Bot(_) | Self::Channel(_) => None,
        }
    }

    /// Whether the token came with an action of the user.
    pub(super) fn is_action(&self) -> bool {
        self.activity().is_some_and(|activity| activity.is_action)
    }
}
