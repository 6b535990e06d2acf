//! A journey in the system's Chromium, by keyboard alone, on a narrow screen.

use std::path::Path;

use serde_json::{Value, json};

use super::setting::{EVERYTHING, NEW_EMAIL, NEW_PASSWORD, SelfService};
use crate::directory::fixture::MARKET;
use crate::harness::peers::{Peer, Program};

/// The width of the narrowest window that pages fit, in pixels (WCAG 2.2, 1.4.10).
const WIDTH: u64 = 320;
/// The smallest contrast of text and background (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

async fn visit(service: &SelfService, label: &str, scheme: &str, locale: &str) -> Value {
    let directories = &service.directories;
    let home = directories.harness.directory.path().join(label);
    std::fs::create_dir_all(&home).unwrap();
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
    let base = &directories.harness.base;
    let environment = [
        ("AUTHORIZATION", format!("{base}{}", MARKET.oauth("/authorization"))),
        ("APPLICATIONS", format!("{base}{}", MARKET.management("/applications"))),
        ("ADMINISTRATOR", MARKET.administrator("manager")),
        ("OUTBOX", service.mailbox.path().display().to_string()),
        ("EMAIL", NEW_EMAIL.to_owned()),
        ("PASSWORD", NEW_PASSWORD.to_owned()),
        ("LOCALE", locale.to_owned()),
        ("SCHEME", scheme.to_owned()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    let program = Program { peer: "browser", script: "directory_self_service.mjs" };
    Peer::start(&program, label, &environment).finish().await.pop().unwrap()
}

#[tokio::test]
async fn a_person_signs_up_confirms_and_sets_another_password_by_keyboard_on_a_narrow_screen() {
    for (scheme, locale, title) in
        [("light", "en", "Create an account"), ("dark", "de", "Konto anlegen"), ("light", "ja", "アカウントの作成")]
    {
        let service = SelfService::with(&format!("{EVERYTHING}confirmation = \"required\"\n")).await;
        let seen = visit(&service, &format!("directory-self-service-{locale}"), scheme, locale).await;
        assert_eq!(seen["complaints"], json!([]), "{seen}");
        let pages = seen["pages"].as_array().unwrap();
        assert_eq!(pages.len(), 9, "{seen}");
        assert_eq!(pages[0]["title"], title, "{seen}");
        for page in pages {
            assert_eq!((&page["findings"], &page["language"]), (&json!([]), &json!(locale)), "{page}");
            assert!(page["looks"]["width"].as_u64().unwrap() <= WIDTH, "{page}");
            assert!(page["looks"]["poorest"]["contrast"].as_f64().unwrap() >= LEAST_CONTRAST, "{page}");
        }
        let focused: Vec<_> = pages.iter().map(|page| page["focused"].as_str().unwrap()).collect();
        assert_eq!((focused[0], focused[1], focused[5]), ("email", "password", "username"), "{seen}");
        assert_eq!(pages[7]["title"], pages[8]["title"], "back and forward show the same: {seen}");
        assert!(seen["arrived"].as_str().unwrap().starts_with("/callback?code="), "{seen}");
    }
}
