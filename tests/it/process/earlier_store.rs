//! The first start with a store that an earlier version has written, which recorded only the ids of sealing keys.

use std::path::Path;

use super::setting::{Setting, bot_sso, stderr};
use crate::harness::write_private;

const EARLIER: &str = "fixtures/store/a030e75";

/// A setting with a copy of the earlier store and of its key ring.
async fn with_earlier_store() -> Setting {
    let setting = Setting::new().await;
    for file in ["bot-sso.db", "bot-sso.keys"] {
        let written = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(EARLIER).join(file)).unwrap();
        let copy = setting.path(file);
        write_private(&copy, "");
        std::fs::write(&copy, written).unwrap();
    }
    setting
}

#[tokio::test]
async fn another_key_ring_is_refused_at_the_first_start_and_the_stores_own_works_afterwards() {
    let mut setting = with_earlier_store().await;
    let keys = setting.path("bot-sso.keys");
    let own = std::fs::read_to_string(&keys).unwrap();
    std::fs::remove_file(&keys).unwrap();
    // It has the ids that the store's ring has.
    assert!(bot_sso(&["keys", "create", keys.to_str().unwrap()]).status.success());
    assert!(bot_sso(&["keys", "rotate", keys.to_str().unwrap()]).status.success());
    for _ in 0..2 {
        let output = setting.run("serve");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("keys.file: the key ring lacks sealing key "), "{said}");
        assert!(said.contains(" of the store are sealed"), "{said}");
    }
    write_private(&keys, &own);
    setting.serve().await.stop().await;
    // The records are counted now.
    setting.serve().await.stop().await;
}
