//! Modules that pages load from bot-sso: their versions, and the answers that carry them.
//!
//! Owns the names of versions, and how long browsers keep what they fetched. It deliberately knows no address: each door
//! names those of its module. Pages of all origins may load a module, since it is public code.

mod operations;
mod release;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, EntityTag, Header as _, HeaderName, HeaderValue, IfNoneMatch,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

pub use operations::{PageModule, PageModulePaths, build_operations};
#[cfg(test)]
pub use release::testing as page_module_testing;
pub use release::{Release, Releases};

use super::{Answer, Description, Problem};

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

/// What the documents say of the parameter `hash` of a path.
const HASH: &str = "The version: the first 32 hexadecimal digits of the module's SHA-256.";
const NO_VERSION: &str = "There is no such version, or no longer.";
const UNCHANGED: &str = "The page has this content already (`If-None-Match`).";

/// A file of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleFile {
    /// The module itself.
    Module,
    /// TypeScript's declarations of the module.
    Declarations,
}

impl ModuleFile {
    /// Describes the operation that serves this file of the newest version.
    pub fn describe_newest(self, id: &str, summary: &str) -> Description {
        self.describe(id, summary, "An ES module.", "The text of a `.d.ts` file.")
    }

    /// Describes the operation that serves this file of the version that the path names.
    pub fn describe_version(self, id: &str, summary: &str) -> Description {
        let (module, declarations) =
            ("An ES module, which never changes.", "The text of a `.d.ts` file, which never changes.");
        self.describe(id, summary, module, declarations).path_parameter("hash", HASH).error(404, NO_VERSION)
    }

    fn describe(self, id: &str, summary: &str, module: &str, declarations: &str) -> Description {
        let answer = match self {
            Self::Module => Answer::empty(module).or_script(),
            Self::Declarations => Answer::text(declarations),
        };
        Description::new(id, summary).answer(200, answer).answer(304, Answer::empty(UNCHANGED))
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Module => MODULE_TYPE,
            Self::Declarations => DECLARATIONS_TYPE,
        }
    }

    const fn text(self, release: &Release) -> &'static str {
        match self {
            Self::Module => release.module,
            Self::Declarations => release.declarations,
        }
    }
}

impl Releases {
    /// Answers with a file of the newest version, which browsers keep for five minutes.
    #[must_use]
    pub fn serve_newest(&self, file: ModuleFile, request: &HttpRequest) -> HttpResponse {
        self.newest().map_or_else(not_found, |release| answer(release, file, FIVE_MINUTES, request))
    }

    /// Answers with a file of the version `hash`, which browsers keep for ever.
    #[must_use]
    pub fn serve_version(&self, hash: &str, file: ModuleFile, request: &HttpRequest) -> HttpResponse {
        self.find(hash).map_or_else(not_found, |release| answer(release, file, IMMUTABLE, request))
    }
}

/// The file, or 304 if the request names its content as known (RFC 9110 §13.1.2).
fn answer(release: &Release, file: ModuleFile, kept: HeaderValue, request: &HttpRequest) -> HttpResponse {
    let text = file.text(release);
    let tag = EntityTag::new_strong(release::digest_of(text));
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(&tag)),
        // The condition cannot be read, so the whole content is the safe answer.
        Err(_) => false,
    };
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, kept))
        .insert_header((ETAG, tag.to_string()))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, CROSS_ORIGIN))
        .insert_header((X_CONTENT_TYPE_OPTIONS, NO_SNIFF));
    if is_known {
        return response.finish();
    }
    response.content_type(file.content_type()).body(Bytes::from_static(text.as_bytes()))
}

fn not_found() -> HttpResponse {
    Problem::NotFound.respond()
}
