use subtle::ConstantTimeEq as _;

use crate::domain::{Secret, SharedEntropy, TenantId, draw_256_bits};
use crate::token_issuer::DirectoryKeys;

/// The purpose of the MAC, which no other MAC of the directory's key has.
const PURPOSE: &str = "sso_session";
/// The length of a session's id: 128 bits in hexadecimal.
const ID_CHARS: usize = 32;
/// The length of a session's secret, and of a MAC: 256 bits in hexadecimal.
const SECRET_CHARS: usize = 64;

/// The value of the cookie of a session: `<id>.<secret>.<mac>`. The MAC is by the directory's own key over the tenant id, the
/// id and the secret, so the cookie of another directory is not genuine, and a forged one costs no read of the store
/// (docs/directory.md §Sessions).
#[derive(Clone, Copy)]
pub(super) struct CookieValue<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
}

/// A session's id and secret that were drawn just now.
pub(super) struct DrawnValue {
    pub(super) id: String,
    pub(super) secret: Secret,
}

impl<'a> CookieValue<'a> {
    /// Reads the value of a cookie of `tenant`. `None` if it is malformed or not signed by `keys`.
    pub(super) fn read(text: &'a str, keys: &DirectoryKeys, tenant: &TenantId) -> Option<Self> {
        // The length bounds the work.
        if text.len() != ID_CHARS + SECRET_CHARS + SECRET_CHARS + 2 {
            return None;
        }
        let (id, rest) = text.split_once('.')?;
        let (secret, mac) = rest.split_once('.')?;
        if id.len() != ID_CHARS || secret.len() != SECRET_CHARS {
            return None;
        }
        let value = Self { id, secret };
        bool::from(value.mac(keys, tenant).as_bytes().ct_eq(mac.as_bytes())).then_some(value)
    }

    fn mac(self, keys: &DirectoryKeys, tenant: &TenantId) -> String {
        let parts = [tenant.as_str(), self.id, self.secret].map(str::as_bytes);
        to_hex(keys.mac(PURPOSE, &parts))
    }
}

impl DrawnValue {
    /// Draws the id and the secret of a new session.
    pub(super) fn draw(entropy: &SharedEntropy) -> Self {
        Self { id: entropy.hex_id(), secret: draw_256_bits(entropy.as_ref()) }
    }

    /// The value of the cookie.
    pub(super) fn sign(&self, keys: &DirectoryKeys, tenant: &TenantId) -> Secret {
        let value = CookieValue { id: &self.id, secret: self.secret.expose() };
        Secret::new(format!("{}.{}.{}", value.id, value.secret, value.mac(keys, tenant)))
    }
}

fn to_hex(mac: [u8; 32]) -> String {
    let [mut high, mut low] = [[0; 16]; 2];
    let (first, last) = mac.split_at(16);
    high.copy_from_slice(first);
    low.copy_from_slice(last);
    format!("{:032x}{:032x}", u128::from_be_bytes(high), u128::from_be_bytes(low))
}
