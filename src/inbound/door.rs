use std::borrow::Cow;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, Resource, Scope, web};

use super::operation::{Method, Operation};
use super::problem::Problem;

/// The operations of a door. Its routes and its part of the `OpenAPI` document are both derived from this table; no
/// route is defined elsewhere.
#[derive(Clone, Copy)]
pub struct Door {
    /// The heading of the door in the document.
    pub name: &'static str,
    /// The description of the door in the document: its callers and its use.
    pub description: &'static str,
    /// Which bearers the door accepts; empty if it needs none.
    pub bearer: &'static str,
    /// The table of operations.
    pub operations: &'static [Operation],
    /// Which letter cases of its paths are accepted.
    pub letter_case: LetterCase,
    /// Whether `HEAD` of a path without an operation for it is answered as its `GET`, without the body (RFC 9110 §9.3.2);
    /// else it is 405. `false` where a `GET` keeps something or uses it up, such as a code.
    pub answers_head: bool,
}

/// The last parameter of a path that fills all further segments, and its pattern.
const REST: &str = "/{path}";
const REST_PATTERN: &str = "/{path:.*}";
/// The id of an app's user. What the path has in its place goes to the operation as a whole, which refuses what is no id.
const USER_ID: &str = "/{userId}";
const USER_ID_PATTERN: &str = "/{userId:.*}";
/// The beginnings of the paths of several doors. The framework asks the first scope with a prefix only, so paths with these
/// beginnings are resources of their own.
const SHARED_BEGINNINGS: [&str; 4] = ["/api/add-ins", "/api/apps", "/management/v4", "/oauth/v4"];

/// Which letter cases of a path are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// The published spelling only.
    Exact,
    /// Any letter case, for paths without parameters. The published spelling has its own route, which is compared as
    /// plain text, since matching a pattern costs as much as the rest of the routing.
    Any,
}

/// The published path of the resource that a request was sent to. Requests have it as application data.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublishedPath(pub(super) &'static str);

impl PublishedPath {
    /// Whether the last parameter fills all further segments, which are names of another service's.
    pub(super) fn has_rest(self) -> bool {
        self.0.ends_with(REST)
    }
}

impl Door {
    /// Adds the door's routes. A request with another method is answered 405, with the accepted methods in `Allow`.
    pub fn add_routes(&self, config: &mut web::ServiceConfig) {
        for path in self.paths().filter(|path| !path.contains("/{") || begins_as_another(path)) {
            config.service(self.resource(path, path));
        }
        for (number, beginning) in self.beginnings().enumerate() {
            // A second scope with the same prefix would not be reached.
            if self.beginnings().take(number).all(|earlier| earlier != beginning) {
                config.service(self.scope(beginning));
            }
        }
        if self.letter_case == LetterCase::Any {
            for path in self.paths() {
                config.service(self.resource(path, &case_insensitive_pattern(path)));
            }
        }
    }

    /// Adds the door's routes once more, with a second slash at the beginning of each path: some clients join the paths to a
    /// base address that ends with a slash.
    pub fn add_routes_behind_slash(&self, config: &mut web::ServiceConfig) {
        for path in self.paths() {
            config.service(self.resource(path, &format!("/{path}")));
        }
    }

    /// Whether `HEAD` of `path` is answered as its `GET` is: the door [answers it](Self::answers_head), and the table has a
    /// `GET` there and no `HEAD` of its own.
    #[must_use]
    pub fn derives_head(&self, path: &str) -> bool {
        let has = |method| self.operations.iter().any(|operation| operation.path == path && operation.method == method);
        self.answers_head && has(Method::Get) && !has(Method::Head)
    }

    /// The published paths, each once.
    fn paths(&self) -> impl Iterator<Item = &'static str> {
        let paths = self.operations.iter().map(|operation| operation.path).enumerate();
        let is_first =
            |(number, path): &(usize, &str)| self.operations.iter().take(*number).all(|earlier| earlier.path != *path);
        paths.filter(is_first).map(|(_, path)| path)
    }

    /// The fixed beginning of each path with a parameter, but those that other doors have as well.
    fn beginnings(&self) -> impl Iterator<Item = &'static str> {
        let own = self.paths().filter(|path| !begins_as_another(path));
        own.filter_map(|path| path.split_once("/{")).map(|(beginning, _)| beginning)
    }

    /// The resources of all paths that have a parameter behind `beginning`. The scope limits the work: their patterns are
    /// tried only on paths with this prefix.
    fn scope(&self, beginning: &'static str) -> Scope {
        let below = self.paths().filter(|path| path.split_once("/{").is_some_and(|(start, _)| start == beginning));
        below.fold(web::scope(beginning), |scope, path| {
            let pattern = path.strip_prefix(beginning).unwrap_or(path);
            scope.service(self.resource(path, pattern))
        })
    }

    /// The resource at `pattern` with all operations of the published `path`.
    fn resource(&self, path: &'static str, pattern: &str) -> Resource {
        let operations = || self.operations.iter().filter(|operation| operation.path == path);
        let derives_head = self.derives_head(path);
        let answered =
            |method: Method| if method == Method::Get && derives_head { "GET, HEAD" } else { method.as_str() };
        let methods: Vec<&str> = operations().map(|operation| answered(operation.method)).collect();
        let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""));
        let wrong_method = web::to(move || std::future::ready(wrong_method(allow.clone())));
        let pattern = match (pattern.strip_suffix(REST), pattern.strip_suffix(USER_ID)) {
            (Some(beginning), _) => Cow::Owned(format!("{beginning}{REST_PATTERN}")),
            (None, Some(beginning)) => Cow::Owned(format!("{beginning}{USER_ID_PATTERN}")),
            (None, None) => Cow::Borrowed(pattern),
        };
        operations()
            .fold(web::resource(&*pattern), |resource, operation| {
                let resource = resource.route((operation.route)(operation.method.route()));
                let is_heads_too = operation.method == Method::Get && derives_head;
                if is_heads_too { resource.route((operation.route)(Method::Head.route())) } else { resource }
            })
            .app_data(PublishedPath(path))
            .default_service(wrong_method)
    }
}

/// Whether paths of other doors have the fixed beginning of `path`.
fn begins_as_another(path: &str) -> bool {
    path.split_once("/{").is_some_and(|(beginning, _)| SHARED_BEGINNINGS.contains(&beginning))
}

fn wrong_method(allow: HeaderValue) -> HttpResponse {
    let mut response = Problem::MethodNotAllowed.respond();
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// A pattern that matches the path in any letter case.
fn case_insensitive_pattern(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).enumerate();
    segments.fold(String::new(), |pattern, (number, segment)| {
        let segment = segment.replace('.', "\\.");
        format!("{pattern}/{{segment{number}:(?i:{segment})}}")
    })
}

#[cfg(test)]
mod tests {
    use super::case_insensitive_pattern;

    #[test]
    fn a_dot_in_a_path_is_escaped_in_its_pattern() {
        assert_eq!(case_insensitive_pattern("/.auth/web"), "/{segment0:(?i:\\.auth)}/{segment1:(?i:web)}");
    }
}
