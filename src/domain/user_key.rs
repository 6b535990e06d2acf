use std::fmt;
use std::sync::Arc;

/// The identity of a person at an issuer: `oid` and `tid` for Entra, `iss` and `sub` for other issuers
/// (docs/architecture.md §People).
///
/// The issuer is part of the key, so a token of another issuer cannot name an Entra user, even if it has a claim `oid`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    issuer: Arc<str>,
    subject: Arc<str>,
}

/// The beginning of the issuer of a directory's users.
const DIRECTORY: &str = "cloud_directory:";
/// The beginning of the issuer of users that an application of a directory has signed in by itself.
const APPLICATION: &str = "appid_custom:";

impl UserKey {
    /// The Entra user `oid` of the tenant `tid`. Both are GUIDs and are converted to lower case.
    #[must_use]
    pub fn entra(oid: &str, tid: &str) -> Self {
        Self {
            issuer: Arc::from(format!("entra:{}", tid.to_ascii_lowercase())),
            subject: Arc::from(oid.to_ascii_lowercase()),
        }
    }

    /// Restores a key from the values of [`UserKey::issuer`] and [`UserKey::subject`].
    #[must_use]
    pub fn from_parts(issuer: &str, subject: &str) -> Self {
        Self { issuer: Arc::from(issuer), subject: Arc::from(subject) }
    }

    /// The user `user_id` of the directory with this tenant id.
    #[must_use]
    pub fn of_directory(tenant: &str, user_id: &str) -> Self {
        Self::from_parts(&format!("{DIRECTORY}{tenant}"), user_id)
    }

    /// The user `subject` that the application `client_id` of a directory has signed in by an assertion of its own.
    #[must_use]
    pub fn of_application(tenant: &str, client_id: &str, subject: &str) -> Self {
        Self::from_parts(&format!("{APPLICATION}{tenant}/{client_id}"), subject)
    }

    /// The tenant id and the user's id, if the issuer is a directory.
    #[must_use]
    pub fn directory_user(&self) -> Option<(&str, &str)> {
        Some((self.issuer.strip_prefix(DIRECTORY)?, &self.subject))
    }

    /// Parses the form that [`fmt::Display`] writes: `oid@tid` with two GUIDs in any letter case, `subject@issuer` with an
    /// https URL as issuer, `cloud_directory:<tenant>/<id>` or `appid_custom:<tenant>/<client id>/<subject>`. Returns `None`
    /// for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix(DIRECTORY) {
            let (tenant, id) = rest.split_once('/').filter(|(tenant, id)| !tenant.is_empty() && !id.is_empty())?;
            return Some(Self::of_directory(tenant, id));
        }
        if let Some(rest) = text.strip_prefix(APPLICATION) {
            let mut parts = rest.splitn(3, '/').filter(|part| !part.is_empty());
            let (tenant, client_id, subject) = (parts.next()?, parts.next()?, parts.next()?);
            return Some(Self::of_application(tenant, client_id, subject));
        }
        let (subject, issuer) = text.rsplit_once('@')?;
        if is_guid(subject) && is_guid(issuer) {
            return Some(Self::entra(subject, issuer));
        }
        let host = issuer.strip_prefix("https://")?;
        (!subject.is_empty() && !host.is_empty()).then(|| Self::from_parts(issuer, subject))
    }

    /// The tenant id, if the issuer is Entra.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        self.issuer.strip_prefix("entra:")
    }

    /// The object id (`oid`), if the issuer is Entra.
    #[must_use]
    pub fn object_id(&self) -> Option<&str> {
        self.tenant_id().map(|_| self.subject())
    }

    /// The issuer by whose ids the key names the person; `None` for Entra, whose tenants are one namespace.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.tenant_id().is_none().then_some(&*self.issuer)
    }

    /// Whether the keys name two persons for certain: they are of one namespace and differ. Keys of different namespaces say
    /// nothing about each other, because one person has a key in each (docs/architecture.md §People).
    #[must_use]
    pub fn is_surely_another_than(&self, other: &Self) -> bool {
        self.namespace() == other.namespace() && self != other
    }

    /// The issuer: `entra:<tid>` for Entra, the issuer's URL otherwise.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The person's id at the issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.issuer.starts_with(DIRECTORY) || self.issuer.starts_with(APPLICATION) {
            return write!(formatter, "{}/{}", self.issuer, self.subject);
        }
        write!(formatter, "{}@{}", self.subject, self.tenant_id().unwrap_or(&self.issuer))
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == uuid::fmt::Hyphenated::LENGTH && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::UserKey;

    #[test]
    fn parse_reads_what_display_writes() {
        let entra = UserKey::entra("AAAAAAAA-0000-4000-8000-000000000001", "22222222-2222-4222-8222-222222222222");
        let other = UserKey::from_parts("https://issuer.example/realm", "someone@example.com");
        let own = UserKey::of_directory("market", "5f0c");
        let custom = UserKey::of_application("market", "shop", "a/b");
        assert_eq!(own.to_string(), "cloud_directory:market/5f0c");
        assert_eq!(custom.to_string(), "appid_custom:market/shop/a/b");
        assert_eq!((own.directory_user(), custom.directory_user()), (Some(("market", "5f0c")), None));
        for key in [entra, other, own, custom] {
            assert_eq!(UserKey::parse(&key.to_string()), Some(key));
        }
        let upper = "aaaaaaaa-0000-4000-8000-00000000000A@22222222-2222-4222-8222-22222222222B";
        assert_eq!(UserKey::parse(upper), UserKey::parse(&upper.to_ascii_lowercase()));
    }

    #[test]
    fn only_keys_of_one_namespace_contradict_each_other() {
        let (ada, guest) = (UserKey::entra("a", "t"), UserKey::entra("a", "other"));
        let elsewhere = UserKey::from_parts("https://issuer.example", "a");
        for (one, other, differ) in [
            (&ada, &ada, false),
            (&ada, &UserKey::entra("b", "t"), true),
            (&ada, &guest, true),
            (&ada, &elsewhere, false),
            (&elsewhere, &UserKey::from_parts("https://issuer.example", "b"), true),
            (&elsewhere, &UserKey::from_parts("https://other.example", "b"), false),
        ] {
            assert_eq!(one.is_surely_another_than(other), differ, "{one} {other}");
            assert_eq!(other.is_surely_another_than(one), differ, "{other} {one}");
        }
        assert_eq!((ada.object_id(), elsewhere.object_id()), (Some("a"), None));
    }

    #[test]
    fn parse_refuses_a_text_that_is_no_user_key() {
        let guid = "aaaaaaaa-0000-4000-8000-000000000001";
        let directories =
            ["cloud_directory:", "cloud_directory:/a", "cloud_directory:t/", "appid_custom:t/c", "appid_custom:t//s"];
        let others =
            ["", "@", "ada", &format!("{guid}@contoso.com"), &format!("ada@{guid}"), "@https://issuer.example"];
        for text in others.into_iter().chain(directories) {
            assert_eq!(UserKey::parse(text), None, "{text}");
        }
        assert_eq!(UserKey::parse(&format!("{guid}@http://issuer.example")), None, "an http issuer is refused");
        assert_eq!(UserKey::parse("ada@https://"), None);
    }
}
