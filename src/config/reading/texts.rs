//! What no text of a configuration is, whatever its key: a placeholder that was not replaced, the nil GUID, a text with
//! spaces around it, an entry that its list has twice.

use toml::{Table, Value};

use crate::config::back_ends::has_hashes;
use crate::config::directories::is_pattern;
use crate::config::review::{Place, Proposal, Review, Step, near_match};

use super::environment::{PREFIX, SEPARATOR};

/// The GUID of zeros, which is no app's and no tenant's (RFC 9562 §5.9).
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// What encloses a placeholder in templates of configurations.
const BRACKETS: [(&str, &str); 5] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("{", "}"), ("<", ">")];

/// The placeholders that addresses of identity providers have on purpose.
const TEMPLATES: [&str; 3] = ["{authority}", "{tenantid}", "{tenant}"];

/// Checks every text of `table`. Lists of addresses to listen on are compared with each other elsewhere.
pub(super) fn check(table: &Table, review: &mut Review<'_>) {
    check_table(table, table, &Place::root(), review);
}

fn check_table(root: &Table, table: &Table, place: &Place, review: &mut Review<'_>) {
    for (key, value) in table {
        let at = place.key(key);
        if let Some(placeholder) = find_placeholder(key) {
            let complaint = format!("has the placeholder {placeholder:?} in its name: write a name of your own");
            review.refuse_text(&at, complaint, None);
        }
        // What stands in the place of a hash by mistake may be a secret, which no message repeats.
        if !has_hashes(key) && !is_pattern(&at) {
            check_value(root, value, &at, review);
        }
    }
}

fn check_value(root: &Table, value: &Value, place: &Place, review: &mut Review<'_>) {
    match value {
        Value::Table(table) => check_table(root, table, place, review),
        Value::Array(list) => {
            warn_of_repetition(list, place, review);
            list.iter().enumerate().for_each(|(index, entry)| check_value(root, entry, &place.index(index), review));
        }
        Value::String(_) if review.is_reported(place) => {}
        Value::String(text) => match misspelt_template(root, text, place) {
            Some(misspelt) => {
                let complaint = format!("{text:?} has {:?} in place of {}", misspelt.placeholder, misspelt.template);
                review.refuse_text(place, complaint, Some(Proposal::text(place, misspelt.right)));
            }
            None => check_text(text, place, review),
        },
        _ => {}
    }
}

/// A placeholder of an identity provider's address in another spelling than that of this file.
struct MisspeltTemplate {
    placeholder: String,
    template: &'static str,
    /// The whole text with every template in the right spelling.
    right: String,
}

/// The first misspelt template in `text`, which is an address of a provider of kind `entra` in the file `root`.
fn misspelt_template(root: &Table, text: &str, place: &Place) -> Option<MisspeltTemplate> {
    let [Step::Key(section), Step::Key(name), Step::Key(key)] = place.steps() else { return None };
    let kind = root.get(section)?.get(name)?.get("kind").and_then(Value::as_str);
    if section != "identity_providers" || kind == Some("oidc") {
        return None;
    }
    let (mut left, mut right, mut found) = (text.to_owned(), text.to_owned(), None);
    while let Some(placeholder) = find_enclosed(&left).map(str::to_owned) {
        if let Some(template) = right_template(&placeholder, key).filter(|template| *template != placeholder) {
            right = right.replace(&placeholder, template);
            found.get_or_insert((placeholder.clone(), template));
        }
        left = left.replace(&placeholder, "");
    }
    found.map(|(placeholder, template)| MisspeltTemplate { placeholder, template, right })
}

/// The template of the address `key` that `placeholder` means, in whatever letter case and with whatever separates its
/// words.
fn right_template(placeholder: &str, key: &str) -> Option<&'static str> {
    let letters = placeholder.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let known = near_match(&name, ["authority", "tenant", "tenantid"].into_iter())?;
    match (known, key) {
        ("authority", "authority") => None,
        ("authority", _) => Some("{authority}"),
        (_, "issuer" | "v1_issuer") => Some("{tenantid}"),
        (_, "token_endpoint" | "authorization_endpoint") => Some("{tenant}"),
        _ => None,
    }
}

fn check_text(text: &str, place: &Place, review: &mut Review<'_>) {
    let trimmed = text.trim();
    let written = if matches!(place.steps().first(), Some(Step::Key(section)) if section == "identity_providers") {
        TEMPLATES.iter().fold(text.to_owned(), |text, template| text.replace(template, ""))
    } else {
        text.to_owned()
    };
    if let Some(placeholder) = find_placeholder(&written) {
        let instead = match variable_of(place).filter(|_| placeholder.starts_with(['$', '%'])) {
            Some(variable) => format!(
                "this file reads no variables, so write the value itself, or set the environment variable {variable}"
            ),
            None => "write the value that it stands for".to_owned(),
        };
        review.refuse_text(place, format!("{text:?} has the placeholder {placeholder:?}: {instead}"), None);
    } else if text.to_ascii_lowercase().contains(NIL) {
        let complaint = format!("{text:?} has the nil GUID, which is no app's and no tenant's: write the right id");
        review.refuse_text(place, complaint, None);
    } else if trimmed != text && !trimmed.is_empty() {
        let complaint = format!("{text:?} has spaces or line ends around it");
        review.refuse_text(place, complaint, Some(Proposal::text(place, trimmed)));
    } else if let Some(word) = words_of(text).find(|word| is_probable_placeholder(word)) {
        review.warn(place, format!("{text:?} has {word:?}, which is probably a placeholder: write the value itself"));
    }
}

