use url::{Host, Url};

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

/// Whether `url` is on this machine whatever a name server says.
pub(super) fn is_loopback(url: &str) -> bool {
    parse(url).is_some_and(|url| match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    })
}

/// Whether `text` is certainly a URL without user info, query and fragment; says so of the real ones, at a tenth of what
/// it costs to take them apart.
fn is_plainly_spelled(text: &str) -> bool {
    let Some((host, path)) = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return false };
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let named = host.split('.').all(is_name);
    named && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'))
}

/// Only what every parser reads alike: the bot behind us has another one, and sends tokens to where it says. Some take
/// `https://a\@b` for b's; white space and missing slashes are passed over by some and not by others.
fn parse(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let is_read_alike = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !rest.starts_with('/');
    if !is_read_alike || !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    // `http://127.1`, `http://2130706433` and `http://a%2e.b` are other names for hosts that have a plain one.
    let authority = rest.split('/').next()?.to_ascii_lowercase();
    let is_named_plainly = authority
        .strip_prefix(url.host_str()?)
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
    (is_plain && is_named_plainly).then_some(url)
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
            "https:smba.example/amer",
            "https:///smba.example/amer",
            "https:\\\\smba.example\\amer",
            " https://smba.example/amer",
            "https://smba.exam\tple/amer",
            "https://smba.example/amer\n",
            "https://smba.ex\u{430}mple/amer",
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
        for outside in [
            "https://parent.example/api/../admin",
            "https://parent.example/api/%2e%2e/admin",
            "https://parent.example\\@evil.example/api",
            "https://evil.example\\@parent.example/api",
            "https://parent.example\\api",
        ] {
            assert!(!is_within(outside, "https://parent.example/api"), "{outside}");
        }
    }

    #[test]
    fn loopback_is_told_by_address_or_by_its_one_name() {
        for here in ["http://localhost:5000", "http://127.0.0.1/", "https://[::1]:1/x", "http://LOCALHOST"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in [
            "http://localhost.evil/",
            "http://127.0.0.1.evil/",
            "http://0.0.0.0/",
            "http://192.0.2.1/",
            "http://127.1/",
            "localhost",
            "",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_lies_within_another_host(text in "\\PC{0,60}", host in "[a-z]{1,8}\\.example") {
            let prefix = format!("https://{host}/api");
            for url in [text.clone(), format!("https://{text}"), format!("https://{host}{text}")] {
                if is_within(&url, &prefix) {
                    let after = &url[8..];
                    let authority = after.split(['/', '?', '#']).next().unwrap_or("");
                    let named = authority.strip_suffix(":443").unwrap_or(authority);
                    proptest::prop_assert!(named.eq_ignore_ascii_case(&host), "{}", url);
                }
            }
        }

        #[test]
        fn being_the_same_is_mutual(one in "https?://[a-zA-Z.]{1,9}(:[0-9]{1,3})?(/[a-z./]{0,6})?", other in "\\PC{0,30}") {
            proptest::prop_assert_eq!(are_same(&one, &other), are_same(&other, &one));
            proptest::prop_assert_eq!(are_same(&one, &one), parse(&one).is_some());
        }
    }
}
