#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::domain::{
    ClockAndEntropy, Directory, DirectorySettings, ManagedBy, OffsetClock, SharedEntropy, SystemEntropy, TenantId,
};
use crate::outbound::{MailDelivery, MailSettings};

const LINK: &str = "https://sso.example.com/oauth/v4/t/cloud_directory/link/reset_password?token=abc";

fn view() -> DirectoryView {
    let directory = Directory {
        name: "market".to_owned(),
        tenant: TenantId::new("t"),
        issuer: "https://sso.example.com/oauth/v4/t".to_owned(),
        managed_by: ManagedBy::Api,
        absolute_lifetime_seconds: None,
        sdk_all_sessions: false,
        signing_key_lifetime_seconds: 86_400,
        administrators: Vec::new(),
        login_providers: Vec::new(),
        prompts_with_login_providers: false,
        own_applications: Vec::new(),
    };
    DirectoryView { directory: Arc::new(directory), settings: DirectorySettings::default() }
}

/// A directory that writes into `folder`, and the clock of its limits.
fn open(folder: &Path) -> (DirectoryMails, Arc<OffsetClock>) {
    open_with(folder, RETRY_PAUSES)
}

fn open_with(folder: &Path, pauses: [Duration; 2]) -> (DirectoryMails, Arc<OffsetClock>) {
    let clock = Arc::new(OffsetClock::default());
    let entropy: SharedEntropy = Arc::new(SystemEntropy);
    let settings = MailSettings {
        from: "sso@example.com".to_owned(),
        delivery: MailDelivery::Outbox(folder.to_owned()),
        ca_certificates_pem: Vec::new(),
    };
    let mailer = Mailer::new(settings, ClockAndEntropy { clock: clock.clone(), entropy }).unwrap();
    (DirectoryMails::with_pauses(Some(mailer), clock.clone(), None, DirectoryCounts::default(), pauses), clock)
}

fn send(mails: &DirectoryMails, template: MailTemplate, to: &str, client: Option<&str>) {
    let client = client.map(|client| client.parse::<IpAddr>().unwrap());
    let link = Secret::new(LINK.to_owned());
    mails.send(&DirectoryMail {
        view: &view(),
        template,
        to,
        shown_name: "Ada Lovelace",
        link: Some(&link),
        language: Language::English,
        client,
        correlation_id: "mail-tests",
    });
}

/// The recipients of the messages in `folder`, oldest first.
async fn recipients(mails: &DirectoryMails, folder: &Path) -> Vec<String> {
    wait_until_idle(mails).await;
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    let recipient = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned()
    };
    files.iter().map(recipient).collect()
}

async fn wait_until_idle(mails: &DirectoryMails) {
    mails.queue.wait_for_free_places(queue::CAPACITY).await;
}

#[tokio::test]
async fn an_address_gets_three_messages_an_hour_and_a_warning_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mails, clock) = open(folder.path());
    for address in ["ada@example.com", "ADA@example.com", "Ada@Example.com", "ada@example.com", "ben@example.com"] {
        send(&mails, MailTemplate::ResetPassword, address, None);
    }
    let sent = recipients(&mails, folder.path()).await;
    assert_eq!(sent, ["ada@example.com", "ADA@example.com", "Ada@Example.com", "ben@example.com"]);
    send(&mails, MailTemplate::PasswordChanged, "ada@example.com", None);
    assert_eq!(recipients(&mails, folder.path()).await.len(), 5);
    // No more of them before the first is an hour old.
    clock.advance(Duration::from_mins(59));
    send(&mails, MailTemplate::ResetPassword, "ada@example.com", None);
    assert_eq!(recipients(&mails, folder.path()).await.len(), 5);
    clock.advance(Duration::from_mins(1));
    send(&mails, MailTemplate::ResetPassword, "ada@example.com", None);
    assert_eq!(recipients(&mails, folder.path()).await.len(), 6);
}

