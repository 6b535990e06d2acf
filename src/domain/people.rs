use std::fmt;
use std::sync::Arc;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps `text` as it is.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// The name under which a bot is configured.
    BotName
}

name_type! {
    /// The name under which an OAuth connection is configured. Compared exactly (invoke-protocol §1.7).
    ConnectionName
}

name_type! {
    /// A user's id on one channel, as the channel spells it (`29:…` on Teams, `dl_…` on Direct Line).
    ChannelUserId
}

/// A channel in its base form: `msteams` for `msteams:COPILOT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(Arc<str>);

impl ChannelId {
    /// The base channel of `channel_id`: cut at the first `:`, lower-cased (token-service-api §3.1).
    #[must_use]
    pub fn base_of(channel_id: &str) -> Self {
        let base = channel_id.split_once(':').map_or(channel_id, |(base, _)| base);
        // Most channels write themselves so.
        if base.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Self(Arc::from(base.to_ascii_lowercase()));
        }
        Self(Arc::from(base))
    }

    /// The channel's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A user as a bot sees them: this bot, this channel, this id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelAccount {
    /// The bot.
    pub bot: BotName,
    /// The base channel.
    pub channel: ChannelId,
    /// The user's id there.
    pub user: ChannelUserId,
}

/// Where one user's token for one connection lives: the vault's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenSlot {
    /// Whose token.
    pub account: ChannelAccount,
    /// For which connection.
    pub connection: ConnectionName,
}

/// A person as an issuer knows them: `oid@tid` for Entra, `(issuer, sub)` for others (DESIGN §4).
///
/// The issuer is part of the key: a claim called `oid` from a non-Entra issuer is nobody in Entra.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    issuer: Arc<str>,
    subject: Arc<str>,
}

impl UserKey {
    /// The Entra user `oid` in the tenant `tid`; both are lower-cased GUIDs.
    #[must_use]
    pub fn entra(oid: &str, tid: &str) -> Self {
        Self {
            issuer: Arc::from(format!("entra:{}", tid.to_ascii_lowercase())),
            subject: Arc::from(oid.to_ascii_lowercase()),
        }
    }

    /// The key kept as `issuer` and `subject` by [`UserKey::issuer`] and [`UserKey::subject`].
    #[must_use]
    pub fn from_parts(issuer: &str, subject: &str) -> Self {
        Self { issuer: Arc::from(issuer), subject: Arc::from(subject) }
    }

    /// Reads what [`fmt::Display`] writes: `oid@tid` with two GUIDs in any case, else `subject@issuer` where the issuer
    /// is an https URL. Anything else is nobody.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (subject, issuer) = text.rsplit_once('@')?;
        if is_guid(subject) && is_guid(issuer) {
            return Some(Self::entra(subject, issuer));
        }
        let host = issuer.strip_prefix("https://")?;
        (!subject.is_empty() && !host.is_empty()).then(|| Self::from_parts(issuer, subject))
    }

    /// The tenant, if Entra is the issuer.
    #[must_use]
    pub fn tenant_id(&self) -> Option<&str> {
        self.issuer.strip_prefix("entra:")
    }

    /// The namespace: `entra:<tid>`, or the issuer's URL.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The person within the namespace.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    fn a_user_key_is_read_as_it_is_written() {
        let entra = UserKey::entra("AAAAAAAA-0000-4000-8000-000000000001", "22222222-2222-4222-8222-222222222222");
        let other = UserKey::from_parts("https://issuer.example/realm", "someone@example.com");
        for key in [entra, other] {
            assert_eq!(UserKey::parse(&key.to_string()), Some(key));
        }
        let upper = "aaaaaaaa-0000-4000-8000-00000000000A@22222222-2222-4222-8222-22222222222B";
        assert_eq!(UserKey::parse(upper), UserKey::parse(&upper.to_ascii_lowercase()));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        let guid = "aaaaaaaa-0000-4000-8000-000000000001";
        for text in ["", "@", "ada", &format!("{guid}@contoso.com"), &format!("ada@{guid}"), "@https://issuer.example"]
        {
            assert_eq!(UserKey::parse(text), None, "{text}");
        }
        assert_eq!(UserKey::parse(&format!("{guid}@http://issuer.example")), None, "a plain issuer is none");
        assert_eq!(UserKey::parse("ada@https://"), None);
    }
}
