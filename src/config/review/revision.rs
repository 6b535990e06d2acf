use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::ConnectionRevision;

/// The settings that a kept token depends on.
pub(in crate::config) struct RevisedSettings<'a> {
    /// The provider's name, with the issuer if it is of kind `oidc`.
    pub(in crate::config) provider: &'a str,
    pub(in crate::config) client_id: &'a str,
    /// The requested scopes, including `offline_access`.
    pub(in crate::config) scopes: &'a [String],
    /// Whether the bot handles continuous access.
    pub(in crate::config) continuous_access: bool,
    /// A token that was kept without them must not be handed out once they are required.
    pub(in crate::config) required_granted_scopes: &'a [String],
    /// A parameter may say which API the token is for (`audience`, `resource`).
    pub(in crate::config) authorize_params: &'a BTreeMap<String, String>,
}

impl RevisedSettings<'_> {
    /// Derives the revision of a connection, which changes when tokens of the old settings must not be used any more.
    /// Entra ignores the order and the case of scopes, so the revision ignores them, too.
    pub(in crate::config) fn derive_revision(&self) -> ConnectionRevision {
        self.derive_revision_with(&[])
    }

    /// As [`RevisedSettings::derive_revision`], with more texts on which a kept token depends, in a fixed order. None of them
    /// makes the revision that earlier versions derived.
    pub(in crate::config) fn derive_revision_with(&self, more: &[&str]) -> ConnectionRevision {
        let lower_case = |scopes: &[String]| scopes.iter().map(|scope| scope.to_ascii_lowercase()).collect();
        let (scopes, required): (BTreeSet<String>, BTreeSet<String>) =
            (lower_case(self.scopes), lower_case(self.required_granted_scopes));
        // No scope has a name with a space. Connections without these settings leave the parts out and keep the
        // revisions that earlier versions of bot-sso derived.
        let ability = self.continuous_access.then_some("continuous access");
        let required = required.iter().flat_map(|scope| ["required scope", scope.as_str()]);
        let parameters = self.authorize_params.iter();
        let parameters = parameters.flat_map(|(name, value)| ["authorize parameter", name.as_str(), value.as_str()]);
        let parts = [self.provider, self.client_id].into_iter().chain(scopes.iter().map(String::as_str));
        let mut context = Context::new(&SHA256);
        for part in parts.chain(ability).chain(required).chain(parameters).chain(more.iter().copied()) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision_with(
        scopes: &[&str],
        required: &[&str],
        parameters: &[[&str; 2]],
        change: impl FnOnce(&mut RevisedSettings<'_>),
    ) -> [u8; 16] {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (scopes, required) = (owned(scopes), owned(required));
        let parameters = parameters.iter().map(|[name, value]| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut settings = RevisedSettings {
            provider: "entra",
            client_id: "c",
            scopes: &scopes,
            continuous_access: false,
            required_granted_scopes: &required,
            authorize_params: &parameters,
        };
        change(&mut settings);
        settings.derive_revision().0
    }

    fn revision(scopes: &[&str]) -> [u8; 16] {
        revision_with(scopes, &[], &[], |_| {})
    }

    #[test]
    fn a_revision_ignores_order_case_and_repetition_of_scopes() {
        assert_eq!(revision(&["A", "b"]), revision(&["B", "a", "b"]));
    }

    #[test]
    fn a_revision_changes_with_every_setting() {
        let first = revision(&["a"]);
        for other in [
            revision_with(&["a"], &[], &[], |settings| (settings.provider, settings.client_id) = ("entrac", "")),
            revision_with(&["a"], &[], &[], |settings| settings.client_id = "d"),
            revision_with(&["a"], &[], &[], |settings| settings.continuous_access = true),
            revision(&["a", "b"]),
            revision(&[]),
            revision(&["a", "offline_access"]),
            revision_with(&["a"], &["a"], &[], |_| {}),
            revision_with(&["a"], &[], &[["audience", "x"]], |_| {}),
            revision_with(&["a"], &[], &[["audience", "y"]], |_| {}),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_revision_changes_with_the_texts_that_are_added() {
        let derive = |more: &[&str]| {
            let mut revision = [0; 16];
            revision_with(&["a"], &[], &[], |settings| revision = settings.derive_revision_with(more).0);
            revision
        };
        assert_eq!(derive(&[]), revision(&["a"]));
        assert_ne!(derive(&["exchange audience", "x"]), derive(&["exchange audience", "y"]));
        assert_ne!(derive(&["exchange audience", "x"]), derive(&[]));
    }

    #[test]
    fn a_revision_of_the_settings_of_earlier_versions_stays_what_it_was() {
        // Computed by the version before `required_granted_scopes` and `authorize_params` existed.
        assert_eq!(revision(&["a"]), EARLIER);
    }

    const EARLIER: [u8; 16] = [189, 250, 84, 177, 80, 128, 28, 209, 242, 60, 135, 165, 246, 234, 38, 2];
}
