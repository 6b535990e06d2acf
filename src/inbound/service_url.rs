use url::Url;

/// Whether two service URLs are the same place: scheme, host, port and path, one trailing slash aside. User info, query
/// and fragment are refused (bot-auth-and-skills §2 rule 17).
pub(super) fn are_same(one: &str, other: &str) -> bool {
    if one == other && (is_plainly_spelled(one) || parse(one).is_some()) {
        return true;
    }
    matches!((parse(one), parse(other)), (Some(one), Some(other)) if place(&one) == place(&other))
}

/// Whether `url` lies at or below `prefix`, by path segments.
pub(super) fn is_within(url: &str, prefix: &str) -> bool {
    let (Some(url), Some(prefix)) = (parse(url), parse(prefix)) else { return false };
    let (scheme, host, port, path) = place(&url);
    let (prefix_scheme, prefix_host, prefix_port, prefix_path) = place(&prefix);
    let below = path.strip_prefix(prefix_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (scheme, host, port) == (prefix_scheme, prefix_host, prefix_port) && below
}

/// Whether `text` is certainly a URL without user info, query and fragment; says so of the real ones, at a tenth of what
/// it costs to take them apart.
fn is_plainly_spelled(text: &str) -> bool {
    let Some((host, path)) = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return false };
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let named = host.split('.').all(is_name);
    named && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'))
}

fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    (is_plain && url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn place(url: &Url) -> (&str, Option<&str>, Option<u16>, &str) {
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    (url.scheme(), url.host_str(), url.port_or_known_default(), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_and_the_hosts_case_do_not_matter_and_everything_else_does() {
        assert!(are_same("https://smba.example/amer/", "https://smba.example/amer"));
        assert!(are_same("https://SMBA.example:443/amer", "https://smba.example/amer"));
        for other in [
            "https://evil.example/amer",
            "http://smba.example/amer",
            "https://smba.example/AMER",
            "https://smba.example:444/amer",
            "https://smba.example/amer//",
            "https://u@smba.example/amer",
            "https://smba.example/amer?x",
            "https://smba.example/amer#x",
            "",
        ] {
            assert!(!are_same(other, "https://smba.example/amer"), "{other}");
        }
    }

    #[test]
    fn the_short_way_says_no_more_than_the_long_one() {
        for plain in ["https://smba.trafficmanager.net/emea/22222222-2222-4222-8222-222222222222/", "https://a/"] {
            assert!(is_plainly_spelled(plain) && parse(plain).is_some(), "{plain}");
        }
        for other in [
            "https://u@a/",
            "https://a/?",
            "https://a/#",
            "https://a:1/",
            "http://a/",
            "https:///a",
            "https://a",
            "https://1.2/",
        ] {
            assert!(!is_plainly_spelled(other), "{other}");
        }
        assert!(!are_same("https://u@a/", "https://u@a/") && !are_same("https://a/?x", "https://a/?x"));
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        assert!(is_within("https://parent.example/api/skills/", "https://parent.example/api"));
        assert!(!is_within("https://parent.example/apiary", "https://parent.example/api"));
        assert!(!is_within("https://parent.example.evil/api", "https://parent.example/api"));
        assert!(!is_within("https://parent.example/api/../admin", "https://parent.example/api"));
    }
}