fn warn_of_repetition(list: &[Value], place: &Place, review: &mut Review<'_>) {
    if place.last_key() == Some("listen") {
        return;
    }
    // The case of an id has no meaning.
    let folded = |text: &str| uuid::Uuid::try_parse(text).map_or_else(|_| text.to_owned(), |id| id.to_string());
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    for (index, text) in texts.iter().enumerate() {
        let earlier = texts.get(..index).unwrap_or_default();
        if earlier.iter().any(|earlier| folded(earlier) == folded(text)) {
            review.warn(place, format!("lists {text:?} twice: write it once"));
        }
    }
}

/// The variable that overrides the key at `place`; `None` for a member of a list.
fn variable_of(place: &Place) -> Option<String> {
    let keys: Option<Vec<String>> = place
        .steps()
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.to_ascii_uppercase().replace('-', "_")),
            Step::Index(_) => None,
        })
        .collect();
    Some(format!("{PREFIX}{}", keys?.join(SEPARATOR)))
}

/// The part of `text` that stands for something that the operator was to write.
fn find_placeholder(text: &str) -> Option<&str> {
    let dots = ["…", "..."].into_iter().find(|dots| text.contains(dots));
    find_enclosed(text)
        .or_else(|| words_of(text).find(|word| is_placeholder(word)))
        .or_else(|| is_marked(text).then_some(text))
        .or_else(|| dots.and_then(|dots| text.matches(dots).next()))
}

/// The first part between brackets that encloses a name.
fn find_enclosed(text: &str) -> Option<&str> {
    BRACKETS.iter().find_map(|(open, close)| {
        text.match_indices(open).find_map(|(start, _)| {
            let inner_start = start.checked_add(open.len())?;
            let length = text.get(inner_start..)?.find(close)?;
            let inner_end = inner_start.checked_add(length)?;
            let is_name = |letter: char| letter.is_alphanumeric() || " _-.:/".contains(letter);
            let inner = text.get(inner_start..inner_end)?;
            let is_name = inner.chars().any(char::is_alphanumeric) && inner.chars().all(is_name);
            text.get(start..inner_end.checked_add(close.len())?)
                .filter(|_| is_name && uuid::Uuid::try_parse(inner).is_err())
        })
    })
}

/// Whether the whole text is a name between marks: `__NAME__`, `%NAME%`.
fn is_marked(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ["__", "%"].iter().any(|mark| {
        text.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)).is_some_and(|name| is_name(name.trim()))
    }) || matches!(text, "TODO" | "TBD" | "FIXME")
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_-".contains(letter)))
        .filter(|word| !word.is_empty())
}

/// `YOUR_TENANT`, `xxxxxxxx-xxxx-…`, `CHANGE_ME` and the like.
fn is_placeholder(word: &str) -> bool {
    let is_blank = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'x'));
    let is_capital = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    let name = word.replace('-', "_");
    let is_named =
        ["YOUR_", "REPLACE_", "CHANGE_ME", "CHANGEME", "INSERT_"].iter().any(|start| name.starts_with(start))
            || name.contains("_YOUR_")
            || name.ends_with("_HERE");
    word.split(['-', '_']).any(is_blank) || is_capital && is_named
}

/// `your-tenant`, which may be a real name as well.
fn is_probable_placeholder(word: &str) -> bool {
    let word = word.to_ascii_lowercase().replace('-', "_");
    word.starts_with("your_") || matches!(word.as_str(), "yourdomain" | "yourcompany" | "yourtenant" | "changeme")
}

#[cfg(test)]
mod tests {
    use super::find_placeholder;

    #[test]
    fn a_placeholder_is_found_in_every_notation() {
        for (text, placeholder) in [
            ("api://{botid}", "{botid}"),
            ("api://sso.example.com/botid-{{APP_ID}}", "{{APP_ID}}"),
            ("<tenant id>", "<tenant id>"),
            ("https://<host>/api/messages", "<host>"),
            ("${TENANT_ID}", "${TENANT_ID}"),
            ("https://$(host)/", "$(host)"),
            ("#{AppId}#", "{AppId}"),
            ("{{ .Values.appId }}", "{{ .Values.appId }}"),
            ("YOUR_CLIENT_ID", "YOUR_CLIENT_ID"),
            ("api://YOUR-APP-ID/access", "YOUR-APP-ID"),
            ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
            ("XXXXXXXX-XXXX-4XXX-XXXX-XXXXXXXXXXXX", "XXXXXXXX-XXXX-4XXX-XXXX-XXXXXXXXXXXX"),
            ("__CLIENT_ID__", "__CLIENT_ID__"),
            ("%CLIENT_ID%", "%CLIENT_ID%"),
            ("api://…", "…"),
            ("CHANGE_ME", "CHANGE_ME"),
        ] {
            assert_eq!(find_placeholder(text), Some(placeholder), "{text}");
        }
        for text in [
            "help-desk",
            "GRAPH_CLIENT_SECRET",
            "https://graph.microsoft.com/User.Read",
            "{22222222-2222-4222-8222-222222222222}",
            "../certificate.pem",
            "{\"id_token\": {\"acr\": null}}",
            "todo",
            "https://a.example/?x=%20y%20",
        ] {
            assert_eq!(find_placeholder(text), None, "{text}");
        }
    }
}
