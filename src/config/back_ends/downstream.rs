use serde::Deserialize;
use url::Url;

use crate::config::review::{Place, PlainHttp, Proposal, Review, near_match};
use crate::domain::{Downstream, DownstreamMethod, DownstreamPath};

/// The methods by their names.
const METHODS: [(&str, DownstreamMethod); 5] = [
    ("GET", DownstreamMethod::Get),
    ("POST", DownstreamMethod::Post),
    ("PUT", DownstreamMethod::Put),
    ("PATCH", DownstreamMethod::Patch),
    ("DELETE", DownstreamMethod::Delete),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawDownstream {
    url: Option<String>,
    paths: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    allow_insecure_http: Option<bool>,
}

impl RawDownstream {
    pub(super) fn validate(self, review: &mut Review<'_>, place: &Place) -> Option<Downstream> {
        let plain = if self.allow_insecure_http == Some(true) { PlainHttp::Allowed } else { PlainHttp::Loopback };
        let url = base_url(self.url, plain, review, &place.key("url"));
        let paths = paths(self.paths, review, &place.key("paths"));
        let methods = methods(self.methods, review, &place.key("methods"));
        Some(Downstream { url: url?, paths: paths?, methods: methods? })
    }
}

/// The base of the addresses that are called. Its host is recorded, so that the call may reach it.
fn base_url(written: Option<String>, plain: PlainHttp, review: &mut Review<'_>, place: &Place) -> Option<Url> {
    let graph = "https://graph.microsoft.com/v1.0";
    let text = review.required(written, place, &format!("the address of the API that is called, as {graph:?}"))?;
    let mut url = review.address(&text, plain, place)?;
    if let Some((right, _)) = text.split_once('?') {
        let complaint = format!("{text:?} has a query, and callers' paths and queries are added to it");
        review.propose(place, complaint, Proposal::text(place, right));
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

fn paths(written: Option<Vec<String>>, review: &mut Review<'_>, place: &Place) -> Option<Vec<DownstreamPath>> {
    let write = "the paths below url that may be called, as [\"/me\", \"/me/drive/*\"]";
    let texts = review.required(written, place, write)?;
    if texts.is_empty() {
        review.report(place, format!("is empty, so nothing could be called: write {write}"));
        return None;
    }
    let rules = (0..texts.len()).map(|index| path_rule(&texts, index, review, place));
    rules.collect::<Vec<_>>().into_iter().collect()
}

fn path_rule(texts: &[String], index: usize, review: &mut Review<'_>, place: &Place) -> Option<DownstreamPath> {
    let (text, at) = (texts.get(index)?, place.index(index));
    if review.refuse_several(texts, index, place) {
        return None;
    }
    let below = text.strip_suffix('*').filter(|below| below.ends_with('/') && !below.contains('*'));
    if let Some(below) = below {
        // An empty segment is reported as such, and not as a slash at the end.
        let inner = below.strip_suffix('/').filter(|inner| !inner.is_empty() && !below.contains("//")).unwrap_or(below);
        plain_path(inner.to_owned(), review, &at)?;
        return Some(DownstreamPath::Below(below.to_owned()));
    }
    if text.contains('*') {
        let right = text.split_once('*').map(|(before, _)| before.rsplit_once('/').map_or("", |(folder, _)| folder));
        let proposal = right.map(|folder| Proposal::text(&at, format!("{folder}/*")));
        let write = "a path, or all paths below one: \"/me/drive/*\"";
        review.propose_or(&at, &format!("{text:?} has a * that is no whole last segment"), proposal, write);
        return None;
    }
    plain_path(text.clone(), review, &at).map(DownstreamPath::Exact)
}

/// A path as it is compared with the decoded path of a request: from its slash, without escapes, query and dot segments.
pub(super) fn plain_path(text: String, review: &mut Review<'_>, place: &Place) -> Option<String> {
    if !text.starts_with('/') {
        let right = Url::parse(&text).map_or_else(|_| format!("/{text}"), |url| url.path().to_owned());
        review.propose(place, format!("{text:?} is no path, which begins with a slash"), Proposal::text(place, right));
        return None;
    }
    let complaint = if text.contains(['?', '#']) {
        Some("has a query or a fragment, which no path has")
    } else if text.contains('%') {
        Some("has an escape, and paths are compared decoded")
    } else if text.contains('\\') || text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        Some("has characters that no path may have here")
    } else if text.split('/').skip(1).any(|segment| matches!(segment, "." | "..")) || text.contains("//") {
        Some("has an empty segment or a dot segment")
    } else if text.len() > 1 && text.ends_with('/') {
        let right = text.trim_end_matches('/');
        review.propose(place, format!("{text:?} has a slash at its end"), Proposal::text(place, right));
        return None;
    } else {
        None
    };
    if let Some(complaint) = complaint {
        review.report(place, format!("{text:?} {complaint}: write it plainly, as \"/me\""));
        return None;
    }
    Some(text)
}

fn methods(written: Option<Vec<String>>, review: &mut Review<'_>, place: &Place) -> Option<Vec<DownstreamMethod>> {
    let Some(texts) = written else { return Some(vec![DownstreamMethod::Get]) };
    if texts.is_empty() {
        review.report(place, "is empty, so nothing could be called: write [\"GET\"]".to_owned());
        return None;
    }
    let found = (0..texts.len()).map(|index| method(&texts, index, review, place));
    found.collect::<Vec<_>>().into_iter().collect()
}

fn method(texts: &[String], index: usize, review: &mut Review<'_>, place: &Place) -> Option<DownstreamMethod> {
    let (text, at) = (texts.get(index)?, place.index(index));
    if let Some((_, method)) = METHODS.iter().find(|(name, _)| name == text) {
        return Some(*method);
    }
    if !review.refuse_several(texts, index, place) {
        let known = METHODS.map(|(name, _)| name);
        let near = near_match(&text.to_ascii_uppercase(), known.into_iter()).map(|near| Proposal::text(&at, near));
        // GET admits HEAD with it.
        let near = if text.eq_ignore_ascii_case("HEAD") { Some(Proposal::text(&at, "GET")) } else { near };
        review.propose_or(&at, &format!("{text:?} is no method for a call"), near, &known.join(", "));
    }
    None
}
