//! The door of a site's pages: the module that answers sign-in cards in Web Chat (docs/web-chat.md).
//!
//! Owns the addresses of the module. It deliberately knows nothing of cards and tokens: the module runs in the user's
//! browser, and uses what the channel and the other doors offer.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::inbound::{Door, LetterCase, Method, ModuleFile, Operation, Release, Releases};

/// The versions that are served, the newest first. A new version is a new folder below `versions`, takes the first place
/// here and removes the third.
pub const RELEASES: Releases = Releases(&[Release {
    module: include_str!("versions/1/single-sign-on.js"),
    declarations: include_str!("versions/1/single-sign-on.d.ts"),
}]);

const NEWEST_MODULE: &str = "/web-chat/single-sign-on.js";
const NEWEST_DECLARATIONS: &str = "/web-chat/single-sign-on.d.ts";
const RELEASED_MODULE: &str = "/web-chat/{hash}/single-sign-on.js";
const RELEASED_DECLARATIONS: &str = "/web-chat/{hash}/single-sign-on.d.ts";

/// This door's operations.
pub const DOOR: Door = Door {
    name: "Web Chat",
    description: "For pages with Web Chat: the module that signs their users in silently. Pages of all origins may \
                  load it.",
    bearer: "",
    operations: OPERATIONS,
    letter_case: LetterCase::Exact,
    answers_head: true,
};

const OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::Get,
        path: NEWEST_MODULE,
        route: |route| route.to(serve_newest_module),
        description: || {
            let summary = "The newest version of the module, for five minutes.";
            ModuleFile::Module.describe_newest("GetSingleSignOnModule", summary)
        },
    },
    Operation {
        method: Method::Get,
        path: NEWEST_DECLARATIONS,
        route: |route| route.to(serve_newest_declarations),
        description: || {
            let summary = "TypeScript's declarations of the newest version.";
            ModuleFile::Declarations.describe_newest("GetSingleSignOnTypes", summary)
        },
    },
    Operation {
        method: Method::Get,
        path: RELEASED_MODULE,
        route: |route| route.to(serve_released_module),
        description: || {
            let summary = "One version of the module. The last two versions are there.";
            ModuleFile::Module.describe_version("GetReleasedSingleSignOnModule", summary)
        },
    },
    Operation {
        method: Method::Get,
        path: RELEASED_DECLARATIONS,
        route: |route| route.to(serve_released_declarations),
        description: || {
            let summary = "TypeScript's declarations of one version.";
            ModuleFile::Declarations.describe_version("GetReleasedSingleSignOnTypes", summary)
        },
    },
];

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig) {
    DOOR.add_routes(config);
}

async fn serve_newest_module(request: HttpRequest) -> HttpResponse {
    RELEASES.serve_newest(ModuleFile::Module, &request)
}

async fn serve_newest_declarations(request: HttpRequest) -> HttpResponse {
    RELEASES.serve_newest(ModuleFile::Declarations, &request)
}

/// `GET /web-chat/{hash}/single-sign-on.js`.
async fn serve_released_module(hash: web::Path<String>, request: HttpRequest) -> HttpResponse {
    RELEASES.serve_version(&hash, ModuleFile::Module, &request)
}

/// `GET /web-chat/{hash}/single-sign-on.d.ts`.
async fn serve_released_declarations(hash: web::Path<String>, request: HttpRequest) -> HttpResponse {
    RELEASES.serve_version(&hash, ModuleFile::Declarations, &request)
}

#[cfg(test)]
mod tests {
    use super::RELEASES;
    use crate::inbound::page_module_testing::{assert_at_most_two_versions, assert_guide_names_the_newest};

    #[test]
    fn the_guide_for_site_owners_names_the_newest_version() {
        assert_guide_names_the_newest(include_str!("../../../docs/web-chat.md"), "/web-chat", &RELEASES);
    }

    #[test]
    fn at_most_two_versions_are_served_and_no_two_are_equal() {
        assert_at_most_two_versions(&RELEASES);
    }
}
