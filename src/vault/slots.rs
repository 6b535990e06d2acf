use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::epochs::Epoch;
use super::slot_names::SlotNames;
use super::{KeptToken, VaultError};
use crate::domain::{TokenSlot, UserKey};
use crate::sealing::Sealer;
use crate::store::RecordKey;

const PURPOSE: &str = "vault.token";

/// Under which names tokens lie in the store, and how they are sealed there.
pub(super) struct Slots {
    sealer: Arc<Sealer>,
    names: SlotNames,
}

impl Slots {
    pub(super) fn new(sealer: Arc<Sealer>) -> Self {
        Self { names: SlotNames::new(Arc::clone(&sealer)), sealer }
    }

    /// The epoch stays readable before the envelope, since whose it is is known only inside; the seal binds it.
    pub(super) fn seal(&self, key: RecordKey, epoch: Epoch, plain: &[u8]) -> Result<Bytes, VaultError> {
        let epoch = epoch.to_bytes();
        let envelope = self.sealer.seal(&[PURPOSE.as_bytes(), &key.0, &epoch], plain)?;
        let mut record = BytesMut::with_capacity(epoch.len() + envelope.len());
        record.put_slice(&epoch);
        record.put_slice(&envelope);
        Ok(record.freeze())
    }

    pub(super) fn open(&self, key: RecordKey, record: &[u8]) -> Result<(KeptToken, Epoch), VaultError> {
        let (epoch, envelope) = record.split_first_chunk::<8>().ok_or(VaultError::Unreadable)?;
        let plain = self.sealer.open(&[PURPOSE.as_bytes(), &key.0, epoch], envelope)?;
        Ok((KeptToken::decode(&plain)?, Epoch::from_bytes(*epoch)))
    }

    pub(super) fn key(&self, slot: &TokenSlot) -> RecordKey {
        self.names.of(PURPOSE, slot)
    }

    /// The index of all tokens of `user`.
    pub(super) fn of_user(&self, user: &UserKey) -> RecordKey {
        RecordKey(self.sealer.mac("vault.user", &[user.issuer().as_bytes(), user.subject().as_bytes()]))
    }
}
