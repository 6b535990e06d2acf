use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::{
    Account, ConnectionRevision, EndFuture, EndedAtSignOut, Entropy, Secret, SharedClock, SharedEntropy, Timestamp,
    TokenSlot, UserToken,
};
use crate::sealing::{SealError, Sealer};
use crate::store::{Record, RecordKey, Store, StoreError};
use crate::vault::{Epoch, KeptToken, VaultError};

/// How long a code may be typed in.
const LIFE: Duration = Duration::from_mins(10);
/// How long a code is good again whose redemption has failed: a client tries again at once, or its user does.
const REPRIEVE: Duration = Duration::from_mins(2);
/// Wrong codes that an account may try in any ten minutes: a guess succeeds with a chance of 1 in 200 000.
const MAX_WRONG: usize = 5;
const WRONG_WINDOW: Duration = Duration::from_mins(10);
/// Every lost race for the tries means that another caller has used one up, so few are ever lost.
const RACES: usize = 32;

/// Why a code could not be issued or redeemed. A wrong code is no error.
#[derive(Debug, thiserror::Error)]
pub enum MagicCodeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A record opened, but holds what this version cannot read.
    #[error(transparent)]
    Kept(#[from] VaultError),
}

/// Six-digit codes that stand between a sign-in in a browser and the chat it was meant for. Until the code is redeemed,
/// the token is not given out (token-service-api §3.1); only a keyed MAC of the code is kept.
pub struct MagicCodes {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: SharedClock,
    entropy: SharedEntropy,
}

/// What a code is good for.
#[derive(Clone, Debug)]
pub struct CodeGrant {
    /// The card whose link the browser had followed.
    pub card_id: String,
    /// What the connection was.
    pub revision: ConnectionRevision,
    /// The token.
    pub token: UserToken,
    /// The epoch of the token's user: a sign-out everywhere ends the code.
    pub epoch: Epoch,
}

/// A new code.
#[derive(Debug)]
pub struct IssuedCode {
    /// The six digits.
    pub code: Secret,
    /// To end it with.
    pub record: CodeRecord,
}

/// A code that was right, and what it is good for.
pub struct RightCode {
    /// What it is good for.
    pub grant: CodeGrant,
    /// To end it with.
    pub record: CodeRecord,
}

/// One code's record, as it was written.
#[derive(Clone, Debug)]
pub struct CodeRecord {
    key: RecordKey,
    sealed: Bytes,
}

/// When wrong codes were tried, in milliseconds since the Unix epoch.
#[derive(Default, Serialize, Deserialize)]
struct Tries(Vec<i64>);

/// A live code, as it lies in the store.
struct Live {
    key: RecordKey,
    sealed: Bytes,
    plain: Zeroizing<Vec<u8>>,
}

