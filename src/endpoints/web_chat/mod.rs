//! The door of a site's pages: the module that answers sign-in cards in Web Chat (docs/web-chat.md).
//!
//! Owns the addresses of the module and how long browsers keep what they fetched. It deliberately knows nothing of cards
//! and tokens: the module runs in the user's browser, and uses what the channel and the other doors offer.

mod release;

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, web};
use bytes::Bytes;

pub use release::{RELEASES, Release};

use crate::inbound::{Answer, Description, Door, LetterCase, Method, Operation, Problem};

/// What a browser keeps of an address whose content never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What a browser keeps of an address that has the newest version.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Lets pages that embed only what permits it load the module.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

const MODULE_TYPE: &str = "text/javascript; charset=utf-8";
const DECLARATIONS_TYPE: &str = "text/plain; charset=utf-8";

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
            Description::new("GetSingleSignOnModule", "The newest version of the module, for five minutes.")
                .answer(200, Answer::empty("An ES module.").or_script())
        },
    },
    Operation {
        method: Method::Get,
        path: NEWEST_DECLARATIONS,
        route: |route| route.to(serve_newest_declarations),
        description: || {
            Description::new("GetSingleSignOnTypes", "TypeScript's declarations of the newest version.")
                .answer(200, Answer::text("The text of a `.d.ts` file."))
        },
    },
    Operation {
        method: Method::Get,
        path: RELEASED_MODULE,
        route: |route| route.to(serve_released_module),
        description: || {
            Description::new(
                "GetReleasedSingleSignOnModule",
                "One version of the module. The last two versions are there.",
            )
            .path_parameter("hash", HASH)
            .answer(200, Answer::empty("An ES module, which never changes.").or_script())
            .error(404, NO_VERSION)
        },
    },
    Operation {
        method: Method::Get,
        path: RELEASED_DECLARATIONS,
        route: |route| route.to(serve_released_declarations),
        description: || {
            Description::new("GetReleasedSingleSignOnTypes", "TypeScript's declarations of one version.")
                .path_parameter("hash", HASH)
                .answer(200, Answer::text("The text of a `.d.ts` file, which never changes."))
                .error(404, NO_VERSION)
        },
    },
];

/// What the documents say of the parameter.
const HASH: &str = "The version: the first 32 hexadecimal digits of the module's SHA-256.";
const NO_VERSION: &str = "There is no such version, or no longer.";

/// Adds this door's paths.
pub fn configure(config: &mut web::ServiceConfig) {
    DOOR.add_routes(config);
}

async fn serve_newest_module() -> HttpResponse {
    RELEASES.first().map_or_else(not_found, |release| answer(release.module, MODULE_TYPE, FIVE_MINUTES))
}

async fn serve_newest_declarations() -> HttpResponse {
    RELEASES.first().map_or_else(not_found, |release| answer(release.declarations, DECLARATIONS_TYPE, FIVE_MINUTES))
}

/// `GET /web-chat/{hash}/single-sign-on.js`.
async fn serve_released_module(hash: web::Path<String>) -> HttpResponse {
    find(&hash).map_or_else(not_found, |release| answer(release.module, MODULE_TYPE, IMMUTABLE))
}

/// `GET /web-chat/{hash}/single-sign-on.d.ts`.
async fn serve_released_declarations(hash: web::Path<String>) -> HttpResponse {
    find(&hash).map_or_else(not_found, |release| answer(release.declarations, DECLARATIONS_TYPE, IMMUTABLE))
}

fn find(hash: &str) -> Option<&'static Release> {
    RELEASES.iter().find(|release| release.hash() == hash)
}

fn answer(text: &'static str, content_type: &'static str, kept: HeaderValue) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, kept))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, CROSS_ORIGIN))
        .insert_header((X_CONTENT_TYPE_OPTIONS, NO_SNIFF))
        .body(Bytes::from_static(text.as_bytes()))
}

fn not_found() -> HttpResponse {
    Problem::NotFound.respond()
}
