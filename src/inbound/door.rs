use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, Resource, web};

use super::operation::Operation;
use super::problem::Problem;

/// What a door answers: its one table, of which its routes and its part of the `OpenAPI` document are made. No route is
/// made elsewhere.
pub struct Door {
    /// What the document calls it.
    pub name: &'static str,
    /// Who calls here, and what for.
    pub description: &'static str,
    /// Whose bearer it takes; empty if it takes none.
    pub bearer: &'static str,
    /// The table.
    pub operations: &'static [Operation],
    /// Which spellings of its paths lead here.
    pub letter_case: LetterCase,
}

/// Which spellings of a path are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// The published one.
    Exact,
    /// All, for paths without parameters. The published one is compared as it stands first, since a pattern costs as much
    /// as all else about a request.
    Any,
}

impl Door {
    /// Adds the door's routes. Another method under one of its paths is 405 and learns which there are.
    pub fn add_routes(&self, config: &mut web::ServiceConfig) {
        for path in self.paths() {
            match path.split_once("/{") {
                // A scope of its own: the pattern is tried only on what begins so.
                Some((beginning, rest)) => {
                    config.service(web::scope(beginning).service(self.resource(path, &format!("/{{{rest}"))))
                }
                None => config.service(self.resource(path, path)),
            };
        }
        if self.letter_case == LetterCase::Any {
            for path in self.paths() {
                config.service(self.resource(path, &in_any_case(path)));
            }
        }
    }

    /// Each path once.
    fn paths(&self) -> impl Iterator<Item = &'static str> {
        let paths = self.operations.iter().map(|operation| operation.path).enumerate();
        let is_first =
            |(number, path): &(usize, &str)| self.operations.iter().take(*number).all(|earlier| earlier.path != *path);
        paths.filter(is_first).map(|(_, path)| path)
    }

    /// The operations under the published `path`, at `pattern`.
    fn resource(&self, path: &str, pattern: &str) -> Resource {
        let operations = || self.operations.iter().filter(|operation| operation.path == path);
        let methods: Vec<&str> = operations().map(|operation| operation.method.as_str()).collect();
        let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""));
        let wrong_method = web::to(move || std::future::ready(wrong_method(allow.clone())));
        operations()
            .fold(web::resource(pattern), |resource, operation| {
                resource.route((operation.route)(operation.method.route()))
            })
            .default_service(wrong_method)
    }
}

fn wrong_method(allow: HeaderValue) -> HttpResponse {
    let mut response = Problem::MethodNotAllowed.respond();
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// A pattern that fits the path in any letter case.
fn in_any_case(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).enumerate();
    segments.fold(String::new(), |pattern, (number, segment)| {
        let segment = segment.replace('.', "\\.");
        format!("{pattern}/{{segment{number}:(?i:{segment})}}")
    })
}

#[cfg(test)]
mod tests {
    use super::in_any_case;

    #[test]
    fn a_dot_of_a_path_is_a_dot_of_its_pattern() {
        assert_eq!(in_any_case("/.auth/web"), "/{segment0:(?i:\\.auth)}/{segment1:(?i:web)}");
    }
}
