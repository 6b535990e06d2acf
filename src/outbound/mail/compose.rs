//! The headers and the body of a message. Everything in a header is ours but the recipient's address, which is checked.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Body, Mailbox};
use lettre::{Address, Message};

use super::{MailError, MailMessage};
use crate::domain::Timestamp;

/// The longest address (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS_BYTES: usize = 254;
/// Characters that an address has only in quotes or in brackets. Forms that need them are not used by people, and parsers of
/// headers disagree on them.
const NOT_IN_ADDRESSES: &[char] = &['"', '(', ')', ',', ':', ';', '<', '>', '[', ']', '\\'];

/// From whom a message comes, and when.
pub(super) struct Origin<'a> {
    pub(super) from: &'a Address,
    pub(super) now: Timestamp,
    /// What makes the message's id unique.
    pub(super) id: String,
}

/// Reads an address of the form `name@host`.
pub(super) fn parse_address(text: &str) -> Result<Address, MailError> {
    let is_odd = |letter: char| letter.is_control() || letter.is_whitespace() || NOT_IN_ADDRESSES.contains(&letter);
    if text.len() > MAX_ADDRESS_BYTES || text.chars().any(is_odd) {
        return Err(MailError::Address);
    }
    text.parse().map_err(|_| MailError::Address)
}

/// Builds the message. Without `encoding`, the text is encoded so that every mail server takes it.
pub(super) fn compose(
    message: &MailMessage,
    origin: &Origin<'_>,
    encoding: Option<ContentTransferEncoding>,
) -> Result<Message, MailError> {
    let to = parse_address(&message.to)?;
    let body = match encoding {
        // lettre encodes lines of more than 76 characters, which links are. A file has no such limit.
        Some(encoding) => {
            let lines = message.text.replace("\r\n", "\n").replace('\n', "\r\n");
            Body::dangerous_pre_encoded(lines.into_bytes(), encoding)
        }
        None => Body::new(message.text.clone()),
    };
    let millis = u64::try_from(origin.now.unix_millis()).unwrap_or_default();
    Message::builder()
        .from(Mailbox::new(None, origin.from.clone()))
        .to(Mailbox::new(None, to))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{}@{}>", origin.id, origin.from.domain())))
        .subject(message.subject.as_str())
        // No program answers, as to a message that a person has written (RFC 3834 §5).
        .raw_header(own_header("Auto-Submitted", "auto-generated"))
        .raw_header(own_header("X-Bot-SSO-Directory", &message.directory))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(|_| MailError::Address)
}

fn own_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
