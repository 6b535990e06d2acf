use serde::Deserialize;

use crate::config::review::{Place, Proposal, Review};
use crate::domain::{Downstream, DownstreamMethod, ErrorConvention, UserData};

use super::downstream::plain_path;

/// The beginnings, in whole segments, of the paths that bot-sso answers itself. A test compares them with the doors.
pub const OWN_PATHS: [&str; 22] = [
    "/.auth",
    "/.well-known",
    "/admin",
    "/api/add-ins",
    "/api/agentsignin",
    "/api/apps",
    "/api/botsignin",
    "/api/messages",
    "/api/oauth",
    "/api/skills",
    "/api/usertoken",
    "/bots",
    "/healthz",
    "/identity",
    "/management",
    "/metrics",
    "/oauth",
    "/oauth2",
    "/office",
    "/openapi.json",
    "/readyz",
    "/web-chat",
];

/// How refusals of the identity provider are told, as it is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawErrors {
    Status,
    Inline,
}

impl From<RawErrors> for ErrorConvention {
    fn from(raw: RawErrors) -> Self {
        match raw {
            RawErrors::Status => Self::Status,
            RawErrors::Inline => Self::Inline,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct RawUserData {
    path: Option<String>,
    downstream: Option<String>,
    errors: Option<RawErrors>,
}

impl RawUserData {
    /// `downstream` is the add-in's, if it has one without a problem.
    pub(super) fn validate(
        self,
        downstream: Option<&Downstream>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<UserData> {
        let at = place.key("path");
        let path = review.required(self.path, &at, "the path that clients call, as \"/getuserdata\"");
        let path = path.and_then(|text| plain_path(text, review, &at));
        let path = path.filter(|path| !refuse_pattern(path, review, &at) && !refuse_own_path(path, review, &at));
        let at = place.key("downstream");
        let called = review.required(self.downstream, &at, "the path below downstream.url, as \"/me\"");
        let called = called.and_then(|text| plain_path(text, review, &at));
        if let (Some(downstream), Some(called)) = (downstream, &called)
            && !downstream.admits_path(called)
        {
            let message = format!("{called:?} is no path that downstream.paths admits: add it there, or write another");
            review.report(&at, message);
        }
        if downstream.is_some_and(|downstream| !downstream.methods.contains(&DownstreamMethod::Get)) {
            let message = "is read with GET, which is not among downstream.methods: add \"GET\" there";
            review.report(&at, message.to_owned());
        }
        let errors = self.errors.map(ErrorConvention::from).unwrap_or_default();
        Some(UserData { path: path?, downstream: called?, errors })
    }
}

/// Reports a path with other characters than the unreserved ones (RFC 3986 §2.3). The router reads some of the others as the
/// pattern of a route, and the rest arrive escaped, so that no request would match.
fn refuse_pattern(path: &str, review: &mut Review<'_>, place: &Place) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~/".contains(letter);
    let other = path.chars().find(|letter| !is_plain(*letter));
    if let Some(other) = other {
        let write = "only letters, digits, \"-\", \".\", \"_\", \"~\" and \"/\", as \"/getuserdata\"";
        review.report(place, format!("{path:?} has {other:?}, and the path is no pattern: write {write}"));
    }
    other.is_some()
}

/// Reports a path that bot-sso answers itself.
fn refuse_own_path(path: &str, review: &mut Review<'_>, place: &Place) -> bool {
    let folded = path.to_ascii_lowercase();
    let is_at_or_below =
        |own: &str| folded.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // "/api" is a folder of own paths, and no resource of an add-in.
    let is_own = ["/", "/api"].contains(&folded.as_str()) || OWN_PATHS.into_iter().any(is_at_or_below);
    if is_own {
        let complaint = format!("{path:?} is a path of bot-sso's own");
        review.propose(place, complaint, Proposal::text(place, "/getuserdata"));
    }
    is_own
}
