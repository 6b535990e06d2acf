//! The management API of directories over a store that a test holds back, and with a clock that stands still.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, web};
use serde_json::{Value, json};

use crate::accounts::{
    Directories, DirectoryUsers, FirstDirectory, HashParameters, PasswordHasher, SelfServiceLinks, UserProfile,
};
use crate::domain::{
    Administrator, AdministratorRole, Clock, ClockAndEntropy, Directory, DirectorySettings, DirectoryUser, ManagedBy,
    Secret, SecretHash, SystemEntropy, TenantId, Timestamp, UserEmail, UserNames,
};
use crate::endpoints::directory::management::{self, ManagementDoor, ManagementParts};
use crate::endpoints::directory::self_service::service::{SelfService, SelfServiceSources};
use crate::endpoints::directory::{DirectoryMails, SessionEndings};
use crate::inbound::{BodyLimits, SharedLimits};
use crate::observability::DirectoryCounts;
use crate::outbound::{Outbound, OutboundSettings};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};
use crate::sessions::SsoSessions;
use crate::sign_out::{BackChannel, BackChannelParts};
use crate::token_issuer::{AdministratorTokens, DirectoryKeyRing, DirectoryTokens, Grants};

const TOKEN: &str = "a-token-of-the-administrator";
/// The longest time for what an abandoned change still does.
const PATIENCE: Duration = Duration::from_mins(2);

/// A clock that a test moves.
#[derive(Default)]
pub(super) struct StoppedClock(pub(super) AtomicU64);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_700_000_000).plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// What the store holds back while the caller hangs up.
#[derive(Clone, Copy, Debug)]
enum Held {
    Read,
    Write,
}

/// The directories `market` and `harbour`, with the same administrator.
struct Stage {
    _beneath: ThrowawayRecords,
    store: Arc<GatedStore>,
    clock: Arc<StoppedClock>,
    directories: Directories,
    users: DirectoryUsers,
    door: web::Data<ManagementDoor>,
}

/// Ends sessions as the application does. No application of these directories has an address at which it is told.
pub(super) async fn endings(
    records: &Records,
    directories: &Directories,
    users: &DirectoryUsers,
    ambient: &ClockAndEntropy,
) -> SessionEndings {
    let keys = DirectoryKeyRing::open(records, ambient.clone(), &[]).await.unwrap();
    let counts = DirectoryCounts::default();
    let back_channel = BackChannel::new(BackChannelParts {
        grants: Grants::new(records, ambient.clone()),
        tokens: DirectoryTokens::new(keys.clone(), ambient.clock.clone()),
        receivers: Arc::new(directories.clone()),
        outbound: Outbound::new(&OutboundSettings::default()).unwrap(),
        counts: counts.clone(),
    });
    SessionEndings::new(users.clone(), SsoSessions::new(records, keys, ambient.clone()), back_channel, counts)
}

impl Stage {
    async fn start() -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let clock = Arc::<StoppedClock>::default();
        let ambient = ClockAndEntropy { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let first = ["market", "harbour"].map(first_directory).to_vec();
        let directories = Directories::open(&records, first).await.unwrap();
        let parameters = HashParameters { memory_kib: 8, passes: 1 };
        let hasher = PasswordHasher::start(parameters, ambient.entropy.clone());
        let users = DirectoryUsers::new(&records, hasher, ambient.clone());
        let endings = endings(&records, &directories, &users, &ambient).await;
        let counts = DirectoryCounts::default();
        let sources = SelfServiceSources {
            directories: directories.clone(),
            users: users.clone(),
            links: SelfServiceLinks::new(&records, ambient.clone()),
            mails: DirectoryMails::new(None, ambient.clock.clone(), None, counts.clone()),
            endings: endings.clone(),
            counts,
            shared_limits: SharedLimits::new(&records, ambient.clock.clone()),
        };
        let parts = ManagementParts {
            directories: directories.clone(),
            users: users.clone(),
            endings,
            self_service: SelfService::new(sources, ambient.clock.clone()),
            administrator_tokens: AdministratorTokens::new(&records, ambient.entropy.clone()),
            sends_mail: true,
            shared_limits: SharedLimits::new(&records, ambient.clock.clone()),
        };
        let limits = BodyLimits { bytes: 65_536, time: PATIENCE };
        let address = "https://sso.example.com".parse().unwrap();
        let door = web::Data::new(ManagementDoor::new(parts, &address, ambient, limits));
        Self { _beneath: beneath, store, clock, directories, users, door }
    }

    async fn create_user(&self) -> DirectoryUser {
        let profile = UserProfile {
            emails: vec![UserEmail { value: "ada@example.com".to_owned(), primary: true }],
            names: UserNames::default(),
            user_name: None,
            active: Some(true),
            status: None,
        };
        let (tenant, settings) = (TenantId::new("market"), DirectorySettings::default());
        self.users.create(&tenant, &settings, profile, &Secret::from("a-password-of-ada")).await.unwrap()
    }

    async fn find_user(&self, id: &str) -> Option<DirectoryUser> {
        self.users.find(&TenantId::new("market"), id).await.unwrap()
    }

