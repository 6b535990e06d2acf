//! The form of refresh tokens: `<grant id>.<number>.<proof>`.
//!
//! The proof is a MAC over the grant's random seed and the token's number, so that all tokens of a family are recognised though
//! none is kept. The grant's id is in access tokens, so a text with a wrong proof must have no effect: only a token that was
//! really issued counts as reused.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::grant::LiveGrant;
use crate::domain::{Secret, TenantId};
use crate::records::{Records, catalogue};
use crate::token_issuer::directory::drawn_secret::has_its_shape;

/// The parts of a text that may be a refresh token.
pub(super) struct RefreshTokenParts<'a> {
    pub(super) grant_id: &'a str,
    number: u64,
    proof: &'a str,
}

/// What a genuine refresh token is in its family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    Newest,
    Older,
}

impl<'a> RefreshTokenParts<'a> {
    /// Takes `text` apart; `None` if it has another shape.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (grant_id, number, proof) = (parts.next()?, parts.next()?, parts.next()?);
        let is_id = grant_id.len() == 32 && grant_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // Only one text is read as a token: a number has no sign and no zeros in front.
        let read: u64 = number.parse().ok()?;
        let has_shape = is_id && read.to_string() == number && has_its_shape(proof);
        has_shape.then_some(Self { grant_id, number: read, proof })
    }

    /// What the token is in the family of `grant`; `None` if it was never issued.
    pub(super) fn judge(&self, records: &Records, tenant: &TenantId, grant: &LiveGrant) -> Option<Generation> {
        let expected = proof(records, tenant, grant, self.number);
        let is_genuine = verify_slices_are_equal(expected.as_bytes(), self.proof.as_bytes()).is_ok();
        if !is_genuine || self.number > grant.newest {
            return None;
        }
        Some(if self.number == grant.newest { Generation::Newest } else { Generation::Older })
    }
}

/// The newest refresh token of `grant`.
pub(super) fn newest_token(records: &Records, tenant: &TenantId, grant: &LiveGrant) -> Secret {
    let proof = proof(records, tenant, grant, grant.newest);
    Secret::new(format!("{}.{}.{proof}", grant.id(), grant.newest))
}

fn proof(records: &Records, tenant: &TenantId, grant: &LiveGrant, number: u64) -> String {
    let (tenant, id) = (tenant.as_str().as_bytes(), grant.id().as_bytes());
    let mac = records.mac(&catalogue::REFRESH_TOKEN, &[tenant, id, &grant.seed, &number.to_be_bytes()]);
    let (halves, _) = mac.as_chunks::<16>();
    halves.iter().fold(String::with_capacity(64), |text, half| format!("{text}{:032x}", u128::from_be_bytes(*half)))
}
