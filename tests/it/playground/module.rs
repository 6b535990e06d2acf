use std::path::Path;

use crate::harness::peers::{Peer, Program};

/// Runs the module on Node, with a channel that does what a network and a bot may do.
#[tokio::test]
async fn the_module_shows_a_card_exactly_where_silent_sign_in_fails() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let module = root.join("src/endpoints/web_chat/versions/1/single-sign-on.js");
    let program = Program { peer: "browser", script: "single_sign_on.mjs" };
    let environment = [("MODULE", module.display().to_string())];
    let lines = Peer::start(&program, "single-sign-on", &environment).finish().await;
    let (end, cases) = lines.split_last().unwrap();
    assert_eq!(end["cases"], cases.len());
    assert!(cases.len() >= 15, "{cases:?}");
    let failed: Vec<_> = cases.iter().filter(|case| case["problem"].is_string()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
