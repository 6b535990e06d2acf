use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{ChannelId, ConnectionRevision, Secret};
use crate::records::{Kind, Plaintext, catalogue, encode_json};
use crate::sign_in::browser_sign_ins::BrowserStep;
use crate::sign_in::magic_code::CodeGrant;
use crate::token_validation::IdentifiedUser;

/// What is remembered of a browser while it is at the identity provider. Bot, user, channel and connection are the card's;
/// the channel is kept for a page that has to say that there is no such card any more.
#[derive(Clone)]
pub(super) struct AtProvider {
    pub(super) card_id: String,
    pub(super) channel: Option<ChannelId>,
    pub(super) revision: ConnectionRevision,
    pub(super) nonce: Secret,
    pub(super) code_verifier: Secret,
}

/// What is remembered of a browser whose user is known: what it is good for, and what its user is shown.
#[derive(Clone)]
pub(super) struct Identified {
    pub(super) grant: CodeGrant,
    pub(super) channel: Option<ChannelId>,
    pub(super) object_id: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) account_name: String,
}

#[derive(Serialize, Deserialize)]
struct PlainAtProvider {
    card_id: String,
    channel: Option<String>,
    revision: [u8; 16],
    nonce: String,
    code_verifier: String,
}

#[derive(Serialize, Deserialize)]
struct PlainIdentified {
    channel: Option<String>,
    object_id: Option<String>,
    tenant_id: Option<String>,
    account_name: String,
}

impl AtProvider {
    /// What the provider is told of the proof key (RFC 7636 §4.2, `S256`).
    pub(super) fn code_challenge(&self) -> String {
        challenge_of(&self.code_verifier)
    }
}

impl BrowserStep for AtProvider {
    const KIND: &'static Kind = &catalogue::BROWSER_AT_PROVIDER;

    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        encode_json(&PlainAtProvider {
            card_id: self.card_id.clone(),
            channel: self.channel.as_ref().map(ToString::to_string),
            revision: self.revision.0,
            nonce: self.nonce.expose().to_owned(),
            code_verifier: self.code_verifier.expose().to_owned(),
        })
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let plain: PlainAtProvider = plain.json(Self::KIND)?;
        Some(Self {
            card_id: plain.card_id,
            channel: plain.channel.as_deref().map(ChannelId::base_of),
            revision: ConnectionRevision(plain.revision),
            nonce: Secret::new(plain.nonce),
            code_verifier: Secret::new(plain.code_verifier),
        })
    }
}

impl Identified {
    /// `user` and what their sign-in is good for.
    pub(super) fn new(user: IdentifiedUser, channel: Option<ChannelId>, grant: CodeGrant) -> Self {
        let account_name = user.account_name.or(user.display_name);
        let account_name = account_name.unwrap_or_else(|| user.user.subject().to_owned());
        Self { grant, channel, object_id: user.object_id, tenant_id: user.tenant_id, account_name }
    }
}

impl BrowserStep for Identified {
    const KIND: &'static Kind = &catalogue::BROWSER_IDENTIFIED;

    /// The length of the names (four bytes), the names, the grant.
    fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let names = encode_json(&PlainIdentified {
            channel: self.channel.as_ref().map(ToString::to_string),
            object_id: self.object_id.clone(),
            tenant_id: self.tenant_id.clone(),
            account_name: self.account_name.clone(),
        })?;
        let length = u32::try_from(names.len()).ok()?;
        let grant = self.grant.encode()?;
        // Sized beforehand: a growing buffer would leave copies of the token in freed memory.
        let mut content = Zeroizing::new(Vec::with_capacity(4 + names.len() + grant.len()));
        content.extend_from_slice(&length.to_be_bytes());
        content.extend_from_slice(&names);
        content.extend_from_slice(&grant);
        Some(content)
    }

    fn decode(plain: Plaintext<'_>) -> Option<Self> {
        let (length, rest) = plain.bytes().split_first_chunk::<4>()?;
        let (names, grant) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let PlainIdentified { channel, object_id, tenant_id, account_name } = serde_json::from_slice(names).ok()?;
        let grant = CodeGrant::decode(grant)?;
        Some(Self { grant, channel: channel.as_deref().map(ChannelId::base_of), object_id, tenant_id, account_name })
    }
}

fn challenge_of(code_verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_key_is_hashed_as_the_rfc_shows() {
        // RFC 7636, appendix B.
        let challenge = challenge_of(&Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
