//! What becomes of a message that a directory sends by a real mail server, and what the log says of it.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::fixture::{ADA, BEN, Directories, MARKET, Setup};
use crate::harness::logs;
use crate::harness::waiting::wait_for;
use crate::mail::fixture::{MailServer, PASSWORD, mail_section};

const RESET: &str = "[directories.market.self_service]\nenabled = true\nreset_password = true\n";

async fn started(mail: &str) -> Directories {
    let setup = Setup { mail: format!("{RESET}{mail}"), ..Setup::default() };
    let directories = Directories::with(setup).await;
    directories.create_user(&MARKET, &ADA).await;
    directories
}

/// Asks for the message by which `address` gets a new password.
async fn ask(directories: &Directories, address: &str) {
    let body = json!({ "user": address });
    let answer = directories.manage(&MARKET, "POST", "/cloud_directory/forgot_password", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The lines of the log about messages of this application, once one of them has `message`.
async fn lines(directories: &Directories, message: &str) -> Vec<Value> {
    wait_for(message, async || {
        let text = logs::text();
        let of_tag = text.lines().filter(|line| line.contains(&directories.harness.tag));
        let lines: Vec<Value> = of_tag.filter_map(|line| serde_json::from_str(line).ok()).collect();
        let lines: Vec<Value> = lines.into_iter().filter(|line| line["template"] == "RESET_PASSWORD").collect();
        lines.iter().any(|line| line["message"] == message).then_some(lines)
    })
    .await
}

async fn metrics(directories: &Directories) -> String {
    let address = format!("{}/metrics", directories.harness.operations);
    directories.harness.send("GET", &address, &[], Vec::new()).await.text()
}

async fn expect_count(directories: &Directories, outcome: &str, count: u32) {
    let line = format!("bot_sso_directory_mails_total{{directory=\"market\",outcome=\"{outcome}\"}} {count}");
    let metrics = metrics(directories).await;
    assert!(metrics.lines().any(|written| written == line), "{line} in {metrics}");
}

const AGAIN: &str = "a message was not sent and is tried again";
const FAILED: &str = "a message was not sent";
const SENT: &str = "a message was sent";

/// Expects two attempts that are repeated and a last one, each with this error and a hint with this text.
fn expect_three_attempts(lines: &[Value], error: &str, hint: &str) {
    let attempts: Vec<_> = lines.iter().map(|line| (&line["message"], &line["attempt"])).collect();
    assert_eq!(attempts, [(&json!(AGAIN), &json!(1)), (&json!(AGAIN), &json!(2)), (&json!(FAILED), &json!(3))]);
    for line in lines {
        assert_eq!(line["directory"], "market");
        assert!(line["error"].as_str().unwrap().contains(error), "{line}");
        assert!(line["hint"].as_str().unwrap().contains(hint), "{line}");
        let text = line.to_string();
        assert!(!text.contains(ADA.email) && !text.contains("token="), "{text}");
    }
}

#[tokio::test]
async fn a_greylisted_message_arrives_at_the_second_attempt_and_the_log_names_neither_address_nor_link() {
    let server = MailServer::start("smtp-deliveries", "starttls", &[("GREYLISTED", ADA.email)]).await;
    let directories = started(&server.sections("")).await;
    ask(&directories, ADA.email).await;
    let lines = lines(&directories, SENT).await;
    let attempts: Vec<_> = lines.iter().map(|line| (&line["message"], &line["attempt"])).collect();
    assert_eq!(attempts, [(&json!(AGAIN), &json!(1)), (&json!(SENT), &json!(2))]);
    assert!(lines[0]["error"].as_str().unwrap().contains("451"), "{}", lines[0]);
    assert!(lines.iter().all(|line| !line.to_string().contains(ADA.email) && !line.to_string().contains("token=")));
    let messages = server.told("message");
    assert_eq!((messages.len(), &messages[0]["to"], &messages[0]["links"]), (1, &json!(ADA.email), &json!(1)));
    assert!(messages[0]["text"].as_str().unwrap().starts_with("Hello Ada Lovelace,\n"));
    expect_count(&directories, "sent", 1).await;
    expect_count(&directories, "failed", 0).await;
}

#[tokio::test]
async fn wrong_credentials_are_logged_with_their_hint_and_tried_three_times() {
    let server = MailServer::start_with_user("smtp-deliveries-credentials", "starttls").await;
    let directories = started(&server.sections(&server.password_lines("wrong"))).await;
    ask(&directories, ADA.email).await;
    let lines = lines(&directories, FAILED).await;
    expect_three_attempts(&lines, "535", "mail.password");
    assert_eq!((server.told("authentication").len(), server.told("message").len()), (3, 0));
    expect_count(&directories, "failed", 1).await;
    let log = logs::text();
    assert!(!log.contains(PASSWORD), "the password of the mail server is in the log");
}

#[tokio::test]
async fn a_server_that_hangs_and_one_that_is_down_are_logged_with_their_hints_and_tried_three_times() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let hanging = started(&mail_section(port, "timeout_ms = 1000")).await;
    ask(&hanging, ADA.email).await;
    expect_three_attempts(&lines(&hanging, FAILED).await, "did not answer in time", "mail.timeout_ms");
    drop(listener);
    let down = started(&mail_section(port, "")).await;
    ask(&down, ADA.email).await;
    expect_three_attempts(&lines(&down, FAILED).await, "unreachable", "mail.host");
}

#[tokio::test]
async fn a_refused_recipient_is_logged_once_and_others_get_their_messages() {
    let server = MailServer::start("smtp-deliveries-refused", "tls", &[("REFUSED", ADA.email)]).await;
    let directories = started(&server.sections("encryption = \"tls\"")).await;
    directories.create_user(&MARKET, &BEN).await;
    ask(&directories, ADA.email).await;
    ask(&directories, BEN.email).await;
    let lines = lines(&directories, SENT).await;
    let messages: Vec<_> = lines.iter().map(|line| (&line["message"], &line["attempt"])).collect();
    assert_eq!(messages, [(&json!(FAILED), &json!(1)), (&json!(SENT), &json!(1))]);
    assert!(lines[0]["hint"].as_str().unwrap().contains("mailbox"), "{}", lines[0]);
}

#[tokio::test]
async fn an_address_gets_three_messages_an_hour_and_each_request_is_answered_alike() {
    let server = MailServer::start("smtp-deliveries-limits", "starttls", &[]).await;
    let directories = started(&server.sections("")).await;
    for _ in 0..5 {
        ask(&directories, ADA.email).await;
    }
    wait_for("three messages", async || (server.told("message").len() == 3).then_some(())).await;
    expect_count(&directories, "limited", 2).await;
    directories.pass(3600);
    ask(&directories, ADA.email).await;
    wait_for("another message", async || (server.told("message").len() == 4).then_some(())).await;
    expect_count(&directories, "limited", 2).await;
}
