use serde_json::Value;

use crate::harness::development::Development;
use crate::harness::peers::{Peer, Program};

/// Runs panes in jsdom with the module that the gateway serves, and `office-addin-sso` unmodified, beside `bot-sso dev`.
#[tokio::test]
async fn panes_sign_their_users_in_with_the_module_and_with_office_addin_sso() {
    let development = Development::start_with(&[]);
    let manifest = development.manifest().await;
    let program = Program { peer: "office", script: "journey.mjs" };
    let environment = [("MANIFEST", manifest.to_string())];
    let lines = Peer::start(&program, "office-pane-journey", &environment).finish().await;
    let (end, cases) = lines.split_last().unwrap();
    assert_eq!(end["cases"], cases.len());
    assert!(cases.len() >= 10, "{cases:?}");
    let failed: Vec<&Value> = cases.iter().filter(|case| case["problem"].is_string()).collect();
    assert!(failed.is_empty(), "{failed:#?}\n{}", development.log());
}
