//! Writes tables as a configuration is written by hand: a header for each section, and all other values in lines of their own.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// What begins a line of a default.
const COMMENT: &str = "# ";

/// The sections of `written`, with a comment for each key of `defaults`.
pub(super) fn write(written: &Table, defaults: &Table) -> String {
    let mut text = String::new();
    write_section("", Some(written), Some(defaults), &mut text);
    text
}

fn write_section(name: &str, written: Option<&Table>, defaults: Option<&Table>, text: &mut String) {
    let names: BTreeSet<&String> = [written, defaults].into_iter().flatten().flat_map(Table::keys).collect();
    let find = |table: Option<&'_ Table>, key: &str| table.and_then(|table| table.get(key)).cloned();
    let (mut lines, mut sections) = (String::new(), Vec::new());
    for key in names {
        match (find(written, key), find(defaults, key)) {
            (Some(Value::Table(table)), _) if is_inline(&table) => {
                lines.push_str(&line("", key, &Value::Table(table)));
            }
            (Some(Value::Table(table)), Some(Value::Table(defaults))) => {
                sections.push((key, Some(table), Some(defaults)));
            }
            (Some(Value::Table(table)), _) => sections.push((key, Some(table), None)),
            (Some(value), _) => lines.push_str(&line("", key, &value)),
            (None, Some(Value::Table(defaults))) => sections.push((key, None, Some(defaults))),
            (None, Some(value)) => lines.push_str(&line(COMMENT, key, &value)),
            (None, None) => {}
        }
    }
    let is_header_needed = !lines.is_empty() || sections.is_empty();
    if is_header_needed && !name.is_empty() {
        let comment = if written.is_some() { "" } else { COMMENT };
        let gap = if text.is_empty() { "" } else { "\n" };
        text.extend([gap, comment, "[", name, "]\n"]);
    }
    text.push_str(&lines);
    for (key, written, defaults) in sections {
        let path = if name.is_empty() { quoted(key) } else { format!("{name}.{}", quoted(key)) };
        write_section(&path, written.as_ref(), defaults.as_ref(), text);
    }
}

fn line(comment: &str, key: &str, value: &Value) -> String {
    format!("{comment}{} = {value}\n", quoted(key))
}

/// Whether a table is written in one line: a reference to a secret.
fn is_inline(table: &Table) -> bool {
    table.len() == 1 && table.keys().all(|key| key == "env" || key == "file") && !table.values().any(Value::is_table)
}

/// A key, with quotes if it needs them.
fn quoted(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !key.is_empty() && key.bytes().all(is_bare) { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}
