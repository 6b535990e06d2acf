use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::slot_fence::{FenceJson, SlotFence};
use crate::domain::{Timestamp, TokenSlot};
use crate::records::{Content, Kind, Plaintext, RecordBinding, catalogue, encode_json};
use crate::vault::epochs::Epoch;
use crate::vault::kept_token::{KeptToken, SlotContext};

/// What the store holds for a slot.
#[derive(Clone, Debug)]
pub(in crate::vault) enum SlotRecord {
    /// A token.
    Token(Arc<TokenRecord>),
    /// No token: the slot was signed out, and the fence still stands. Only over a shared store.
    SignedOut(SlotFence),
}

/// A kept token and the epoch of its user.
#[derive(Clone, Debug)]
pub(in crate::vault) struct TokenRecord {
    pub(in crate::vault) kept: KeptToken,
    /// Stored unsealed in front of the envelope, which contains the user. The seal is bound to it.
    pub(in crate::vault) epoch: Epoch,
    /// The slot, so that a person's list of tokens can name it. `None` in a record of an earlier version.
    pub(in crate::vault) slot: Option<TokenSlot>,
    /// The fence of the last sign-out of the slot before the token was kept.
    pub(in crate::vault) fence: Option<SlotFence>,
}

/// The JSON form of a slot that was signed out.
#[derive(Serialize, Deserialize)]
struct SignedOutJson {
    v: u8,
    signed_out: FenceJson,
}

impl SlotRecord {
    /// The fence that stands in the slot.
    pub(in crate::vault) fn fence(&self, now: Timestamp) -> Option<SlotFence> {
        let fence = match self {
            Self::Token(token) => token.fence,
            Self::SignedOut(fence) => Some(*fence),
        };
        fence.filter(|fence| fence.stands(now))
    }

    /// The token, if there is one that is of use: a token that has ended and cannot be refreshed stays only for its fence.
    pub(in crate::vault) fn into_token(self, now: Timestamp) -> Option<TokenRecord> {
        let Self::Token(record) = self else { return None };
        let token = &record.kept.token;
        (token.refresh_token.is_some() || !token.has_ended(now)).then(|| Arc::unwrap_or_clone(record))
    }
}

impl Content for SlotRecord {
    const KIND: &'static Kind = &catalogue::TOKEN;

    fn binding(&self) -> RecordBinding {
        match self {
            Self::Token(token) => token.epoch.to_bytes(),
            Self::SignedOut(_) => Epoch::FIRST.to_bytes(),
        }
    }

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Token(token) => token.kept.encode_in(token.slot.as_ref(), token.fence),
            Self::SignedOut(fence) => {
                encode_json(&SignedOutJson { v: Self::KIND.version, signed_out: FenceJson::of(*fence) })
            }
        }
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        if let Some((kept, SlotContext { slot, fence })) = KeptToken::decode_with_context(plain.bytes()) {
            let epoch = Epoch::from_bytes(plain.binding());
            return Some(Self::Token(Arc::new(TokenRecord { kept, epoch, slot, fence })));
        }
        let SignedOutJson { signed_out, .. } = plain.json(Self::KIND)?;
        Some(Self::SignedOut(signed_out.to_fence()))
    }
}
