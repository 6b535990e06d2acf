//! Names, each a type of its own, so that one is not taken for another.

use std::borrow::Borrow;
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

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
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
    /// The name of what holds an account: a bot, as it is configured.
    HolderName
}

name_type! {
    /// A user's id in one realm, as the realm spells it (`29:…` on Teams, `dl_…` on Direct Line).
    SubjectId
}

impl From<&BotName> for HolderName {
    fn from(bot: &BotName) -> Self {
        Self(Arc::clone(&bot.0))
    }
}