#[tokio::test]
async fn a_client_network_causes_thirty_messages_an_hour_and_uses_up_nothing_of_others_then() {
    let folder = tempfile::tempdir().unwrap();
    let (mails, _) = open(folder.path());
    for number in 0..31 {
        let client = format!("2001:db8:1:2::{number}");
        send(&mails, MailTemplate::UserVerification, &format!("user{number}@example.com"), Some(&client));
    }
    assert_eq!(recipients(&mails, folder.path()).await.len(), 30);
    for _ in 0..3 {
        send(&mails, MailTemplate::ResetPassword, "ada@example.com", Some("2001:db8:1:2::1"));
    }
    for _ in 0..4 {
        send(&mails, MailTemplate::ResetPassword, "ada@example.com", Some("192.0.2.7"));
    }
    let sent = recipients(&mails, folder.path()).await;
    assert_eq!(sent.iter().filter(|address| *address == "ada@example.com").count(), 3);
}

#[tokio::test]
async fn without_mail_in_the_configuration_nothing_is_sent_and_nothing_fails() {
    let mails = DirectoryMails::new(None, Arc::new(OffsetClock::default()), None, DirectoryCounts::default());
    assert!(!mails.is_configured());
    send(&mails, MailTemplate::Welcome, "ada@example.com", None);
    assert_eq!(mails.finish(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn a_message_that_waits_for_another_attempt_is_tried_at_once_when_the_process_ends() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    let (mails, _) = open(&outbox);
    send(&mails, MailTemplate::Welcome, "ada@example.com", None);
    send(&mails, MailTemplate::Welcome, "not an address", None);
    // The final failure of the second says that the first attempt of the first is over.
    mails.queue.wait_for_free_places(queue::CAPACITY - 1).await;
    std::fs::create_dir(&outbox).unwrap();
    assert_eq!(mails.finish(Duration::from_secs(30)).await, 0);
    assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), 1);
}

#[tokio::test]
async fn a_message_that_no_attempt_can_send_leaves_its_place_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    let (mails, _) = open_with(&outbox, [Duration::from_millis(1); 2]);
    send(&mails, MailTemplate::Welcome, "ada@example.com", None);
    wait_until_idle(&mails).await;
    // All three attempts of the first message are over.
    std::fs::create_dir(&outbox).unwrap();
    send(&mails, MailTemplate::Welcome, "ben@example.com", None);
    assert_eq!(recipients(&mails, &outbox).await, ["ben@example.com"]);
}

#[test]
fn every_text_in_every_language_has_its_places_filled_and_a_link_where_one_is_needed() {
    for language in [Language::English, Language::Japanese, Language::German] {
        let texts = MailTexts::find(language);
        for template in MailTemplate::ALL {
            let text = texts.find_text(template);
            let values = MailValues { name: Some("{link}"), directory: "{name}", link: LINK };
            let filled = texts.fill(text, &values);
            assert_eq!(filled.matches(LINK).count(), usize::from(template.has_link()), "{filled}");
            assert_eq!(filled.matches("{link}").count(), 1, "a value is not filled again: {filled}");
            assert_eq!(filled.matches("{name}").count(), 1, "{filled}");
            assert!(!filled.contains("{hello}") && !filled.contains("{directory}"), "{filled}");
            assert!(!text.subject.is_empty() && !text.subject.contains(['{', '\n', '\r']));
            let unnamed = texts.fill(text, &MailValues { name: None, directory: "market", link: LINK });
            assert!(!unnamed.contains(['{', '}']), "{unnamed}");
            assert!(filled.lines().all(|line| line.len() < 400), "{filled}");
        }
    }
    for template in MailTemplate::ALL {
        let is_sent_again = template != MailTemplate::AddressTaken;
        assert_eq!(MailTemplate::parse(template.name()), is_sent_again.then_some(template));
    }
    assert_eq!(MailTemplate::parse("user_verification"), None);
}
