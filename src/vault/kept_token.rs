use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::slots::{FenceJson, SlotFence};
use crate::domain::{
    Account, ConnectionName, ConnectionRevision, IdToken, Secret, SecurityContext, Timestamp, TokenSlot, UserKey,
    UserToken, write_string_literal,
};
use crate::records::catalogue;

/// A token and the revision of the connection that it was obtained for. Both are sealed together.
#[derive(Clone, Debug)]
pub struct KeptToken {
    /// The revision of the connection at the time when the token was obtained.
    pub revision: ConnectionRevision,
    /// The token itself.
    pub token: UserToken,
    /// The magic code that the token was redeemed with, if there was one. Refreshed tokens keep it.
    pub code_mark: Option<CodeMark>,
}

/// The keyed MAC of a magic code, beside the token that the code was redeemed for. It says that the token comes of that
/// code, and ends with the token.
#[derive(Clone, Copy, Debug)]
pub struct CodeMark(pub [u8; 32]);

impl CodeMark {
    /// Whether both are the mark of one code. Takes the same time for all marks.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// What the record of a slot says beside the token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SlotContext {
    /// The slot. `None` in a record of an earlier version, and beside a magic code.
    pub(super) slot: Option<TokenSlot>,
    /// The fence of the last sign-out of the slot, over a shared store.
    pub(super) fence: Option<SlotFence>,
}

/// The version that is written. Version 1 had no refresh tokens; its records are read as tokens without one.
const VERSION: u8 = catalogue::TOKEN.version;
const OLDEST_VERSION: u8 = 1;

/// The JSON form of a [`KeptToken`] before it is sealed. Times are milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct TokenJson<'a> {
    v: u8,
    revision: [u8; 16],
    /// Written by [`append_member`].
    #[serde(borrow, skip_serializing)]
    access_token: Cow<'a, str>,
    expires_at: i64,
    obtained_at: i64,
    issuer: Cow<'a, str>,
    subject: Cow<'a, str>,
    security_context: [u8; 16],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    granted_scope: Option<Cow<'a, str>>,
    /// Written by [`append_member`].
    #[serde(default, borrow, skip_serializing)]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_at: Option<i64>,
    /// Absent if the token is the first one of its sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_in_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code_mark: Option<[u8; 32]>,
    /// Absent unless the holder is an app.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    id_token: Option<IdTokenJson<'a>>,
    /// Absent in records of earlier versions, and beside a magic code.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    slot: Option<SlotJson<'a>>,
    /// Absent if no sign-out came before, and over an exclusive store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fence: Option<FenceJson>,
}

/// The JSON form of a [`TokenSlot`], in the texts of [`TokenSlot::key_parts`].
#[derive(Serialize, Deserialize)]
struct SlotJson<'a> {
    #[serde(borrow)]
    holder: Cow<'a, str>,
    #[serde(borrow)]
    realm: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    connection: Cow<'a, str>,
}

impl<'a> SlotJson<'a> {
    fn of(slot: &'a TokenSlot) -> Self {
        let [holder, realm, subject, connection] = slot.key_parts();
        Self { holder, realm, subject, connection }
    }

    fn to_slot(&self) -> Option<TokenSlot> {
        let account = Account::from_key_parts(&self.holder, &self.realm, &self.subject)?;
        Some(TokenSlot::new(&account, &ConnectionName::new(&self.connection)))
    }
}

/// The JSON form of an [`IdToken`].
#[derive(Serialize, Deserialize)]
struct IdTokenJson<'a> {
    #[serde(borrow)]
    raw: Cow<'a, str>,
    expires_at: i64,
}

/// Adds a member with a long text to the object that `object` consists of, which has other members. The library examines
/// each byte of a text, which takes as long for a token as all other steps of sealing.
fn append_member(object: &mut Vec<u8>, name: &str, text: &str) {
    object.pop();
    object.push(b',');
    write_string_literal(object, name);
    object.push(b':');
    write_string_literal(object, text);
    object.push(b'}');
}

