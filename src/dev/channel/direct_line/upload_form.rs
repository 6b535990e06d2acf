use actix_multipart::{Field, Multipart};
use actix_web::web::Bytes;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};

use super::client_activity::ClientActivity;
use super::refusal::DirectLineRefusal;
use super::uploads::{NewFile, Uploads};
use crate::dev::jwt::text_member;

/// The maximum size of all parts of a request together, in bytes.
pub(super) const MAX_FORM_BYTES: usize = 4 * 1024 * 1024;
/// The maximum number of files in a request.
pub(super) const MAX_FILES: usize = 10;

const NOT_MULTIPART: DirectLineRefusal = DirectLineRefusal::BadArgument("The body is not valid multipart/form-data.");

/// The body of an upload: an activity, and files that become its attachments.
#[derive(Default)]
pub(super) struct UploadForm {
    activity: Option<Bytes>,
    files: Vec<NewFile>,
}

impl UploadForm {
    /// Reads the parts. The part `activity` holds the activity; every other part is a file.
    pub(super) async fn read(mut parts: Multipart) -> Result<Self, DirectLineRefusal> {
        let mut form = Self::default();
        let mut bytes_left = MAX_FORM_BYTES;
        while let Some(part) = parts.next().await {
            let mut part = part.map_err(|_| NOT_MULTIPART)?;
            let content =
                part.bytes(bytes_left).await.map_err(|_| DirectLineRefusal::UploadTooLarge(MAX_FORM_BYTES))?;
            let content = content.map_err(|_| NOT_MULTIPART)?;
            bytes_left -= content.len();
            if part.name() == Some("activity") {
                // A form has one activity, so the number of its parts is bounded, too.
                if form.activity.replace(content).is_some() {
                    return Err(DirectLineRefusal::BadArgument("The request has more than one activity."));
                }
            } else if form.files.len() == MAX_FILES {
                return Err(DirectLineRefusal::BadArgument("The request has too many files."));
            } else {
                form.files.push(NewFile { name: file_name(&part), content_type: content_type(&part), content });
            }
        }
        Ok(form)
    }

    /// Stores the files and writes their addresses into the activity; a message if there is no activity.
    pub(super) fn into_activity(self, uploads: &Uploads) -> Result<ClientActivity, DirectLineRefusal> {
        let mut members = match self.activity {
            None => Map::from_iter([("type".to_owned(), json!("message"))]),
            Some(text) => match serde_json::from_slice(&text).unwrap_or_default() {
                Value::Object(members) => members,
                _ => return Err(DirectLineRefusal::BadArgument("The part activity is not a JSON object.")),
            },
        };
        let mut attachments = match members.remove("attachments") {
            Some(Value::Array(attachments)) => attachments,
            _ => Vec::new(),
        };
        for file in self.files {
            attach(&mut attachments, uploads.store(file));
        }
        members.insert("attachments".to_owned(), Value::Array(attachments));
        ClientActivity::from_members(members)
    }
}

/// Adds an uploaded file to the attachments. The client's library leaves an attachment without an address in the activity
/// for each file, with the file's name.
fn attach(attachments: &mut Vec<Value>, uploaded: Value) {
    let name = text_member(&uploaded, "name");
    let is_promised =
        |promised: &&mut Value| promised.get("contentUrl").is_none() && text_member(promised, "name") == name;
    match attachments.iter_mut().find(is_promised) {
        Some(Value::Object(members)) => {
            if let Value::Object(uploaded) = uploaded {
                members.extend(uploaded);
            }
        }
        _ => attachments.push(uploaded),
    }
}

fn file_name(part: &Field) -> String {
    let given = part.content_disposition().and_then(|disposition| disposition.get_filename());
    given.unwrap_or("file").to_owned()
}

fn content_type(part: &Field) -> String {
    part.content_type().map_or_else(|| "application/octet-stream".to_owned(), ToString::to_string)
}
