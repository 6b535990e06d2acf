//! `Grants`: what is kept of one person. `families.rs` has the type.

use serde_json::json;

use super::Grants;
use crate::domain::{CountFuture, DataSubject, EndedAtSignOut as _, ExportFuture, PersonalData, TenantId};

impl PersonalData for Grants {
    fn name(&self) -> &'static str {
        "grants"
    }

    fn export<'a>(&'a self, person: &'a DataSubject) -> ExportFuture<'a> {
        Box::pin(async move {
            let Some((tenant, id)) = person.user.directory_user() else { return Ok(Vec::new()) };
            let grants = self.list_of_user(&TenantId::new(tenant), id).await?.into_iter();
            let objects = grants.map(|grant| {
                json!({
                    "application": grant.client_id,
                    "scope": grant.scope,
                    "session": grant.session_id,
                    "signedInBy": grant.method.provider(),
                    "signedInAt": grant.auth_time.to_rfc3339(),
                    "begunAt": grant.begun_at.to_rfc3339(),
                    "lastUsedAt": grant.last_used_at.to_rfc3339(),
                })
            });
            Ok(objects.collect())
        })
    }

    /// What is left of an ended grant names no person, and is kept for ten minutes.
    fn erase<'a>(&'a self, person: &'a DataSubject) -> CountFuture<'a> {
        self.end_for_user(&person.user)
    }
}
