//! A directory for the tests of this room, with its keys in a temporary folder.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Application, ApplicationKind, ClockAndEntropy, Directory, DirectoryUser, ManagedBy, SignInMethod, SystemEntropy,
    TenantId, Timestamp, UserEmail, UserNames, UserStatus,
};
use crate::records::testing::{ThrowawayRecords, throwaway_records};
use crate::token_issuer::directory::{DirectoryKeyRing, UserGrant};

pub(super) const USER: &str = "11111111-1111-4111-8111-111111111111";

pub(super) struct TestDirectory {
    pub(super) storage: ThrowawayRecords,
    pub(super) directory: Directory,
    /// A second directory.
    pub(super) other: Directory,
}

impl TestDirectory {
    pub(super) fn new() -> Self {
        let (directory, other) = (directory_named("market"), directory_named("harbour"));
        Self { storage: throwaway_records(), directory, other }
    }

    pub(super) fn ambient(&self) -> ClockAndEntropy {
        ClockAndEntropy { clock: self.storage.shared_clock.clone(), entropy: Arc::new(SystemEntropy) }
    }

    /// The keys of both directories, as a process that starts now opens them.
    pub(super) async fn open_keys(&self) -> DirectoryKeyRing {
        let (records, directories) = (self.storage.reopened(), [&self.directory, &self.other]);
        DirectoryKeyRing::open(&records, self.ambient(), &directories).await.unwrap()
    }
}

fn directory_named(name: &str) -> Directory {
    Directory {
        name: name.to_owned(),
        tenant: TenantId::new(name),
        issuer: format!("https://sso.example.com/oauth/v4/{name}"),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: Duration::from_hours(30 * 24).as_secs(),
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

pub(super) fn application(client_id: &str) -> Application {
    Application {
        client_id: client_id.to_owned(),
        name: client_id.to_owned(),
        kind: ApplicationKind::RegularWebApp,
        secrets: Vec::new(),
        redirect_uris: Vec::new(),
        assertion_key: None,
        backchannel_logout_uri: None,
    }
}

pub(super) fn user() -> DirectoryUser {
    let epoch = Timestamp::from_unix_seconds(0);
    DirectoryUser {
        id: USER.to_owned(),
        user_name: None,
        emails: vec![UserEmail { value: "ada@example.com".to_owned(), primary: true }],
        names: UserNames { display: None, given: Some("Ada".to_owned()), family: Some("Lovelace".to_owned()) },
        active: true,
        status: UserStatus::Confirmed,
        locked_until: None,
        created_at: epoch,
        modified_at: epoch,
        ended_sessions: 0,
        revoked_grants: 0,
        identities: Vec::new(),
        has_password: true,
        password_changes: 0,
    }
}

pub(super) fn grant(id: &str) -> UserGrant {
    UserGrant {
        id: id.to_owned(),
        client_id: "shop".to_owned(),
        user_id: USER.to_owned(),
        scope: "openid appid_default".to_owned(),
        session_id: Some("session".to_owned()),
        method: SignInMethod::Password,
        auth_time: Timestamp::from_unix_seconds(1_700_000_000),
        revoked_grants: 3,
        begun_at: Timestamp::from_unix_seconds(1_700_000_000),
        last_used_at: Timestamp::from_unix_seconds(1_700_000_000),
    }
}
