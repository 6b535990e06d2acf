use super::{Directories, DirectoryUsers};
use crate::domain::{KeysFuture, LinkedKeys, TenantId, UserKey};

/// The keys of one person in all directories: the user's own key of each, and those of the identities at other providers that the user
/// has linked or signs in by. An identity that the user has not shown counts for nothing.
pub struct LinkedDirectoryUsers {
    directories: Directories,
    users: DirectoryUsers,
}

impl LinkedDirectoryUsers {
    /// Reads the `users` of `directories`.
    #[must_use]
    pub fn new(directories: Directories, users: DirectoryUsers) -> Self {
        Self { directories, users }
    }
}

impl LinkedKeys for LinkedDirectoryUsers {
    fn list<'a>(&'a self, user: &'a UserKey) -> KeysFuture<'a> {
        Box::pin(async move {
            if let Some((tenant, id)) = user.directory_user() {
                let found = self.users.find(&TenantId::new(tenant), id).await?;
                let identities = found.map(|user| user.identities).unwrap_or_default();
                let proven = identities.into_iter().filter(|identity| identity.is_proven);
                return Ok(proven.map(|identity| identity.key).collect());
            }
            let mut keys = Vec::new();
            for view in self.directories.list() {
                let found = self.users.find_by_identity(&view.directory.tenant, user).await?;
                let found = found.filter(|found| found.has_proven(user));
                keys.extend(found.map(|found| view.directory.user_key(&found.id)));
            }
            Ok(keys)
        })
    }
}
