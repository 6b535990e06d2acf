//! A user with a real browser, on the way behind a card's button. Screenshots are in `target/test-logs/*.png`.

use std::path::Path;
use std::time::Duration;

use bot_sso::dev::User;
use serde_json::Value;

use super::Harness;
use super::peers::{Peer, Program};

/// What the application has by default.
const TEAMS_LIBRARY: &str = "https://res.cdn.office.net/teams-js/**";
/// Browsers start slowly when every core is busy.
const LIMIT: Duration = Duration::from_mins(2);

/// What the user does on the pages.
pub struct Visit<'a> {
    pub link: &'a str,
    pub user: &'a User,
    /// Asked whether to go on: `continue` or `cancel`.
    pub decision: &'a str,
    /// `light` or `dark`.
    pub scheme: &'a str,
}

/// What the user saw.
pub struct Seen {
    /// The pages of the application, one after the other.
    pub pages: Vec<Value>,
    /// What the Teams library was told.
    pub told: Value,
}

impl Seen {
    /// The code on the last page.
    pub fn code(&self) -> &str {
        self.pages.last().unwrap()["code"].as_str().unwrap()
    }

    pub fn titles(&self) -> Vec<&str> {
        self.pages.iter().map(|page| page["title"].as_str().unwrap()).collect()
    }
}

impl Harness {
    /// The user follows the link, consents to whatever is asked, and continues.
    pub async fn signs_in_by_browser(&self, label: &str, link: &str, user: &User) -> Seen {
        self.visits(label, &Visit { link, user, decision: "continue", scheme: "light" }).await
    }

    pub async fn visits(&self, label: &str, visit: &Visit<'_>) -> Seen {
        let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
        let home = self.directory.path().join("browser");
        std::fs::create_dir_all(&home).unwrap();
        let environment = [
            ("LINK", visit.link.to_owned()),
            ("USERNAME", visit.user.name.to_owned()),
            ("PASSWORD", visit.user.password.to_owned()),
            ("CONSENT", "yes".to_owned()),
            ("DECISION", visit.decision.to_owned()),
            ("SCHEME", visit.scheme.to_owned()),
            ("TEAMS_LIBRARY", TEAMS_LIBRARY.to_owned()),
            ("SCREENSHOTS", screenshots.display().to_string()),
            ("HOME", home.display().to_string()),
        ];
        let program = Program { peer: "browser", script: "sign_in.mjs" };
        let mut pages = Peer::start(&program, label, &environment).finish(LIMIT).await;
        let end = pages.pop().unwrap();
        assert_eq!(end["complaints"], serde_json::json!([]), "{end}");
        assert!(pages.iter().all(|page| page["tooWide"] == false), "{pages:?}");
        Seen { pages, told: end["told"].clone() }
    }
}
