//! References.

use super::super::references::{foreign_references, unresolved_references};
use super::{assert_fine, assert_one, tree};

const BOTS: &str = "# 1 Bots";
const STORE: &str = "# The store\n\n## 4. Records\n### 4.2 What is *kept*\n## Lock order\n```\n# no heading\n```\n";

fn references(comment: &str) -> Vec<String> {
    found_in("src/vault/mod.rs", comment)
}

fn found_in(path: &str, text: &str) -> Vec<String> {
    unresolved_references(&tree(&[(path, text), ("docs/store.md", STORE), ("docs/reference/bots.md", BOTS)]))
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
        "// docs/store.md §4 rules 5 to 7, 9 and 10, §7",
        "// docs/store.md §4, row \"Key\"; docs/store.md §7",
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
        "// docs/store.md §4.2, §4 rule 7",
        "// docs/store.md §4 rules 5–7, 13a and 20, §4.2 and §Lock order, rule 5",
        "// docs/store.md\n// §Lock\n// order",
        "// `docs/store.md` §\"Lock order\"",
        "// The folder docs/ holds them; docs/examples has more; RFC 9110 §15.",
        "// https://example.org/docs/other.md §7",
        "const S: &str = \"docs/nowhere.md §1\";",
        "// docs/store.md tells of it. RFC 6749 §99.",
        "// docs/store.md §<heading>",
    ] {
        assert_fine(&references(comment), comment);
    }
}

#[test]
fn scripts_fixtures_benches_and_documents_are_read_too() {
    for path in
        ["scripts/test", "fixtures/config/full.toml", "benches/speed/main.rs", "tests/peers/bot.mjs", "tests/fuzz/x.rs"]
    {
        let sign = if path.starts_with("fixtures/") { "#" } else { "//" };
        let text = format!("\n{sign} As docs/store.md\n{sign} §9 says.\n");
        assert_one(&found_in(path, &text), &format!("{path}:2: docs/store.md has no heading"), path);
        assert_one(&foreign(path, &format!("{sign} DESIGN §4")), &format!("{path}:1: "), path);
        assert_fine(&found_in(path, &format!("{sign} docs/store.md §4")), path);
    }
    assert_one(&found_in("docs/speed.md", "# Speed\n\nSee docs/store.md §9.\n"), "docs/speed.md:3", "a document");
    assert_one(&found_in("README.md", "See `docs/store.md` §9."), "README.md:1", "the README");
}

fn foreign(path: &str, text: &str) -> Vec<String> {
    foreign_references(&tree(&[(path, text), ("docs/store.md", STORE), ("docs/protocols/bot-auth.md", BOTS)]))
}

#[test]
fn a_reference_to_a_paper_that_is_not_in_the_repository_is_found() {
    for comment in [
        "/// The table (DESIGN §5.5).",
        "// (DESIGN\n// §5.11)",
        "// See bot-auth for this.",
        "// (reference/bot-auth.md)",
        "// invoke-protocol §1.6",
        "// `invoke-protocol` §1.6",
        "// RFC 9110 says so, and §1.6",
        "// RFC 9110 §1.6 or §4.",
        "//! `GetToken` (rules 1 to 5, §3.1).",
        "// docs/store.md §4; §4.2",
        "// As house-review says.",
        "/* DESIGN.md decides. */",
        "fn f() {} // §Lock order",
    ] {
        assert_eq!(foreign("src/vault/mod.rs", comment).len(), 1, "{comment}");
    }
    assert_one(&foreign("src/vault/mod.rs", "\n// §4"), "src/vault/mod.rs:2: “§4” belongs to no", "the place");
    assert_one(&foreign("docs/speed.md", "# 1 Speed\nSee §2."), "docs/speed.md:1: “§2", "a document's own sections");
}

#[test]
fn a_reference_to_a_document_or_to_a_standard_passes() {
    for comment in [
        "// docs/store.md §4, §4.2 and §Lock order",
        "// docs/protocols/bot-auth.md §1 rule 5",
        "// docs/protocols/bot-auth.md says so; [docs/protocols/bot-auth.md]",
        "// RFC 9110 §10.2.3, RFC 6265bis §4.1.3.2",
        "// (RFC 6749 §4.1.2, §5.2 and §6)",
        "// `OpenID` Connect\n// Core §3.1.2.6",
        "// (OpenID Connect Discovery §4.1)",
        "// NIST SP 800-38D §8.3",
        "// `docs/<file>.md §<heading>`",
        "const S: &str = \"DESIGN §4\";",
        "// The design of a DESIGNER, a robot-auth or bot-authority.",
    ] {
        assert_fine(&foreign("src/vault/mod.rs", comment), comment);
    }
    assert_fine(&foreign("docs/speed.md", "# 1 Speed\n## 1.2 More\nSee §1.2 and §1, as RFC 9110 §4."), "own sections");
}
