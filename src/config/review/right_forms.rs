//! The right forms of texts that are no URL, no address of a listener, no tenants: what the operator probably meant.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use toml::Value;
use url::Url;

use super::near_match::near_match;
use super::own_addresses::is_loopback;
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The http(s) URL that `text` probably means: with a scheme, without spaces around it and without a fragment. It is
/// https unless it names this machine. `None` if no scheme makes a URL of it, if it has a scheme that resembles neither
/// http nor that of a web socket, or if it holds a user's name or password.
pub(in crate::config) fn right_url(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = match text.split_once("//") {
        Some((scheme, rest)) if !scheme.contains(['/', '.']) && is_like_http(scheme) => rest,
        Some((scheme, _)) if scheme.ends_with(':') && !scheme.contains('/') => return None,
        _ => text,
    };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let is_possible = |letter: char| !letter.is_whitespace() && !"{}\\\"'<>".contains(letter);
    if rest.is_empty() || rest.starts_with(['/', ':', '?']) || !rest.chars().all(is_possible) {
        return None;
    }
    // What has a colon and no port in front of its path has a scheme of its own.
    if rest.split('/').next().is_some_and(|host| host.ends_with(':')) {
        return None;
    }
    let secure = Url::parse(&format!("https://{rest}")).ok()?;
    if !secure.username().is_empty() || secure.password().is_some() || secure.host_str().is_none_or(str::is_empty) {
        return None;
    }
    let scheme = if is_loopback(&secure) { "http" } else { "https" };
    Some(format!("{scheme}://{rest}"))
}

/// Whether `scheme`, with or without its colon, is one of the web or a slip of it.
fn is_like_http(scheme: &str) -> bool {
    let scheme = scheme.trim_end_matches(':');
    scheme.is_empty() || near_match(scheme, ["http", "https", "ws", "wss"].into_iter()).is_some()
}

/// The same address with https; a port that is written stays.
pub(in crate::config) fn with_https(text: &str) -> String {
    text.split_once(':').map_or_else(|| text.to_owned(), |(_, rest)| format!("https:{rest}"))
}

/// The IP address and port that `text` probably means; `default` has the port of a text without one. A port alone means
/// this machine, and a port behind a colon or an asterisk means every address. `None` for an IPv6 address whose last
/// group may be a port.
pub(in crate::config) fn right_listen_address(text: &str, default: SocketAddr) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    if has_unclear_port(text) {
        return None;
    }
    if let Ok(port) = text.parse::<u16>() {
        return Some(SocketAddr::new(default.ip(), port).to_string());
    }
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some(SocketAddr::new(address, default.port()).to_string());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok()?),
        None => (text, default.port()),
    };
    let host = match host.to_ascii_lowercase().as_str() {
        "" | "*" => "0.0.0.0",
        "localhost" => "127.0.0.1",
        other => return other.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]:{port}")),
    };
    Some(format!("{host}:{port}"))
}

/// Whether `text` is an IPv6 address without brackets whose last group may be a port as well: `::1:3978`.
pub(in crate::config) fn has_unclear_port(text: &str) -> bool {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let last = text.rsplit(':').next().unwrap_or_default();
    // No service has a port of one digit.
    text.parse::<Ipv6Addr>().is_ok() && last.len() > 1 && last.parse::<u16>().is_ok()
}

/// The value of `tenants` that `words` probably mean: Entra's names for many tenants, or ids. `None` if one of them is
/// something else.
pub(in crate::config) fn right_tenants(words: &[String]) -> Option<Value> {
    let (mut organizations, mut personal, mut ids) = (false, false, Vec::new());
    for word in words {
        let word = word.trim().to_ascii_lowercase();
        // The tenant stands behind the host in an address of Entra.
        let tenant = word.split_once("://").and_then(|(_, rest)| rest.split('/').nth(1)).unwrap_or(&word);
        match tenant {
            "common" | "any_account" => (organizations, personal) = (true, true),
            "organizations" | "organisations" | "any_organization" | "any_organisation" => organizations = true,
            "consumers" => personal = true,
            _ => ids.push(find_guid(&word)?),
        }
    }
    let lists_personal = ids.iter().any(|id| id == PERSONAL_ACCOUNTS_TENANT);
    if organizations {
        let word = if personal || lists_personal { "any_account" } else { "any_organization" };
        return Some(Value::String(word.to_owned()));
    }
    if personal && !lists_personal {
        ids.push(PERSONAL_ACCOUNTS_TENANT.to_owned());
    }
    let ids = without_repetitions(ids);
    (!ids.is_empty()).then(|| Value::Array(ids.into_iter().map(Value::String).collect()))
}

