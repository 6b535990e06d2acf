//! The right forms of texts that are no URL, no address of a listener, no tenants: what the operator probably meant.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::loopback::is_loopback;
use crate::domain::PERSONAL_ACCOUNTS_TENANT;

/// The http(s) URL that `text` probably means: with a scheme, without spaces around it and without a fragment. It is
/// https unless it names this machine. `None` if no scheme makes a URL of it, or if it holds a user's name or password.
pub(in crate::config) fn right_url(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = match text.split_once("//") {
        Some((scheme, rest)) if !scheme.contains(['/', '.']) => rest,
        _ => text,
    };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let is_possible = |letter: char| !letter.is_whitespace() && !"{}\\\"'<>".contains(letter);
    if rest.is_empty() || rest.starts_with(['/', ':', '?']) || !rest.chars().all(is_possible) {
        return None;
    }
    let secure = Url::parse(&format!("https://{rest}")).ok()?;
    if !secure.username().is_empty() || secure.password().is_some() || secure.host_str().is_none_or(str::is_empty) {
        return None;
    }
    let scheme = if is_loopback(&secure) { "http" } else { "https" };
    Some(format!("{scheme}://{rest}"))
}

/// The same address with https.
pub(in crate::config) fn with_https(url: &Url) -> String {
    let text = url.as_str();
    text.strip_prefix("http:").map_or_else(|| text.to_owned(), |rest| format!("https:{rest}"))
}

/// The IP address and port that `text` probably means; `default` has the port of a text without one. A port alone means
/// this machine, and a port behind a colon or an asterisk means every address.
pub(in crate::config) fn right_listen_address(text: &str, default: SocketAddr) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
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
        _ => return None,
    };
    Some(format!("{host}:{port}"))
}

/// The value of `tenants` that `words` probably mean: Entra's names for many tenants, or ids. `None` if one of them is
/// something else.
pub(in crate::config) fn right_tenants(words: &[&str]) -> Option<String> {
    let (mut organizations, mut personal, mut ids) = (false, false, Vec::new());
    for word in words {
        let word = word.trim().to_ascii_lowercase();
        match word.as_str() {
            "common" | "any_account" => (organizations, personal) = (true, true),
            "organizations" | "organisations" | "any_organization" | "any_organisation" => organizations = true,
            "consumers" => personal = true,
            _ => ids.push(format!("{:?}", uuid::Uuid::try_parse(&word).ok()?.hyphenated().to_string())),
        }
    }
    let personal_id = format!("{PERSONAL_ACCOUNTS_TENANT:?}");
    personal |= organizations && ids.contains(&personal_id);
    match (organizations, personal) {
        (true, true) => Some("\"any_account\"".to_owned()),
        (true, false) => Some("\"any_organization\"".to_owned()),
        (false, true) if !ids.contains(&personal_id) => {
            ids.push(personal_id);
            Some(format!("[{}]", ids.join(", ")))
        }
        (false, _) => (!ids.is_empty()).then(|| format!("[{}]", ids.join(", "))),
    }
}

/// The App ID URI that `text`, which has no scheme, probably means.
pub(super) fn right_app_id_uri(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    (!text.is_empty() && !text.contains("://") && !text.starts_with('/') && text.chars().all(is_plain))
        .then(|| format!("api://{text}"))
}

/// The resource that `text`, which has no scheme, probably means: an app by its id, or a host.
pub(in crate::config) fn right_resource(text: &str) -> Option<String> {
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
            ("sso.example.com:8080", None),
            ("nonsense", None),
        ] {
            assert_eq!(right_listen_address(text, default).as_deref(), right, "{text}");
        }
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
            (vec![id, "consumers"], format!("[{id:?}, \"{PERSONAL_ACCOUNTS_TENANT}\"]")),
            (vec![id, "organizations"], "\"any_organization\"".to_owned()),
            (vec!["{22222222-2222-4222-8222-222222222222}"], format!("[{id:?}]")),
        ] {
            assert_eq!(right_tenants(&words), Some(right), "{words:?}");
        }
        assert_eq!(right_tenants(&["contoso.com"]), None);
    }
}
