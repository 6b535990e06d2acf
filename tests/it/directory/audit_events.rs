//! Every event of directories in the audit stream, caused for real (docs/operating.md §Audit stream).

use bot_sso::observability::AuditEvent;
use serde_json::{Value, json};

use super::fixture::{ADA, Administrator, BEN, Directories, MARKET, SHOP, SIGNED_OUT, Setup, encoded};
use super::logout::sso_logout;
use crate::harness::waiting::wait_for;

/// Three wrong passwords lock a user.
const LOCKOUT: &str = "[directories.market.passwords]\nlockout = { attempts = 3, seconds = 60 }\n";

struct Stage {
    directories: Directories,
    ada: String,
    ben: String,
}

impl Stage {
    async fn manage(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.directories.manage(&MARKET, method, path, &body).await;
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Sign-ins, refused ones, a sign-out in the browser, and what is used twice.
    async fn use_apps(&self) {
        let directories = &self.directories;
        let mut browser = directories.browser();
        let arrival = browser.sign_in(&SHOP, &ADA).await;
        let tokens = directories.redeem(&SHOP, &arrival.code).await;
        let old = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(directories.refresh(&SHOP, old).await.status, 200);
        assert_eq!(directories.refresh(&SHOP, old).await.status, 400);
        let again =
            [("grant_type", "authorization_code"), ("code", &arrival.code), ("redirect_uri", SHOP.redirect_uri)];
        assert_eq!(directories.token(&SHOP, &again).await.status, 400);
        let address = sso_logout(&[("redirect_uri", SIGNED_OUT), ("client_id", SHOP.client_id)]);
        assert_eq!(browser.get(&address).await.status, 302);
        for _ in 0..12 {
            let wrong = [("grant_type", "password"), ("username", BEN.email), ("password", "wrong")];
            assert!(matches!(directories.token(&SHOP, &wrong).await.status, 400 | 429));
        }
    }

    async fn administer_users(&self) {
        let Self { ada, ben, .. } = self;
        self.manage("POST", &format!("/cloud_directory/Users/{ada}/sso/logout"), Value::Null).await;
        self.manage("POST", &format!("/users/{ada}/revoke_refresh_token"), Value::Null).await;
        let emails = json!([{ "value": ADA.email, "primary": true }]);
        let renamed = json!({ "emails": emails, "displayName": "Ada" });
        self.manage("PUT", &format!("/cloud_directory/Users/{ada}"), renamed).await;
        let disabled = json!({ "emails": emails, "active": false });
        self.manage("PUT", &format!("/cloud_directory/Users/{ada}"), disabled).await;
        let renewed = json!({ "uuid": ben, "newPassword": "another-password-of-the-directory" });
        self.manage("POST", "/cloud_directory/change_password", renewed).await;
        self.manage("DELETE", &format!("/cloud_directory/Users/{ben}"), Value::Null).await;
    }

    async fn administer_settings(&self) {
        self.manage("GET", "/config/cloud_directory/sso", Value::Null).await;
        let sso = json!({ "isActive": true, "inactivityTimeoutSeconds": 60, "logoutRedirectUris": [] });
        self.manage("PUT", "/config/cloud_directory/sso", sso).await;
        self.manage("PUT", "/config/redirect_uris", json!({ "redirectUris": [] })).await;
        let made = self.manage("POST", "/applications", json!({ "name": "new", "type": "regularwebapp" })).await;
        let path = format!("/applications/{}", made["clientId"].as_str().unwrap());
        self.manage("PUT", &path, json!({ "name": "newer" })).await;
        self.manage("DELETE", &path, Value::Null).await;
        let reader = Administrator { directory: &MARKET, role: "reader" };
        assert_eq!(self.directories.manage_as(reader, "DELETE", &path, &Value::Null).await.status, 403);
        let key = MARKET.administrator("manager");
        let form = [("grant_type", "urn:ibm:params:oauth:grant-type:apikey"), ("apikey", key.as_str())];
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let body = encoded(&form).into_bytes();
        assert_eq!(self.directories.harness.send("POST", "/identity/token", &headers, body).await.status, 200);
    }
}

/// The fields that the line of each event has beside the tenant; `true` stands for any value. The order is that of the vocabulary.
fn expected_lines(stage: &Stage) -> Vec<(AuditEvent, Value)> {
    let user = |id: &str| format!("cloud_directory:{}/{id}", MARKET.tenant);
    let (ada, ben) = (user(&stage.ada), user(&stage.ben));
    let by_app = |user: &str| json!({ "user": user, "application": SHOP.client_id, "correlation_id": true });
    let by_manager = json!({ "administrator": "manager-of-market", "correlation_id": true, "client": true });
    let of_manager = |user: &str| {
        let mut fields = by_manager.clone();
        fields["user"] = user.into();
        fields
    };
    vec![
        (AuditEvent::DirectorySignedIn, by_app(&ada)),
        (AuditEvent::DirectorySignInRefused, {
            let mut fields = by_app(&ben);
            fields["detail"] = "wrong_password".into();
            fields
        }),
        (AuditEvent::DirectorySignInsLimited, json!({ "application": SHOP.client_id, "detail": "user" })),
        (AuditEvent::DirectoryUserLocked, by_app(&ben)),
        (AuditEvent::DirectorySignedOut, by_app(&ada)),
        (AuditEvent::DirectorySessionsEnded, of_manager(&ada)),
        (AuditEvent::DirectoryGrantsRevoked, of_manager(&ada)),
        (AuditEvent::DirectoryRefreshTokenReused, by_app(&ada)),
        (AuditEvent::DirectoryCodeReplayed, by_app(&ada)),
        (AuditEvent::DirectorySsoRead, by_manager.clone()),
        (AuditEvent::DirectorySsoUpdated, by_manager.clone()),
        (AuditEvent::DirectorySettingsUpdated, by_manager.clone()),
        (AuditEvent::DirectoryApplicationCreated, by_manager.clone()),
        (AuditEvent::DirectoryApplicationUpdated, by_manager.clone()),
        (AuditEvent::DirectoryApplicationDeleted, by_manager.clone()),
        (AuditEvent::DirectoryUserCreated, of_manager(&ada)),
        (AuditEvent::DirectoryUserUpdated, of_manager(&ada)),
        (AuditEvent::DirectoryUserDisabled, of_manager(&ada)),
        (AuditEvent::DirectoryUserDeleted, of_manager(&ben)),
        (AuditEvent::DirectoryPasswordSet, of_manager(&ben)),
        (AuditEvent::DirectoryAdministratorRefused, json!({ "correlation_id": true })),
        (AuditEvent::DirectoryAdministratorTokenIssued, json!({ "administrator": "manager-of-market" })),
        (AuditEvent::DirectoryKeyRotated, json!({})),
    ]
}

/// The events that the tests of their own doors show, and the text of such a test.
const SHOWN_ELSEWHERE: [(AuditEvent, &str); 13] = [
    (AuditEvent::DirectorySignedInByProvider, include_str!("providers/sign_in.rs")),
    (AuditEvent::DirectoryLogoutNoticeFailed, include_str!("back_channel.rs")),
    (AuditEvent::DirectoryIdentityLinked, include_str!("providers/links.rs")),
    (AuditEvent::DirectoryIdentityUnlinked, include_str!("providers/links.rs")),
    (AuditEvent::DirectorySignedUp, include_str!("management/self_service.rs")),
    (AuditEvent::DirectorySignUpRefused, include_str!("management/self_service.rs")),
    (AuditEvent::DirectoryAddressConfirmed, include_str!("web_apps/real_self_service.rs")),
    (AuditEvent::DirectoryPasswordResetAsked, include_str!("management/self_service.rs")),
    (AuditEvent::DirectoryLinkRefused, include_str!("self_service/links.rs")),
    (AuditEvent::DirectoryMessageSent, include_str!("management/self_service.rs")),
    (AuditEvent::DirectoryPasswordReset, include_str!("self_service/forgotten_password.rs")),
    (AuditEvent::DirectoryPasswordChanged, include_str!("self_service/own_password.rs")),
    (AuditEvent::DirectoryDetailsChanged, include_str!("self_service/details.rs")),
];

fn has_fields(line: &Value, fields: &Value) -> bool {
    fields.as_object().unwrap().iter().all(|(name, value)| {
        let found = &line[name];
        found == value || (*value == json!(true) && !found.is_null())
    })
}

#[tokio::test]
async fn each_event_of_a_directory_is_a_line_with_its_fields_when_it_happens() {
    let directories = Directories::with(Setup { tables: LOCKOUT, ..Setup::default() }).await;
    let (ada, ben) = (directories.create_user(&MARKET, &ADA).await, directories.create_user(&MARKET, &BEN).await);
    let mut stage = Stage { directories, ada, ben };
    stage.use_apps().await;
    stage.administer_users().await;
    stage.administer_settings().await;
    stage.directories.pass(91 * 86_400);
    stage.directories.restart().await;
    let expected = expected_lines(&stage);
    let listed: Vec<AuditEvent> = expected.iter().map(|(event, _)| *event).collect();
    for (event, test) in SHOWN_ELSEWHERE {
        assert!(test.contains(&format!("\"{}\"", event.name())), "{}", event.name());
    }
    let is_shown_here = |event: &AuditEvent| SHOWN_ELSEWHERE.iter().all(|(elsewhere, _)| elsewhere != event);
    let all = AuditEvent::ALL.iter().map(|(event, _)| *event).filter(|event| event.name().starts_with("directory_"));
    assert_eq!(listed, all.filter(is_shown_here).collect::<Vec<_>>(), "each event has its row");
    for (event, fields) in expected {
        let found = wait_for(event.name(), async || {
            let lines = stage.directories.audit_lines(Some("")).into_iter();
            let mut of_event = lines.filter(|line| line["event"] == event.name() && line["tenant"] == MARKET.tenant);
            of_event.find(|line| has_fields(line, &fields))
        });
        assert_eq!(found.await["security"], event.is_security(), "{}", event.name());
    }
    let text: Vec<String> = stage.directories.audit_lines(None).iter().map(Value::to_string).collect();
    for secret in ["eyJ", ADA.password, ADA.email, BEN.email, &MARKET.administrator("manager")] {
        assert!(!text.iter().any(|line| line.contains(secret)), "{secret}");
    }
}