impl KeptToken {
    /// The JSON form, in a buffer that is wiped when it is dropped. `None` if serialization fails, which no token
    /// causes.
    #[must_use]
    pub fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.encode_in(None, None)
    }

    /// The JSON form of a token in the record of a slot.
    pub(super) fn encode_in(&self, slot: Option<&TokenSlot>, fence: Option<SlotFence>) -> Option<Zeroizing<Vec<u8>>> {
        let Self { revision, token, code_mark } = self;
        let plain = TokenJson {
            v: VERSION,
            revision: revision.0,
            access_token: token.access_token.expose().into(),
            expires_at: token.expires_at.unix_millis(),
            obtained_at: token.obtained_at.unix_millis(),
            issuer: token.user.issuer().into(),
            subject: token.user.subject().into(),
            security_context: token.security_context.0,
            granted_scope: token.granted_scope.as_deref().map(Cow::from),
            refresh_token: token.refresh_token.as_ref().map(|secret| secret.expose().into()),
            refresh_at: token.refresh_at.map(Timestamp::unix_millis),
            signed_in_at: Some(token.signed_in_at).filter(|at| *at != token.obtained_at).map(Timestamp::unix_millis),
            code_mark: code_mark.map(|CodeMark(mark)| mark),
            id_token: token.id_token.as_ref().map(|id_token| IdTokenJson {
                raw: id_token.raw.expose().into(),
                expires_at: id_token.expires_at.unix_millis(),
            }),
            slot: slot.map(SlotJson::of),
            fence: fence.map(FenceJson::of),
        };
        // The capacity is reserved in advance: a growing buffer would leave copies of the token in freed memory.
        let of_slot = slot.map_or(0, |slot| slot.key_parts().iter().map(|part| part.len()).sum());
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + 2 * (size_of_texts(token) + of_slot)));
        serde_json::to_writer(&mut *bytes, &plain).ok()?;
        append_member(&mut bytes, "access_token", &plain.access_token);
        if let Some(refresh_token) = &plain.refresh_token {
            append_member(&mut bytes, "refresh_token", refresh_token);
        }
        Some(bytes)
    }

    /// Reads the form that [`KeptToken::encode`] of this version or an earlier one writes. `None` for any other input.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_with_context(bytes).map(|(kept, _)| kept)
    }

    /// As [`KeptToken::decode`], with what [`KeptToken::encode_in`] has written beside the token.
    pub(super) fn decode_with_context(bytes: &[u8]) -> Option<(Self, SlotContext)> {
        let plain: TokenJson<'_> = serde_json::from_slice(bytes).ok()?;
        if !(OLDEST_VERSION..=VERSION).contains(&plain.v) {
            return None;
        }
        let token = UserToken {
            access_token: Secret::new(plain.access_token.into_owned()),
            expires_at: Timestamp::from_unix_millis(plain.expires_at),
            user: UserKey::from_parts(&plain.issuer, &plain.subject),
            security_context: SecurityContext(plain.security_context),
            granted_scope: plain.granted_scope.map(Cow::into_owned),
            obtained_at: Timestamp::from_unix_millis(plain.obtained_at),
            signed_in_at: Timestamp::from_unix_millis(plain.signed_in_at.unwrap_or(plain.obtained_at)),
            refresh_token: plain.refresh_token.map(|text| Secret::new(text.into_owned())),
            refresh_at: plain.refresh_at.map(Timestamp::from_unix_millis),
            id_token: plain.id_token.map(|id_token| IdToken {
                raw: Secret::new(id_token.raw.into_owned()),
                expires_at: Timestamp::from_unix_millis(id_token.expires_at),
            }),
        };
        let code_mark = plain.code_mark.map(CodeMark);
        let slot = plain.slot.as_ref().and_then(SlotJson::to_slot);
        let fence = plain.fence.as_ref().map(FenceJson::to_fence);
        Some((Self { revision: ConnectionRevision(plain.revision), token, code_mark }, SlotContext { slot, fence }))
    }
}

