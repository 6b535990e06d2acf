/// A directory at the gateway, whose web apps share one sign-on session in each browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name of its section in the gateway's configuration.
    pub name: &'static str,
    /// Its tenant id.
    pub tenant_id: &'static str,
    /// The token of its administrator, who may do everything. It is the API key, too.
    pub management_token: &'static str,
    /// Its web apps, each with a secret.
    pub apps: [DirectoryAppEntry; 2],
    /// The users that the stage makes at its start.
    pub users: [DirectoryUserEntry; 3],
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

/// The directories of every stage. Their users have the names and addresses of users of the local tenant, and are others: nothing
/// joins an account of a directory to one of the tenant.
pub(in crate::dev) static DIRECTORIES: [DirectoryEntry; 2] = [
    DirectoryEntry {
        name: "market",
        tenant_id: "9a1f4e6c-2b3d-4c5e-8f70-0000000d1a01",
        management_token: "market-manager-secret-of-the-local-stage",
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
