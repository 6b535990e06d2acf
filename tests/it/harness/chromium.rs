//! A user with a real browser, on the way behind a card's button. Screenshots are in `target/test-logs/*.png`.

use std::path::Path;

use bot_sso::dev::User;
use serde_json::{Value, json};

use super::Harness;
use super::peers::{Peer, Program};

/// Of the window, in pixels.
const WIDTH: u64 = 360;
/// Of text to what is behind it (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// What the user does on the pages.
pub struct Visit<'a> {
    pub link: &'a str,
    pub user: &'a User,
    /// Asked whether to go on: `continue`, `continue over and over` (a double click, a reload, back and forward) or
    /// `cancel`; or `give up`, which is at the identity provider.
    pub decision: &'a str,
    /// `light` or `dark`.
    pub scheme: &'a str,
    /// Who opens the window: `teams`, `silent teams` (which does not answer its library), or nobody, `browser`.
    pub client: &'a str,
}

/// What the user saw.
pub struct Seen {
    /// The pages of the application, one after the other.
    pub pages: Vec<Value>,
    /// What the Teams library told Teams: names and arguments of messages.
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
    /// The user consents to whatever is asked. Every page is to be readable and narrow enough, and to keep to its own policy.
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
        // The library asks the network whom it may speak to, and the page's policy lets it.
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
