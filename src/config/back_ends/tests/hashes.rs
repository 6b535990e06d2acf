use super::{SAMPLE, accepted, changed, expect, expect_warning, read};
use crate::domain::SecretHash;

const HASH: &str = "5d3c8c8e8a3a9d0c0b6d2b9a5f4e3c2d1b0a9f8e7d6c5b4a39281706f5e4d3c2";
const OTHER: &str = "6d3c8c8e8a3a9d0c0b6d2b9a5f4e3c2d1b0a9f8e7d6c5b4a39281706f5e4d3c2";
const PLACE: &str = "back_ends.orders.secret_sha256";

/// The line of the back end's hashes.
fn line() -> String {
    format!("secret_sha256 = [{HASH:?}]\nexchange")
}

fn with(value: &str) -> String {
    format!("secret_sha256 = {value}\nexchange")
}

#[test]
fn a_caller_has_one_hash_or_two() {
    let two = accepted(&line(), &with(&format!("[{HASH:?}, {:?}]", OTHER.to_uppercase())));
    let crate::config::BackEndProof::Secrets(hashes) = &two.back_ends[0].proof else { panic!("hashes") };
    assert_eq!(hashes.as_slice(), [SecretHash::parse(HASH).unwrap(), SecretHash::parse(OTHER).unwrap()]);
    expect(&line(), "exchange", PLACE, "is missing: write the hash that bot-sso keys secret prints");
    expect(&line(), &with("[]"), PLACE, "is empty, so no caller could authenticate");
    let three = format!("[{HASH:?}, {OTHER:?}, {:?}]", HASH.replace('5', "7"));
    expect(&line(), &with(&three), PLACE, "has more than two hashes");
    expect_warning(&line(), &with(&format!("[{HASH:?}, {:?}]", HASH.to_uppercase())), PLACE, "has one hash twice");
    expect(&line(), &with(&format!("{HASH:?}")), PLACE, &format!("write [{HASH:?}]"));
}

#[test]
fn a_secret_in_the_place_of_its_hash_is_refused_and_never_repeated() {
    for secret in [
        "hunter2",
        "bsso_hunter2",
        " hunter2 ",
        "hunter2, hunter2",
        "${hunter2}",
        "your-hunter2",
        &format!("{HASH}hunter2"),
    ] {
        for value in [
            format!("[{secret:?}]"),
            format!("{secret:?}"),
            format!("[{secret:?}, {secret:?}]"),
            format!("{{ {:?} = 1 }}", "x"),
        ] {
            let problem = read(&changed(&line(), &with(&value))).unwrap_err().to_string();
            assert!(problem.starts_with(PLACE) && problem.contains("bot-sso keys secret"), "{value}\n{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
    let numbers = read(&changed(&line(), &with("[123456789]"))).unwrap_err().to_string();
    assert!(numbers.contains("bot-sso keys secret") && !numbers.contains("123456789"), "{numbers}");
}

#[test]
fn the_hash_of_a_secret_that_anybody_guesses_is_refused() {
    for known in ["", "secret", "password", "changeme"] {
        let hash = SecretHash::of(known).to_text();
        expect(
            &line(),
            &with(&format!("[{hash:?}]")),
            &format!("{PLACE}[0]"),
            "the hash of a secret that anybody guesses",
        );
    }
}

#[test]
fn two_callers_that_share_a_secret_are_warned_of() {
    let app = SAMPLE.lines().find_map(|line| line.strip_prefix("service_token_sha256 = [\"")).unwrap();
    let shared = app.trim_end_matches("\"]");
    let place = "apps.app1.service_token_sha256[0]";
    expect_warning(
        &line(),
        &with(&format!("[{shared:?}]")),
        place,
        "is the hash at back_ends.orders.secret_sha256[0], too",
    );
}
