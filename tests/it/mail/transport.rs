//! What a mail server is told, and what becomes of a message that it does not take.

use std::collections::BTreeSet;
use std::time::Duration;

use bot_sso::domain::Secret;
use bot_sso::outbound::{MailEncryption, MailError, SmtpSettings};

use super::fixture::{MailServer, PASSWORD, client, message, send, with_password};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn a_message_arrives_whole_in_each_mode_of_encryption_with_our_headers_alone() {
    for (encryption, name) in
        [(MailEncryption::StartTls, "starttls"), (MailEncryption::Tls, "tls"), (MailEncryption::None, "none")]
    {
        let server = MailServer::start_with_user(&format!("smtp-{name}"), name).await;
        let client = server.client(with_password(server.settings(encryption), PASSWORD));
        client.check().await.unwrap();
        assert_eq!(server.told("message").len(), 0, "a check sends nothing");
        send(&client, ADA).await.unwrap();
        let messages = server.told("message");
        let [arrived] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!(arrived["sender"], "sign-in@example.com");
        assert_eq!(arrived["recipients"], serde_json::json!([ADA]));
        assert_eq!(arrived["to"], ADA);
        let headers: BTreeSet<_> =
            arrived["headers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_lowercase()).collect();
        let expected = [
            "auto-submitted",
            "content-transfer-encoding",
            "content-type",
            "date",
            "from",
            "message-id",
            "mime-version",
            "subject",
            "to",
            "x-bot-sso-directory",
        ];
        assert_eq!(headers, BTreeSet::from(expected.map(str::to_owned)));
        let sent = message(ADA);
        assert_eq!(arrived["subject"], sent.subject);
        assert_eq!(arrived["text"], sent.text.replace("https://sso.example.com/link?token=abc", "<link>"));
        assert_eq!(arrived["content_type"], "text/plain; charset=\"utf-8\"");
        assert_eq!(arrived["ascii"], true);
        assert_eq!(arrived["authenticated"], true);
        assert_eq!(arrived["encrypted"], encryption != MailEncryption::None);
        assert!(server.told("greeting").iter().all(|greeting| greeting["name"] == "sso.example.com"));
        assert!(server.told("authentication").iter().all(|shown| shown["accepted"] == true));
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_a_password_nor_a_message() {
    let server = MailServer::start_with_user("smtp-without-starttls", "none").await;
    let settings = with_password(server.settings(MailEncryption::StartTls), PASSWORD);
    assert_eq!(send(&server.client(settings), ADA).await, Err(MailError::NoStartTls));
    assert_eq!((server.told("authentication").len(), server.told("message").len()), (0, 0));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_or_not_of_its_name_gets_nothing() {
    for (encryption, name) in [(MailEncryption::StartTls, "starttls"), (MailEncryption::Tls, "tls")] {
        let server = MailServer::start_with_user(&format!("smtp-untrusted-{name}"), name).await;
        let settings = with_password(server.settings(encryption), PASSWORD);
        assert_eq!(send(&client(settings.clone(), Vec::new()), ADA).await, Err(MailError::Tls));
        let other_name = SmtpSettings { host: "localhost".to_owned(), ..settings };
        assert_eq!(send(&server.client(other_name), ADA).await, Err(MailError::Tls));
        assert_eq!((server.told("authentication").len(), server.told("message").len()), (0, 0));
    }
}

#[tokio::test]
async fn a_mode_that_does_not_fit_the_port_is_named_and_sends_nothing() {
    let server = MailServer::start("smtp-other-mode", "starttls", &[]).await;
    let settings = server.settings(MailEncryption::Tls);
    assert_eq!(send(&server.client(settings), ADA).await, Err(MailError::Tls));
    let server = MailServer::start("smtp-tls-alone", "tls", &[]).await;
    // Both wait for the other to begin.
    let settings = SmtpSettings { timeout: Duration::from_millis(500), ..server.settings(MailEncryption::StartTls) };
    assert_eq!(send(&server.client(settings), ADA).await, Err(MailError::TimedOut));
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_one_that_replaces_it_serves() {
    let server = MailServer::start_with_user("smtp-password", "starttls").await;
    let client = server.client(with_password(server.settings(MailEncryption::StartTls), "wrong"));
    assert_eq!(send(&client, ADA).await, Err(MailError::CredentialsRefused { code: 535 }));
    assert_eq!(client.check().await, Err(MailError::CredentialsRefused { code: 535 }));
    client.replace_password(&Secret::new(PASSWORD.to_owned()));
    assert_eq!(send(&client, ADA).await, Ok(()));
    assert!(server.told("authentication").iter().all(|shown| shown["encrypted"] == true));
}

#[tokio::test]
async fn a_refused_recipient_is_final_and_a_greylisted_one_is_not() {
    let more = [("REFUSED", "gone@example.com"), ("GREYLISTED", "new@example.com")];
    let server = MailServer::start("smtp-recipients", "starttls", &more).await;
    let client = server.client(server.settings(MailEncryption::StartTls));
    let refused = send(&client, "gone@example.com").await.unwrap_err();
    assert_eq!((&refused, refused.may_pass()), (&MailError::RecipientRefused { code: 550 }, false));
    let deferred = send(&client, "new@example.com").await.unwrap_err();
    assert_eq!((&deferred, deferred.may_pass()), (&MailError::Deferred { code: 451 }, true));
    assert_eq!(send(&client, "new@example.com").await, Ok(()));
    assert_eq!(server.told("message").len(), 1);
}

#[tokio::test]
async fn an_address_outside_ascii_arrives_at_a_server_that_takes_it() {
    let server = MailServer::start("smtp-international", "starttls", &[]).await;
    let client = server.client(server.settings(MailEncryption::StartTls));
    assert_eq!(send(&client, "jürgen@example.com").await, Ok(()));
    assert_eq!(server.told("message")[0]["recipients"], serde_json::json!(["jürgen@example.com"]));
}
