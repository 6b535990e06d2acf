use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::records::{Content, Kind, Plaintext, catalogue, encode_json};

/// The answer to the claim of a card. A card is *swallowed* if it was answered with the user's sign-in, so that the user does
/// not see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardClaim {
    /// The caller is the first: it may try to answer the card.
    First,
    /// The card was tried before or is being tried, and it has not been swallowed.
    Attempted,
    /// The card was swallowed before. The skill got this activity id for it.
    Swallowed(String),
}

/// What became of a card that was claimed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct ClaimedCard {
    /// The activity id that the skill got; `None` unless the card was swallowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) swallowed_as: Option<String>,
}

impl Content for ClaimedCard {
    const KIND: &'static Kind = &catalogue::SKILL_CARD;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}
