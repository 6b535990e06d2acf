use std::path::Path;

use crate::harness::peers::{Peer, Program};

/// Runs the module in jsdom, with an Office and with answers that a test chooses.
#[tokio::test]
async fn the_module_tries_each_remedy_once_and_says_what_is_left_to_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let module = root.join("src/endpoints/office_pane/versions/1/single-sign-on.js");
    let guide = root.join("docs/office-add-ins.md");
    let program = Program { peer: "office", script: "policies.mjs" };
    let environment = [("MODULE", module.display().to_string()), ("GUIDE", guide.display().to_string())];
    let lines = Peer::start(&program, "office-pane-policies", &environment).finish().await;
    let (end, cases) = lines.split_last().unwrap();
    assert_eq!(end["cases"], cases.len());
    assert!(cases.len() >= 30, "{cases:?}");
    let failed: Vec<_> = cases.iter().filter(|case| case["problem"].is_string()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
