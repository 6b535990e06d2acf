use serde::Deserialize;
use url::Url;

use crate::config::review::{CloudDefaults, Place, Proposal, Review, is_loopback, with_https};

/// The Teams JavaScript library, as Microsoft's content network serves it. The same address serves every cloud: version
/// 2.34.0 of the library fetches its list of hosts from this network wherever it runs.
const TEAMS_LIBRARY: &str = "https://res.cdn.office.net/teams-js/2.34.0/js/MicrosoftTeams.min.js";

/// The digest of the file at [`TEAMS_LIBRARY`] (W3C Subresource Integrity). A browser does not run another file. A test
/// compares it with the published package.
const TEAMS_LIBRARY_INTEGRITY: &str = "sha384-brW9AazbKR2dYw2DucGgWCCcmrm2oBFV4HQidyuyZRI/TnAkmOOnTARSTdps3Hwt";

/// The Office JavaScript library, as Microsoft's content network serves it. The address always has the newest version, so its
/// file has no digest that a page could ask for.
const OFFICE_LIBRARY: &str = "https://appsforoffice.microsoft.com/lib/1/hosted/office.js";

/// The pages that a user's browser shows when silent sign-in is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInSection {
    /// Addresses that a bot may name as `finalRedirect`; a redirect must have an entry's origin and begin with its
    /// path.
    pub final_redirects: Vec<Url>,
    /// The Teams library that the last page loads inside Teams.
    pub teams_library_url: Url,
    /// What the library's file has to be; `None` for another address than the default, whose file is not known.
    pub teams_library_integrity: Option<&'static str>,
    /// The Office library that the last page of an add-in's dialog loads. The page takes scripts of its host alone.
    pub office_library_url: Url,
    /// The origins that may show the Teams pages in a frame, as sources of a content security policy.
    pub frame_ancestors: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawSignIn {
    final_redirects: Vec<String>,
    teams_library_url: Option<String>,
    office_library_url: Option<String>,
    frame_ancestors: Option<Vec<String>>,
}

impl RawSignIn {
    pub(in crate::config) fn validate(self, cloud: &CloudDefaults, review: &mut Review<'_>) -> Option<SignInSection> {
        let place = Place::section("sign_in");
        let at = place.key("final_redirects");
        let mut final_redirects = Vec::new();
        for (index, text) in self.final_redirects.iter().enumerate() {
            if !review.refuse_several_addresses(&self.final_redirects, index, &at) {
                final_redirects.extend(check_redirect_url(text, review, &at.index(index)));
            }
        }
        let library = self.teams_library_url.as_deref().unwrap_or(TEAMS_LIBRARY);
        let teams_library_url = check_page_url(library, review, &place.key("teams_library_url"));
        let library = self.office_library_url.as_deref().unwrap_or(OFFICE_LIBRARY);
        let office_library_url = check_page_url(library, review, &place.key("office_library_url"));
        let of_cloud = || cloud.teams_origins.iter().map(|origin| (*origin).to_owned()).collect();
        let ancestors = self.frame_ancestors.unwrap_or_else(of_cloud);
        let at = place.key("frame_ancestors");
        for (index, source) in ancestors.iter().enumerate() {
            if is_source(source) || review.refuse_several(&ancestors, index, &at) {
                continue;
            }
            let at = at.index(index);
            let proposal = right_source(source).map(|right| Proposal::text(&at, right));
            let write = "it as \"https://host\" or \"https://*.host\"";
            review.propose_or(&at, &format!("{source:?} is no origin"), proposal, write);
        }
        let (teams_library_url, office_library_url) = (teams_library_url?, office_library_url?);
        let is_default = teams_library_url.as_str() == TEAMS_LIBRARY;
        Some(SignInSection {
            final_redirects,
            teams_library_url,
            office_library_url,
            teams_library_integrity: is_default.then_some(TEAMS_LIBRARY_INTEGRITY),
            frame_ancestors: ancestors,
        })
    }
}

/// The address of a page that only browsers visit. bot-sso never calls it, so its host is not recorded.
fn check_page_url(text: &str, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let url = review.url(text, place)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let proposal = Proposal::text(place, with_https(text)).or("; only a loopback address may be http");
        review.propose(place, format!("{text:?} is plain http"), proposal);
        return None;
    }
    Some(url)
}

fn check_redirect_url(text: &str, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let url = check_page_url(text, review, place)?;
    if let Some((right, _)) = text.split_once('?') {
        let proposal = Proposal::text(place, right).or(", which any query is taken behind");
        review.propose(place, format!("{text:?} has a query"), proposal);
        return None;
    }
    Some(url)
}

/// Whether `text` is an origin in the form of a content security policy, without characters that end the directive.
fn is_source(text: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let host = host.strip_prefix("*.").unwrap_or(host);
    let is_ordinary = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.bytes().all(is_ordinary)
}

/// The origin that `text`, which lacks a scheme or has a path, probably means.
fn right_source(text: &str) -> Option<String> {
    let rest = text.trim().split_once("//").map_or(text.trim(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?;
    let right = format!("https://{host}");
    (host.contains('.') && is_source(&right)).then_some(right)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::review::Cloud;

    fn problems_of(text: &str) -> Vec<String> {
        let variables = BTreeMap::new();
        let mut review = Review::new(&variables, Path::new(""));
        let section = toml::from_str::<RawSignIn>(text).unwrap().validate(Cloud::Public.defaults(), &mut review);
        match review.conclude() {
            Ok(findings) => {
                assert!(findings.hosts.literal.is_empty(), "none of these hosts is ever called");
                assert!(section.is_some());
                Vec::new()
            }
            Err(review) => review.into_problems(&|_| Vec::new()).0.into_iter().map(|problem| problem.path).collect(),
        }
    }

    #[test]
    fn every_key_of_the_section_is_optional() {
        assert!(problems_of("").is_empty());
        let written = "final_redirects = [\"https://a.example/x\", \"http://localhost:3000\"]\nframe_ancestors = []";
        assert!(problems_of(written).is_empty());
    }

    #[test]
    fn an_unsafe_address_for_a_browser_is_reported() {
        for (text, path) in [
            ("final_redirects = [\"http://a.example/\"]", "sign_in.final_redirects[0]"),
            ("final_redirects = [\"https://a.example/?x=1\"]", "sign_in.final_redirects[0]"),
            ("final_redirects = [\"javascript:alert(1)\"]", "sign_in.final_redirects[0]"),
            ("teams_library_url = \"http://a.example/x.js\"", "sign_in.teams_library_url"),
            ("office_library_url = \"http://a.example/office.js\"", "sign_in.office_library_url"),
            ("frame_ancestors = [\"*\"]", "sign_in.frame_ancestors[0]"),
            ("frame_ancestors = [\"https://a.example; script-src *\"]", "sign_in.frame_ancestors[0]"),
        ] {
            assert_eq!(problems_of(text), [path], "{text}");
        }
    }
}
