//! The acts of self-service over a store that a test reads and lets fail, with an outbox.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;

use super::management_tests::{StoppedClock, endings};
use crate::accounts::{
    Directories, DirectoryUsers, DirectoryView, FirstDirectory, HashParameters, LinkPurpose, NamedUser,
    OwnPasswordChange, PasswordHasher, SelfServiceLink, SelfServiceLinks, UserProfile,
};
use crate::domain::{
    ActionUrls, AddressConfirmation, ClockAndEntropy, Directory, DirectorySettings, DirectoryUser, IdentityField,
    ManagedBy, Secret, SelfServiceSettings, SystemEntropy, TenantId, UserEmail, UserNames, UserStatus,
};
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::self_service::service::{
    NewSignUp, SelfService, SelfServiceError, SelfServiceRequest, SelfServiceSources,
};
use crate::endpoints::directory::{DirectoryMails, MailTemplate};
use crate::inbound::SharedLimits;
use crate::observability::DirectoryCounts;
use crate::outbound::{MailDelivery, MailSettings, Mailer};
use crate::records::Records;
use crate::records::testing::{GatedStore, ThrowawayRecords, throwaway_records};

const ADA: &str = "ada@example.com";
const RIGHT: &str = "correct horse";
const NEW: &str = "battery staple";

/// The directory `market` with all of self-service.
struct Stage {
    _beneath: ThrowawayRecords,
    store: Arc<GatedStore>,
    clock: Arc<StoppedClock>,
    outbox: TempDir,
    view: Arc<DirectoryView>,
    users: DirectoryUsers,
    links: SelfServiceLinks,
    mails: DirectoryMails,
    service: SelfService,
}

fn all_on() -> SelfServiceSettings {
    SelfServiceSettings {
        enabled: true,
        sign_up: true,
        confirmation: AddressConfirmation::Required,
        welcome_mail: true,
        reset_password: true,
        password_mail: true,
        actions: ActionUrls::default(),
    }
}

impl Stage {
    async fn start(self_service: SelfServiceSettings) -> Self {
        Self::with(DirectorySettings { self_service, ..DirectorySettings::default() }).await
    }

