use zeroize::Zeroizing;

use crate::domain::RecordKey;
use crate::records::{Content, Kind, Plaintext, catalogue};

/// A skill may change or delete this many activities of a conversation, the newest ones: a record has 13 KB at most.
const MAX_GIVEN: usize = 1000;
/// The bytes of a digest that are kept. A digest is keyed, so no one can look for two ids with the same one.
const DIGEST_BYTES: usize = 12;
/// The bytes of one id in the record: its digest, and what the id stands for.
const ENTRY_BYTES: usize = DIGEST_BYTES + 1;

/// What an activity id stands for that a skill was given in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenActivity {
    /// The parent has given the id to an activity that was passed on to it.
    PassedOn,
    /// bot-sso has drawn the id for a card that it has answered. Neither the parent nor the user has seen the card.
    SwallowedCard,
}

/// The activity ids that a skill was given in one conversation, the newest last.
#[derive(Default)]
pub(super) struct GivenActivities {
    entries: Vec<u8>,
}

impl GivenActivities {
    /// Adds the activity whose id has the keyed digest `digest`, and forgets the oldest one if there are too many.
    pub(super) fn add(&mut self, digest: RecordKey, kind: GivenActivity) {
        let digest = shortened(&digest);
        let mut kept: Vec<&[u8]> =
            self.entries.chunks(ENTRY_BYTES).filter(|entry| !entry.starts_with(digest)).collect();
        let oldest = (kept.len() + 1).saturating_sub(MAX_GIVEN);
        let last = [digest, &[kind.to_byte()]].concat();
        kept.push(&last);
        self.entries = kept.into_iter().skip(oldest).collect::<Vec<_>>().concat();
    }

    /// What the id with the keyed digest `digest` stands for; `None` if the skill was not given the id.
    pub(super) fn find(&self, digest: RecordKey) -> Option<GivenActivity> {
        let kind = self.entries.chunks(ENTRY_BYTES).find_map(|entry| entry.strip_prefix(shortened(&digest)))?;
        GivenActivity::from_byte(*kind.first()?)
    }
}

fn shortened(digest: &RecordKey) -> &[u8] {
    digest.0.split_at(DIGEST_BYTES).0
}

impl GivenActivity {
    const fn to_byte(self) -> u8 {
        match self {
            Self::PassedOn => b'p',
            Self::SwallowedCard => b's',
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'p' => Some(Self::PassedOn),
            b's' => Some(Self::SwallowedCard),
            _ => None,
        }
    }
}

impl Content for GivenActivities {
    const KIND: &'static Kind = &catalogue::SKILL_ACTIVITIES;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.entries.clone()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let entries = plain.bytes();
        let is_readable = |entry: &[u8]| {
            entry.len() == ENTRY_BYTES && entry.last().is_some_and(|byte| GivenActivity::from_byte(*byte).is_some())
        };
        entries.chunks(ENTRY_BYTES).all(is_readable).then(|| Self { entries: entries.to_vec() })
    }
}
