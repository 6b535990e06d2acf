use serde_json::{Value, json};

use super::DirectoryUsers;
use crate::domain::{CountFuture, DataSubject, DirectoryUser, ExportFuture, PersonalData, TenantId, Timestamp};

/// What is kept of a person as a user of a directory. An erasure deletes the user.
#[derive(Clone)]
pub struct DirectoryUserData {
    users: DirectoryUsers,
}

impl DirectoryUserData {
    /// The data of `users`.
    #[must_use]
    pub fn new(users: DirectoryUsers) -> Self {
        Self { users }
    }
}

impl PersonalData for DirectoryUserData {
    fn name(&self) -> &'static str {
        "directoryUsers"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = person.user.directory_user() else { return Ok(Vec::new()) };
            let found = self.users.find(&TenantId::new(tenant), id).await?;
            Ok(found.iter().map(to_json).collect())
        })
    }

    /// User name, addresses, and identities at other providers end with the user; links of messages are good for an existing user.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = person.user.directory_user() else { return Ok(0) };
            Ok(usize::from(self.users.delete(&TenantId::new(tenant), id).await?))
        })
    }
}

fn to_json(user: &DirectoryUser) -> Value {
    let identities = user
        .identities
        .iter()
        .map(|identity| json!({ "provider": identity.provider, "userKey": identity.key.to_string() }));
    json!({
        "id": user.id,
        "userName": user.user_name,
        "emails": user.emails,
        "names": user.names,
        "active": user.active,
        "status": user.status,
        "lockedUntil": user.locked_until.map(Timestamp::to_rfc3339),
        "createdAt": user.created_at.to_rfc3339(),
        "modifiedAt": user.modified_at.to_rfc3339(),
        "identities": identities.collect::<Vec<_>>(),
        "hasPassword": user.has_password,
    })
}
