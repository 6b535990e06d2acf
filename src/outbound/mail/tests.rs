#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::domain::{OffsetClock, SystemEntropy};

fn ambient() -> ClockAndEntropy {
    ClockAndEntropy { clock: Arc::new(OffsetClock::default()), entropy: Arc::new(SystemEntropy) }
}

fn message(to: &str) -> MailMessage {
    MailMessage {
        to: to.to_owned(),
        subject: "Bestätigen Sie Ihre Adresse".to_owned(),
        text: "Grüße\n.\nEnde\n".to_owned(),
        directory: "market".to_owned(),
    }
}

fn mailer(delivery: MailDelivery) -> Mailer {
    let settings = MailSettings { from: "sso@example.com".to_owned(), delivery, ca_certificates_pem: Vec::new() };
    Mailer::new(settings, ambient()).unwrap()
}

fn smtp(port: u16, encryption: MailEncryption) -> MailDelivery {
    MailDelivery::Smtp(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        encryption,
        credentials: None,
        hello_name: "sso.example.com".to_owned(),
        timeout: Duration::from_secs(5),
    })
}

/// Addresses in which somebody tries to have a header, another recipient or another command.
const HOSTILE_ADDRESSES: [&str; 18] = [
    "",
    "ada",
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\nBcc: eve@example.com",
    "ada@example.com\r\nDATA",
    "ada@example.com>\r\nRCPT TO:<eve@example.com",
    "ada@example.com, eve@example.com",
    "ada@example.com,eve@example.com",
    "ada@example.com;eve@example.com",
    "Ada <ada@example.com>",
    "<ada@example.com>",
    "\"ada\r\nBcc: eve@example.com\"@example.com",
    "\"a b\"@example.com",
    "ada(comment)@example.com",
    "ada@example.com\u{0}",
    "ada@example.com\u{2028}Bcc: eve@example.com",
    "ada@[127.0.0.1]",
    "ada eve@example.com",
];

#[tokio::test]
async fn an_address_with_more_than_an_address_in_it_gets_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(MailDelivery::Outbox(folder.path().to_owned()));
    for address in HOSTILE_ADDRESSES {
        assert_eq!(mailer.send(&message(address)).await, Err(MailError::Address), "{address:?}");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    assert_eq!(mailer.send(&message(&long)).await, Err(MailError::Address));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_outbox_has_a_private_file_with_our_headers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(MailDelivery::Outbox(folder.path().to_owned()));
    mailer.check().await.unwrap();
    // The subject and the text are no place for a header either.
    let mut sent = message("ada+tag@example.com");
    sent.subject = "Hello\r\nBcc: eve@example.com".to_owned();
    sent.text = "Hello Ada\r\nBcc: eve@example.com,\r\n\r\n.\r\nQUIT\r\n".to_owned();
    mailer.send(&sent).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.extension().unwrap(), "eml");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(file).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<_> = head
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split_once(':').unwrap().0.to_lowercase())
        .collect();
    names.sort_unstable();
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
    assert_eq!(names, expected, "{head}");
    assert!(head.contains("\r\nTo: ada+tag@example.com\r\n") && head.contains("From: sso@example.com\r\n"), "{head}");
    assert_eq!(body, sent.text);
}

#[tokio::test]
async fn files_of_the_outbox_are_in_the_order_of_sending() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = mailer(MailDelivery::Outbox(folder.path().to_owned()));
    for number in 0..20 {
        mailer.send(&message(&format!("user{number}@example.com"))).await.unwrap();
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    for (number, file) in files.iter().enumerate() {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(&format!("To: user{number}@example.com\r\n")), "{number} {text}");
    }
}

#[tokio::test]
async fn a_folder_that_is_away_is_an_error_of_the_outbox() {
    let folder = tempfile::tempdir().unwrap().path().join("away");
    let mailer = mailer(MailDelivery::Outbox(folder));
    let expected = Err(MailError::Outbox(std::io::ErrorKind::NotFound));
    assert_eq!(mailer.send(&message("ada@example.com")).await, expected);
    assert_eq!(mailer.check().await, expected);
}

/// A mail server that answers each line by the next of `replies`, and hands back all that it was told.
async fn scripted_server(replies: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut told = Vec::new();
        for reply in replies {
            connection.write_all(reply.as_bytes()).await.unwrap();
            read_some(&mut connection, &mut told).await;
        }
        while read_some(&mut connection, &mut told).await > 0 {}
        told
    });
    (port, told)
}

async fn read_some(connection: &mut TcpStream, told: &mut Vec<u8>) -> usize {
    let mut buffer = [0; 4096];
    let read = connection.read(&mut buffer).await.unwrap_or_default();
    told.extend_from_slice(&buffer[..read]);
    read
}

#[tokio::test]
async fn a_server_without_starttls_is_told_nothing_but_the_greeting() {
    let replies = &["220 ready\r\n", "250-mail\r\n250 AUTH PLAIN LOGIN\r\n", "221 bye\r\n"];
    let (port, told) = scripted_server(replies).await;
    let sent = mailer(smtp(port, MailEncryption::StartTls)).send(&message("ada@example.com")).await;
    assert_eq!(sent, Err(MailError::NoStartTls));
    assert_eq!(String::from_utf8(told.await.unwrap()).unwrap(), "EHLO sso.example.com\r\nQUIT\r\n");
}

