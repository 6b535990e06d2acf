use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::ConnectionRevision;

/// Derives the revision of a connection, which changes when tokens of the old settings must not be used any more: with
/// the provider, the client, the set of scopes (including `offline_access`), and whether the bot handles continuous
/// access. Entra ignores the order and the case of scopes, so the revision ignores them, too.
pub(in crate::config) fn derive_revision(
    provider: &str,
    client_id: &str,
    scopes: &[String],
    continuous_access: bool,
) -> ConnectionRevision {
    let scopes: BTreeSet<String> = scopes.iter().map(|scope| scope.to_ascii_lowercase()).collect();
    let mut context = Context::new(&SHA256);
    // No scope has this name, because a scope contains no space. Connections without continuous access leave the part
    // out and keep the revisions that earlier versions of bot-sso derived.
    let ability = continuous_access.then_some("continuous access");
    let parts = [provider, client_id].into_iter().chain(scopes.iter().map(String::as_str)).chain(ability);
    for part in parts {
        // The length makes ("a", "bc") and ("ab", "c") different.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    let mut revision = [0_u8; 16];
    for (to, from) in revision.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    ConnectionRevision(revision)
}

#[cfg(test)]
mod tests {
    use super::derive_revision;

    fn revision(provider: &str, client_id: &str, scopes: &[&str]) -> [u8; 16] {
        derive_revision(provider, client_id, &scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>(), false)
            .0
    }

    #[test]
    fn a_revision_ignores_order_case_and_repetition_of_scopes() {
        assert_eq!(revision("entra", "c", &["A", "b"]), revision("entra", "c", &["B", "a", "b"]));
    }

    #[test]
    fn a_revision_changes_with_provider_client_and_scopes() {
        let first = revision("entra", "c", &["a"]);
        for other in [
            revision("entrac", "", &["a"]),
            revision("entra", "d", &["a"]),
            revision("entra", "c", &["a", "b"]),
            revision("entra", "c", &[]),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_revision_changes_with_offline_access_and_continuous_access() {
        assert_ne!(revision("entra", "c", &["a"]), revision("entra", "c", &["a", "offline_access"]));
        assert_ne!(revision("entra", "c", &["a"]), derive_revision("entra", "c", &["a".to_owned()], true).0);
    }
}
