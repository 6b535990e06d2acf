//! The `OpenAPI` document of a listener: it describes exactly the doors that the listener serves.
//!
//! Owns the document as a whole. It deliberately knows no operation: the document is built from the doors' tables of
//! operations, as the routes are. Each listener has its own document, so that no document names a path that its
//! listener does not serve.

use std::collections::HashMap;
use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use utoipa::openapi;
use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApiBuilder};

use crate::inbound::{Answer, BEARER, Description, Door, LetterCase, Method, Operation};

/// The door of this document.
pub const DOOR: Door = Door {
    name: "Description",
    description: "The description of this listener.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[Operation {
    method: Method::Get,
    path: "/openapi.json",
    route: |route| route.to(answer),
    description: || {
        Description::new("GetOpenApiDocument", "This document. Needs no bearer.")
            .answer(200, Answer::empty("OpenAPI 3.1.").or_any_json())
    },
}];

/// The document of one listener. It is rendered when it is first asked for: rendering takes almost three megabytes and touches
/// code that nothing else needs, and most processes are never asked.
pub struct ApiDocument {
    title: &'static str,
    description: String,
    doors: Vec<Door>,
    rendered: OnceLock<Bytes>,
}

impl ApiDocument {
    /// The document of `doors` and of this door, under `title`.
    #[must_use]
    pub fn new(title: &'static str, description: &str, doors: &[&Door]) -> Self {
        let doors = doors.iter().copied().copied().collect();
        Self { title, description: description.to_owned(), doors, rendered: OnceLock::new() }
    }

    fn get(&self) -> Bytes {
        self.rendered.get_or_init(|| self.render()).clone()
    }

    fn render(&self) -> Bytes {
        let (mut paths, mut components, mut tags) = (PathsBuilder::new(), ComponentsBuilder::new(), Vec::new());
        let mut ids = OperationIds::default();
        for door in self.doors.iter().chain([&DOOR]) {
            tags.push(TagBuilder::new().name(door.name).description(Some(door.description)).build());
            for operation in door.operations {
                let (mut described, schemas) = (operation.description)().into_parts(door.name);
                ids.make_unique(&mut described);
                paths = paths.path(operation.path, PathItem::new(operation.method.into(), described));
                components = components.schemas_from_iter(schemas);
                if operation.method == Method::Get && door.derives_head(operation.path) {
                    let mut head = (operation.description)().into_head(door.name);
                    ids.make_unique(&mut head);
                    paths = paths.path(operation.path, PathItem::new(Method::Head.into(), head));
                }
            }
        }
        let bearers: Vec<_> = self.doors.iter().map(|door| door.bearer).filter(|bearer| !bearer.is_empty()).collect();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(bearers.join(" "))).build();
        let version = env!("CARGO_PKG_VERSION");
        let info = InfoBuilder::new().title(self.title).version(version).description(Some(self.description.as_str()));
        let document = OpenApiBuilder::new()
            .info(info)
            .paths(paths)
            .components(Some(components.security_scheme(BEARER, SecurityScheme::Http(bearer)).build()))
            .tags(Some(tags));
        // Strings, numbers and maps with string keys cannot fail to serialise.
        document.build().to_json().map_or_else(|_| Bytes::new(), Bytes::from)
    }
}

/// The ids of the operations so far, with how many operations have each: the configuration may give an operation several paths.
#[derive(Default)]
struct OperationIds(HashMap<String, u32>);

impl OperationIds {
    /// Adds a number to the id of `operation` if another operation has it.
    fn make_unique(&mut self, operation: &mut openapi::path::Operation) {
        let Some(id) = &mut operation.operation_id else { return };
        let count = self.0.entry(id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            *id = format!("{id}{count}");
        }
    }
}

/// Adds this door's path.
pub fn configure(config: &mut web::ServiceConfig, document: web::Data<ApiDocument>) {
    config.app_data(document);
    DOOR.add_routes(config);
}

/// `GET /openapi.json`. It changes with the program only, and holds nothing secret.
async fn answer(document: web::Data<ApiDocument>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("application/json")
        .body(document.get())
}
