use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::{Table, Value};
use zeroize::Zeroizing;

use super::KeyRingError;
use super::key_ring::{KeyMaterial, KeyRing, SealingKey};
use crate::domain::Secret;

const HEADER: &str = "\
# The key ring of bot-sso. Who can read this file can read every token kept under it; who loses it has lost them.
# Rotate it with `bot-sso keys rotate`; do not edit it. Old keys stay: they open what was sealed under them.
";
/// Far more than anyone rotates to; a bound on what is parsed.
const MAX_KEYS: usize = 1000;

/// Writes the text form of `ring`: TOML, as [`parse`] reads it.
pub(super) fn write(ring: &KeyRing) -> Secret {
    // Sized beforehand: a growing string would leave copies of keys in freed memory.
    let mut text = String::with_capacity(HEADER.len() + 128 + 192 * (ring.older.len() + 1));
    text.push_str(HEADER);
    text.push_str("version = 1\nnaming_key = \"");
    STANDARD.encode_string(ring.naming.as_slice(), &mut text);
    text.push_str("\"\n");
    for key in ring.sealing_keys() {
        let created = key.created.format(&Rfc3339).unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned());
        // Writing to a string cannot fail.
        let _ = write!(text, "\n[[sealing_key]]\nid = {}\ncreated = \"{created}\"\nmaterial = \"", key.id);
        STANDARD.encode_string(key.material.as_slice(), &mut text);
        text.push_str("\"\n");
    }
    Secret::new(text)
}

/// Reads the text form, as [`write`] writes it. Errors name members and lines, never content: the parser's own messages quote the source.
pub(super) fn parse(text: &str) -> Result<KeyRing, KeyRingError> {
    let mut table: Table = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    if table.remove("version").and_then(|version| version.as_integer()) != Some(1) {
        return Err(malformed("`version` must be 1"));
    }
    let naming = material(&mut table, "naming_key", "")?;
    let Some(Value::Array(entries)) = table.remove("sealing_key") else {
        return Err(malformed("there must be at least one [[sealing_key]]"));
    };
    if entries.len() > MAX_KEYS {
        return Err(malformed("there are more than 1000 sealing keys"));
    }
    nothing_else(&table, "")?;
    let mut keys =
        entries.into_iter().zip(1..).map(|(entry, at)| sealing_key(entry, at)).collect::<Result<Vec<_>, _>>()?;
    keys.sort_by_key(|key| key.id);
    if keys.iter().zip(keys.iter().skip(1)).any(|(key, next)| key.id == next.id) {
        return Err(malformed("two sealing keys have the same id"));
    }
    let Some(active) = keys.pop() else {
        return Err(malformed("there must be at least one [[sealing_key]]"));
    };
    Ok(KeyRing { naming, older: keys, active })
}

fn sealing_key(entry: Value, at: usize) -> Result<SealingKey, KeyRingError> {
    let of = format!(" of sealing key number {at}");
    let Value::Table(mut entry) = entry else {
        return Err(malformed("`sealing_key` must be a list of tables"));
    };
    // Half the range: there is always a next id to rotate to.
    let id = entry
        .remove("id")
        .and_then(|id| id.as_integer())
        .and_then(|id| u32::try_from(id).ok())
        .filter(|id| (1..=u32::MAX / 2).contains(id))
        .ok_or_else(|| malformed(&format!("`id`{of} must be a whole number from 1 to {}", u32::MAX / 2)))?;
    let created = entry
        .remove("created")
        .and_then(|created| OffsetDateTime::parse(created.as_str()?, &Rfc3339).ok())
        .ok_or_else(|| malformed(&format!("`created`{of} must be a time as in \"2026-11-21T10:00:00Z\"")))?;
    let material = material(&mut entry, "material", &of)?;
    nothing_else(&entry, &of)?;
    Ok(SealingKey { id, created, material })
}

fn material(table: &mut Table, member: &str, of: &str) -> Result<KeyMaterial, KeyRingError> {
    let wrong = || malformed(&format!("`{member}`{of} must be 32 bytes in base64"));
    let Some(Value::String(text)) = table.remove(member) else {
        return Err(wrong());
    };
    let text = Zeroizing::new(text);
    let bytes = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(|_| wrong())?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(wrong());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn nothing_else(table: &Table, of: &str) -> Result<(), KeyRingError> {
    if table.is_empty() { Ok(()) } else { Err(malformed(&format!("there is a member{of} that does not belong there"))) }
}

fn syntax(text: &str, error: &toml::de::Error) -> KeyRingError {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    malformed(&format!("line {line} is not TOML"))
}

fn malformed(problem: &str) -> KeyRingError {
    KeyRingError::Malformed { problem: problem.to_owned() }
}
