use super::SealError;

/// Layout 1: version (1 byte), key id (4, big endian), nonce (12), ciphertext and tag (16).
pub(super) const LAYOUT: u8 = 1;
const NONCE_AT: usize = 5;
const BODY_AT: usize = NONCE_AT + NONCE_LEN;
const TAG_LEN: usize = 16;

pub(super) const NONCE_LEN: usize = 12;

/// The parts of an envelope.
pub(super) struct Envelope<'a> {
    pub(super) key_id: u32,
    pub(super) nonce: [u8; NONCE_LEN],
    /// Ciphertext and tag.
    pub(super) body: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, SealError> {
        match bytes.first() {
            Some(&LAYOUT) => {}
            Some(&version) => return Err(SealError::UnknownLayout { version }),
            None => return Err(SealError::Truncated),
        }
        let (head, body) = bytes.split_at_checked(BODY_AT).ok_or(SealError::Truncated)?;
        let key_id = head.get(1..NONCE_AT).and_then(|id| id.try_into().ok()).ok_or(SealError::Truncated)?;
        let nonce = head.get(NONCE_AT..).and_then(|nonce| nonce.try_into().ok()).ok_or(SealError::Truncated)?;
        if body.len() < TAG_LEN {
            return Err(SealError::Truncated);
        }
        Ok(Self { key_id: u32::from_be_bytes(key_id), nonce, body })
    }

    /// Begins an envelope behind `head`: writes the fields up to the nonce, and reserves space for `plaintext` bytes and the
    /// tag.
    pub(super) fn begin(head: &[u8], key_id: u32, nonce: [u8; NONCE_LEN], plaintext: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(head.len() + BODY_AT + plaintext + TAG_LEN);
        bytes.extend_from_slice(head);
        bytes.push(LAYOUT);
        bytes.extend_from_slice(&key_id.to_be_bytes());
        bytes.extend_from_slice(&nonce);
        bytes
    }
}

/// Encodes each part after its length, so that two different lists of parts never have the same encoding.
pub(super) fn length_prefixed<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
