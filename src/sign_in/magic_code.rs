use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::code_tries::CodeTries;
use crate::domain::{
    Account, ConnectionRevision, CountFuture, EndFuture, EndedAtSignOut, RecordKey, Secret, Timestamp, TokenSlot,
    UserKey, UserToken,
};
use crate::observability::{AuditEntry, AuditEvent, conceal};
use crate::records::{
    Collection, Content, Kind, LeaseError, OpenedRecord, Plaintext, RecordError, Records, ReplicaLease, StoredRecord,
    catalogue,
};
use crate::vault::{CodeMark, Epoch, KeptToken};

/// How long a code is valid.
const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// How long a code is valid again after its redemption failed. The client or its user repeats the request at once.
const RESTORED_CODE_LIFETIME: Duration = Duration::from_mins(2);
/// How long a redemption waits for another replica that redeems the same code. Token requests have five seconds.
const REDEMPTION_WAIT: Duration = Duration::from_secs(4);

/// Why a code could not be issued or redeemed. A wrong code is no error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MagicCodeError(#[from] RecordError);

/// Six-digit codes that connect a sign-in in a browser with the chat that it was meant for. Until the code is redeemed
/// in the chat, its token is not handed out (docs/protocols/token-service-api.md §3.1). Only a keyed MAC of the code is
/// kept.
pub struct MagicCodes {
    records: Records,
    codes: Collection<MagicCode>,
    tries: CodeTries,
}

/// What the holder of a right code gets: a token, and the conditions on which it may be kept.
#[derive(Clone, Debug)]
pub struct CodeGrant {
    /// The card whose link the browser followed.
    pub card_id: String,
    /// The revision of the connection at the time of the sign-in.
    pub revision: ConnectionRevision,
    /// The token that the identity provider issued.
    pub token: UserToken,
    /// The epoch of the token's user at the time of the sign-in. A sign-out everywhere raises it, which invalidates the
    /// code.
    pub epoch: Epoch,
}

/// A right code that was checked and not ended yet.
pub struct RightCode {
    /// What the code grants.
    pub grant: CodeGrant,
    /// The record by which [`MagicCodes::end_one`] ends the code.
    pub record: CodeRecord,
}

/// The record of one code as it was written, so that a newer code in the same slot is never ended in its place.
#[derive(Clone, Debug)]
pub struct CodeRecord(StoredRecord<MagicCode>);

/// The stored form of a code: a keyed MAC of its digits, and what it grants.
struct MagicCode {
    mac: [u8; 32],
    grant: CodeGrant,
}

impl MagicCodes {
    /// Keeps codes in `records`.
    #[must_use]
    pub fn new(records: &Records) -> Self {
        Self { records: records.clone(), codes: Collection::new(records), tries: CodeTries::new(records) }
    }

    /// Derives the code that `browser` is shown at the step `handle`: always the same, so that its page can show the
    /// code again although nothing keeps the digits. Without the browser's secret, which has 256 random bits, the
    /// code of a step is as unknown as a drawn one.
    #[must_use]
    pub fn derive_code(&self, browser: &Secret, handle: &Secret) -> Secret {
        let derive = |round: u8| {
            let parts = [browser.expose().as_bytes(), handle.expose().as_bytes(), &[round]];
            self.records.mac(&catalogue::MAGIC_CODE_CHOICE, &parts)
        };
        choose_code(derive)
    }

