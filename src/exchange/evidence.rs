use crate::cards::StatedIdentity;

/// What vouches that a token's user is the account it is brought for.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// An activity of the account's channel, which vouches for its user as far as it can.
    Activity(ActivityEvidence),
    /// An activity that a parent bot has sent; the account is this parent's.
    Parent(ActivityEvidence),
    /// What the bot said of the user when it asked for a card. That this user was to sign in at all is proven by the card.
    Bot(BotStatement),
}

/// What an activity says of its user and its place.
#[derive(Clone, Debug)]
pub struct ActivityEvidence {
    /// Where the activity was sent.
    pub conversation: Conversation,
    /// The card that the activity answers, if it names one.
    pub card_id: Option<String>,
    /// The Entra identity that the activity states for the user.
    pub stated: StatedIdentity,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Whether others see its cards.
    pub shared: bool,
}

/// What a bot said of a user when it asked for a card.
#[derive(Clone, Debug)]
pub struct BotStatement {
    /// Where the card was shown, if the bot said so.
    pub conversation_id: Option<String>,
    /// The Entra identity that the bot stated.
    pub stated: StatedIdentity,
}

impl Evidence {
    /// The Entra identity that is stated for the user.
    pub(super) const fn stated(&self) -> &StatedIdentity {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => &activity.stated,
            Self::Bot(statement) => &statement.stated,
        }
    }

    /// The conversation in which the sign-in was asked for, if there is one.
    pub(super) fn conversation_id(&self) -> Option<&str> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(&activity.conversation.id),
            Self::Bot(statement) => statement.conversation_id.as_deref(),
        }
    }

    /// The activity, where there is one.
    pub(super) const fn activity(&self) -> Option<&ActivityEvidence> {
        match self {
            Self::Activity(activity) | Self::Parent(activity) => Some(activity),
            Self::Bot(_) => None,
        }
    }
}
