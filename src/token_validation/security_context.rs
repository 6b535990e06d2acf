use aws_lc_rs::digest::{Context, SHA256};

use super::claims::Claims;
use crate::domain::SecurityContext;

/// The claims that make two sign-ins of one user different (docs/protocols/entra-obo.md §4, row "Key").
const CONTEXT_CLAIMS: [&str; 8] = ["azpacr", "appidacr", "acrs", "acr", "amr", "xms_cc", "idp", "sid"];

/// Digests the client and the context claims. Each part is length-prefixed, and an absent claim differs from an empty
/// one, so two different sign-ins do not share a digest.
pub(super) fn derive_security_context(claims: &Claims) -> SecurityContext {
    let mut context = Context::new(&SHA256);
    let mut add = |part: Option<&str>| match part {
        None => context.update(&[0]),
        Some(text) => {
            context.update(&[1]);
            context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(text.as_bytes());
        }
    };
    // The client is `azp` in one token format of Entra, `appid` in the other, and `client_id` in RFC 9068.
    add(claims
        .text("azp")
        .or(claims.text("appid"))
        .or(claims.text("client_id"))
        .map(str::to_ascii_lowercase)
        .as_deref());
    for name in CONTEXT_CLAIMS {
        add(claims.canonical(name).as_deref());
    }
    let mut short = [0_u8; 16];
    for (to, from) in short.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    SecurityContext(short)
}
