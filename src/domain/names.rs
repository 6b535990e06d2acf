//! Names of bots, connections, holders and users. Each kind of name has its own type, so that the compiler finds
//! mix-ups.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Makes a name of `text` without changing or checking it.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The name as text.
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
    /// The name of a bot in the configuration.
    BotName
}

name_type! {
    /// The name of an OAuth connection in the configuration. Names are compared exactly
    /// (docs/protocols/invoke-protocol.md §1.7).
    ConnectionName
}

name_type! {
    /// The name of the holder of an account: a bot's name, or `add-in/<name>`, `back-end/<name>`, `app/<id>` or
    /// `directory/<name>`. Names in the configuration have no `/`, so no two holders have the same name.
    HolderName
}

name_type! {
    /// The name of a skill in the configuration.
    SkillName
}

name_type! {
    /// The name of an Office add-in in the configuration.
    AddInName
}

name_type! {
    /// The name of a back end in the configuration.
    BackEndName
}

name_type! {
    /// The id of an app in the configuration and in URL paths.
    AppId
}

name_type! {
    /// The id of a user in one realm, exactly as the realm writes it (`29:…` on Teams, `dl_…` on Direct Line).
    SubjectId
}

impl From<&BotName> for HolderName {
    fn from(bot: &BotName) -> Self {
        Self(Arc::clone(&bot.0))
    }
}

impl From<&AddInName> for HolderName {
    fn from(add_in: &AddInName) -> Self {
        Self::new(&format!("add-in/{add_in}"))
    }
}

impl From<&BackEndName> for HolderName {
    fn from(back_end: &BackEndName) -> Self {
        Self::new(&format!("back-end/{back_end}"))
    }
}

impl From<&AppId> for HolderName {
    fn from(app: &AppId) -> Self {
        Self::new(&format!("app/{app}"))
    }
}

impl HolderName {
    /// The directory of this name, which holds no tokens: its connections only say who users of other identity providers are.
    #[must_use]
    pub fn of_directory(name: &str) -> Self {
        Self::new(&format!("directory/{name}"))
    }

    /// The app that is the holder; `None` if it is a bot, an add-in, a back end or a directory.
    #[must_use]
    pub fn find_app(&self) -> Option<AppId> {
        self.as_str().strip_prefix("app/").map(AppId::new)
    }

    /// Whether the holder is the bot `bot`.
    #[must_use]
    pub fn is_bot(&self, bot: &BotName) -> bool {
        self.as_str() == bot.as_str()
    }
}
