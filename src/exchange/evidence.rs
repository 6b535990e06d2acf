use crate::cards::StatedIdentity;

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
}

/// What an activity states about its user and its conversation.
#[derive(Clone, Debug)]
pub struct ActivityEvidence {
    /// The conversation that the activity was sent in.
    pub conversation: Conversation,
    /// The card that the activity answers, if the activity names one.
    pub card_id: Option<String>,
    /// The Entra identity that the activity states for the user.
    pub stated: StatedIdentity,
}

/// The conversation that an activity was sent in.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The channel's id of the conversation.
    pub id: String,
    /// Whether it is a group, so that other people see its cards.
    pub shared: bool,
}

/// What a bot stated about a user when it asked for a card.
#[derive(Clone, Debug)]
pub struct BotStatement {
    /// The conversation that shows the card, if the bot named it.
    pub conversation_id: Option<String>,
    /// The Entra identity that the bot stated.
    pub stated: StatedIdentity,
}

impl Evidence {
    /// The stated Entra identity of the user.
    pub(super) const fn stated(&self) -> &StatedIdentity {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => &activity.stated,
            Self::Bot(statement) => &statement.stated,
        }
    }

    /// The conversation of the sign-in, if it is known.
    pub(super) fn conversation_id(&self) -> Option<&str> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(&activity.conversation.id),
            Self::Bot(statement) => statement.conversation_id.as_deref(),
        }
    }

    /// The activity, unless the evidence is a bot's statement.
    pub(super) const fn activity(&self) -> Option<&ActivityEvidence> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(activity),
            Self::Bot(_) => None,
        }
    }
}