    async fn with(settings: DirectorySettings) -> Self {
        let beneath = throwaway_records();
        let store = GatedStore::new(beneath.store.clone());
        let records = Records::new(store.clone(), beneath.sealer.clone(), beneath.shared_clock.clone());
        let clock = Arc::<StoppedClock>::default();
        let ambient = ClockAndEntropy { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        let first = FirstDirectory { directory: market(), settings };
        let directories = Directories::open(&records, vec![first]).await.unwrap();
        let parameters = HashParameters { memory_kib: 8, passes: 1 };
        let hasher = PasswordHasher::start(parameters, ambient.entropy.clone());
        let users = DirectoryUsers::new(&records, hasher, ambient.clone());
        let links = SelfServiceLinks::new(&records, ambient.clone());
        let outbox = tempfile::tempdir().unwrap();
        let delivery = MailDelivery::Outbox(outbox.path().to_owned());
        let settings = MailSettings { from: "sso@example.com".to_owned(), delivery, ca_certificates_pem: Vec::new() };
        let mailer = Mailer::new(settings, ambient.clone()).unwrap();
        let counts = DirectoryCounts::default();
        let mails = DirectoryMails::new(Some(mailer), ambient.clock.clone(), None, counts.clone());
        let sources = SelfServiceSources {
            directories: directories.clone(),
            users: users.clone(),
            links: links.clone(),
            mails: mails.clone(),
            endings: endings(&records, &directories, &users, &ambient).await,
            counts,
            shared_limits: SharedLimits::new(&records, ambient.clock.clone()),
        };
        let service = SelfService::new(sources, ambient.clock.clone());
        let view = directories.find("market").unwrap();
        Self { _beneath: beneath, store, clock, outbox, view, users, links, mails, service }
    }

    async fn create(&self, name: &str) -> DirectoryUser {
        let written = UserProfile { status: Some(UserStatus::Confirmed), ..profile(name) };
        self.users.create(self.tenant(), &self.view.settings, written, &Secret::from(RIGHT)).await.unwrap()
    }

    async fn sign_up(&self, profile: UserProfile) -> Result<Option<DirectoryUser>, SelfServiceError> {
        let new = NewSignUp { profile, password: Secret::from(RIGHT) };
        self.service.sign_up(&self.view, new, &request()).await
    }

    async fn find(&self, id: &str) -> DirectoryUser {
        self.users.find(self.tenant(), id).await.unwrap().unwrap()
    }

    /// The secret of a link that a message to `user` would have.
    async fn draw(&self, user: &DirectoryUser, purpose: LinkPurpose) -> String {
        let link = SelfServiceLink {
            purpose,
            user_id: user.id.clone(),
            address: user.email().map(str::to_owned),
            password_changes: user.password_changes,
            client_id: None,
            return_to: None,
            grant_id: None,
        };
        self.links.draw(self.tenant(), &link).await.unwrap().expose().to_owned()
    }

    async fn reset(&self, secret: &str, password: &str) -> Result<DirectoryUser, SelfServiceError> {
        self.service.reset_password(&self.view, secret, &Secret::from(password), &request()).await
    }

    fn tenant(&self) -> &TenantId {
        &self.view.directory.tenant
    }

    /// All messages, oldest first: the lines of each without what lettre adds.
    async fn messages(&self) -> Vec<String> {
        assert_eq!(self.mails.finish(Duration::from_mins(1)).await, 0);
        let mut files: Vec<_> =
            std::fs::read_dir(self.outbox.path()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort_unstable();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// The recipients and subjects of all messages.
    async fn subjects(&self) -> Vec<String> {
        let find = |message: &str, name: &str| {
            message.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
        };
        let messages = self.messages().await;
        messages.iter().map(|text| format!("{}: {}", find(text, "To: "), find(text, "Subject: "))).collect()
    }
}

pub(super) fn market() -> Directory {
    Directory {
        name: "market".to_owned(),
        tenant: TenantId::new("market"),
        issuer: "https://sso.example.com/oauth/v4/market".to_owned(),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    }
}

fn profile(name: &str) -> UserProfile {
    UserProfile {
        user_name: None,
        emails: vec![UserEmail { value: format!("{name}@example.com"), primary: true }],
        names: UserNames { display: Some(name.to_owned()), ..UserNames::default() },
        active: None,
        status: None,
    }
}

fn request() -> SelfServiceRequest<'static> {
    SelfServiceRequest {
        correlation_id: "self-service-tests",
        client: Some(IpAddr::from([192, 0, 2, 7])),
        language: Language::English,
        administrator: None,
        application: Some("shop"),
        return_to: Some("client_id=shop"),
    }
}

fn of_administrator() -> SelfServiceRequest<'static> {
    SelfServiceRequest { administrator: Some("ops"), application: None, return_to: None, ..request() }
}

#[track_caller]
fn assert_ended<T: std::fmt::Debug>(outcome: &Result<T, SelfServiceError>) {
    assert!(matches!(outcome, Err(SelfServiceError::LinkEnded)), "{outcome:?}");
}

#[tokio::test]
async fn a_stranger_signs_up_and_confirms_the_address_by_the_link_of_the_message_once() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.sign_up(profile("ada")).await.unwrap().unwrap();
    assert_eq!(ada.status, UserStatus::Pending);
    let secret = stage.draw(&ada, LinkPurpose::ConfirmAddress).await;
    let used = stage.service.confirm(&stage.view, &secret, &request()).await.unwrap();
    assert_eq!(used.next, None);
    assert_eq!(stage.find(&ada.id).await.status, UserStatus::Confirmed);
    assert_ended(&stage.service.confirm(&stage.view, &secret, &request()).await);
    let messages = stage.messages().await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    let link = messages[0].lines().find(|line| line.starts_with("https://")).unwrap();
    let expected = "https://sso.example.com/oauth/v4/market/cloud_directory/link/confirm?token=";
    let (token, language) = link.strip_prefix(expected).unwrap().split_once("&language=").unwrap();
    assert_eq!(language, "en");
    let of_message = stage.links.find(stage.tenant(), LinkPurpose::ConfirmAddress, token).await.unwrap().unwrap();
    assert_eq!((of_message.user_id, of_message.return_to.as_deref()), (ada.id, Some("client_id=shop")));
    assert!(messages[1].contains("Subject: Welcome"), "{}", messages[1]);
}

#[tokio::test]
async fn a_sign_up_with_an_address_that_is_taken_is_answered_like_any_other_and_its_owner_is_told() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    let mut reads = Vec::new();
    for name in ["ADA", "ben"] {
        let before = stage.store.reads.load(Ordering::SeqCst);
        let created = stage.sign_up(profile(name)).await.unwrap();
        reads.push(stage.store.reads.load(Ordering::SeqCst) - before);
        assert_eq!(created.is_some(), name == "ben");
    }
    assert_eq!(reads[0], reads[1]);
    assert_eq!(stage.find(&ada.id).await, ada);
    let to_administrator = NewSignUp { profile: profile("ada"), password: Secret::from(RIGHT) };
    let told = stage.service.sign_up(&stage.view, to_administrator, &of_administrator()).await;
    assert!(matches!(told, Err(SelfServiceError::Taken)), "{told:?}");
    let expected = ["ada@example.com: You already have an account", "ben@example.com: Confirm your e-mail address"];
    assert_eq!(stage.subjects().await, expected);
}

