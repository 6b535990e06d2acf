//! A directory that sends messages, and a person who opens their links.

use bot_sso::dev::OutboxMail;

use crate::directory::browser::Browser;
use crate::directory::fixture::{Directories, MARKET, Outbox, Setup};
use crate::directory::forms::forms;
use crate::harness::Answer;

/// The lines of a directory in which users do everything by themselves, and need not confirm an address.
pub const EVERYTHING: &str = "enabled = true\nsign_up = true\nreset_password = true\npassword_mail = true\n";

/// The running application with its outbox.
pub struct MailedDirectories {
    pub directories: Directories,
    pub outbox: Outbox,
}

impl MailedDirectories {
    /// `lines`: those of `[directories.market.self_service]`.
    pub async fn with(lines: &str) -> Self {
        let outbox = Outbox::new();
        let mail = format!("[directories.market.self_service]\n{lines}\n{}", outbox.section());
        Self { directories: Directories::with(Setup { mail, ..Setup::default() }).await, outbox }
    }

    /// Waits until `market` has sent `count` messages to `address`, and returns the newest.
    pub async fn wait_for(&self, address: &str, count: usize) -> OutboxMail {
        self.outbox.wait_for(&MARKET, address, count).await.pop().unwrap()
    }

    /// The number of messages of `market` to `address` so far.
    pub fn count(&self, address: &str) -> usize {
        self.outbox.mails(&MARKET).iter().filter(|mail| mail.to == address).count()
    }

    /// The link in the newest of the `count` messages to `address`.
    pub async fn wait_for_link(&self, address: &str, count: usize) -> String {
        let mail = self.wait_for(address, count).await;
        assert_eq!(mail.links.len(), 1, "{}", mail.text);
        mail.links[0].clone()
    }
}

/// Opens a link of a message, and presses the button of its page.
pub async fn press(browser: &mut Browser, link: &str) -> Answer {
    let page = browser.get(link).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let form = forms(&page.text()).remove(0);
    browser.send_form(link, &form, &[]).await
}

/// The parameter `context` of the page to which the answer leads.
pub fn context_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = url::Url::parse(answer.location()).unwrap();
    location.query_pairs().find(|(name, _)| name == "context").unwrap().1.into_owned()
}
