use actix_web::{Resource, Route, web};

use super::problem::Problem;

/// One operation of a door: its routes are made of these, and the `OpenAPI` document is held against them.
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path as published.
    pub path: &'static str,
    /// Leads to what answers.
    pub route: fn() -> Route,
}

impl Operation {
    /// The operation under `path`; every other method there is 405.
    #[must_use]
    pub fn resource(&self, path: &str) -> Resource {
        let allow = self.method;
        let wrong_method = web::to(move || async move { Problem::MethodNotAllowed(allow).respond() });
        web::resource(path).route((self.route)()).default_service(wrong_method)
    }

    /// A pattern that fits the path in any letter case.
    #[must_use]
    pub fn in_any_case(&self) -> String {
        let segments = self.path.split('/').filter(|segment| !segment.is_empty()).enumerate();
        segments
            .fold(String::new(), |pattern, (number, segment)| format!("{pattern}/{{segment{number}:(?i:{segment})}}"))
    }
}
