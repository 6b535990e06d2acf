#![allow(clippy::unwrap_used)]
use super::rules::{PasswordFault, PasswordRules, is_password_pattern};
use crate::domain::{PasswordPattern, PasswordPolicy};

fn policy_with(regex: &str, message: Option<&str>) -> PasswordPolicy {
    let pattern = PasswordPattern { regex: regex.to_owned(), message: message.map(str::to_owned) };
    PasswordPolicy { pattern: Some(pattern), ..PasswordPolicy::default() }
}

#[test]
fn without_a_pattern_a_password_has_8_to_128_characters_of_any_kind() {
    let (rules, policy) = (PasswordRules::default(), PasswordPolicy::default());
    let (longest, too_long) = ("ä".repeat(128), "ä".repeat(129));
    for (password, is_good) in [
        ("", false),
        ("1234567", false),
        ("äöüäöüä", false),
        ("12345678", true),
        ("äöüäöüäö", true),
        ("        ", true),
        (&longest, true),
        (&too_long, false),
    ] {
        assert_eq!(rules.check(&policy, password, &[]).is_ok(), is_good, "{password}");
    }
}

#[test]
fn a_pattern_decides_on_the_whole_password_in_place_of_the_lengths() {
    let rules = PasswordRules::default();
    let policy = policy_with("[a-z]{4}|[0-9]{2}", Some("Four letters."));
    for (password, is_good) in [("abcd", true), ("12", true), ("abcde", false), ("xabcd", false), ("12\n", false)] {
        for _ in 0..2 {
            assert_eq!(rules.check(&policy, password, &[]).is_ok(), is_good, "{password}");
        }
    }
    assert_eq!(rules.check(&policy, "x", &[]), Err(PasswordFault::Pattern(Some("Four letters.".to_owned()))));
    assert!(rules.check(&policy_with(".*", None), &"x".repeat(1025), &[]).is_err());
    assert!(rules.check(&policy_with(".*", None), "", &[]).is_err());
}

#[test]
fn no_password_matches_a_pattern_that_cannot_be_compiled() {
    let rules = PasswordRules::default();
    for pattern in ["(", r"(?<=x)y", r"(a)\1", "a)|(b", "(?x)a #", r"\w{5000}{5000}"] {
        assert!(!is_password_pattern(pattern), "{pattern}");
        assert!(rules.check(&policy_with(pattern, None), "abcdefgh", &[]).is_err(), "{pattern}");
    }
    assert!(is_password_pattern("^.{8,}$"));
}

#[test]
fn many_patterns_one_after_the_other_are_each_obeyed() {
    let rules = PasswordRules::default();
    for number in 0..200 {
        let policy = policy_with(&format!("x{{{number}}}y"), None);
        assert!(rules.check(&policy, &format!("{}y", "x".repeat(number)), &[]).is_ok(), "{number}");
        assert!(rules.check(&policy, &format!("{}y", "x".repeat(number + 1)), &[]).is_err(), "{number}");
    }
    assert!(rules.kept_patterns() <= 64);
}

#[test]
fn a_password_with_the_users_name_is_refused_where_the_advanced_rules_say_so() {
    let rules = PasswordRules::default();
    let (names, prevents_user_name) = (["ada", "ada@example.com"], true);
    for (advanced, password, is_good) in [
        (true, "xxADAxxx", false),
        (true, "ada@example.com", false),
        (true, "something else", true),
        (false, "xxADAxxx", true),
    ] {
        let policy = PasswordPolicy { advanced, prevents_user_name, ..PasswordPolicy::default() };
        assert_eq!(rules.check(&policy, password, &names).is_ok(), is_good, "{password}");
    }
    let policy = PasswordPolicy { advanced: true, ..PasswordPolicy::default() };
    assert!(rules.check(&policy, "xxADAxxx", &names).is_ok());
}
