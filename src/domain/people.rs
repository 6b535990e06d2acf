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
        let issuer = self.issuer.strip_prefix("entra:").unwrap_or(&self.issuer);
        write!(formatter, "{}@{issuer}", self.subject)
    }
}
