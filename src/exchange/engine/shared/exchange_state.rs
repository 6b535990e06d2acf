use zeroize::Zeroizing;

use crate::domain::Timestamp;
use crate::records::{Content, Kind, Plaintext, catalogue};

/// The first byte of the content. A later version has another one.
const VERSION: u8 = 1;
const CONTINUED: u8 = 0;
const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;

/// What replicas tell each other of one exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExchangeState {
    /// The bot's dialog is being continued. It stays so if the replica that does it ends before it settles the exchange.
    Continued,
    /// A replica has settled the exchange.
    Settled(SettledState),
}

/// How a replica has settled an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SettledState {
    /// When, by the clock of the replica that settled it.
    pub(super) at: Timestamp,
    /// Whether the exchange succeeded.
    pub(super) succeeded: bool,
    /// What [`Settlement::encode`](super::super::Settlement::encode) has written.
    pub(super) settlement: Vec<u8>,
}

impl Content for ExchangeState {
    const KIND: &'static Kind = &catalogue::EXCHANGE_STATE;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let Self::Settled(SettledState { at, succeeded, settlement }) = self else {
            return Some(Zeroizing::new(vec![VERSION, CONTINUED]));
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(2 + size_of::<i64>() + settlement.len()));
        plain.extend_from_slice(&[VERSION, if *succeeded { SUCCEEDED } else { FAILED }]);
        plain.extend_from_slice(&at.unix_millis().to_be_bytes());
        plain.extend_from_slice(settlement);
        Some(plain)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let ([version, tag], rest) = plain.split_first_chunk()?;
        if *version != VERSION {
            return None;
        }
        if *tag == CONTINUED {
            return Some(Self::Continued);
        }
        let succeeded = match *tag {
            SUCCEEDED => true,
            FAILED => false,
            _ => return None,
        };
        let (at, settlement) = rest.split_first_chunk()?;
        let at = Timestamp::from_unix_millis(i64::from_be_bytes(*at));
        Some(Self::Settled(SettledState { at, succeeded, settlement: settlement.bytes().to_vec() }))
    }
}
