use actix_web::{HttpRequest, HttpResponse, web};

use super::{ModuleFile, Releases};
use crate::inbound::{Method, Operation};

/// A module that a door serves: its versions, the names of its operations, and its addresses.
pub trait PageModule: 'static {
    /// The versions that are served, the newest first. A new version is a new folder below the door's `versions`, takes the first
    /// place and removes the third.
    const RELEASES: Releases;
    /// The addresses of the module.
    const PATHS: PageModulePaths;
    /// The ids of the operations in the `OpenAPI` document: of the newest module and its declarations, and of one version of each.
    const OPERATION_IDS: [&'static str; 4];
}

/// The addresses of a module. Those of a version have the parameter `{hash}`.
pub struct PageModulePaths {
    /// The newest version of the module.
    pub newest_module: &'static str,
    /// TypeScript's declarations of the newest version.
    pub newest_declarations: &'static str,
    /// One version of the module.
    pub module: &'static str,
    /// TypeScript's declarations of one version.
    pub declarations: &'static str,
}

/// The table of a door that serves the module `M`.
#[must_use]
pub const fn build_operations<M: PageModule>() -> [Operation; 4] {
    [
        Operation {
            method: Method::Get,
            path: M::PATHS.newest_module,
            route: |route| route.to(serve_newest_module::<M>),
            description: || {
                let summary = "The newest version of the module, for five minutes.";
                ModuleFile::Module.describe_newest(M::OPERATION_IDS[0], summary)
            },
        },
        Operation {
            method: Method::Get,
            path: M::PATHS.newest_declarations,
            route: |route| route.to(serve_newest_declarations::<M>),
            description: || {
                let summary = "TypeScript's declarations of the newest version.";
                ModuleFile::Declarations.describe_newest(M::OPERATION_IDS[1], summary)
            },
        },
        Operation {
            method: Method::Get,
            path: M::PATHS.module,
            route: |route| route.to(serve_module::<M>),
            description: || {
                let summary = "One version of the module. The last two versions are there.";
                ModuleFile::Module.describe_version(M::OPERATION_IDS[2], summary)
            },
        },
        Operation {
            method: Method::Get,
            path: M::PATHS.declarations,
            route: |route| route.to(serve_declarations::<M>),
            description: || {
                let summary = "TypeScript's declarations of one version.";
                ModuleFile::Declarations.describe_version(M::OPERATION_IDS[3], summary)
            },
        },
    ]
}

async fn serve_newest_module<M: PageModule>(request: HttpRequest) -> HttpResponse {
    M::RELEASES.serve_newest(ModuleFile::Module, &request)
}

async fn serve_newest_declarations<M: PageModule>(request: HttpRequest) -> HttpResponse {
    M::RELEASES.serve_newest(ModuleFile::Declarations, &request)
}

async fn serve_module<M: PageModule>(hash: web::Path<String>, request: HttpRequest) -> HttpResponse {
    M::RELEASES.serve_version(&hash, ModuleFile::Module, &request)
}

async fn serve_declarations<M: PageModule>(hash: web::Path<String>, request: HttpRequest) -> HttpResponse {
    M::RELEASES.serve_version(&hash, ModuleFile::Declarations, &request)
}