    /// Sends a call, and hangs up as soon as the store holds back the first step of the change.
    async fn hang_up(&self, held: Held, method: Method, path: &str, body: &Value) {
        let app = init_service(App::new().configure(|routes| management::configure(routes, self.door.clone()))).await;
        let gate = match held {
            Held::Read => self.store.hold_next_get(),
            Held::Write => self.store.hold_next_put(),
        };
        let mut answer = Box::pin(app.call(call(method, "market", path, body).to_request()));
        tokio::select! {
            answer = &mut answer => panic!("{path} was answered {}", answer.unwrap().status()),
            () = gate.reached() => {}
            () = tokio::time::sleep(PATIENCE) => panic!("{path}: the store has nothing to do"),
        }
        drop(answer);
        gate.open();
    }
}

fn first_directory(name: &str) -> FirstDirectory {
    let administrator =
        Administrator { name: "ops".to_owned(), role: AdministratorRole::Manager, tokens: vec![SecretHash::of(TOKEN)] };
    let directory = Directory {
        name: name.to_owned(),
        tenant: TenantId::new(name),
        issuer: format!("https://sso.example.com/oauth/v4/{name}"),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: vec![administrator],
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    };
    FirstDirectory { directory, settings: DirectorySettings::default() }
}

fn call(method: Method, tenant: &str, path: &str, body: &Value) -> TestRequest {
    let request = TestRequest::default().method(method).uri(&format!("/management/v4/{tenant}{path}"));
    let request = request.insert_header(("authorization", format!("Bearer {TOKEN}")));
    if body.is_null() { request } else { request.set_json(body) }
}

/// Looks until `look` has found something.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                break found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect(what)
}

async fn status(
    app: &impl Service<actix_http::Request, Response = ServiceResponse, Error = Error>,
    tenant: &str,
) -> (u16, bool) {
    let request = call(Method::GET, tenant, "/config/cloud_directory/sso", &Value::Null);
    let answer = app.call(request.to_request()).await.unwrap();
    (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
}

#[actix_web::test]
async fn a_user_whose_creator_hangs_up_is_created_whole() {
    let stage = Stage::start().await;
    let body = json!({ "emails": [{ "value": "ben@example.com" }], "password": "a-password-of-ben" });
    stage.hang_up(Held::Write, Method::POST, "/cloud_directory/Users", &body).await;
    let tenant = TenantId::new("market");
    let settings = DirectorySettings::default();
    until("the user", async || {
        let found = stage.users.find_by_login(&tenant, &settings, "ben@example.com").await.unwrap();
        let listed = stage.users.list(&tenant, 0, 10, None).await.unwrap();
        (found.is_some() && listed.total == 1).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn what_ends_sessions_and_tokens_ends_them_although_the_administrator_hangs_up() {
    let stage = Stage::start().await;
    let id = stage.create_user().await.id;
    let sessions = format!("/cloud_directory/Users/{id}/sso/logout");
    stage.hang_up(Held::Read, Method::POST, &sessions, &Value::Null).await;
    let ended = async |count| stage.find_user(&id).await.filter(|user| user.ended_sessions == count);
    until("the end of the sessions", async || ended(1).await).await;
    stage.hang_up(Held::Read, Method::POST, &format!("/users/{id}/revoke_refresh_token"), &Value::Null).await;
    until("the end of the grants", async || ended(1).await.filter(|user| user.revoked_grants == 1)).await;
    let password = json!({ "uuid": id, "newPassword": "another-password" });
    stage.hang_up(Held::Read, Method::POST, "/cloud_directory/change_password", &password).await;
    // The sessions end before the password is written, and with it.
    until("the end of the sessions of the old password", async || ended(3).await).await;
    let disabled = json!({ "emails": [{ "value": "ada@example.com" }], "active": false });
    stage.hang_up(Held::Read, Method::PUT, &format!("/cloud_directory/Users/{id}"), &disabled).await;
    until("the user is disabled", async || stage.find_user(&id).await.filter(|user| !user.active)).await;
    stage.hang_up(Held::Read, Method::POST, "/cloud_directory/bulk_remove", &json!({ "ids": [id] })).await;
    until("the user is gone", async || stage.find_user(&id).await.is_none().then_some(())).await;
}

#[actix_web::test]
async fn settings_and_applications_are_changed_although_the_administrator_hangs_up() {
    let stage = Stage::start().await;
    let sso = json!({ "isActive": true, "inactivityTimeoutSeconds": 60, "logoutRedirectUris": [] });
    stage.hang_up(Held::Write, Method::PUT, "/config/cloud_directory/sso", &sso).await;
    let settings = || stage.directories.find("market").unwrap();
    until("single sign-on", async || settings().settings.sso.is_active.then_some(())).await;
    stage.hang_up(Held::Write, Method::POST, "/applications", &json!({ "name": "shop" })).await;
    until("the application", async || (settings().settings.applications.len() == 1).then_some(())).await;
}

#[actix_web::test]
async fn a_directory_answers_fifty_calls_a_second() {
    let stage = Stage::start().await;
    let app = init_service(App::new().configure(|routes| management::configure(routes, stage.door.clone()))).await;
    for number in 0..50 {
        assert_eq!(status(&app, "market").await, (200, false), "call {number}");
    }
    assert_eq!(status(&app, "market").await, (429, true));
    assert_eq!(status(&app, "harbour").await, (200, false), "each directory has a limit of its own");
    stage.clock.0.fetch_add(1, Ordering::SeqCst);
    assert_eq!(status(&app, "market").await, (200, false));
}
