use zeroize::Zeroizing;

use crate::domain::RecordKey;
use crate::records::{Collection, Content, Kind, Plaintext, Records, catalogue};
use crate::vault::VaultError;

/// Attempts to draw a number. An attempt fails only if another replica draws one at the same time.
const MAX_CAS_ATTEMPTS: usize = 16;
/// Stands for the number of a sign-out that has not drawn one yet. It is later than every mark.
pub(super) const UNNUMBERED: u64 = u64::MAX;

/// A moment between the sign-outs everywhere. A caller gets it before it asks the identity provider for a token of a user
/// that it does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignOutMark(pub(super) Moment);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The number of the last sign-out of this process.
    OfProcess(u64),
    /// The number of the last sign-out over the shared store.
    Stored(u64),
}

impl SignOutMark {
    /// The number that stands for the moment in what is stored; `None` for a moment that only this process knows, as over
    /// an exclusive store.
    #[must_use]
    pub fn stored(self) -> Option<u64> {
        match self.0 {
            Moment::OfProcess(_) => None,
            Moment::Stored(number) => Some(number),
        }
    }

    /// The moment that a number of [`SignOutMark::stored`] stands for, on any replica.
    #[must_use]
    pub fn from_stored(number: u64) -> Self {
        Self(Moment::Stored(number))
    }
}

/// The numbers of the sign-outs everywhere over a shared store, in their order.
///
/// A sign-out draws its number after its epoch is stored. So a mark is lower than the numbers of all sign-outs that were
/// stored after the mark was taken, on any replica.
pub(super) struct SignOutNumbers {
    counts: Collection<SignOutCount>,
    key: RecordKey,
}

/// How many numbers were drawn.
struct SignOutCount(u64);

impl Content for SignOutCount {
    const KIND: &'static Kind = &catalogue::SIGN_OUTS;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.0.to_be_bytes().to_vec()))
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.bytes().try_into().ok().map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}

impl SignOutNumbers {
    pub(super) fn new(records: &Records) -> Self {
        let counts = Collection::new(records);
        Self { key: counts.key(&[]), counts }
    }

    /// The last number that was drawn.
    pub(super) async fn last(&self) -> Result<u64, VaultError> {
        Ok(self.counts.get(self.key).await?.map_or(0, |count| count.content.0))
    }

    /// Draws the next number.
    pub(super) async fn draw(&self) -> Result<u64, VaultError> {
        for _ in 0..MAX_CAS_ATTEMPTS {
            let last = self.counts.get(self.key).await?;
            let number = last.as_ref().map_or(0, |last| last.content.0).saturating_add(1);
            let next = self.counts.seal(self.key, &SignOutCount(number))?;
            if self.counts.compare_and_put(last.map(|last| last.stored), next).await? {
                return Ok(number);
            }
        }
        Err(VaultError::RecordChanged)
    }
}
