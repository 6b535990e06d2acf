//! The checks of secrets and files, as methods of [`Review`].

mod expiry;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use toml::{Table, Value};

use crate::domain::{Secret, is_private};

pub(in crate::config) use self::expiry::WrittenExpiry;
use super::findings::Review;
use super::place::Place;

/// The forms of a secret, for messages.
pub(in crate::config) const SECRET_FORM: &str = "{ env = \"NAME\" } or { file = \"/path\" }";

/// The size limit of a file with a secret or a private key; a longer file is probably a wrong path.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The size limit of a file of certificates; a bundle of all public authorities has some 250 KB.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;

/// Where a secret is, and when it ends. A derived deserializer would print the value in its error message, so this one is
/// hand-written.
#[derive(Clone, Debug)]
pub(in crate::config) struct SecretReference {
    source: SecretSource,
    expires: Option<WrittenExpiry>,
}

#[derive(Clone, Debug)]
enum SecretSource {
    Env(String),
    File(PathBuf),
}

/// What is said of a secret that is written out.
const WRITTEN_OUT: &str = "a secret is never written into the configuration";

impl<'de> Deserialize<'de> for SecretReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::Table(table) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom(format!("{WRITTEN_OUT}: write {SECRET_FORM}")));
        };
        if table.keys().any(|key| !["env", "file", "expires"].contains(&key.as_str())) {
            return Err(D::Error::custom(format!(
                "a secret has the key env or the key file, and beside it at most expires: write {SECRET_FORM}"
            )));
        }
        let source = match (table.get("env").map(Value::as_str), table.get("file").map(Value::as_str)) {
            (Some(Some(name)), None) => SecretSource::Env(name.to_owned()),
            (None, Some(Some(path))) => SecretSource::File(PathBuf::from(path)),
            (Some(_), Some(_)) => return Err(D::Error::custom("has both env and file: write one of them")),
            _ => return Err(D::Error::custom(format!("names no variable and no file: write {SECRET_FORM}"))),
        };
        Ok(Self { source, expires: table.get("expires").cloned().map(WrittenExpiry::from) })
    }
}

impl Review<'_> {
    /// What is wrong with `text` where a secret's reference is wanted, and the reference, if `text` is the path of an
    /// existing file or the name of a variable that is set. Anything else may be the secret itself and is not repeated.
    pub(in crate::config) fn right_secret(&self, complaint: &str, text: &str) -> Option<(String, Value)> {
        if !complaint.starts_with(WRITTEN_OUT) {
            return None;
        }
        let reference = |key: &str, value: &str| {
            let form = if key == "env" { "a variable" } else { "a file" };
            let table = Table::from_iter([(key.to_owned(), Value::String(value.to_owned()))]);
            (format!("this is the name of {form}, and a secret has a table"), Value::Table(table))
        };
        let text = text.trim();
        let name = text.trim_start_matches("env:").trim_start_matches(['$', '{', '(']).trim_end_matches(['}', ')']);
        if self.variable(name).is_some() {
            return Some(reference("env", name));
        }
        let path = text.strip_prefix("file:").map_or(text, |path| path.strip_prefix("//").unwrap_or(path));
        (path.contains(['/', '.']) && self.resolve(Path::new(path)).is_file()).then(|| reference("file", path))
    }

    /// Reads the secret that `reference` names, without line ends at its end, and notes when it ends.
    pub(in crate::config) fn secret(&mut self, reference: &SecretReference, place: &Place) -> Option<Secret> {
        if let Some(expires) = &reference.expires {
            self.expiry(expires, place, &place.key("expires"));
        }
        let found = match &reference.source {
            SecretSource::Env(name) => self.variable(name).map(str::to_owned).ok_or_else(|| {
                format!("the environment variable {name} is not set (or not UTF-8): set it, or write another name")
            }),
            SecretSource::File(path) => read_private(&self.resolve(path)),
        };
        let text = found.map_err(|message| self.report(place, message)).ok()?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            self.report(place, "leads to an empty secret: set its value".to_owned());
            return None;
        }
        Some(Secret::new(secret.to_owned()))
    }

    /// Checks that a file exists and that no other user can read it.
    pub(in crate::config) fn private_file(&mut self, path: &Path, place: &Place, if_absent: &str) -> Option<PathBuf> {
        let path = self.resolve(path);
        match open_private(&path) {
            Ok(_) => Some(path),
            Err(message) => {
                let hint = if path.exists() || if_absent.is_empty() { String::new() } else { format!(": {if_absent}") };
                self.report(place, format!("{message}{hint}"));
                None
            }
        }
    }

    /// Reports a file in a binary form where PEM is expected, with the command that converts it. Returns
    /// `None` for such a file.
    pub(in crate::config) fn refuse_binary_form(&mut self, path: &Path, place: &Place) -> Option<()> {
        let resolved = self.resolve(path);
        let Some(message) = conversion(&resolved) else { return Some(()) };
        self.report(place, message);
        None
    }

    /// Reads a file that other users may read, too.
    pub(in crate::config) fn public_file(&mut self, path: &Path, place: &Place) -> Option<Vec<u8>> {
        let path = self.resolve(path);
        read_public(&path).map_err(|message| self.report(place, message)).ok()
    }
}

