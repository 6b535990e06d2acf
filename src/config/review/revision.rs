use std::collections::BTreeSet;

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::ConnectionRevision;

/// Changes when a token obtained under the old settings must no longer be handed out: the provider, the client, the
/// set of scopes (with `offline_access`) or whether the bot handles tokens of continuous access. The order and the case of scopes do not matter to Entra, so they do not matter here.
pub(in crate::config) fn revision_of(
    provider: &str,
    client_id: &str,
    scopes: &[String],
    continuous_access: bool,
) -> ConnectionRevision {
    let scopes: BTreeSet<String> = scopes.iter().map(|scope| scope.to_ascii_lowercase()).collect();
    let mut context = Context::new(&SHA256);
    // No scope is called so: it would hold a space. Its absence leaves the revisions of before as they were.
    let ability = continuous_access.then_some("continuous access");
    let parts = [provider, client_id].into_iter().chain(scopes.iter().map(String::as_str)).chain(ability);
    for part in parts {
        // The length keeps ("a", "bc") and ("ab", "c") apart.
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
    use super::revision_of;

    fn of(provider: &str, client_id: &str, scopes: &[&str]) -> [u8; 16] {
        revision_of(provider, client_id, &scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>(), false).0
    }

    #[test]
    fn order_case_and_repetition_of_scopes_do_not_make_a_new_revision() {
        assert_eq!(of("entra", "c", &["A", "b"]), of("entra", "c", &["B", "a", "b"]));
    }

    #[test]
    fn provider_client_and_scopes_do() {
        let first = of("entra", "c", &["a"]);
        for other in
            [of("entrac", "", &["a"]), of("entra", "d", &["a"]), of("entra", "c", &["a", "b"]), of("entra", "c", &[])]
        {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn so_do_offline_access_and_continuous_access() {
        assert_ne!(of("entra", "c", &["a"]), of("entra", "c", &["a", "offline_access"]));
        assert_ne!(of("entra", "c", &["a"]), revision_of("entra", "c", &["a".to_owned()], true).0);
    }
}
