//! Paragraphs and references.

use super::super::prose::{missing_first_lines, missing_room_paragraphs, unresolved_references};
use super::{assert_fine, assert_one, tree, tree_with_documents};

#[test]
fn missing_room_paragraphs_parts_and_re_exports_are_found() {
    let found = |path: &str, text: &str| missing_room_paragraphs(&tree(&[(path, text)])).len();
    assert_eq!(found("src/vault/mod.rs", "use x;"), 1);
    assert_eq!(found("src/outbound.rs", "use x;"), 1);
    assert_eq!(found("src/dev/tenant/mod.rs", "/// Of an item."), 1);
    assert_eq!(found("src/config/sections/mod.rs", ""), 1);
    assert_eq!(found("src/lib.rs", "//! x\npub mod vault;\npub use vault::TokenVault;"), 1);
    assert_eq!(found("src/lib.rs", "//! x\npub mod vault;"), 0);
    assert_eq!(found("src/vault/l1.rs", "use x;"), 0);
    assert_eq!(found("src/vault/mod.rs", "//! What it is.\nuse x;"), 0);
    assert_eq!(found("src/dev/tenant/mod.rs", "//! What it is."), 0);
    assert_eq!(found("src/dev/tenant/grants/mod.rs", "use x;"), 0);
}

#[test]
fn a_file_that_only_adds_to_a_type_from_elsewhere_says_so() {
    let found = |path: &str, text: &str| missing_first_lines(&tree(&[(path, text)]));
    for text in [
        "use super::Vault;\n\nimpl Vault { fn f(&self) {} }",
        "impl<'a, T: Into<X>> super::Vault<'a, T> where T: Y { }",
        "const A: u8 = 1;\n#[rustfmt::skip]\nimpl From<A> for Vault { }\nfn private() {}",
        "unsafe impl Send for Vault {}",
    ] {
        let expected = "vault/writes.rs: belongs to Vault and does not say so";
        assert_one(&found("src/vault/writes.rs", text), expected, text);
        assert_fine(&found("src/vault/writes.rs", &format!("//! The writes of [`Vault`].\n{text}")), text);
        assert_fine(&found("src/vault/writes_tests.rs", text), text);
    }
    for text in [
        "pub struct Vault; impl Vault {} impl Other {}",
        "pub fn f() -> impl Iterator { }",
        "fn f(x: impl Fn()) {} const A: u8 = 1;",
        "pub trait X {} impl X for u8 {}",
        "#[cfg(test)] mod tests { impl X for Y {} }",
    ] {
        assert_fine(&found("src/vault/writes.rs", text), text);
    }
}

const STORE: &str = "# The store\n\n## 4. Records\n### 4.2 What is *kept*\n## Lock order\n```\n# no heading\n```\n";

fn references(comment: &str) -> Vec<String> {
    let files = [("src/vault/mod.rs", comment), ("tests/it/smoke.rs", "")];
    let documents = [("store.md", STORE), ("reference/bots.md", "# 1 Bots")];
    unresolved_references(&tree_with_documents(&files, &documents))
}

#[test]
fn a_reference_to_no_document_or_no_heading_is_found() {
    for comment in [
        "// See docs/stores.md.",
        "// See docs/stores.md §4.",
        "//! docs/stores §Records",
        "/// docs/store.md §5",
        "/// docs/store.md §4.3",
        "/// docs/store.md §Lock",
        "// docs/store.md §Lock orders",
        "// docs/store §*Locks*",
        "/* docs/store.md §no heading */",
        "// docs/store.md §4, §7",
        "// docs/store.md §4 and §Nothing",
        "// of `docs/bots.md` §1",
        "fn f() {\n    x(); // docs/store.md\n    // §9\n}",
        "// [the store](docs/store.md) §9",
    ] {
        assert_eq!(references(comment).len(), 1, "{comment}");
    }
    assert_one(
        &references("\n\n// docs/store.md §9 tells"),
        "src/vault/mod.rs:3: docs/store.md has no heading",
        "the place",
    );
}

#[test]
fn a_reference_that_resolves_or_is_none_passes() {
    for comment in [
        "// docs/store.md",
        "// See docs/store.md §4.",
        "// (docs/store.md §4: why)",
        "/// docs/store §4.2, as the RFC 6749 §99 says",
        "//! docs/store.md §Records and docs/reference/bots.md §1",
        "/// docs/store.md §4. Records",
        "// docs/store.md §*What is kept* tells more",
        "// docs/store.md §lock order, §4 and §4.2",
        "// docs/store.md\n// §Lock\n// order",
        "// `docs/store.md` §\"Lock order\"",
        "// The folder docs/ holds them; docs/examples has more; RFC 9110 §15.",
        "// https://example.org/docs/other.md §7",
        "const S: &str = \"docs/nowhere.md §1\";",
        "// docs/store.md tells of it. RFC 6749 §99.",
    ] {
        assert_fine(&references(comment), comment);
    }
}