/// Reads a regular file; a device could be endless.
fn read_public(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(MAX_PEM_BYTES.saturating_add(1)).read_to_end(&mut content).map_err(unreadable)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_PEM_BYTES) {
        return Ok(content);
    }
    Err(format!(
        "{} is longer than {MAX_PEM_BYTES} bytes, so it is not a file of certificates: write another path",
        path.display()
    ))
}

/// The command that converts a PKCS #12 file, or a certificate in DER form, to PEM. The form shows in the file's name or
/// in its first bytes.
fn conversion(path: &Path) -> Option<String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let mut head = Vec::new();
    if let Ok(file) = File::open(path) {
        // A file that cannot be read has no first bytes; the check that follows reports it.
        let _ = file.take(8).read_to_end(&mut head);
    }
    let is_der = head.starts_with(&[0x30, 0x82]);
    // A PKCS #12 file begins with a version, which is 3 (RFC 7292 §4).
    let is_pkcs12 = is_der && head.get(4..7) == Some(&[0x02, 0x01, 0x03]);
    let (from, to) = (path.display(), path.with_extension("pem"));
    let to = to.display();
    if is_pkcs12 || matches!(extension.as_str(), "pfx" | "p12") && !head.starts_with(b"-----") {
        return Some(format!(
            "{from} is a PKCS #12 file: convert it to PEM with  openssl pkcs12 -in {from} -out {to} -nodes  then run \
             chmod 600 {to}, and write file = \"{to}\""
        ));
    }
    is_der.then(|| {
        format!(
            "{from} is in DER form: convert it to PEM with  openssl x509 -inform DER -in {from} -out {to}  (for a key: \
             openssl pkey -inform DER -in {from} -out {to}), and write \"{to}\""
        )
    })
}

/// Opens the file before it checks the permissions, so that the file cannot be replaced between the check and the use.
fn open_private(path: &Path) -> Result<File, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    if !is_private(&about) {
        return Err(format!("{0} can be read by others: run chmod 600 {0}", path.display()));
    }
    Ok(file)
}

pub(in crate::config) fn read_private(path: &Path) -> Result<String, String> {
    let file = open_private(path)?;
    let mut text = String::new();
    let read = file.take(MAX_SECRET_BYTES.saturating_add(1)).read_to_string(&mut text);
    match read.map(u64::try_from) {
        Ok(Ok(length)) if length <= MAX_SECRET_BYTES => Ok(text),
        Ok(_) => Err(format!(
            "{} is longer than {MAX_SECRET_BYTES} bytes, so it is not a secret: write another path",
            path.display()
        )),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}
