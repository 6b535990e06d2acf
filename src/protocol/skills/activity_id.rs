use super::raw_readings::{is_null, readings_of, require_object, text_of};
use crate::protocol::activity::ActivityError;

/// Whether some reader finds another id in the activity `body` than `id`. A parent's SDK changes the activity that the body
/// names, although the path names one as well.
///
/// # Errors
/// [`ActivityError`] if `body` is no JSON object.
pub fn names_other_activity(body: &[u8], id: &str) -> Result<bool, ActivityError> {
    let stated = readings_of(require_object(body)?, "id").filter(|value| !is_null(value));
    Ok(stated.into_iter().any(|value| text_of(value).is_none_or(|text| !text.is_empty() && text != id)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::names_other_activity;

    #[test]
    fn an_activity_that_some_reader_takes_for_another_one_is_found() {
        for (body, is_other) in [
            (r#"{"type":"message"}"#, false),
            (r#"{"id":null}"#, false),
            (r#"{"id":""}"#, false),
            (r#"{"id":"a"}"#, false),
            (r#"{"id":"\u0061"}"#, false),
            (r#"{"id":"b"}"#, true),
            (r#"{"id":"a","ID":"b"}"#, true),
            (r#"{"id":"b","id":"a"}"#, true),
            (r#"{"id":7}"#, true),
            (r#"{"id":["a"]}"#, true),
        ] {
            assert_eq!(names_other_activity(body.as_bytes(), "a").unwrap(), is_other, "{body}");
        }
        assert!(names_other_activity(b"[]", "a").is_err());
    }
}
