use serde_json::Value;

/// The text that replaces tokens in everything that the stage stores or shows.
const MASK: &str = "(token)";

/// Replaces every member called `token` or `access_token`, and every string that looks like a JWT, anywhere in `value`.
pub(super) fn mask_tokens(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let named_token = name.eq_ignore_ascii_case("token") || name.eq_ignore_ascii_case("access_token");
                if named_token && member.is_string() {
                    *member = Value::from(MASK);
                } else {
                    mask_tokens(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_tokens),
        Value::String(text) if contains_jwt(text) => *value = Value::from(MASK),
        _ => {}
    }
}

/// Whether `text` contains something like a JWT: a word that starts as a base64url JSON object does (`eyJ`) and has at
/// least two dots.
fn contains_jwt(text: &str) -> bool {
    text.match_indices("eyJ").any(|(start, _)| {
        let rest = text.get(start..).unwrap_or_default();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')))
            .unwrap_or(rest.len());
        rest.get(..end).is_some_and(|word| word.matches('.').count() >= 2)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_masked_anywhere_in_a_value() {
        let mut value = json!({
            "value": {"token": "abc", "id": "1"},
            "text": "here: eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln, good",
            "list": ["eyJa.eyJb.c", "plain"],
        });
        mask_tokens(&mut value);
        assert_eq!(
            value,
            json!({"value": {"token": "(token)", "id": "1"}, "text": "(token)", "list": ["(token)", "plain"]})
        );
    }
}