#[tokio::test]
async fn what_is_added_behind_the_answer_to_starttls_does_not_count_as_said_over_tls() {
    let replies = &[
        "220 ready\r\n",
        "250-mail\r\n250 STARTTLS\r\n",
        // Somebody on the way takes all messages, in the server's name.
        "220 go ahead\r\n250 mail\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n",
    ];
    let (port, told) = scripted_server(replies).await;
    let sent = mailer(smtp(port, MailEncryption::StartTls)).send(&message("ada@example.com")).await;
    assert_eq!(sent, Err(MailError::Tls));
    let told = told.await.unwrap();
    assert!(told.starts_with(b"EHLO sso.example.com\r\nSTARTTLS\r\n"));
    assert!(!String::from_utf8_lossy(&told).contains("ada@example.com"));
}

#[tokio::test]
async fn what_a_server_does_not_offer_is_not_asked_of_it() {
    let replies = &["220 ready\r\n", "250-mail\r\n250 SIZE 1000000\r\n"];
    let (port, told) = scripted_server(replies).await;
    let sent = mailer(smtp(port, MailEncryption::None)).send(&message("jürgen@example.com")).await;
    assert_eq!(sent, Err(MailError::NotInternational));
    assert!(!String::from_utf8(told.await.unwrap()).unwrap().contains("RCPT"));

    let (port, told) = scripted_server(replies).await;
    let MailDelivery::Smtp(settings) = smtp(port, MailEncryption::None) else { panic!("of smtp") };
    let credentials = SmtpCredentials { user: "me".to_owned(), password: Secret::new("hunter2".to_owned()) };
    let mailer = mailer(MailDelivery::Smtp(SmtpSettings { credentials: Some(credentials), ..settings }));
    assert_eq!(mailer.check().await, Err(MailError::NoAuthentication));
    assert!(!String::from_utf8(told.await.unwrap()).unwrap().contains("AUTH"));
}

#[tokio::test]
async fn each_refusal_has_the_error_of_its_step() {
    const GREETED: [&str; 2] = ["220 ready\r\n", "250 mail\r\n"];
    let cases: [(&'static [&'static str], MailError); 7] = [
        (&["554 not you\r\n"], MailError::ConnectionRefused { code: 554 }),
        (&["421 busy\r\n"], MailError::Deferred { code: 421 }),
        (&["HTTP/1.1 400 Bad Request\r\n"], MailError::Broken),
        (&[GREETED[0], GREETED[1], "550 not as this sender\r\n"], MailError::SenderRefused { code: 550 }),
        (&[GREETED[0], GREETED[1], "250 ok\r\n", "550 no such user\r\n"], MailError::RecipientRefused { code: 550 }),
        (&[GREETED[0], GREETED[1], "250 ok\r\n", "451 greylisted\r\n"], MailError::Deferred { code: 451 }),
        (&[GREETED[0], GREETED[1], "250 ok\r\n", "250 ok\r\n", "554 no\r\n"], MailError::MessageRefused { code: 554 }),
    ];
    for (replies, expected) in cases {
        let (port, _told) = scripted_server(replies).await;
        let sent = mailer(smtp(port, MailEncryption::None)).send(&message("ada@example.com")).await;
        assert_eq!(sent, Err(expected), "{replies:?}");
    }
}

#[tokio::test]
async fn a_message_that_the_server_took_is_sent_even_if_the_server_says_no_farewell() {
    let replies = &["220 ready\r\n", "250 mail\r\n", "250 ok\r\n", "250 ok\r\n", "354 go on\r\n", "250 taken\r\n"];
    let (port, told) = scripted_server(replies).await;
    assert_eq!(mailer(smtp(port, MailEncryption::None)).send(&message("ada@example.com")).await, Ok(()));
    let told = String::from_utf8(told.await.unwrap()).unwrap();
    assert!(told.contains("MAIL FROM:<sso@example.com>\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n"), "{told}");
    assert!(told.is_ascii(), "servers without 8BITMIME take it, too: {told}");
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable_and_one_that_hangs_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let MailDelivery::Smtp(settings) = smtp(port, MailEncryption::Tls) else { panic!("of smtp") };
    for encryption in [MailEncryption::Tls, MailEncryption::StartTls, MailEncryption::None] {
        let timeout = Duration::from_millis(50);
        let hanging = mailer(MailDelivery::Smtp(SmtpSettings { encryption, timeout, ..settings.clone() }));
        assert_eq!(hanging.send(&message("ada@example.com")).await, Err(MailError::TimedOut), "{encryption:?}");
    }
    drop(listener);
    for encryption in [MailEncryption::Tls, MailEncryption::StartTls, MailEncryption::None] {
        let down = mailer(smtp(port, encryption));
        assert_eq!(down.send(&message("ada@example.com")).await, Err(MailError::Unreachable), "{encryption:?}");
    }
}

#[test]
fn no_two_errors_share_a_hint() {
    let errors = [
        MailError::Address,
        MailError::Unreachable,
        MailError::TimedOut,
        MailError::Tls,
        MailError::NoStartTls,
        MailError::NoAuthentication,
        MailError::CredentialsRefused { code: 535 },
        MailError::ConnectionRefused { code: 554 },
        MailError::SenderRefused { code: 550 },
        MailError::RecipientRefused { code: 550 },
        MailError::NotInternational,
        MailError::MessageRefused { code: 554 },
        MailError::Deferred { code: 451 },
        MailError::Broken,
        MailError::OutboxFull,
        MailError::Outbox(std::io::ErrorKind::NotFound),
        MailError::Settings(String::new()),
    ];
    let hints: std::collections::HashSet<_> = errors.iter().map(MailError::hint).collect();
    assert_eq!(hints.len(), errors.len());
}
