use std::time::Duration;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::{
    Account, ConnectionRevision, EndFuture, EndedAtSignOut, Entropy, RecordKey, Secret, SharedEntropy, Timestamp,
    TokenSlot, UserToken,
};
use crate::records::{
    Collection, Content, Kind, OpenedRecord, Plaintext, RecordError, Records, StoredRecord, catalogue, encode_json,
};
use crate::vault::{Epoch, KeptToken};

/// How long a code may be typed in.
const LIFE: Duration = Duration::from_mins(10);
/// How long a code is good again whose redemption has failed: a client tries again at once, or its user does.
const REPRIEVE: Duration = Duration::from_mins(2);
/// Wrong codes that an account may try in any ten minutes: a guess succeeds with a chance of 1 in 200 000.
const MAX_WRONG: usize = 5;
const WRONG_WINDOW: Duration = catalogue::CODE_TRIES_WINDOW;
/// Every lost race for the tries means that another caller has used one up, so few are ever lost.
const RACES: usize = 32;

/// Why a code could not be issued or redeemed. A wrong code is no error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MagicCodeError(#[from] RecordError);

/// Six-digit codes that stand between a sign-in in a browser and the chat it was meant for. Until the code is redeemed,
/// the token is not given out (token-service-api §3.1); only a keyed MAC of the code is kept.
pub struct MagicCodes {
    records: Records,
    codes: Collection<MagicCode>,
    tries: Collection<Tries>,
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
pub struct CodeRecord(StoredRecord<MagicCode>);

/// What is kept of a code: a keyed MAC of its digits, and what it is good for.
struct MagicCode {
    mac: [u8; 32],
    grant: CodeGrant,
}

/// When wrong codes were tried, in milliseconds since the Unix epoch.
#[derive(Default, Serialize, Deserialize)]
struct Tries(Vec<i64>);

impl MagicCodes {
    /// Codes kept in `records`, drawn from `entropy`.
    #[must_use]
    pub fn new(records: &Records, entropy: SharedEntropy) -> Self {
        let (codes, tries) = (Collection::new(records), Collection::new(records));
        Self { records: records.clone(), codes, tries, entropy }
    }

    /// A code for what `grant` holds, good once within ten minutes (and no longer than the token). It replaces the slot's
    /// last one.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn issue(&self, slot: &TokenSlot, grant: &CodeGrant) -> Result<IssuedCode, MagicCodeError> {
        let code = draw_code(self.entropy.as_ref());
        let content = MagicCode { mac: self.code_mac(slot, code.expose()), grant: grant.clone() };
        let expires_at = self.now().plus(LIFE).min(grant.token.expires_at);
        let sealed = self.codes.seal_until(self.slot_key(slot), &content, expires_at)?;
        let record = CodeRecord(sealed.stored());
        self.codes.put(sealed).await?;
        Ok(IssuedCode { code, record })
    }

    /// Ends a code: it was used, or is taken back before anybody was told. Of several callers one is told `true`; a code
    /// that was issued since is not touched.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails: the code may then still be good.
    pub async fn end_one(&self, record: CodeRecord) -> Result<bool, MagicCodeError> {
        Ok(self.codes.remove_if_unchanged(record.0).await?)
    }

