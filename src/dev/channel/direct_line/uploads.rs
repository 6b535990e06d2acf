use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde_json::{Value, json};

use crate::dev::addresses::Addresses;
use crate::dev::lock::lock_ignoring_poison;
use crate::domain::SharedEntropy;

/// The maximum number of files that the stage keeps; a further one replaces the oldest.
pub(super) const MAX_KEPT_FILES: usize = 100;
/// The maximum size of the kept files together, in bytes.
pub(super) const MAX_KEPT_BYTES: usize = 32 * 1024 * 1024;

/// A file that a client sends.
pub(super) struct NewFile {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) content: Bytes,
}

/// The files that clients have sent. Bots and clients read them under addresses that cannot be guessed; the addresses need
/// no credential, because a page shows a picture by its address alone.
pub(in crate::dev) struct Uploads {
    addresses: Arc<Addresses>,
    entropy: SharedEntropy,
    kept: Mutex<KeptFiles>,
}

#[derive(Default)]
struct KeptFiles {
    /// Oldest first.
    files: VecDeque<KeptFile>,
    bytes: usize,
}

struct KeptFile {
    id: String,
    file: Arc<NewFile>,
}

impl Uploads {
    pub(in crate::dev) fn new(addresses: Arc<Addresses>, entropy: SharedEntropy) -> Self {
        Self { addresses, entropy, kept: Mutex::default() }
    }

    /// Keeps a file, and returns it as an attachment of an activity.
    pub(super) fn store(&self, file: NewFile) -> Value {
        let id = self.entropy.hex_id();
        let url = format!("{}v3/attachments/{id}/views/original", self.addresses.service_url());
        let attachment = json!({"contentType": file.content_type, "contentUrl": url, "name": file.name});
        let mut kept = lock_ignoring_poison(&self.kept);
        kept.bytes += file.content.len();
        kept.files.push_back(KeptFile { id, file: Arc::new(file) });
        while kept.files.len() > MAX_KEPT_FILES || kept.bytes > MAX_KEPT_BYTES {
            let Some(oldest) = kept.files.pop_front() else { break };
            kept.bytes -= oldest.file.content.len();
        }
        attachment
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<NewFile>> {
        let kept = lock_ignoring_poison(&self.kept);
        kept.files.iter().find(|kept| kept.id == id).map(|kept| kept.file.clone())
    }
}

/// Answers `GET v3/attachments/{attachment}` of the connector: name, type and size of a file.
pub(super) async fn describe_attachment(id: Path<String>, uploads: Data<Uploads>) -> HttpResponse {
    match uploads.find(&id) {
        Some(file) => HttpResponse::Ok().json(json!({
            "name": file.name,
            "type": file.content_type,
            "views": [{"viewId": "original", "size": file.content.len()}],
        })),
        None => unknown_attachment(),
    }
}

/// Answers `GET v3/attachments/{attachment}/views/original` of the connector: the file. A browser must not run it as a
/// page of the stage's origin, where users sign in.
pub(super) async fn serve_attachment(path: Path<AttachmentView>, uploads: Data<Uploads>) -> HttpResponse {
    match uploads.find(&path.attachment) {
        Some(file) if path.view == "original" => {
            let disposition = if file.content_type.starts_with("image/") { "inline" } else { "attachment" };
            HttpResponse::Ok()
                .content_type(file.content_type.as_str())
                .insert_header(("Content-Disposition", disposition))
                .insert_header(("Content-Security-Policy", "default-src 'none'; sandbox"))
                .insert_header(("X-Content-Type-Options", "nosniff"))
                .body(file.content.clone())
        }
        _ => unknown_attachment(),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct AttachmentView {
    attachment: String,
    view: String,
}

fn unknown_attachment() -> HttpResponse {
    HttpResponse::NotFound().json(json!({"error": {"code": "NotFound", "message": "There is no such attachment."}}))
}
