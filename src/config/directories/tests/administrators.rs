use super::{SAMPLE, accepted, changed, expect, line_of, read};
use crate::domain::{AdministratorRole, SecretHash};

const HASH: &str = "3f1d7a9c5e8b2460f1c3a5e7092b4d6f8a1c3e5072946b8d0f2a4c6e81305d7b";
const OTHER: &str = "4f1d7a9c5e8b2460f1c3a5e7092b4d6f8a1c3e5072946b8d0f2a4c6e81305d7b";
const PLACE: &str = "directories.market.administrators";

fn with(list: &str) -> String {
    changed(line_of("administrators"), &format!("administrators = [{list}]"))
}

fn one(name: &str, role: &str, hash: &str) -> String {
    format!("{{ name = {name:?}, role = {role:?}, token_sha256 = [{hash:?}] }}")
}

#[test]
fn an_administrator_has_a_name_a_role_and_a_hash() {
    let both = format!("{}, {}", one("ops", "reader", HASH), one("desk", "writer", OTHER));
    let administrators = accepted(&with(&both)).directories[0].directory.administrators.clone();
    assert_eq!(
        administrators.iter().map(|one| one.role).collect::<Vec<_>>(),
        [AdministratorRole::Reader, AdministratorRole::Writer]
    );
    assert_eq!(administrators[0].tokens, [SecretHash::parse(HASH).unwrap()]);
    for (list, key, what) in [
        (format!("{{ role = \"reader\", token_sha256 = [{HASH:?}] }}"), "name", "is missing: write the name"),
        (format!("{{ name = \"a\", token_sha256 = [{HASH:?}] }}"), "role", "is missing: write \"reader\""),
        ("{ name = \"a\", role = \"reader\" }".to_owned(), "token_sha256", "bot-sso keys secret prints"),
        (one("", "reader", HASH), "name", "is no name for an administrator"),
        (one("a", "owner", HASH), "role", "unknown word"),
    ] {
        expect(&with(&list), &format!("{PLACE}[0].{key}"), what);
    }
}

#[test]
fn two_administrators_have_neither_one_name_nor_one_token() {
    let named = format!("{}, {}", one("ops", "reader", HASH), one("ops", "writer", OTHER));
    expect(&with(&named), &format!("{PLACE}[1].name"), "is the name of an earlier administrator");
    let shared = format!("{}, {}", one("ops", "reader", HASH), one("desk", "writer", &HASH.to_uppercase()));
    let what = "is a hash at directories.market.administrators[0].token_sha256, too";
    expect(&with(&shared), &format!("{PLACE}[1].token_sha256[0]"), what);
    let elsewhere = format!("{SAMPLE}\n[directories.other]\n{}\n", line_of("administrators"));
    expect(&elsewhere, "directories.other.administrators[0].token_sha256[0]", what);
}

#[test]
fn a_token_in_the_place_of_its_hash_is_refused_and_never_repeated() {
    let problem = read(&with(&one("ops", "reader", "hunter2"))).unwrap_err().to_string();
    assert!(problem.contains("is no SHA-256 hash") && !problem.contains("hunter2"), "{problem}");
}