#[tokio::test]
async fn a_second_sign_up_with_an_address_that_waits_for_confirmation_sends_no_second_link() {
    for reset_password in [false, true] {
        let stage = Stage::start(SelfServiceSettings { reset_password, ..all_on() }).await;
        assert!(stage.sign_up(profile("ada")).await.unwrap().is_some());
        assert_eq!(stage.sign_up(profile("ada")).await.unwrap(), None);
        let messages = stage.messages().await;
        let with = |part: &str| messages.iter().filter(|text| text.contains(part)).count();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(
            (with("/cloud_directory/link/confirm"), with("You already have an account")),
            (1, 1),
            "{messages:?}"
        );
    }
}

#[tokio::test]
async fn a_taken_user_name_is_told_and_a_taken_address_is_not_where_users_sign_in_by_names() {
    let settings = DirectorySettings {
        identity_field: IdentityField::UserName,
        self_service: all_on(),
        ..DirectorySettings::default()
    };
    let stage = Stage::with(settings).await;
    let named = |name: &str, address: &str| UserProfile { user_name: Some(name.to_owned()), ..profile(address) };
    stage.sign_up(named("ada", "ada")).await.unwrap().unwrap();
    let same_name = stage.sign_up(named("Ada", "other")).await;
    assert!(matches!(same_name, Err(SelfServiceError::Taken)), "{same_name:?}");
    assert_eq!(stage.sign_up(named("other", "ada")).await.unwrap(), None);
}

#[tokio::test]
async fn a_network_signs_up_and_asks_for_passwords_thirty_times_an_hour_each_and_administrators_have_no_such_limit() {
    let stage = Stage::start(all_on()).await;
    let forget =
        async |request: &SelfServiceRequest<'_>| stage.service.forgot_password(&stage.view, "eve", request).await;
    let is_limited = |outcome: Result<(), SelfServiceError>| match outcome {
        Err(SelfServiceError::TooMany { retry_after }) => retry_after > 0,
        _ => false,
    };
    for number in 0..30 {
        stage.sign_up(profile(&format!("u{number}"))).await.unwrap();
        forget(&request()).await.unwrap();
    }
    assert!(is_limited(stage.sign_up(profile("ada")).await.map(|_| ())));
    assert!(is_limited(forget(&request()).await));
    forget(&of_administrator()).await.unwrap();
    forget(&SelfServiceRequest { client: Some(IpAddr::from([198, 51, 100, 1])), ..request() }).await.unwrap();
    stage.clock.0.fetch_add(3600, Ordering::SeqCst);
    assert!(stage.sign_up(profile("ada")).await.unwrap().is_some());
}

#[tokio::test]
async fn who_has_forgotten_the_password_gets_a_link_and_others_cost_as_much_and_get_none() {
    let stage = Stage::start(all_on()).await;
    stage.create("ada").await;
    let disabled = stage.create("ben").await;
    let written = UserProfile { active: Some(false), ..profile("ben") };
    stage.users.replace(stage.tenant(), &stage.view.settings, &disabled.id, written, None).await.unwrap();
    let mut reads = Vec::new();
    for login in [ADA, "ben@example.com", "nobody@example.com"] {
        let before = stage.store.reads.load(Ordering::SeqCst);
        stage.service.forgot_password(&stage.view, login, &request()).await.unwrap();
        reads.push(stage.store.reads.load(Ordering::SeqCst) - before);
    }
    assert!(reads.iter().all(|count| *count == reads[0]), "{reads:?}");
    stage.store.puts_fail.store(true, Ordering::SeqCst);
    for login in [ADA, "nobody@example.com"] {
        let failed = stage.service.forgot_password(&stage.view, login, &request()).await;
        assert!(matches!(failed, Err(SelfServiceError::Unavailable)), "{login} writes");
    }
    assert_eq!(stage.subjects().await, ["ada@example.com: Set a new password"]);
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_a_password_that_is_refused_does_not_use_it_up() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    let (first, second) =
        (stage.draw(&ada, LinkPurpose::ResetPassword).await, stage.draw(&ada, LinkPurpose::ResetPassword).await);
    assert!(matches!(stage.reset(&first, "short").await, Err(SelfServiceError::BadPassword(_))));
    assert_eq!(stage.find(&ada.id).await, ada, "nothing has ended");
    let user = stage.reset(&first, NEW).await.unwrap();
    assert!(user.ended_sessions > ada.ended_sessions && user.revoked_grants > ada.revoked_grants);
    assert_ended(&stage.reset(&first, "third password").await);
    assert_ended(&stage.reset(&second, "third password").await);
    let confirming = stage.draw(&ada, LinkPurpose::ConfirmAddress).await;
    assert_ended(&stage.reset(&confirming, "third password").await);
    assert_eq!(stage.find(&ada.id).await, user);
    assert_eq!(stage.subjects().await, ["ada@example.com: Your password was changed"]);
}

