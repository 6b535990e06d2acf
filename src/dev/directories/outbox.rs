use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::dev::error::StageError;

/// The messages that a list has at most: the newest.
const MAX_LISTED: usize = 200;

/// The folder into which the gateway writes the mails of its directories.
#[derive(Clone, Debug)]
pub struct MailOutbox(PathBuf);

/// A mail of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxMail {
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The links in the text, in their order.
    pub links: Vec<String>,
    /// When it was written, as RFC 3339 has it.
    pub sent_at: String,
}

impl MailOutbox {
    /// The folder `outbox` in `directory`, which exists. It is made if it does not exist yet.
    pub(in crate::dev) fn create_in(directory: &Path) -> Result<Self, StageError> {
        let folder = directory.join("outbox");
        fs::create_dir_all(&folder).map_err(|source| StageError::File { path: folder.clone(), source })?;
        Ok(Self(folder))
    }

    /// An outbox in a folder that exists.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The mails of the directory with this name in the configuration, newest last. Reads files.
    #[must_use]
    pub fn list(&self, directory: &str) -> Vec<OutboxMail> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().filter_map(Result::ok);
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
        let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(is_mail).collect();
        files.sort_unstable();
        let mails: Vec<_> = files.iter().filter_map(|file| read_mail(file, directory)).collect();
        let first = mails.len().saturating_sub(MAX_LISTED);
        mails.into_iter().skip(first).collect()
    }
}

/// The mail in `file`, if the directory has sent it.
fn read_mail(file: &Path, directory: &str) -> Option<OutboxMail> {
    let content = fs::read_to_string(file).ok()?;
    let (head, text) = content.split_once("\r\n\r\n")?;
    // A long header goes on in a line that begins with a space (RFC 5322 §2.2.3).
    let head = head.replace("\r\n ", " ");
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    if header("X-Bot-SSO-Directory")? != directory {
        return None;
    }
    let text = text.replace("\r\n", "\n");
    let is_link = |word: &&str| word.starts_with("https://") || word.starts_with("http://");
    let links = text.split_whitespace().filter(is_link).map(str::to_owned).collect();
    let to = header("To")?.to_owned();
    let subject = decode_words(header("Subject").unwrap_or_default());
    Some(OutboxMail { to, subject, text, links, sent_at: read_time(file)? })
}

/// The time with which the file's name begins, in milliseconds.
fn read_time(file: &Path) -> Option<String> {
    let millis: i128 = file.file_name()?.to_str()?.split('-').next()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(millis.checked_mul(1_000_000)?).ok()?.format(&Rfc3339).ok()
}

/// The text of a header whose words may be encoded (RFC 2047 §2), as bot-sso encodes them: UTF-8 in Base64. The space between two
/// encoded words is none of the text.
fn decode_words(header: &str) -> String {
    let mut text = String::new();
    let mut follows_encoded = true;
    for word in header.split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        let decoded = encoded.and_then(|encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok());
        if !(follows_encoded && (decoded.is_some() || text.is_empty())) {
            text.push(' ');
        }
        follows_encoded = decoded.is_some();
        text.push_str(decoded.as_deref().unwrap_or(word));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::decode_words;

    #[test]
    fn encoded_words_of_a_subject_are_joined_and_others_keep_their_spaces() {
        for (header, text) in [
            ("Set a new password", "Set a new password"),
            ("", ""),
            ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
            ("=?utf-8?b?R3LDvA==?= =?utf-8?b?w59l?=", "Grüße"),
            ("Ihr =?utf-8?b?UMOkcw==?= gilt", "Ihr Päs gilt"),
            ("=?utf-8?b?R3LDvA==?= ist", "Grü ist"),
        ] {
            assert_eq!(decode_words(header), text);
        }
    }
}
