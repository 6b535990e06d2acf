use std::path::Path as FilePath;
use std::sync::Mutex;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};

use crate::dev::error::StageError;
use crate::dev::lock::lock_ignoring_poison;

/// The files of other people that the page loads: Web Chat, MSAL and the part of MSAL for its redirect page.
const FILES: [&str; 3] = ["webchat.js", "msal-browser.min.js", "msal-redirect-bridge.min.js"];

/// One of [`FILES`].
struct Library {
    name: &'static str,
    content: Bytes,
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
            Ok(Library { name, content: Bytes::from(content) })
        });
        *lock_ignoring_poison(&self.0) = read.into_iter().collect::<Result<_, StageError>>()?;
        Ok(())
    }

    /// Whether the libraries are there.
    pub(in crate::dev) fn are_loaded(&self) -> bool {
        !lock_ignoring_poison(&self.0).is_empty()
    }

    fn find(&self, name: &str) -> Option<Bytes> {
        lock_ignoring_poison(&self.0).iter().find(|library| library.name == name).map(|library| library.content.clone())
    }
}

/// Answers `GET /playground/libraries/{file}`. The page names a library with its digest in the query, so a browser may
/// keep it.
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