#[tokio::test]
async fn a_link_to_an_address_that_the_user_has_no_longer_is_worth_nothing() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    let reset = stage.draw(&ada, LinkPurpose::ResetPassword).await;
    let confirm = stage.draw(&ada, LinkPurpose::ConfirmAddress).await;
    let (tenant, settings) = (stage.tenant(), &stage.view.settings);
    stage.users.replace(tenant, settings, &ada.id, profile("moved"), None).await.unwrap();
    assert_ended(&stage.reset(&reset, NEW).await);
    assert_ended(&stage.service.confirm(&stage.view, &confirm, &request()).await);
    stage
        .users
        .replace(tenant, settings, &ada.id, UserProfile { active: Some(false), ..profile("ada") }, None)
        .await
        .unwrap();
    assert_ended(&stage.reset(&reset, NEW).await);
    stage.users.delete(tenant, &ada.id).await.unwrap();
    assert_ended(&stage.reset(&reset, NEW).await);
    assert_ended(&stage.service.confirm(&stage.view, &confirm, &request()).await);
    for text in ["", "x", &"0".repeat(64)] {
        assert_ended(&stage.reset(text, NEW).await);
    }
}

#[tokio::test]
async fn a_link_leads_on_to_the_operators_page_whose_context_is_told_once() {
    let actions = ActionUrls {
        user_verified: Some("https://app.example/verified?a=b".to_owned()),
        reset_password: Some("https://app.example/reset".to_owned()),
    };
    let stage = Stage::start(SelfServiceSettings { actions, ..all_on() }).await;
    let ada = stage.create("ada").await;
    let ben = stage.sign_up(profile("ben")).await.unwrap().unwrap();
    let secret = stage.draw(&ben, LinkPurpose::ResetPassword).await;
    assert!(stage.service.permit_reset(&stage.view, &secret, &request()).await.is_ok());
    assert_eq!(stage.find(&ben.id).await.status, UserStatus::Confirmed);
    let secret = stage.draw(&ada, LinkPurpose::ConfirmAddress).await;
    let next = stage.service.confirm(&stage.view, &secret, &request()).await.unwrap().next.unwrap();
    assert!(next.starts_with("https://app.example/verified?a=b&context="), "{next}");
    let secret = stage.draw(&ada, LinkPurpose::ResetPassword).await;
    let next = stage.service.permit_reset(&stage.view, &secret, &request()).await.unwrap().next.unwrap();
    let context =
        next.strip_prefix("https://app.example/reset?context=").unwrap().strip_suffix("&language=en").unwrap();
    assert_ended(&stage.service.permit_reset(&stage.view, &secret, &request()).await);
    assert_ended(&stage.reset(&secret, NEW).await);
    let told = async |purpose| stage.service.take_context(&stage.view, purpose, context).await.unwrap();
    assert_eq!(told(LinkPurpose::ConfirmAddress).await, None);
    assert_eq!(told(LinkPurpose::ResetPassword).await.unwrap().user_id, ada.id);
    assert_eq!(told(LinkPurpose::ResetPassword).await, None);
    assert_eq!(stage.find(&ada.id).await.ended_sessions, ada.ended_sessions);
}

