use url::{Host, Url};

use crate::domain::{Bot, any_byte};

/// What an entry of a bot's skill host URLs has in place of a port, where it means every port of this machine.
const ANY_PORT: &str = ":*";

/// Whether `url` lies at or below one of the addresses to which the skills of `bot` may answer
/// ([`Bot::skill_host_urls`]; docs/skills.md §What is never done).
pub(super) fn is_skill_host_url(bot: &Bot, url: &str) -> bool {
    bot.skill_host_urls.iter().any(|entry| fits_skill_host(url, entry))
}

/// Whether `url` lies at or below `entry`: a prefix as of [`is_within`], whose port may be `*` if its host is this
/// machine. A URL whose path another parser could read as another path fits no entry.
fn fits_skill_host(url: &str, entry: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if !is_read_alike_as_path(path) {
        return false;
    }
    let Some((host, path)) = split_any_port(entry) else { return is_within(url, entry) };
    let port = parse(url).and_then(|url| url.port_or_known_default());
    is_loopback(host) && port.is_some_and(|port| is_within(url, &format!("{host}:{port}{path}")))
}

/// The scheme and host, and the path, of an entry whose port is `*`.
fn split_any_port(entry: &str) -> Option<(&str, &str)> {
    let (host, path) = entry.split_once(ANY_PORT)?;
    let is_authority = host.split_once("://").is_some_and(|(_, host)| !host.contains('/'));
    (is_authority && (path.is_empty() || path.starts_with('/'))).then_some((host, path))
}

/// Whether every program reads `path`, which stands behind the first slash, as the same segments: none is empty but the
/// last, none leads upwards or nowhere, and no separator, dot or percent sign is escaped.
fn is_read_alike_as_path(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let is_escaped = ["%2f", "%5c", "%2e", "%25"].iter().any(|escape| path.contains(escape));
    let segments = path.strip_suffix('/').unwrap_or(&path);
    // Some servers take what follows a semicolon for a parameter and not for a part of the segment.
    let is_named = |segment: &str| segment.split(';').next().is_some_and(|name| !matches!(name, "" | "." | ".."));
    !is_escaped && (path.is_empty() || segments.split('/').all(is_named))
}

/// Whether two service URLs are equal in scheme, host, port and path; one trailing slash is ignored. URLs with user
/// info, query or fragment are equal to none (docs/protocols/bot-auth-and-skills.md §2 rule 17).
pub(super) fn is_same_service_url(one: &str, other: &str) -> bool {
    if one == other && (is_plainly_spelled(one) || parse(one).is_some()) {
        return true;
    }
    matches!((parse(one), parse(other)), (Some(one), Some(other)) if comparable_parts(&one) == comparable_parts(&other))
}

/// Whether `url` lies at or below `prefix`, by whole path segments.
pub(super) fn is_within(url: &str, prefix: &str) -> bool {
    let (Some(url), Some(prefix)) = (parse(url), parse(prefix)) else { return false };
    let (scheme, host, port, path) = comparable_parts(&url);
    let (prefix_scheme, prefix_host, prefix_port, prefix_path) = comparable_parts(&prefix);
    let below = path.strip_prefix(prefix_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (scheme, host, port) == (prefix_scheme, prefix_host, prefix_port) && below
}

/// Whether `url` lies at or below `pattern`: a prefix as of [`is_within`], in which the first label of the host may be `*`.
/// The star stands for exactly one label, as in a certificate's name.
pub(super) fn fits_pattern(url: &str, pattern: &str) -> bool {
    let Some((scheme, domain)) = pattern.split_once("://*.") else { return is_within(url, pattern) };
    let parsed = parse(url);
    let label = parsed.as_ref().and_then(Url::domain).and_then(|host| host.split_once('.')).map(|(label, _)| label);
    label.filter(|label| is_label(label)).is_some_and(|label| is_within(url, &format!("{scheme}://{label}.{domain}")))
}

/// Whether `text` is a label of a host's name.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether `url` names this machine, independently of name resolution.
pub(super) fn is_loopback(url: &str) -> bool {
    parse(url).is_some_and(|url| match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    })
}