    /// Makes a code good again for two minutes, after it was ended for what then failed; unless another has been issued
    /// since.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn restore(&self, record: CodeRecord) -> Result<(), MagicCodeError> {
        self.codes.compare_and_put(None, record.0.with_expiry(self.now().plus(REPRIEVE))).await?;
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
        let Some(live) = self.codes.get(self.slot_key(slot)).await? else {
            return Ok(None);
        };
        // Counted before it is compared, else parallel callers would all compare before any of them is counted.
        let Some(tried_at) = self.count_try(&slot.account).await? else {
            return Ok(None);
        };
        let OpenedRecord { content: MagicCode { mac, grant }, stored } = live;
        if !bool::from(mac.ct_eq(&self.code_mac(slot, code))) {
            return Ok(None);
        }
        if let Err(error) = self.uncount_try(&slot.account, tried_at).await {
            // To refuse a right code for that would be worse than one try too few.
            tracing::warn!(%error, "a right magic code counts as a wrong one");
        }
        Ok(Some(RightCode { grant, record: CodeRecord(stored) }))
    }

    /// Uses up one of the account's tries; none if there is none left.
    pub(super) async fn count_try(&self, account: &Account) -> Result<Option<i64>, MagicCodeError> {
        let now = self.now();
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
        self.change_tries(account, self.now(), remove).await.map(drop)
    }

    /// Changes the account's tries of the last ten minutes, atomically; says whether `change` wanted to and could.
    async fn change_tries(
        &self,
        account: &Account,
        now: Timestamp,
        change: impl Fn(&mut Vec<i64>) -> bool,
    ) -> Result<bool, MagicCodeError> {
        let key = self.tries.key_from_texts(&account.key_parts());
        for _ in 0..RACES {
            let (Tries(mut tries), present) = match self.tries.get(key).await? {
                Some(record) => (record.content, Some(record.stored)),
                None => (Tries::default(), None),
            };
            tries.retain(|at| Timestamp::from_unix_millis(*at).plus(WRONG_WINDOW) > now);
            if !change(&mut tries) {
                return Ok(false);
            }
            if self.tries.compare_and_put(present, self.tries.seal(key, &Tries(tries))?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn slot_key(&self, slot: &TokenSlot) -> RecordKey {
        self.codes.key_from_texts(&slot.key_parts())
    }

    fn code_mac(&self, slot: &TokenSlot, code: &str) -> [u8; 32] {
        let [holder, realm, subject, connection] = slot.key_parts();
        let parts = [&*holder, &*realm, &*subject, &*connection, code].map(str::as_bytes);
        self.records.mac(&catalogue::CODE_DIGITS, &parts)
    }

    fn now(&self) -> Timestamp {
        self.records.clock().now()
    }
}

impl EndedAtSignOut for MagicCodes {
    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            let keys = slots.iter().map(|slot| self.slot_key(slot)).collect();
            Ok(self.codes.remove(keys).await?)
        })
    }
}

impl Content for MagicCode {
    const KIND: &'static Kind = &catalogue::MAGIC_CODE;

    /// The MAC, the grant.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let grant = self.grant.encode()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(self.mac.len() + grant.len()));
        plain.extend_from_slice(&self.mac);
        plain.extend_from_slice(&grant);
        Some(plain)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (mac, grant) = plain.bytes().split_first_chunk()?;
        Some(Self { mac: *mac, grant: CodeGrant::decode(grant)? })
    }
}

impl Content for Tries {
    const KIND: &'static Kind = &catalogue::CODE_TRIES;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(self)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        plain.json(Self::KIND)
    }
}

impl CodeGrant {
    /// In a buffer that is wiped: epoch, length of the card's id, card's id, token.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let kept = KeptToken { revision: self.revision, token: self.token.clone() }.encode()?;
        let length = u8::try_from(self.card_id.len()).ok()?;
        let mut content = Zeroizing::new(Vec::with_capacity(9 + self.card_id.len() + kept.len()));
        content.extend_from_slice(&self.epoch.to_bytes());
        content.push(length);
        content.extend_from_slice(self.card_id.as_bytes());
        content.extend_from_slice(&kept);
        Some(content)
    }

    /// Reads what [`CodeGrant::encode`] wrote. The version is the token's.
    pub(super) fn decode(content: &[u8]) -> Option<Self> {
        let (epoch, rest) = content.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (card_id, kept) = rest.split_at_checked(usize::from(*length))?;
        let card_id = std::str::from_utf8(card_id).ok()?.to_owned();
        let KeptToken { revision, token } = KeptToken::decode(kept)?;
        Some(Self { card_id, revision, token, epoch: Epoch::from_bytes(*epoch) })
    }
}

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
