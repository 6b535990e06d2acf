use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Mutex;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use aws_lc_rs::digest::{SHA384, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::dev::error::StageError;
use crate::dev::lock::lock_ignoring_poison;

/// The files of other people that the page loads: Web Chat, MSAL and the part of MSAL for its redirect page.
const FILES: [&str; 3] = ["webchat.js", "msal-browser.min.js", "msal-redirect-bridge.min.js"];

/// One of [`FILES`].
struct Library {
    name: &'static str,
    content: Bytes,
    address: LibraryAddress,
}

/// Where the page finds a library.
#[derive(Clone, Serialize)]
pub(super) struct LibraryAddress {
    /// The path, with a part of the digest, so that another version has another address.
    pub(super) url: String,
    /// The digest, as the attribute `integrity` states it.
    integrity: String,
}

/// The libraries of the page, which are not a part of the program.
#[derive(Default)]
pub(in crate::dev) struct WebChatLibraries(Mutex<Vec<Library>>);

impl WebChatLibraries {
    /// Reads the libraries from `directory`.
    ///
    /// # Errors
    /// [`StageError::WebChat`] if one of them is not there.
    pub(in crate::dev) fn load(&self, directory: &FilePath) -> Result<(), StageError> {
        let read = FILES.map(|name| {
            let path = directory.join(name);
            let content = std::fs::read(&path).map_err(|source| StageError::WebChat { path, source })?;
            Ok(Library::new(name, content))
        });
        *lock_ignoring_poison(&self.0) = read.into_iter().collect::<Result<_, StageError>>()?;
        Ok(())
    }

    /// The addresses of the libraries by the names of their files; none if they are not there.
    pub(super) fn addresses(&self) -> BTreeMap<&'static str, LibraryAddress> {
        lock_ignoring_poison(&self.0).iter().map(|library| (library.name, library.address.clone())).collect()
    }

    fn find(&self, name: &str) -> Option<Bytes> {
        lock_ignoring_poison(&self.0).iter().find(|library| library.name == name).map(|library| library.content.clone())
    }
}

impl Library {
    fn new(name: &'static str, content: Vec<u8>) -> Self {
        let digest = STANDARD.encode(digest(&SHA384, &content).as_ref());
        let mark: String = digest.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        let url = format!("/playground/libraries/{name}?{mark}");
        let address = LibraryAddress { url, integrity: format!("sha384-{digest}") };
        Self { name, content: Bytes::from(content), address }
    }
}

/// Answers `GET /playground/libraries/{file}`. The page names a library with a part of its digest in the query,
/// so a browser may keep it.
pub(super) async fn serve_library(file: Path<String>, libraries: Data<WebChatLibraries>) -> HttpResponse {
    match libraries.find(&file) {
        Some(content) => HttpResponse::Ok()
            .content_type("text/javascript; charset=utf-8")
            .insert_header(("Cache-Control", "public, max-age=31536000, immutable"))
            .insert_header(("X-Content-Type-Options", "nosniff"))
            .body(content),
        None => HttpResponse::NotFound().finish(),
    }
}