/// Whether `text` is certainly a URL without user info, query and fragment. It recognises the service URLs of the real
/// channels at a tenth of the cost of parsing them.
fn is_plainly_spelled(text: &str) -> bool {
    let Some((host, path)) = text.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return false };
    let is_no_host = |byte: u8| u8::from(!byte.is_ascii_lowercase()) & u8::from(byte != b'.');
    let is_no_path = |byte: u8| u8::from(!byte.is_ascii_alphanumeric()) & u8::from(!matches!(byte, b'/' | b'-' | b'_'));
    let has_empty_label = host.is_empty() || host.starts_with('.') || host.ends_with('.') || host.contains("..");
    !has_empty_label && !any_byte(host.as_bytes(), is_no_host) && !any_byte(path.as_bytes(), is_no_path)
}

/// Parses only URLs that every URL parser reads alike: the bot behind the gateway has another parser, and sends tokens
/// to the host that its parser finds. Some parsers read `https://a\@b` as a URL of host `b`; some ignore white space
/// and missing slashes and some do not.
fn parse(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let is_read_alike = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !rest.starts_with('/');
    if !is_read_alike || !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    // Hosts must be spelled plainly: `http://127.1`, `http://2130706433` and `http://a%2e.b` are other spellings of
    // hosts that have a plain one.
    let authority = rest.split('/').next()?.to_ascii_lowercase();
    let is_named_plainly = authority
        .strip_prefix(url.host_str()?)
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
    (is_plain && is_named_plainly).then_some(url)
}