/// The length in bytes of all texts in `token`.
pub(super) fn size_of_texts(token: &UserToken) -> usize {
    token.access_token.expose().len()
        + token.user.issuer().len()
        + token.user.subject().len()
        + token.granted_scope.as_ref().map_or(0, String::len)
        + token.refresh_token.as_ref().map_or(0, |secret| secret.expose().len())
        + token.id_token.as_ref().map_or(0, |id_token| id_token.raw.expose().len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{BotName, ChannelId};

    const FIRST_VERSION: &[u8] =
        br#"{"v":1,"revision":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"access_token":"a","expires_at":2000,
        "obtained_at":1000,"issuer":"entra:t","subject":"o","security_context":[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2]}"#;

    #[test]
    fn decode_reads_a_token_of_the_first_version_without_refresh_token() {
        let kept = KeptToken::decode(FIRST_VERSION).unwrap();
        assert_eq!(kept.token.access_token.expose(), "a");
        assert!(kept.token.refresh_token.is_none() && kept.token.refresh_at.is_none());
    }

    #[test]
    fn decode_restores_the_refresh_token_and_the_refresh_time() {
        let mut kept = KeptToken::decode(FIRST_VERSION).unwrap();
        kept.token.refresh_token = Some(Secret::from("r \"1\""));
        kept.token.refresh_at = Some(Timestamp::from_unix_millis(1500));
        let written = kept.encode().unwrap();
        let read = KeptToken::decode(&written).unwrap();
        assert_eq!(read.token.refresh_token.unwrap().expose(), "r \"1\"");
        assert_eq!(read.token.refresh_at, kept.token.refresh_at);
    }

    #[test]
    fn decode_restores_the_time_of_the_sign_in_and_takes_that_of_the_token_in_an_earlier_record() {
        let mut kept = KeptToken::decode(FIRST_VERSION).unwrap();
        assert_eq!(kept.token.signed_in_at, kept.token.obtained_at);
        kept.token.signed_in_at = Timestamp::from_unix_millis(500);
        let read = KeptToken::decode(&kept.encode().unwrap()).unwrap().token;
        assert_eq!((read.signed_in_at.unix_millis(), read.obtained_at.unix_millis()), (500, 1000));
    }

    #[test]
    fn decode_restores_the_mark_of_the_code_and_knows_none_in_an_earlier_record() {
        let mut kept = KeptToken::decode(FIRST_VERSION).unwrap();
        assert!(kept.code_mark.is_none());
        kept.code_mark = Some(CodeMark([7; 32]));
        let read = KeptToken::decode(&kept.encode().unwrap()).unwrap().code_mark.unwrap();
        assert!(read.is_same(&CodeMark([7; 32])) && !read.is_same(&CodeMark([8; 32])));
    }

    #[test]
    fn decode_restores_the_id_token_and_knows_none_in_an_earlier_record() {
        let mut kept = KeptToken::decode(FIRST_VERSION).unwrap();
        assert!(kept.token.id_token.is_none());
        assert!(!String::from_utf8_lossy(&kept.encode().unwrap()).contains("id_token"));
        let expires_at = Timestamp::from_unix_millis(1700);
        kept.token.id_token = Some(IdToken { raw: Secret::from("i.d.\"t\""), expires_at });
        let read = KeptToken::decode(&kept.encode().unwrap()).unwrap().token;
        assert!(read.unended_id_token(Timestamp::from_unix_millis(1700)).is_none());
        let id_token = read.unended_id_token(Timestamp::from_unix_millis(1699)).unwrap();
        assert_eq!((id_token.raw.expose(), id_token.expires_at), ("i.d.\"t\"", expires_at));
    }

    #[test]
    fn decode_restores_slot_and_fence_and_knows_none_in_an_earlier_record() {
        let (kept, context) = KeptToken::decode_with_context(FIRST_VERSION).unwrap();
        assert_eq!(context, SlotContext::default());
        let account = Account::of_channel(&BotName::new("demo"), ChannelId::new("msteams"), "29:\"ada\"");
        let slot = TokenSlot::new(&account.as_parent_account("app"), &ConnectionName::new("graph\nUser.Read"));
        let fence = Some(SlotFence::new([5; 16], Timestamp::from_unix_millis(1000)));
        let written = kept.encode_in(Some(&slot), fence).unwrap();
        assert_eq!(KeptToken::decode_with_context(&written).unwrap().1, SlotContext { slot: Some(slot), fence });
    }

    #[test]
    fn decode_refuses_a_token_of_a_later_version() {
        let later = String::from_utf8_lossy(FIRST_VERSION).replace(r#""v":1"#, r#""v":3"#);
        assert!(KeptToken::decode(later.as_bytes()).is_none());
    }
}
