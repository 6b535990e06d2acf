use std::borrow::Cow;

/// Longest path in the log, in bytes.
const MAX_PATH_BYTES: usize = 128;
/// Longest segment that is written whole, in bytes. The segments of all published paths are shorter; a longer one may be
/// a token or a secret that a client has put into the path.
const MAX_SEGMENT_BYTES: usize = 30;
/// How many bytes of a longer segment are written.
const SHOWN_OF_LONG_SEGMENT: usize = 8;
const LEFT_OUT: &str = "...";
/// The two spellings of a question mark that is percent-encoded: what follows was meant as a query.
const ENCODED_QUERIES: [&str; 2] = ["%3f", "%3F"];

/// A path as the log shows it: printable, without a query, and of bounded length. A path without a route may hold
/// anything, so nothing in it is trusted (docs/architecture.md §Security rules, rule 10).
pub(super) fn clean_path(path: &str) -> Cow<'_, str> {
    if is_clean(path) { Cow::Borrowed(path) } else { Cow::Owned(rewrite(path)) }
}

fn is_clean(path: &str) -> bool {
    path.len() <= MAX_PATH_BYTES
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.contains('?')
        && ENCODED_QUERIES.iter().all(|query| !path.contains(query))
        && path.split('/').all(|segment| segment.len() <= MAX_SEGMENT_BYTES && !may_be_address(segment))
}

/// Whether a segment may be an e-mail address (docs/security.md §What the log says of users).
fn may_be_address(segment: &str) -> bool {
    segment.contains('@') || segment.contains("%40")
}

fn rewrite(path: &str) -> String {
    let end = ENCODED_QUERIES.iter().chain(&["?"]).filter_map(|query| path.find(query)).min();
    let path = end.and_then(|end| path.get(..end)).unwrap_or(path);
    let mut shown = String::new();
    for (number, segment) in path.split('/').enumerate() {
        if number > 0 {
            shown.push('/');
        }
        if may_be_address(segment) {
            shown.push_str(LEFT_OUT);
            continue;
        }
        let is_long = segment.len() > MAX_SEGMENT_BYTES;
        let limit = if is_long { SHOWN_OF_LONG_SEGMENT } else { MAX_SEGMENT_BYTES };
        shown.extend(segment.chars().take(limit).map(|letter| if letter.is_ascii_graphic() { letter } else { '_' }));
        if is_long {
            shown.push_str(LEFT_OUT);
        }
        if shown.len() > MAX_PATH_BYTES - LEFT_OUT.len() {
            // All letters are of one byte by now.
            shown.truncate(MAX_PATH_BYTES - LEFT_OUT.len());
            shown.push_str(LEFT_OUT);
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_all_doors_are_written_as_they_are() {
        for path in ["/", "/api/messages", "/bots/help-desk/api/messages", "/api/usertoken/GetTokenOrSignInResource"] {
            assert!(matches!(clean_path(path), Cow::Borrowed(shown) if shown == path), "{path}");
        }
    }

    #[test]
    fn what_a_path_must_not_show_is_left_out() {
        let long = "a".repeat(31);
        let cases = [
            ("/a b\t\u{1}\u{7f}\u{e9}", "/a_b____".to_owned()),
            ("/x?code=123456", "/x".to_owned()),
            ("/x%3Fcode=123456", "/x".to_owned()),
            ("/x%3fcode=1%3Fy", "/x".to_owned()),
            (&*format!("/x/{long}/y"), "/x/aaaaaaaa.../y".to_owned()),
            (&*format!("/{}", "a".repeat(30)), format!("/{}", "a".repeat(30))),
            ("/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", "/eyJhbGci...".to_owned()),
        ];
        for (path, shown) in cases {
            assert_eq!(clean_path(path), shown, "{path}");
        }
    }

    #[test]
    fn the_length_is_bounded_whatever_the_path_is() {
        for path in ["/ab".repeat(5000), "/".repeat(70_000), "\u{e9}".repeat(5000), format!("/{}", "a/".repeat(64))] {
            let shown = clean_path(&path);
            assert!(shown.len() <= MAX_PATH_BYTES && shown.ends_with(LEFT_OUT), "{shown}");
        }
    }
}