impl MagicCodes {
    /// Codes kept in `store`.
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>, clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self { store, sealer, clock, entropy }
    }

    /// A code for what `grant` holds, good once within ten minutes (and no longer than the token). It replaces the slot's
    /// last one.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn issue(&self, slot: &TokenSlot, grant: &CodeGrant) -> Result<IssuedCode, MagicCodeError> {
        let code = draw_code(self.entropy.as_ref());
        let key = self.slot_key(slot);
        let content = grant.encode()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(32 + content.len()));
        plain.extend_from_slice(&self.code_mac(slot, code.expose()));
        plain.extend_from_slice(&content);
        let sealed = Bytes::from(self.sealer.seal(&[SLOT.as_bytes(), &key.0], &plain)?);
        let expires_at = self.clock.now().plus(LIFE).min(grant.token.expires_at);
        self.store.put(key, Record { value: sealed.clone(), expires_at, index: None }).await?;
        Ok(IssuedCode { code, record: CodeRecord { key, sealed } })
    }

    /// Ends a code: it was used, or is taken back before anybody was told. Of several callers one is told `true`; a code
    /// that was issued since is not touched.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails: the code may then still be good.
    pub async fn end_one(&self, record: CodeRecord) -> Result<bool, MagicCodeError> {
        let ended = Record { value: Bytes::new(), expires_at: self.clock.now(), index: None };
        Ok(self.store.compare_and_put(record.key, Some(record.sealed), ended).await?)
    }

    /// Makes a code good again for two minutes, after it was ended for what then failed; unless another has been issued
    /// since.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn restore(&self, record: CodeRecord) -> Result<(), MagicCodeError> {
        let expires_at = self.clock.now().plus(REPRIEVE);
        let again = Record { value: record.sealed, expires_at, index: None };
        self.store.compare_and_put(record.key, None, again).await?;
        Ok(())
    }

    /// What `code` is good for. `None` for a wrong code, where none is pending for this slot, or after five wrong ones from
    /// this account in the last ten minutes. A wrong code, and a right one tried on another connection, use up no code
    /// (token-service-api §1.14); the right one stays good until it is [ended](Self::end_one).
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn check(&self, slot: &TokenSlot, code: &str) -> Result<Option<RightCode>, MagicCodeError> {
        // Where nothing can be guessed no try is counted: clients try one code on every connection.
        if !is_code(code) {
            return Ok(None);
        }
        let Some(live) = self.live(slot).await? else {
            return Ok(None);
        };
        // Counted before it is compared, else parallel callers would all compare before any of them is counted.
        let Some(tried_at) = self.count_try(&slot.account).await? else {
            return Ok(None);
        };
        let (mac, content) = live.plain.split_first_chunk::<32>().ok_or(VaultError::Unreadable)?;
        if !bool::from(mac.ct_eq(&self.code_mac(slot, code))) {
            return Ok(None);
        }
        let grant = CodeGrant::decode(content)?;
        if let Err(error) = self.uncount_try(&slot.account, tried_at).await {
            // To refuse a right code for that would be worse than one try too few.
            tracing::warn!(%error, "a right magic code counts as a wrong one");
        }
        Ok(Some(RightCode { grant, record: CodeRecord { key: live.key, sealed: live.sealed } }))
    }

    async fn live(&self, slot: &TokenSlot) -> Result<Option<Live>, MagicCodeError> {
        let key = self.slot_key(slot);
        let Some(sealed) = self.store.get(key).await? else {
            return Ok(None);
        };
        let plain = self.sealer.open(&[SLOT.as_bytes(), &key.0], &sealed)?;
        Ok(Some(Live { key, sealed, plain }))
    }

    /// Uses up one of the account's tries; none if there is none left.
    pub(super) async fn count_try(&self, account: &Account) -> Result<Option<i64>, MagicCodeError> {
        let now = self.clock.now();
        let counted = self.change_tries(account, now, |tries| {
            let left = tries.len() < MAX_WRONG;
            if left {
                tries.push(now.unix_millis());
            }
            left
        });
        Ok(counted.await?.then(|| now.unix_millis()))
    }

    /// Gives back the try that was no wrong one.
    async fn uncount_try(&self, account: &Account, tried_at: i64) -> Result<(), MagicCodeError> {
        let remove = |tries: &mut Vec<i64>| {
            let place = tries.iter().position(|at| *at == tried_at);
            place.map(|place| tries.remove(place)).is_some()
        };
        self.change_tries(account, self.clock.now(), remove).await.map(drop)
    }

    /// Changes the account's tries of the last ten minutes, atomically; says whether `change` wanted to and could.
    async fn change_tries(
        &self,
        account: &Account,
        now: Timestamp,
        change: impl Fn(&mut Vec<i64>) -> bool,
    ) -> Result<bool, MagicCodeError> {
        let key = self.tries_key(account);
        for _ in 0..RACES {
            let sealed = self.store.get(key).await?;
            let Tries(mut tries) = match &sealed {
                Some(sealed) => self.open_tries(key, sealed)?,
                None => Tries::default(),
            };
            tries.retain(|at| Timestamp::from_unix_millis(*at).plus(WRONG_WINDOW) > now);
            if !change(&mut tries) {
                return Ok(false);
            }
            let record =
                Record { value: self.seal_tries(key, &Tries(tries))?, expires_at: now.plus(WRONG_WINDOW), index: None };
            if self.store.compare_and_put(key, sealed, record).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn open_tries(&self, key: RecordKey, sealed: &[u8]) -> Result<Tries, MagicCodeError> {
        let plain = self.sealer.open(&[TRIES.as_bytes(), &key.0], sealed)?;
        Ok(serde_json::from_slice(&plain).map_err(|_| VaultError::Unreadable)?)
    }

    fn seal_tries(&self, key: RecordKey, tries: &Tries) -> Result<Bytes, MagicCodeError> {
        let plain = serde_json::to_vec(tries).map_err(|_| VaultError::Unreadable)?;
        Ok(Bytes::from(self.sealer.seal(&[TRIES.as_bytes(), &key.0], &plain)?))
    }

    fn slot_key(&self, slot: &TokenSlot) -> RecordKey {
        RecordKey(self.sealer.mac(SLOT, &slot.key_parts().each_ref().map(|part| part.as_bytes())))
    }

    fn tries_key(&self, account: &Account) -> RecordKey {
        RecordKey(self.sealer.mac(TRIES, &account.key_parts().each_ref().map(|part| part.as_bytes())))
    }

    fn code_mac(&self, slot: &TokenSlot, code: &str) -> [u8; 32] {
        let [holder, realm, subject, connection] = slot.key_parts();
        let parts = [&*holder, &*realm, &*subject, &*connection, code].map(str::as_bytes);
        self.sealer.mac("magic_code.code", &parts)
    }
}

impl EndedAtSignOut for MagicCodes {
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            let keys = slots.iter().map(|slot| self.slot_key(slot)).collect();
            Ok(self.store.remove(keys).await?)
        })
    }
}

