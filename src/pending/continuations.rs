use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{LIFE, PendingError};
use crate::domain::{SharedClock, Timestamp};
use crate::sealing::Sealer;
use crate::store::{PutIfAbsent, Record, RecordKey, Store};

/// What makes two invokes the same exchange: a MAC over everything that tells one from another (DESIGN §3, Dedup).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExchangeKey(pub [u8; 32]);

impl ExchangeKey {
    /// The id of the activity that continues this exchange: the same however often it is sent.
    #[must_use]
    pub fn activity_id(&self) -> String {
        let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated().to_string()
    }
}

impl fmt::Debug for ExchangeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExchangeKey(..)")
    }
}

/// Lets the bot be told of a kept token at most once, also across a crash.
pub struct Continuations {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
}

impl Continuations {
    /// Markers kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock) -> Self {
        Self { store, sealer, clock }
    }

    /// The key of the exchange that these parts describe. Each part counts as a whole: `["ab", "c"]` is not `["a", "bc"]`.
    #[must_use]
    pub fn exchange_key(&self, parts: &[&str]) -> ExchangeKey {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        ExchangeKey(self.sealer.mac("exchange", &parts))
    }

    /// Whether the caller is the one that goes on after the exchange `key` brought a token at `obtained_at`: true for one
    /// caller in fifteen minutes, durably, before it has done anything.
    ///
    /// # Errors
    /// [`PendingError`] if the store fails; whether the claim stands is then not known, so do not go on.
    pub async fn claim(&self, key: ExchangeKey, obtained_at: Timestamp) -> Result<bool, PendingError> {
        let obtained_at = obtained_at.unix_millis().to_be_bytes();
        let marker = RecordKey(self.sealer.mac(PURPOSE, &[&key.0, &obtained_at]));
        let record = Record {
            value: Bytes::from(self.sealer.seal(&[PURPOSE.as_bytes(), &marker.0], &[])?),
            expires_at: self.clock.now().plus(LIFE),
            index: None,
        };
        Ok(self.store.put_if_absent(marker, record).await? == PutIfAbsent::Written)
    }
}

const PURPOSE: &str = "pending.continuation";