#[tokio::test]
async fn the_context_of_a_link_for_a_password_ends_with_what_ends_the_link() {
    let actions = ActionUrls { user_verified: None, reset_password: Some("https://app.example/reset".to_owned()) };
    let stage = Stage::start(SelfServiceSettings { actions, ..all_on() }).await;
    let (tenant, settings) = (stage.tenant(), &stage.view.settings);
    for case in ["nothing", "password", "address", "disabled", "deleted"] {
        let user = stage.create(case).await;
        let secret = stage.draw(&user, LinkPurpose::ResetPassword).await;
        let next = stage.service.permit_reset(&stage.view, &secret, &request()).await.unwrap().next.unwrap();
        let (_, context) = next.split_once("context=").unwrap();
        let (context, _) = context.split_once('&').unwrap();
        let written = match case {
            "address" => Some(profile("moved")),
            "disabled" => Some(UserProfile { active: Some(false), ..profile(case) }),
            _ => None,
        };
        if let Some(written) = written {
            stage.users.replace(tenant, settings, &user.id, written, None).await.unwrap();
        } else if case == "password" {
            stage.users.set_password(tenant, &settings.passwords, &user.id, &Secret::from(NEW)).await.unwrap();
        } else if case == "deleted" {
            assert!(stage.users.delete(tenant, &user.id).await.unwrap());
        }
        let told = stage.service.take_context(&stage.view, LinkPurpose::ResetPassword, context).await.unwrap();
        assert_eq!(told.is_some(), case == "nothing", "{case}");
    }
}

#[tokio::test]
async fn without_a_page_of_the_operator_a_link_for_a_password_stays_good() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    let secret = stage.draw(&ada, LinkPurpose::ResetPassword).await;
    let permitted = stage.service.permit_reset(&stage.view, &secret, &request()).await;
    assert!(matches!(permitted, Err(SelfServiceError::SwitchedOff)), "{permitted:?}");
    assert!(stage.reset(&secret, NEW).await.is_ok());
}

#[tokio::test]
async fn a_user_changes_the_password_by_the_present_one_and_is_told_by_a_message() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    let change = async |id: &str, old: &str| {
        let change =
            OwnPasswordChange { user: NamedUser::Id(id.to_owned()), old: Secret::from(old), new: Secret::from(NEW) };
        stage.service.change_password(&stage.view, &change, &request()).await
    };
    for (id, old) in [(ada.id.as_str(), "wrong"), ("unknown", RIGHT)] {
        let refused = change(id, old).await;
        assert!(matches!(refused, Err(SelfServiceError::PasswordRefused)), "{refused:?}");
    }
    assert!(change(&ada.id, RIGHT).await.unwrap().ended_sessions > ada.ended_sessions);
    assert_eq!(stage.subjects().await, ["ada@example.com: Your password was changed"]);
}

#[tokio::test]
async fn what_the_directory_has_switched_off_users_cannot_do_and_administrators_can() {
    let stage = Stage::start(SelfServiceSettings::default()).await;
    let ada = stage.create("ada").await;
    let secret = stage.draw(&ada, LinkPurpose::ResetPassword).await;
    let names = || UserNames { display: Some("Ada L.".to_owned()), ..UserNames::default() };
    let refused = [
        stage.sign_up(profile("ben")).await.map(|_| ()),
        stage.service.forgot_password(&stage.view, ADA, &request()).await,
        stage.reset(&secret, NEW).await.map(|_| ()),
        stage.service.change_names(&stage.view, &ada.id, names(), &request()).await.map(|_| ()),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(SelfServiceError::SwitchedOff)), "{refused:?}");
    }
    assert_eq!(stage.find(&ada.id).await, ada);
    let administrator = of_administrator();
    let new = NewSignUp { profile: profile("ben"), password: Secret::from(RIGHT) };
    assert!(stage.service.sign_up(&stage.view, new, &administrator).await.unwrap().is_some());
    stage.service.forgot_password(&stage.view, ADA, &administrator).await.unwrap();
    assert!(stage.service.change_names(&stage.view, &ada.id, names(), &administrator).await.is_ok());
    assert_eq!(stage.subjects().await, ["ada@example.com: Set a new password"]);
}

#[tokio::test]
async fn an_administrator_sends_a_message_again_with_a_new_link() {
    let stage = Stage::start(all_on()).await;
    let ada = stage.create("ada").await;
    for template in [MailTemplate::UserVerification, MailTemplate::Welcome, MailTemplate::ResetPassword] {
        stage.service.resend(&stage.view, template, &ada.id, &of_administrator()).await.unwrap();
    }
    let unknown = stage.service.resend(&stage.view, MailTemplate::Welcome, "unknown", &of_administrator()).await;
    assert!(matches!(unknown, Err(SelfServiceError::UnknownUser)));
    let messages = stage.messages().await;
    let links: Vec<_> = messages.iter().filter(|text| text.contains("/cloud_directory/link/")).collect();
    assert_eq!((messages.len(), links.len()), (3, 2));
}
