use aws_lc_rs::digest::{Context, SHA256};

use super::claims::Claims;
use crate::domain::SecurityContext;

/// The claims that make two sign-ins of one user different (docs/protocols/entra-obo.md §4, row "Key").
const CONTEXT_CLAIMS: [&str; 8] = ["azpacr", "appidacr", "acrs", "acr", "amr", "xms_cc", "idp", "sid"];
/// Those of them that a policy of the issuer looks at. The others name the client and its session.
const POLICY_CLAIMS: [&str; 5] = ["acrs", "acr", "amr", "xms_cc", "idp"];

/// Digests the client and the context claims.
pub(super) fn derive_security_context(claims: &Claims) -> SecurityContext {
    // The client is `azp` in one token format of Entra, `appid` in the other, and `client_id` in RFC 9068.
    let client = claims.text("azp").or(claims.text("appid")).or(claims.text("client_id"));
    let client = client.map(str::to_ascii_lowercase);
    digest([client].into_iter().chain(CONTEXT_CLAIMS.iter().map(|name| claims.canonical(name))))
}

/// Digests the policy claims alone, so that two clients of one user with equal policy claims share a digest. It has fewer
/// parts than a security context, so it equals none.
pub(super) fn derive_policy_context(claims: &Claims) -> SecurityContext {
    digest(POLICY_CLAIMS.iter().map(|name| claims.canonical(name)))
}

/// Each part is length-prefixed, and an absent claim differs from an empty one, so two different lists do not share a
/// digest.
fn digest(parts: impl Iterator<Item = Option<String>>) -> SecurityContext {
    let mut context = Context::new(&SHA256);
    for part in parts {
        match part {
            None => context.update(&[0]),
            Some(text) => {
                context.update(&[1]);
                context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(text.as_bytes());
            }
        }
    }
    let mut short = [0_u8; 16];
    for (to, from) in short.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    SecurityContext(short)
}
