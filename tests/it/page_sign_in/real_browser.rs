//! A user with a real browser, in an add-in's dialog and in an app's popup. Screenshots are in `target/test-logs/*.png`.

use std::path::Path;

use serde_json::{Value, json};

use super::fixture::{self, DIALOG, FRONT, LOCAL_FRONT, PANE, login};
use crate::harness::peers::{Peer, Program};
use crate::harness::{Harness, Surroundings};

/// The smallest contrast of text and background (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;
/// The width of the window, in pixels.
const WIDTH: u64 = 360;

struct Visit<'a> {
    /// What opens the page: `dialog`, `popup` or `page`.
    opener: &'a str,
    door: &'a str,
    /// `sign in` or `give up`.
    decision: &'a str,
    scheme: &'a str,
}

async fn visit(harness: &Harness, label: &str, visit: &Visit<'_>) -> Value {
    let home = harness.directory.path().join(label);
    std::fs::create_dir_all(&home).unwrap();
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
    let ada = harness.user("Ada");
    let environment = [
        ("OPENER", visit.opener.to_owned()),
        ("LINK", format!("{}{}", harness.base, visit.door)),
        ("FRONT", LOCAL_FRONT.to_owned()),
        ("USERNAME", ada.name.to_owned()),
        ("PASSWORD", ada.password.to_owned()),
        ("DECISION", visit.decision.to_owned()),
        ("SCHEME", visit.scheme.to_owned()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    let program = Program { peer: "browser", script: "page_sign_in.mjs" };
    let seen = Peer::start(&program, label, &environment).finish().await.pop().unwrap();
    assert_eq!(seen["complaints"], json!([]), "{seen}");
    assert_eq!(seen["findings"], json!([]), "{seen}");
    assert!(seen["looks"]["width"].as_u64().unwrap() <= WIDTH, "{seen}");
    assert!(seen["looks"]["poorest"]["contrast"].as_f64().unwrap() >= LEAST_CONTRAST, "{seen}");
    seen
}

async fn start() -> Harness {
    let surroundings = Surroundings::start().await;
    let options = fixture::options(&surroundings, true);
    surroundings.run(&options).await
}

#[tokio::test]
async fn the_dialog_tells_the_pane_by_the_office_library_and_loads_nothing_else() {
    let harness = start().await;
    for (label, decision, scheme, title, message) in [
        ("dialog-done", "sign in", "light", "You are signed in", r#"{"type":"bot-sso","status":"signed_in"}"#),
        ("dialog-cancelled", "give up", "dark", "You have cancelled", r#"{"type":"bot-sso","status":"cancelled"}"#),
    ] {
        let seen = visit(&harness, label, &Visit { opener: "dialog", door: DIALOG, decision, scheme }).await;
        assert_eq!(seen["title"], title, "{seen}");
        assert_eq!(seen["told"], json!([{ "message": message, "targetOrigin": PANE }]), "{seen}");
        assert_eq!(seen["loaded"], json!(["office.js", "part-of-office.js"]), "{seen}");
    }
}

#[tokio::test]
async fn the_dialog_says_so_to_the_user_where_the_office_library_cannot_be_loaded() {
    let harness = start().await;
    let visited = Visit { opener: "page", door: DIALOG, decision: "sign in", scheme: "light" };
    let seen = visit(&harness, "dialog-without-library", &visited).await;
    assert_eq!(seen["title"], "You are signed in", "{seen}");
    assert!(seen["text"].as_str().unwrap().contains("You can close this window"), "{seen}");
}

#[tokio::test]
async fn the_popup_without_an_opener_sends_the_user_back_to_the_app() {
    let harness = start().await;
    let door = login("coded", &[("from_url", FRONT), ("popup_origin", LOCAL_FRONT)]);
    let visited = Visit { opener: "page", door: &door, decision: "sign in", scheme: "light" };
    let seen = visit(&harness, "popup-without-opener", &visited).await;
    assert!(seen["text"].as_str().unwrap().contains("go back to the app and sign in again"), "{seen}");
}

#[tokio::test]
async fn the_popup_tells_the_front_end_that_opened_it_and_closes() {
    let harness = start().await;
    let door = login("coded", &[("from_url", FRONT), ("popup_origin", LOCAL_FRONT)]);
    let visited = Visit { opener: "popup", door: &door, decision: "sign in", scheme: "dark" };
    let seen = visit(&harness, "popup", &visited).await;
    assert_eq!(seen["isClosed"], true, "{seen}");
    let told = &seen["told"][0];
    assert_eq!((&told["origin"], &told["type"]), (&json!(harness.base), &json!("bot-sso")), "{seen}");
    assert_eq!((&told["tokenLength"], &told["is_new_user"]), (&json!(64), &json!(true)), "{seen}");
}
