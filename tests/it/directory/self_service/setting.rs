//! A directory whose users help themselves, and what a person does on its pages.

use super::mailbox::Mailbox;
use crate::directory::browser::{Browser, Page};
use crate::directory::fixture::{Directories, MARKET, Setup, TestApp, encoded};
use crate::directory::forms::{Form, forms};
use crate::harness::Answer;

/// The lines of a directory in which everything is on, and nobody has to confirm an address.
pub const EVERYTHING: &str = "enabled = true\nsign_up = true\nreset_password = true\npassword_mail = true\n";

/// The address of a person who is no user yet.
pub const NEW_EMAIL: &str = "grace@contoso.example";
pub const NEW_PASSWORD: &str = "a-password-of-grace";

/// The running application with its outbox.
pub struct SelfService {
    pub directories: Directories,
    pub mailbox: Mailbox,
}

impl SelfService {
    /// `lines`: those of `[directories.market.self_service]`.
    pub async fn with(lines: &str) -> Self {
        Self::with_tables(lines, "").await
    }

    /// As [`SelfService::with`], with `tables` at the end of the file.
    pub async fn with_tables(lines: &str, tables: &str) -> Self {
        Self::with_market("", lines, tables).await
    }

    /// As [`SelfService::with_tables`], with the lines `market` in `[directories.market]`.
    pub async fn with_market(market: &'static str, lines: &str, tables: &str) -> Self {
        let mailbox = Mailbox::new();
        let own = format!("{tables}[directories.market.self_service]\n{lines}\n{}", mailbox.section());
        // A test starts few applications.
        let tables: &'static str = String::leak(own);
        let directories = Directories::with(Setup { market, tables, ..Setup::default() }).await;
        Self { directories, mailbox }
    }

    pub fn browser(&self) -> Browser {
        self.directories.browser()
    }

    /// The path and query of a page of `market` for which `app` asks as App ID's SDK does, with `more` parameters.
    pub fn page(app: &TestApp, name: &str, more: &[(&str, &str)]) -> String {
        let usual = [("client_id", app.client_id), ("redirect_uri", app.redirect_uri)];
        let all: Vec<_> = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)).collect();
        let all = [all, more.to_vec()].concat();
        format!("{}?{}", MARKET.oauth(&format!("/cloud_directory/{name}")), encoded(&all))
    }
}

/// The one form of a page.
pub fn form_of(page: &Answer) -> Form {
    let mut found = forms(&page.text());
    assert_eq!(found.len(), 1, "{} {}", page.status, page.text());
    found.remove(0)
}

/// The address behind the link of a page with this `id`.
pub fn link_of(page: &Answer, id: &str) -> Option<String> {
    let text = page.text();
    let (_, after) = text.split_once(&format!("<a id=\"{id}\" href=\""))?;
    let address = after.split('"').next()?;
    Some(address.replace("&#38;", "&").replace("&amp;", "&"))
}

/// Opens `url`, fills the form of its page in with `typed`, and returns the answer to it.
pub async fn fill_in(browser: &mut Browser, url: &str, typed: &[(&str, &str)]) -> Answer {
    let page = browser.get(url).await;
    assert_eq!(page.status, 200, "{}", page.text());
    browser.send_form(url, &form_of(&page), typed).await
}

/// As [`fill_in`], and follows redirects to the page that they lead to.
pub async fn fill_in_and_follow(browser: &mut Browser, url: &str, typed: &[(&str, &str)]) -> Page {
    let answer = fill_in(browser, url, typed).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = answer.location().to_owned();
    browser.visit(&location).await
}

/// Asserts that the answer leads to the redirect URI of `app` with the parameter `flow`.
pub fn assert_leads_with_flow(address: &str, app: &TestApp, flow: &str) {
    assert!(address.starts_with(app.redirect_uri), "{address}");
    assert!(address.ends_with(&format!("flow={flow}")), "{address}");
}