    /// Issues `code` for `grant`. It is valid for ten minutes but no longer than the token, and replaces the slot's
    /// earlier code.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn issue(
        &self,
        slot: &TokenSlot,
        grant: &CodeGrant,
        code: &Secret,
    ) -> Result<CodeRecord, MagicCodeError> {
        let content = MagicCode { mac: self.code_mac(slot, code.expose()), grant: grant.clone() };
        let expires_at = self.now().plus(CODE_LIFETIME).min(grant.token.expires_at);
        let sealed = self.codes.seal_until(self.slot_key(slot), &content, expires_at)?;
        let record = CodeRecord(sealed.stored());
        self.codes.put(sealed).await?;
        Ok(record)
    }

    /// Finds the record of `code` if the code waits for this slot. Only for a caller that has derived the code: this
    /// counts no try.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn find_waiting(&self, slot: &TokenSlot, code: &Secret) -> Result<Option<CodeRecord>, MagicCodeError> {
        let Some(pending) = self.codes.get(self.slot_key(slot)).await? else { return Ok(None) };
        let is_same = bool::from(pending.content.mac.ct_eq(&self.code_mac(slot, code.expose())));
        Ok(is_same.then_some(CodeRecord(pending.stored)))
    }

    /// The mark that a token redeemed with `code` in `slot` carries. `None` if `code` has not the form of a code.
    #[must_use]
    pub fn mark(&self, slot: &TokenSlot, code: &str) -> Option<CodeMark> {
        is_code(code).then(|| CodeMark(self.code_mac(slot, code)))
    }

    /// Ends a code that was used, or that is withdrawn before it was shown. Of several callers one gets `true`. A newer
    /// code of the same slot stays.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails; the code may then still be valid.
    pub async fn end_one(&self, record: CodeRecord) -> Result<bool, MagicCodeError> {
        Ok(self.codes.remove_if_unchanged(record.0).await?)
    }

    /// Makes an ended code valid again for two minutes, because its redemption failed. Does nothing if a newer code of
    /// the same slot exists.
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn restore(&self, record: CodeRecord) -> Result<(), MagicCodeError> {
        self.codes.compare_and_put(None, record.0.with_expiry(self.now().plus(RESTORED_CODE_LIFETIME))).await?;
        Ok(())
    }

    /// Checks `code`, which the account `sender` brings. `None` if the code is wrong, if no code waits for this slot, or if
    /// the sender tried five wrong codes in the last ten minutes. The sender is the channel's account or that of a parent
    /// bot, which thus cannot use up the tries of the channel's user. A wrong code, or a right one tried on another connection, ends no code
    /// (docs/protocols/token-service-api.md §1 rule 14). A right code stays valid until it is [ended](Self::end_one).
    ///
    /// # Errors
    /// [`MagicCodeError`] if the store fails.
    pub async fn check(
        &self,
        slot: &TokenSlot,
        sender: &Account,
        code: &str,
    ) -> Result<Option<RightCode>, MagicCodeError> {
        // Clients try one code on every connection, so a try is counted only if a code waits for this slot.
        if !is_code(code) {
            return Ok(None);
        }
        let Some(pending) = self.codes.get(self.slot_key(slot)).await? else {
            return Ok(None);
        };
        // The try is counted before the comparison; otherwise parallel callers could all compare before any is counted.
        let Some(counted) = self.tries.count(sender).await? else {
            return Ok(None);
        };
        let OpenedRecord { content: MagicCode { mac, grant }, stored } = pending;
        if !bool::from(mac.ct_eq(&self.code_mac(slot, code))) {
            if counted.is_last {
                report_exhausted_tries(slot, &grant.token.user);
            }
            return Ok(None);
        }
        if let Err(error) = self.tries.uncount(sender, &counted).await {
            // The code is right, so it is accepted; the account merely has one try less.
            tracing::warn!(%error, "a right magic code counts as a wrong one");
        }
        Ok(Some(RightCode { grant, record: CodeRecord(stored) }))
    }

    /// The wrong codes that accounts have tried.
    #[cfg(test)]
    pub(super) const fn tries(&self) -> &CodeTries {
        &self.tries
    }

    /// Keeps other replicas from redeeming the code of `mark` for `account`, as `sender` brings it, while the lease is held.
    pub(super) async fn lease(
        &self,
        mark: CodeMark,
        account: &Account,
        sender: &Account,
    ) -> Result<ReplicaLease, LeaseError> {
        let [account, sender] = [account, sender].map(Account::key_parts);
        let parts = account.iter().chain(&sender).map(|part| part.as_bytes());
        let parts: Vec<&[u8]> = std::iter::once(mark.0.as_slice()).chain(parts).collect();
        self.records.lease(&catalogue::CODE_LEASE, &parts, REDEMPTION_WAIT).await
    }

    fn slot_key(&self, slot: &TokenSlot) -> RecordKey {
        self.codes.key_from_texts(&slot.key_parts())
    }

    fn code_mac(&self, slot: &TokenSlot, code: &str) -> [u8; 32] {
        let [holder, realm, subject, connection] = slot.key_parts();
        let parts = [&*holder, &*realm, &*subject, &*connection, code].map(str::as_bytes);
        self.records.mac(&catalogue::MAGIC_CODE_DIGITS, &parts)
    }

    fn now(&self) -> Timestamp {
        self.records.clock().now()
    }
}

