use crate::dev::tenant::Directory;

/// A directory at the gateway, whose web apps share one sign-on session in each browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name of its section in the gateway's configuration.
    pub name: &'static str,
    /// Its tenant id.
    pub tenant_id: &'static str,
    /// The token of its administrator, who may do everything. It is the API key, too.
    pub management_token: &'static str,
    /// The provider beside the password, at which users of the local tenant sign in; `None` if there is none.
    pub provider: Option<DirectoryProviderEntry>,
    /// Its web apps, each with a secret.
    pub apps: [DirectoryAppEntry; 2],
    /// The users that the stage makes at its start.
    pub users: [DirectoryUserEntry; 3],
}

/// The local tenant as another identity provider of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryProviderEntry {
    /// The key of its section in the configuration, and a part of its address.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// The name of the shared connection whose app registration it uses.
    pub connection: &'static str,
}

/// A web app of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryAppEntry {
    /// The key of its section in the configuration, and the last part of its address.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Client id.
    pub client_id: &'static str,
    /// That client's secret.
    pub client_secret: &'static str,
}

/// A user of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryUserEntry {
    /// The e-mail address, by which the user signs in.
    pub username: &'static str,
    /// The password.
    pub password: &'static str,
    /// The name for people.
    pub display_name: &'static str,
}

/// A connection of a demo bot whose users are those of a directory. It has the directory's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev) struct DirectoryConnectionEntry {
    /// The bot.
    pub(in crate::dev) bot: &'static str,
    /// The name of the directory, and of the connection.
    pub(in crate::dev) directory: &'static str,
}

/// The connections to directories.
const CONNECTIONS: [DirectoryConnectionEntry; 1] = [DirectoryConnectionEntry { bot: "demo", directory: "market" }];

/// The connections to directories that the bots of `tenant` have. A stage file may have other bots, or connections of its own with
/// these names.
pub(in crate::dev) fn directory_connections(tenant: &Directory) -> impl Iterator<Item = DirectoryConnectionEntry> {
    CONNECTIONS.into_iter().filter(|entry| {
        let has_bot = tenant.bots.iter().any(|bot| bot.name == entry.bot);
        has_bot && !tenant.all_connections().any(|other| other.bot == entry.bot && other.name == entry.directory)
    })
}

/// The directories of every stage. Their users have the names and addresses of users of the local tenant, and are others: nothing
/// joins an account of a directory to one of the tenant.
pub(in crate::dev) static DIRECTORIES: [DirectoryEntry; 2] = [
    DirectoryEntry {
        name: "market",
        tenant_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1a01",
        management_token: "market-manager-secret-of-the-local-stage",
        provider: Some(DirectoryProviderEntry { name: "contoso", label: "the local tenant", connection: "planner" }),
        apps: [
            DirectoryAppEntry {
                name: "shop",
                title: "Shop",
                client_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1b01",
                client_secret: "shop-secret-of-the-local-stage",
            },
            DirectoryAppEntry {
                name: "deliveries",
                title: "Deliveries",
                client_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1b02",
                client_secret: "deliveries-secret-of-the-local-stage",
            },
        ],
        users: [
            user("ada@contoso.example", "ada-password", "Ada Lovelace"),
            user("ben@contoso.example", "ben-password", "Ben Franklin"),
            user("cleo@contoso.example", "cleo-password", "Cleo Patra"),
        ],
    },
    DirectoryEntry {
        name: "campus",
        tenant_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1a02",
        management_token: "campus-manager-secret-of-the-local-stage",
        provider: None,
        apps: [
            DirectoryAppEntry {
                name: "library",
                title: "Library",
                client_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1b03",
                client_secret: "library-secret-of-the-local-stage",
            },
            DirectoryAppEntry {
                name: "timetable",
                title: "Timetable",
                client_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1b04",
                client_secret: "timetable-secret-of-the-local-stage",
            },
        ],
        users: [
            user("fay@fabrikam.example", "fay-password", "Fay Ajzenberg"),
            user("hedy@fabrikam.example", "hedy-password", "Hedy Lamarr"),
            user("joan@fabrikam.example", "joan-password", "Joan Clarke"),
        ],
    },
];

const fn user(username: &'static str, password: &'static str, display_name: &'static str) -> DirectoryUserEntry {
    DirectoryUserEntry { username, password, display_name }
}

/// The directory with this name.
pub(super) fn find_directory(name: &str) -> Option<&'static DirectoryEntry> {
    DIRECTORIES.iter().find(|directory| directory.name == name)
}

impl DirectoryEntry {
    /// The app with this name.
    pub(super) fn find_app(&self, name: &str) -> Option<&DirectoryAppEntry> {
        self.apps.iter().find(|app| app.name == name)
    }
}