/// The one GUID that occurs in `text`, in hyphenated form and in lower case: in an address, in braces or quotes, behind
/// `api://`, `botid-` or `28:`. `None` if several do.
pub(in crate::config) fn find_guid(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(id) = uuid::Uuid::try_parse(text) {
        return Some(id.hyphenated().to_string());
    }
    let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let ids = text.split(|letter| !is_part(letter)).filter_map(|word| {
        // What is before a GUID may consist of such letters, too.
        let start = word.len().checked_sub(uuid::fmt::Hyphenated::LENGTH);
        let last =
            start.and_then(|start| word.get(start..).filter(|_| word.get(..start).is_some_and(|it| it.ends_with('-'))));
        uuid::Uuid::try_parse(last.unwrap_or(word)).ok()
    });
    let mut ids: Vec<String> = ids.map(|id| id.hyphenated().to_string()).collect();
    ids.dedup();
    match ids.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The entries that `text`, one entry of a list, holds: words between commas, semicolons or spaces.
pub(in crate::config) fn entries_of(text: &str) -> Vec<String> {
    let words = without_brackets(text).split(is_separator);
    let words = words.map(|word| word.trim_matches(['"', '\''])).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The addresses that `text`, one entry of a list, holds. What follows a comma, a semicolon or a space is a further address
/// if it begins with a scheme, else a part of the address before it.
pub(super) fn addresses_of(text: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for piece in without_brackets(text).split_inclusive(is_separator) {
        match addresses.last_mut() {
            Some(last) if !begins_with_scheme(piece) => last.push_str(piece),
            _ => addresses.push(piece.to_owned()),
        }
    }
    let is_around = |letter: char| is_separator(letter) || "\"'".contains(letter);
    let addresses = addresses.iter().map(|address| address.trim_matches(is_around));
    addresses.filter(|address| !address.is_empty()).map(str::to_owned).collect()
}

fn begins_with_scheme(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.trim_start_matches(['"', '\'']).split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || ",;".contains(letter)
}

fn without_brackets(text: &str) -> &str {
    text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// `entries`, each once. The letter case of an id has no meaning.
pub(in crate::config) fn without_repetitions(entries: Vec<String>) -> Vec<String> {
    let folded = |text: &str| uuid::Uuid::try_parse(text).map_or_else(|_| text.to_owned(), |id| id.to_string());
    let mut once: Vec<String> = Vec::new();
    for entry in entries {
        if !once.iter().any(|earlier| folded(earlier) == folded(&entry)) {
            once.push(entry);
        }
    }
    once
}

/// The App ID URI that `text`, which has no scheme, probably means.
pub(super) fn right_app_id_uri(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    (!text.is_empty() && !text.contains("://") && !text.starts_with('/') && text.chars().all(is_plain))
        .then(|| format!("api://{text}"))
}

/// The resource that `text`, which has no scheme, probably means: an app by its id, or a host.
pub(super) fn right_resource(text: &str) -> Option<String> {
    let first = text.trim().split('/').next().unwrap_or_default();
    if uuid::Uuid::try_parse(first).is_ok() || first.starts_with("botid-") {
        return right_app_id_uri(text);
    }
    right_url(text).filter(|_| first.contains('.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_gets_its_scheme() {
        for (text, right) in [
            ("sso.example.com", Some("https://sso.example.com")),
            ("sso.example.com:8443/x?y=1", Some("https://sso.example.com:8443/x?y=1")),
            ("//sso.example.com/", Some("https://sso.example.com/")),
            ("https//sso.example.com", Some("https://sso.example.com")),
            ("htps://sso.example.com", Some("https://sso.example.com")),
            ("wss://sso.example.com", Some("https://sso.example.com")),
            (" https://sso.example.com ", Some("https://sso.example.com")),
            ("https://sso.example.com/#x", Some("https://sso.example.com/")),
            ("sso.example.com//x", Some("https://sso.example.com//x")),
            ("localhost:3978", Some("http://localhost:3978")),
            ("127.0.0.1:3979/api/messages", Some("http://127.0.0.1:3979/api/messages")),
            ("[::1]:3979", Some("http://[::1]:3979")),
            ("com.app://x", None),
            ("com.app:/x", None),
            ("my-app://sign-in/done", None),
            ("tcp://sso.example.com", None),
            ("me:secret@sso.example.com", None),
            ("two words", None),
            ("/api/messages", None),
            ("{host}/x", None),
            ("", None),
        ] {
            assert_eq!(right_url(text).as_deref(), right, "{text}");
        }
    }

    #[test]
    fn an_address_to_listen_on_gets_its_parts() {
        let default = "127.0.0.1:3978".parse().unwrap();
        for (text, right) in [
            ("8080", Some("127.0.0.1:8080")),
            (":8080", Some("0.0.0.0:8080")),
            ("*:8080", Some("0.0.0.0:8080")),
            ("localhost:8080", Some("127.0.0.1:8080")),
            ("localhost", Some("127.0.0.1:3978")),
            ("10.0.0.1", Some("10.0.0.1:3978")),
            ("::1", Some("[::1]:3978")),
            ("[::1]", Some("[::1]:3978")),
            ("http://localhost:8080/", Some("127.0.0.1:8080")),
            ("::1:3978", None),
            ("::3978", None),
            ("http://::1:3978/", None),
            ("fd00::10", None),
            ("[::1:3978]", Some("[::1:3978]:3978")),
            (":::8080", Some("[::]:8080")),
            ("fd00::a", Some("[fd00::a]:3978")),
            ("sso.example.com:8080", None),
            ("nonsense", None),
        ] {
            assert_eq!(right_listen_address(text, default).as_deref(), right, "{text}");
        }
    }

    #[test]
    fn a_guid_is_found_in_what_surrounds_it() {
        let id = "2222222d-2222-4222-8222-22222222222a";
        for text in [
            id.to_uppercase(),
            format!(" {id} "),
            format!("{{{id}}}"),
            format!("'{id}'"),
            id.replace('-', ""),
            format!("api://{id}"),
            format!("api://sso.example.com/botid-{id}/access_as_user"),
            format!("28:{id}"),
            format!("https://login.microsoftonline.com/{id}/v2.0"),
            format!("urn:uuid:{id}"),
        ] {
            assert_eq!(find_guid(&text).as_deref(), Some(id), "{text}");
        }
        assert_eq!(find_guid(&format!("{id}@11111111-1111-4111-8111-111111111111")), None);
        assert_eq!(find_guid("contoso.com"), None);
    }

    #[test]
    fn tenants_get_the_form_of_this_file() {
        let id = "22222222-2222-4222-8222-222222222222";
        let personal = format!("[\"{PERSONAL_ACCOUNTS_TENANT}\"]");
        for (words, right) in [
            (vec!["common"], "\"any_account\"".to_owned()),
            (vec!["Organizations"], "\"any_organization\"".to_owned()),
            (vec!["consumers"], personal.clone()),
            (vec!["organizations", "consumers"], "\"any_account\"".to_owned()),
            (vec!["any_organization", PERSONAL_ACCOUNTS_TENANT], "\"any_account\"".to_owned()),
            (vec![id], format!("[{id:?}]")),
            (vec![id, "22222222222242228222222222222222"], format!("[{id:?}]")),
            (vec![id, "consumers"], format!("[{id:?}, \"{PERSONAL_ACCOUNTS_TENANT}\"]")),
            (vec![id, "organizations"], "\"any_organization\"".to_owned()),
            (vec!["{22222222-2222-4222-8222-222222222222}"], format!("[{id:?}]")),
        ] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            let right = format!("value = {right}").parse::<toml::Table>().unwrap().remove("value");
            assert_eq!(right_tenants(&words), right, "{words:?}");
        }
        assert_eq!(right_tenants(&["contoso.com".to_owned()]), None);
    }
}