impl EndedAtSignOut for MagicCodes {
    fn record_name(&self) -> &'static str {
        "magic codes"
    }

    fn end<'a>(&'a self, slots: &'a [TokenSlot]) -> EndFuture<'a> {
        Box::pin(async move {
            let keys = slots.iter().map(|slot| self.slot_key(slot)).collect();
            Ok(self.codes.remove(keys).await?)
        })
    }

    /// A grant has the user's epoch, which is compared when its code is redeemed.
    fn end_for_user<'a>(&'a self, _: &'a UserKey) -> CountFuture<'a> {
        Box::pin(async { Ok(0) })
    }
}

impl Content for MagicCode {
    const KIND: &'static Kind = &catalogue::MAGIC_CODE;

    /// Layout: MAC (32 bytes), grant.
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

impl CodeGrant {
    /// Layout: epoch (8 bytes), length of the card's id (1 byte), card's id, token. The buffer is wiped when dropped.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let kept = KeptToken { revision: self.revision, token: self.token.clone(), code_mark: None }.encode()?;
        let length = u8::try_from(self.card_id.len()).ok()?;
        let mut content = Zeroizing::new(Vec::with_capacity(9 + self.card_id.len() + kept.len()));
        content.extend_from_slice(&self.epoch.to_bytes());
        content.push(length);
        content.extend_from_slice(self.card_id.as_bytes());
        content.extend_from_slice(&kept);
        Some(content)
    }

    /// Decodes what [`CodeGrant::encode`] wrote. The encoded token carries the version of the format.
    pub(super) fn decode(content: &[u8]) -> Option<Self> {
        let (epoch, rest) = content.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (card_id, kept) = rest.split_at_checked(usize::from(*length))?;
        let card_id = std::str::from_utf8(card_id).ok()?.to_owned();
        let KeptToken { revision, token, .. } = KeptToken::decode(kept)?;
        Some(Self { card_id, revision, token, epoch: Epoch::from_bytes(*epoch) })
    }
}

/// Writes the security event of an account that has tried as many wrong codes as it may, in the way of `user`.
fn report_exhausted_tries(slot: &TokenSlot, user: &UserKey) {
    let event = AuditEvent::WrongCodesExhausted;
    tracing::warn!(
        bot = slot.account.holder.as_str(),
        channel = slot.account.channel_name(),
        connection = slot.connection.as_str(),
        user = %conceal(user),
        hint = "somebody may be guessing the code of this sign-in: the account can try another one in ten minutes",
        security = event.is_security(),
        "too many wrong magic codes were tried"
    );
    AuditEntry::new(event).slot(slot).user(user).write();
}

fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Chooses the code from a source of 256-bit numbers: 100000 to 999999, so that a code stays the same where it is read
/// as a number. All codes are equally likely.
pub(super) fn choose_code(source: impl Fn(u8) -> [u8; 32]) -> Secret {
    const CODES: u32 = 900_000;
    const FIRST: u32 = 100_000;
    // A number above the last whole multiple is passed over, because it would make small codes more likely.
    const BOUND: u32 = u32::MAX - u32::MAX % CODES;
    let mut round = 0;
    loop {
        let bytes = source(round);
        let mut numbers = bytes.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
        if let Some(number) = numbers.find(|number| *number < BOUND) {
            return Secret::new((FIRST + number % CODES).to_string());
        }
        round = round.wrapping_add(1);
    }
}
