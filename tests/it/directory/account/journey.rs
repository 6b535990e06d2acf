//! A real browser, 320 px wide, on the account page.

use std::path::Path;

use serde_json::{Value, json};

use super::setting::{account, started};
use crate::directory::fixture::ADA;
use crate::harness::peers::{Peer, Program};

const BROWSER: Program = Program { peer: "browser", script: "account.mjs" };

#[tokio::test]
async fn in_a_real_browser_a_user_sees_and_ends_where_she_is_signed_in() {
    let (directories, _) = started().await;
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs/directory-account");
    let home = directories.harness.directory.path().join("browser");
    std::fs::create_dir_all(&home).unwrap();
    let environment = [
        ("ACCOUNT", format!("{}{}", directories.harness.base, account())),
        ("USERNAME", ADA.email.to_owned()),
        ("PASSWORD", ADA.password.to_owned()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    let lines = Peer::start(&BROWSER, "directory-account", &environment).finish().await;
    let find =
        |step: &str| lines.iter().find(|line| line["step"] == step).unwrap_or_else(|| panic!("{step}: {lines:?}"));
    for step in ["account", "one session less", "question", "signed out"] {
        let seen = find(step);
        assert_eq!((&seen["findings"], &seen["headings"]), (&json!([]), &json!(1)), "{seen}");
        assert!(seen["looks"]["width"].as_u64().unwrap() <= 320, "{seen}");
        assert!(seen["looks"]["poorest"]["contrast"].as_f64().unwrap() >= 4.5, "{seen}");
    }
    let sessions = |seen: &Value| {
        let names = seen["names"].as_array().unwrap().iter();
        names.filter(|name| name.as_str().unwrap().starts_with("Sign out: Chrome, Linux")).count()
    };
    assert_eq!((sessions(find("account")), sessions(find("one session less"))), (2, 1), "{lines:?}");
    assert!(find("signed out")["text"].as_str().unwrap().contains("You are signed out everywhere"), "{lines:?}");
    assert_eq!(find("end")["complaints"], json!([]));
}
