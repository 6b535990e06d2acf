use url::Url;

/// The URL at which a parent receives what its skill sends to `rest` (`["activities", "<id>"]`) of the conversation: below the
/// parent's own `service_url`, with the parent's `conversation_id` as one segment. `None` if an id cannot be one segment of a
/// path: a server could read it as the path of something else.
pub(super) fn parent_url(service_url: &str, conversation_id: &str, rest: &[&str], query: &str) -> Option<Url> {
    let mut url = Url::parse(service_url).ok()?;
    if is_dot_segment(conversation_id) || !rest.iter().all(|segment| is_one_segment(segment)) {
        return None;
    }
    let fixed = ["v3", "conversations", conversation_id];
    url.path_segments_mut().ok()?.pop_if_empty().extend(fixed.iter().chain(rest));
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    Some(url)
}

/// Whether `text`, which a skill chooses, stays one segment even for servers that decode a path before they take it apart.
pub(super) fn is_one_segment(text: &str) -> bool {
    !text.is_empty() && !is_dot_segment(text) && !text.contains(['/', '\\'])
}

/// Whether a URL parser removes a segment with this text, or the one before it.
fn is_dot_segment(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PARENT: &str = "https://parent.example/api/skills/";

    fn url(conversation_id: &str, rest: &[&str], query: &str) -> Option<String> {
        parent_url(PARENT, conversation_id, rest, query).map(String::from)
    }

    #[test]
    fn ids_are_encoded_as_one_segment_below_the_parents_service_url() {
        for (conversation_id, rest, query, path) in [
            ("c", &["activities"][..], "", "c/activities"),
            ("a:1/2?3#4%5", &["activities", "x"][..], "", "a:1%2F2%3F3%234%255/activities/x"),
            ("19:a@thread.v2", &["members", "29:1 ü"][..], "", "19:a@thread.v2/members/29:1%20%C3%BC"),
            (
                "c",
                &["pagedmembers"][..],
                "pageSize=2&continuationToken=a%2Fb",
                "c/pagedmembers?pageSize=2&continuationToken=a%2Fb",
            ),
            ("c", &["activities", "a%2Fb?c"][..], "", "c/activities/a%252Fb%3Fc"),
        ] {
            let expected = format!("{PARENT}v3/conversations/{path}");
            assert_eq!(url(conversation_id, rest, query).as_deref(), Some(expected.as_str()));
        }
        let without_slash = parent_url("https://parent.example/api", "c", &["activities"], "").unwrap();
        assert_eq!(without_slash.as_str(), "https://parent.example/api/v3/conversations/c/activities");
    }

    #[test]
    fn an_id_that_is_no_segment_gives_no_url() {
        for id in ["", ".", "..", "%2e%2e", ".%2E", "a/b", "/", "../..", "a\\b"] {
            assert_eq!(url("c", &["activities", id], ""), None, "{id}");
        }
        assert_eq!(url("..", &["activities"], ""), None);
        assert_eq!(url("%2E", &["activities"], ""), None);
    }
}