impl CodeGrant {
    /// In a buffer that is wiped: epoch, length of the card's id, card's id, token.
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, MagicCodeError> {
        let kept = KeptToken::encode(self.revision, &self.token)?;
        let length = u8::try_from(self.card_id.len()).map_err(|_| VaultError::Unreadable)?;
        let mut content = Zeroizing::new(Vec::with_capacity(9 + self.card_id.len() + kept.len()));
        content.extend_from_slice(&self.epoch.to_bytes());
        content.push(length);
        content.extend_from_slice(self.card_id.as_bytes());
        content.extend_from_slice(&kept);
        Ok(content)
    }

    pub(super) fn decode(content: &[u8]) -> Result<Self, MagicCodeError> {
        let read = || {
            let (epoch, rest) = content.split_first_chunk::<8>()?;
            let (length, rest) = rest.split_first()?;
            let (card_id, kept) = rest.split_at_checked(usize::from(*length))?;
            Some((Epoch::from_bytes(*epoch), std::str::from_utf8(card_id).ok()?, kept))
        };
        let (epoch, card_id, kept) = read().ok_or(VaultError::Unreadable)?;
        let KeptToken { revision, token } = KeptToken::decode(kept)?;
        Ok(Self { card_id: card_id.to_owned(), revision, token, epoch })
    }
}

const SLOT: &str = "magic_code.slot";
const TRIES: &str = "magic_code.tries";

fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Six digits, all codes equally likely.
pub(super) fn draw_code(entropy: &dyn Entropy) -> Secret {
    const CODES: u32 = 1_000_000;
    // What lies above the last whole million is drawn again: it would favour small codes.
    const BOUND: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        let drawn = u32::from_be_bytes(bytes);
        if drawn < BOUND {
            return Secret::new(format!("{:06}", drawn % CODES));
        }
    }
}
