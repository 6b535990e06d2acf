//! A journey in the system's Chromium, by keyboard, on a narrow screen.

use std::path::Path;

use serde_json::json;

use super::fixture::{Federation, path};
use crate::directory::fixture::MARKET;
use crate::harness::peers::{Peer, Program};

/// The width of the narrowest window that pages fit, in pixels (WCAG 2.2, 1.4.10).
const WIDTH: u64 = 320;
/// The smallest contrast of text and background (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

#[tokio::test]
async fn a_person_cancels_once_signs_in_by_the_button_and_sees_how_the_account_is_linked() {
    let federation = Federation::start("directory-browser").await;
    for (scheme, locale, button) in
        [("light", "en", "Sign in with Contoso & Staff"), ("dark", "de", "Mit Contoso & Staff anmelden")]
    {
        let label = format!("directory-provider-{locale}");
        let directories = &federation.directories;
        let home = directories.harness.directory.path().join(&label);
        std::fs::create_dir_all(&home).unwrap();
        let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(&label);
        let base = &directories.harness.base;
        let environment = [
            ("AUTHORIZATION", format!("{base}{}", MARKET.oauth("/authorization"))),
            ("APPLICATIONS", format!("{base}{}", MARKET.management("/applications"))),
            ("ADMINISTRATOR", MARKET.administrator("manager")),
            ("LINK", format!("{base}{}", path("staff", "link"))),
            ("BUTTON", button.to_owned()),
            ("LOGIN", "grace".to_owned()),
            ("LOCALE", locale.to_owned()),
            ("SCHEME", scheme.to_owned()),
            ("SCREENSHOTS", screenshots.display().to_string()),
            ("HOME", home.display().to_string()),
        ];
        let program = Program { peer: "browser", script: "directory_provider.mjs" };
        let seen = Peer::start(&program, &label, &environment).finish().await.pop().unwrap();
        assert_eq!(seen["complaints"], json!([]), "{seen}");
        let pages = seen["pages"].as_array().unwrap();
        let names: Vec<_> = pages.iter().map(|page| page["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["sign-in", "cancelled", "linked", "kept"], "{seen}");
        for page in pages {
            assert_eq!((&page["findings"], &page["language"]), (&json!([]), &json!(locale)), "{page}");
            assert!(page["looks"]["width"].as_u64().unwrap() <= WIDTH, "{page}");
            assert!(page["looks"]["poorest"]["contrast"].as_f64().unwrap() >= LEAST_CONTRAST, "{page}");
        }
        assert!(seen["arrived"].as_str().unwrap().starts_with("/callback?code="), "{seen}");
    }
}
