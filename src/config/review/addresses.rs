//! The checks of remote addresses, as methods of [`Review`]. They record every host that the file names, and whether
//! its address is plain http.

use url::Url;

use super::findings::Review;
use super::own_addresses::is_loopback;
use super::place::Place;
use super::proposals::Proposal;
use super::right_forms::{right_url, with_https};

/// Which addresses may be plain http.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum PlainHttp {
    /// None, because the section does not have `allow_insecure_http = true`.
    Never,
    /// Those of this machine.
    Loopback,
    /// All, because the section has `allow_insecure_http = true`.
    Allowed,
}

impl PlainHttp {
    pub(in crate::config) fn of_section(allow_insecure_http: Option<bool>) -> Self {
        if allow_insecure_http == Some(true) { Self::Allowed } else { Self::Never }
    }
}

impl Review<'_> {
    /// An http or https address that bot-sso calls. Its host is recorded.
    pub(in crate::config) fn address(&mut self, text: &str, plain: PlainHttp, place: &Place) -> Option<Url> {
        let url = self.unrecorded_address(text, plain, place)?;
        if let Some(host) = url.host_str() {
            self.hosts.literal.insert(host.to_owned());
            if url.scheme() == "http" {
                self.hosts.plain_http.insert(host.to_owned());
            }
        }
        Some(url)
    }

    /// As [`Review::address`], for an address that has an HTTP client of its own: its host opens nothing to other calls.
    pub(in crate::config) fn unrecorded_address(&mut self, text: &str, plain: PlainHttp, place: &Place) -> Option<Url> {
        let url = self.url(text, place)?;
        if url.scheme() == "http" && !(plain == PlainHttp::Allowed || plain == PlainHttp::Loopback && is_loopback(&url))
        {
            // Whether the section allows it is not known.
            if self.is_reported(&place.beside("allow_insecure_http")) {
                return None;
            }
            let proposal = Proposal::text(place, with_https(text));
            let proposal = proposal.or(", or allow_insecure_http = true in the same section");
            self.propose(place, format!("{text:?} is plain http"), proposal);
            return None;
        }
        Some(url)
    }

    /// The address of a proxy. Its host is recorded, so that it may be private. A proxy's own plain http address does
    /// not allow requests to its host in plain http.
    pub(in crate::config) fn proxy(&mut self, text: &str, place: &Place) -> Option<Url> {
        let right = |text: &str| right_url(text).map(|url| url.replacen("https:", "http:", 1));
        let url = self.parse_url(text, place, right)?;
        self.hosts.literal.extend(url.host_str().map(str::to_owned));
        Some(url)
    }

    /// An address with the placeholder `name`, which must occur at least once. Its host is recorded.
    pub(in crate::config) fn address_template(
        &mut self,
        text: &str,
        name: &str,
        plain: PlainHttp,
        place: &Place,
    ) -> Option<String> {
        self.template(text, name, place)?;
        self.filled_url(text, name, place)?;
        self.address(&filled(text, name), plain, place)?;
        Some(text.to_owned())
    }

    /// An issuer's URL with the placeholder `name`, which may occur several times and then stands for the same tenant
    /// each time. The issuer of a single tenant has the tenant's GUID as a segment of its path instead. bot-sso
    /// compares the URL and never calls it, so its host is not recorded.
    pub(in crate::config) fn issuer_template(&mut self, text: &str, name: &str, place: &Place) -> Option<String> {
        let is_tenant =
            |segment: &str| segment.len() == uuid::fmt::Hyphenated::LENGTH && uuid::Uuid::try_parse(segment).is_ok();
        let names_tenant = text.split('/').any(is_tenant) && !text.contains(['{', '}']);
        if !names_tenant {
            self.template(text, name, place)?;
        }
        self.filled_url(text, name, place)?;
        Some(text.to_owned())
    }

    /// As [`Review::url`], for a text with the placeholder `name`, which messages show as it is written.
    fn filled_url(&mut self, text: &str, name: &str, place: &Place) -> Option<Url> {
        let (placeholder, id) = (format!("{{{name}}}"), uuid::Uuid::nil().to_string());
        match Url::parse(&filled(text, name)) {
            Ok(url) if is_plain(&url, &filled(text, name)) => Some(url),
            _ => self.parse_url(text, place, |_| {
                right_url(&filled(text, name)).map(|right| right.replace(&id, &placeholder))
            }),
        }
    }

    /// An http or https URL without a user name, a password, a fragment, white space or braces.
    pub(in crate::config) fn url(&mut self, text: &str, place: &Place) -> Option<Url> {
        self.parse_url(text, place, right_url)
    }

    /// As [`Review::url`]; `right` finds what to write instead of a wrong text.
    fn parse_url(&mut self, text: &str, place: &Place, right: impl FnOnce(&str) -> Option<String>) -> Option<Url> {
        let complaint = match Url::parse(text) {
            Ok(url) if is_plain(&url, text) => return Some(url),
            Ok(url) if !is_http(&url) => "is not an http(s) address",
            // The message leaves the text out, because it may contain a password.
            Ok(url) if has_user(&url) => {
                self.report(place, "holds a user name or password: write the address without them".to_owned());
                return None;
            }
            Ok(url) if url.fragment().is_some() => "has a fragment",
            Ok(url) if names_many_hosts(&url) => {
                let message = format!("{text:?} has a * in its host, and means one host: write its whole name");
                self.report(place, message);
                return None;
            }
            Ok(_) => "has stray characters",
            Err(_) => "is not an address",
        };
        let proposal = right(text).map(|right| Proposal::text(place, right));
        self.propose_or(place, &format!("{text:?} {complaint}"), proposal, "it as https://host/path");
        None
    }

    fn template(&mut self, text: &str, name: &str, place: &Place) -> Option<()> {
        let placeholder = format!("{{{name}}}");
        if !text.contains(&placeholder) {
            let write = format!("write {placeholder} in each place where the tenant's id goes");
            self.report(place, format!("{text:?} has no {placeholder}: {write}"));
            return None;
        }
        if text.replace(&placeholder, "").contains(['{', '}']) {
            self.report(place, format!("{text:?} has another placeholder: write no other than {placeholder}"));
            return None;
        }
        Some(())
    }
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether `url`, which is written as `text`, has nothing but what an address needs.
fn is_plain(url: &Url, text: &str) -> bool {
    is_http(url)
        && !has_user(url)
        && url.fragment().is_none()
        && !names_many_hosts(url)
        && !text.chars().any(char::is_whitespace)
        && !text.contains(['{', '}'])
}

fn names_many_hosts(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.contains('*'))
}

fn filled(text: &str, name: &str) -> String {
    text.replace(&format!("{{{name}}}"), &uuid::Uuid::nil().to_string())
}