fn comparable_parts(url: &Url) -> (&str, Option<&str>, Option<u16>, &str) {
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    (url.scheme(), url.host_str(), url.port_or_known_default(), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trailing_slash_and_the_hosts_letter_case_are_ignored() {
        assert!(is_same_service_url("https://smba.example/amer/", "https://smba.example/amer"));
        assert!(is_same_service_url("https://SMBA.example:443/amer", "https://smba.example/amer"));
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
            assert!(!is_same_service_url(other, "https://smba.example/amer"), "{other}");
        }
    }

    #[test]
    fn a_plainly_spelled_url_is_always_one_that_parses() {
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
        assert!(
            !is_same_service_url("https://u@a/", "https://u@a/")
                && !is_same_service_url("https://a/?x", "https://a/?x")
        );
    }

    #[test]
    fn a_prefix_matches_whole_path_segments_only() {
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
    fn a_star_stands_for_one_label_of_a_host() {
        let pattern = "https://*.botapi.example/";
        for fitting in ["https://apac.botapi.example/amer/x/", "https://A.botapi.example", "https://a.BOTAPI.example/"]
        {
            assert!(fits_pattern(fitting, pattern), "{fitting}");
        }
        for other in [
            "https://botapi.example/",
            "https://.botapi.example/",
            "https://a.b.botapi.example/",
            "https://a.botapi.example.evil.example/",
            "https://evil.example/a.botapi.example/",
            "https://a.botapi.example@evil.example/",
            "https://evil.example\\.botapi.example/",
            "https://evil.example#.botapi.example/",
            "http://a.botapi.example/",
            "https://a.botapi.example:8443/",
            "https://*.botapi.example/",
            "https://u@a.botapi.example/",
            "",
        ] {
            assert!(!fits_pattern(other, pattern), "{other}");
        }
        assert!(
            fits_pattern("https://a.example/x", "https://a.example/") && !fits_pattern("https://a.b/", "https://a/")
        );
    }

    #[test]
    fn a_skill_host_url_fits_by_whole_plain_segments_only() {
        let entry = "https://parent.example/api/skills/";
        for fitting in [
            "https://parent.example/api/skills",
            "https://parent.example/api/skills/",
            "https://PARENT.example:443/api/skills/weather/",
            "https://parent.example/api/skills/a%20b",
            "https://parent.example/api/skills/v1.2/..x/",
        ] {
            assert!(fits_skill_host(fitting, entry), "{fitting}");
        }
        for other in [
            "https://parent.example/api/skillsmith/",
            "https://parent.example/api/",
            "https://parent.example/",
            "https://parent.example.evil.example/api/skills/",
            "http://parent.example/api/skills/",
            "https://parent.example:8443/api/skills/",
            "https://u@parent.example/api/skills/",
            "https://parent.example@evil.example/api/skills/",
            "https://parent.example/api/skills/?x=1",
            "https://parent.example/api/skills/#x",
            "https://parent.example/api/skills/../skills/",
            "https://parent.example/api/skills/../admin/",
            "https://parent.example/api/skills/./",
            "https://parent.example/api/skills/..;x/",
            "https://parent.example/api/skills/%2e%2E/admin",
            "https://parent.example/api/skills/%252e%252e/admin",
            "https://parent.example/api/skills/x%2F..%2f",
            "https://parent.example/api/skills/x%5c..",
            "https://parent.example/api/skills//",
            "https://parent.example//api/skills/",
            "https://parent.example\\/api/skills/",
            "https:/parent.example/api/skills/",
            " https://parent.example/api/skills/",
            "",
        ] {
            assert!(!fits_skill_host(other, entry), "{other}");
        }
        assert!(fits_skill_host("https://parent.example", "https://parent.example/"));
        assert!(fits_skill_host("https://parent.example/", "https://parent.example/"));
        assert!(!fits_skill_host("https://parent.example//", "https://parent.example/"));
    }

    #[test]
    fn a_star_for_the_port_stands_for_the_ports_of_this_machine() {
        for (entry, fitting) in [
            ("http://127.0.0.1:*/", "http://127.0.0.1:4000/api/skills/"),
            ("http://127.0.0.1:*/", "http://127.0.0.1/api/skills/"),
            ("http://localhost:*/api/", "http://LOCALHOST:65535/api"),
            ("http://[::1]:*/", "http://[::1]:4000/x"),
            ("https://localhost:*/", "https://localhost/x"),
        ] {
            assert!(fits_skill_host(fitting, entry), "{entry} {fitting}");
        }
        for (entry, other) in [
            ("http://127.0.0.1:*/", "http://127.0.0.2:4000/"),
            ("http://127.0.0.1:*/", "http://localhost:4000/"),
            ("http://127.0.0.1:*/", "https://127.0.0.1:4000/"),
            ("http://127.0.0.1:*/", "http://127.0.0.1:*/"),
            ("http://127.0.0.1:*/", "http://127.0.0.1:4000@evil.example/"),
            ("http://127.0.0.1:*/", "http://127.0.0.1.evil.example:4000/"),
            ("http://127.0.0.1:*/", "http://127.0.0.1:99999/"),
            ("http://127.0.0.1:*/", "http://127.1:4000/"),
            ("http://127.0.0.1:*/api/", "http://127.0.0.1:4000/apiary"),
            ("http://127.0.0.1:*/api/", "http://127.0.0.1:4000/api/../x"),
            ("https://parent.example:*/", "https://parent.example:4000/"),
            ("https://parent.example/x:*/", "https://parent.example/x:4000/"),
        ] {
            assert!(!fits_skill_host(other, entry), "{entry} {other}");
        }
    }

    #[test]
    fn only_loopback_addresses_and_localhost_are_loopback() {
        for local in ["http://localhost:5000", "http://127.0.0.1/", "https://[::1]:1/x", "http://LOCALHOST"] {
            assert!(is_loopback(local), "{local}");
        }
        for other in [
            "http://localhost.evil/",
            "http://127.0.0.1.evil/",
            "http://0.0.0.0/",
            "http://192.0.2.1/",
            "http://127.1/",
            "localhost",
            "",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_url_of_another_host_lies_within_a_prefix(text in "\\PC{0,60}", host in "[a-z]{1,8}\\.example") {
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
        fn equality_of_service_urls_is_symmetric(one in "https?://[a-zA-Z.]{1,9}(:[0-9]{1,3})?(/[a-z./]{0,6})?", other in "\\PC{0,30}") {
            proptest::prop_assert_eq!(is_same_service_url(&one, &other), is_same_service_url(&other, &one));
            proptest::prop_assert_eq!(is_same_service_url(&one, &one), parse(&one).is_some());
        }
    }

    proptest::proptest! {
        #[test]
        fn a_url_is_plainly_spelled_if_every_part_is(text in "(https://)?[a.A0:@]{0,6}/?[aZ0/_?#.%-]{0,6}") {
            let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
            let is_of_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
            let parts = text.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
            let expected =
                parts.is_some_and(|(host, path)| host.split('.').all(is_name) && path.bytes().all(is_of_path));
            assert_eq!(is_plainly_spelled(&text), expected, "{text}");
        }
    }
}
