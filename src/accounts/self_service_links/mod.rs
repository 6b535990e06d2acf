//! The links of messages to users of directories, and what the use of a link has shown.

mod records;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod used_links_tests;

use serde::{Deserialize, Serialize};

use self::records::{ContextRecord, LinkRecord};
use crate::domain::{ClockAndEntropy, RecordKey, Secret, TenantId, draw_256_bits};
use crate::records::{Collection, RecordError, Records};

/// Links (docs/directory.md §Self-service). Each is good for an hour and one use. The store has a keyed MAC of its secret.
#[derive(Clone)]
pub struct SelfServiceLinks {
    links: Collection<LinkRecord>,
    contexts: Collection<ContextRecord>,
    ambient: ClockAndEntropy,
}

/// What a link is for. A link for one purpose is unknown to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// It shows that the mailbox is the user's.
    ConfirmAddress,
    /// It permits a new password.
    ResetPassword,
    /// It permits a user who is signed in to an application to change the details.
    ChangeDetails,
}

/// A link that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfServiceLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The user.
    pub user_id: String,
    /// The address to which it was sent.
    pub address: Option<String>,
    /// [`DirectoryUser::password_changes`](crate::domain::DirectoryUser::password_changes) as it was drawn.
    pub password_changes: u64,
    /// The application by which the user has come.
    pub client_id: Option<String>,
    /// That application's request for one of our pages, as a query; it was checked as it came, and is checked again before a
    /// browser is sent anywhere.
    pub return_to: Option<String>,
    /// The grant of the application by which a code for the user's own page was drawn. The code ends with it.
    pub grant_id: Option<String>,
}

/// What the use of a link has shown, for the application that asks by its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfServiceContext {
    /// What the link was for.
    pub purpose: LinkPurpose,
    /// The user.
    pub user_id: String,
    /// The address to which the link was sent.
    pub address: String,
    /// [`DirectoryUser::password_changes`](crate::domain::DirectoryUser::password_changes) as the link was drawn.
    pub password_changes: u64,
}

impl LinkPurpose {
    /// The purpose as it stands in the addresses of links.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfirmAddress => "confirm",
            Self::ResetPassword => "reset",
            Self::ChangeDetails => "details",
        }
    }

    /// Reads what [`LinkPurpose::name`] writes.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::ConfirmAddress, Self::ResetPassword, Self::ChangeDetails].into_iter().find(|known| known.name() == name)
    }
}

impl SelfServiceLinks {
    /// Keeps links in `records`.
    #[must_use]
    pub fn new(records: &Records, ambient: ClockAndEntropy) -> Self {
        Self { links: Collection::new(records), contexts: Collection::new(records), ambient }
    }

    /// Draws the secret of a link.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn draw(&self, tenant: &TenantId, link: &SelfServiceLink) -> Result<Secret, RecordError> {
        let secret = draw_256_bits(self.ambient.entropy.as_ref());
        let key = self.link_key(tenant, link.purpose, secret.expose());
        self.links.put(self.links.seal(key, &LinkRecord::new(link))?).await?;
        Ok(secret)
    }

    /// Finds the link with this secret, and leaves it as it is.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find(
        &self,
        tenant: &TenantId,
        purpose: LinkPurpose,
        secret: &str,
    ) -> Result<Option<SelfServiceLink>, RecordError> {
        if !is_drawn(secret) {
            return Ok(None);
        }
        let found = self.links.get(self.link_key(tenant, purpose, secret)).await?;
        Ok(found.map(|found| found.content).filter(|record| !record.is_used).map(LinkRecord::into_link))
    }

    /// Finds the link with this secret that was used and has done its work, so that a page can say so.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn find_used(
        &self,
        tenant: &TenantId,
        purpose: LinkPurpose,
        secret: &str,
    ) -> Result<Option<SelfServiceLink>, RecordError> {
        if !is_drawn(secret) {
            return Ok(None);
        }
        let found = self.links.get(self.link_key(tenant, purpose, secret)).await?;
        Ok(found.map(|found| found.content).filter(|record| record.is_used).map(LinkRecord::into_link))
    }

    /// Notes for an hour that a link which was taken has done its work.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn note_used(&self, tenant: &TenantId, link: &SelfServiceLink, secret: &str) -> Result<(), RecordError> {
        let key = self.link_key(tenant, link.purpose, secret);
        self.links.put(self.links.seal(key, &LinkRecord::of_used(link))?).await
    }

    /// Uses a link up. Of several callers at once, one gets it.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take(
        &self,
        tenant: &TenantId,
        purpose: LinkPurpose,
        secret: &str,
    ) -> Result<Option<SelfServiceLink>, RecordError> {
        if !is_drawn(secret) {
            return Ok(None);
        }
        let key = self.link_key(tenant, purpose, secret);
        // The note that a link was used stays where it is.
        if self.links.get(key).await?.is_some_and(|found| found.content.is_used) {
            return Ok(None);
        }
        match self.links.take(key).await? {
            Some(used) if used.is_used => {
                self.links.put(self.links.seal(key, &used)?).await?;
                Ok(None)
            }
            taken => Ok(taken.map(LinkRecord::into_link)),
        }
    }

    /// Draws the context by which an application asks what a link has shown.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn draw_context(&self, tenant: &TenantId, context: &SelfServiceContext) -> Result<Secret, RecordError> {
        let secret = draw_256_bits(self.ambient.entropy.as_ref());
        let key = self.context_key(tenant, context.purpose, secret.expose());
        self.contexts.put(self.contexts.seal(key, &ContextRecord::new(context))?).await?;
        Ok(secret)
    }

    /// Says what the link behind `context` has shown, once.
    ///
    /// # Errors
    /// [`RecordError`] if the store fails.
    pub async fn take_context(
        &self,
        tenant: &TenantId,
        purpose: LinkPurpose,
        context: &str,
    ) -> Result<Option<SelfServiceContext>, RecordError> {
        if !is_drawn(context) {
            return Ok(None);
        }
        let taken = self.contexts.take(self.context_key(tenant, purpose, context)).await?;
        Ok(taken.map(ContextRecord::into_context))
    }

    fn link_key(&self, tenant: &TenantId, purpose: LinkPurpose, secret: &str) -> RecordKey {
        self.links.key(&[tenant.as_str(), purpose.name(), secret].map(str::as_bytes))
    }

    fn context_key(&self, tenant: &TenantId, purpose: LinkPurpose, secret: &str) -> RecordKey {
        self.contexts.key(&[tenant.as_str(), purpose.name(), secret].map(str::as_bytes))
    }
}

/// Whether `text` may be a secret that [`draw_256_bits`] draws. Any other text is refused without a look into the store.
fn is_drawn(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}
