//! Tokens and comments.

use super::super::tokens::{is_test_only, scan, without_tests};

fn words(text: &str) -> String {
    scan(text).tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn strings_characters_and_comments_are_no_tokens() {
    for (text, expected) in [
        ("a::b -> c => 'x' '\\'' 'life", "a :: b -> c => 'life"),
        ("\"a \\\" b\" c r#\"d \" e\"# br\"f\" g", "c g"),
        ("// a\nb /* c /* d */ e */ f", "b f"),
        ("/* a // b */ c \"// d\" e '\"' f", "c e f"),
        ("fn f<'a>(x: &'a str) -> char { '\\u{1F600}' }", "fn f < 'a > ( x : & 'a str ) -> char { }"),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
}

#[test]
fn tokens_and_comments_know_their_lines() {
    let scan = scan("a\n\"two\nlines\" b\n// c\n/// d\ne");
    let lines: Vec<usize> = scan.tokens.iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 3, 6]);
    let comments: Vec<(&str, usize)> =
        scan.comments.iter().map(|comment| (comment.text.as_str(), comment.line)).collect();
    assert_eq!(comments, [("c", 4), ("d", 5)]);
}

#[test]
fn items_of_tests_are_taken_away() {
    for (text, expected) in [
        ("#[cfg(test)] mod tests { fn f() {} } fn g() {}", "fn g ( ) { }"),
        ("#[cfg(test)]\nmod tests;\nmod other;", "mod other ;"),
        ("#[cfg(test)] #[allow(x)] pub use a::{b, c}; d", "d"),
        ("#[cfg(all(test, unix))] fn f(x: [u8; 2]) { } e", "e"),
        ("struct S { a: A, #[cfg(test)] b: B } c", "struct S { a : A , } c"),
    ] {
        let kept: Vec<String> = without_tests(&scan(text).tokens).into_iter().map(|token| token.text).collect();
        assert_eq!(kept.join(" "), expected, "{text}");
    }
}

#[test]
fn only_what_no_program_is_built_with_counts_as_test() {
    let is = |text| is_test_only(&scan(text).tokens);
    assert!(is("#[cfg(test)]") && is("#[cfg(all(test, feature = \"stage\"))]") && is("#[cfg(all(unix, test))]"));
    for text in
        ["#[cfg(not(test))]", "#[cfg(any(test, unix))]", "#[cfg(all(unix, not(test)))]", "#[cfg(unix)]", "#[test]"]
    {
        assert!(!is(text), "{text}");
    }
}
