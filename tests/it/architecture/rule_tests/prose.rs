//! Paragraphs.

use super::super::prose::{missing_first_lines, missing_room_paragraphs};
use super::{assert_fine, assert_one, tree};

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
