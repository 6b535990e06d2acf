//! A user with a real browser who follows a card's link. Screenshots are in `target/test-logs/*.png`.

use std::path::Path;

use bot_sso::dev::User;
use serde_json::{Value, json};

use super::Harness;
use super::peers::{Peer, Program};

/// The width of the window, in pixels.
const WIDTH: u64 = 360;
/// The smallest contrast of text and background (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// The user's actions on the pages.
pub struct Visit<'a> {
    pub link: &'a str,
    pub user: &'a User,
    /// The user's decision on the confirming page: `continue`, `continue over and over` (a double click, a reload, back and
    /// forward) or `cancel`. `give up` cancels at the identity provider.
    pub decision: &'a str,
    /// The colour scheme: `light` or `dark`.
    pub scheme: &'a str,
    /// The program that opens the window: `teams`, `silent teams` (which does not answer its library), or `browser` for
    /// a plain browser.
    pub client: &'a str,
}

/// The user's view of a sign-in.
pub struct Seen {
    /// The application's pages in the order in which the user saw them.
    pub pages: Vec<Value>,
    /// The messages that the Teams library sent to Teams: names and arguments.
    pub told: Value,
    code: Value,
}

impl Seen {
    /// The code on the last page.
    pub fn code(&self) -> &str {
        self.code.as_str().unwrap()
    }

    pub fn titles(&self) -> Vec<&str> {
        self.pages.iter().map(|page| page["title"].as_str().unwrap()).collect()
    }
}

impl Harness {
    /// Signs in as the visit describes; the user consents to everything. Asserts that every page is readable, fits the
    /// window and keeps to its own content security policy.
    pub async fn visits(&self, label: &str, visit: &Visit<'_>) -> Seen {
        let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
        let home = self.directory.path().join("browser");
        std::fs::create_dir_all(&home).unwrap();
        let outcome = home.join("outcome.json");
        let environment = [
            ("LINK", visit.link.to_owned()),
            ("USERNAME", visit.user.name.to_owned()),
            ("PASSWORD", visit.user.password.to_owned()),
            ("DECISION", visit.decision.to_owned()),
            ("SCHEME", visit.scheme.to_owned()),
            ("CLIENT", visit.client.to_owned()),
            ("SCREENSHOTS", screenshots.display().to_string()),
            ("OUTCOME", outcome.display().to_string()),
            ("HOME", home.display().to_string()),
        ];
        let program = Program { peer: "browser", script: "sign_in.mjs" };
        let mut pages = Peer::start(&program, label, &environment).finish().await;
        let end = pages.pop().unwrap();
        assert_eq!(end["complaints"], json!([]), "{end}");
        // The library fetches the origins that it may talk to, and the page's policy allows that.
        let asked: &[&str] = match visit.client {
            "browser" => &[],
            _ => &["", "MicrosoftTeams.min.js", "validDomains.json"],
        };
        assert_eq!(end["asked"], json!(asked), "{end}");
        pages.iter().for_each(assert_readable);
        let mut outcome: Value = serde_json::from_slice(&std::fs::read(outcome).unwrap()).unwrap();
        Seen { pages, told: outcome["told"].take(), code: outcome["code"].take() }
    }
}

fn assert_readable(page: &Value) {
    let looks = &page["looks"];
    assert!(looks["width"].as_u64().unwrap() <= WIDTH, "{page}");
    assert!(looks["poorest"]["contrast"].as_f64().unwrap() >= LEAST_CONTRAST, "{page}");
}
