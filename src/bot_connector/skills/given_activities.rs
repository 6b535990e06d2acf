use zeroize::Zeroizing;

use crate::records::{Content, Kind, Plaintext, catalogue};

/// An activity id that a skill was given in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenActivity {
    /// The parent has given the id: the activity was passed on to it.
    PassedOn,
    /// bot-sso has drawn the id: it has answered a card, which no one else has seen.
    SwallowedCard,
}

impl Content for GivenActivity {
    const KIND: &'static Kind = &catalogue::SKILL_ACTIVITY;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let byte = match self {
            Self::PassedOn => b'p',
            Self::SwallowedCard => b's',
        };
        Some(Zeroizing::new(vec![byte]))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        match plain.bytes() {
            b"p" => Some(Self::PassedOn),
            b"s" => Some(Self::SwallowedCard),
            _ => None,
        }
    }
}
