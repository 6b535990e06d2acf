//! Messages of directories that several replicas send.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use super::self_service_tests::market;
use crate::accounts::{DirectoryView, MessageRates};
use crate::domain::{ClockAndEntropy, DirectorySettings, SystemEntropy};
use crate::endpoints::directory::languages::Language;
use crate::endpoints::directory::{DirectoryMail, DirectoryMails, MailTemplate};
use crate::observability::DirectoryCounts;
use crate::outbound::{MailDelivery, MailSettings, Mailer};
use crate::records::testing::throwaway_replicas;

#[tokio::test]
async fn two_replicas_together_send_three_messages_an_hour_to_an_address() {
    let (beneath, outbox) = (throwaway_replicas(2).await, tempfile::tempdir().unwrap());
    // All messages of the test lie in one hour of the clock.
    let (now, hour) = (beneath.shared_clock.now().unix_millis(), 3_600_000);
    beneath.advance(Duration::from_millis(u64::try_from(hour - now % hour).unwrap())).await;
    let view = DirectoryView { directory: Arc::new(market()), settings: DirectorySettings::default() };
    for records in &beneath.replicas {
        let ambient = ClockAndEntropy { clock: beneath.shared_clock.clone(), entropy: Arc::new(SystemEntropy) };
        let delivery = MailDelivery::Outbox(outbox.path().to_owned());
        let settings = MailSettings { from: "sso@example.com".to_owned(), delivery, ca_certificates_pem: Vec::new() };
        let mailer = Mailer::new(settings, ambient.clone()).unwrap();
        let rates = MessageRates::over(records, DirectoryMails::LIMITS);
        let mails = DirectoryMails::new(Some(mailer), ambient.clock, rates, DirectoryCounts::default());
        for to in ["ada@example.com", "Ada@example.com"] {
            mails.send(&DirectoryMail {
                view: &view,
                template: MailTemplate::Welcome,
                to,
                shown_name: "Ada",
                link: None,
                language: Language::English,
                client: None,
                correlation_id: "mail-replicas-tests",
            });
        }
        assert_eq!(mails.finish(Duration::from_secs(5)).await, 0);
    }
    assert_eq!(std::fs::read_dir(outbox.path()).unwrap().count(), 3);
}
