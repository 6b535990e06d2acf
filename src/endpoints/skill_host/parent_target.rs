use url::Url;

/// How servers may read an id, which a skill chooses, as a segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentForm {
    /// Every server reads it as one segment.
    One,
    /// A server that decodes a path before it takes it apart reads several segments.
    Several,
    /// Some server reads the path of something else.
    Elsewhere,
}

impl SegmentForm {
    /// The form of `text`, an id that is decoded.
    pub(super) fn of(text: &str) -> Self {
        if text.trim_matches(SEPARATORS).is_empty() || text.split(SEPARATORS).any(is_dot_segment) {
            Self::Elsewhere
        } else if text.contains(SEPARATORS) {
            Self::Several
        } else {
            Self::One
        }
    }
}

/// What servers read as the end of a segment.
const SEPARATORS: [char; 2] = ['/', '\\'];

/// The URL at which a parent receives what its skill sends to `rest` (`["activities", "<id>"]`) of the conversation: below the
/// parent's own `service_url`, with each id as one segment. `None` if a server could read an id as the path of something else.
pub(super) fn parent_url(service_url: &str, conversation_id: &str, rest: &[&str], query: &str) -> Option<Url> {
    let mut url = Url::parse(service_url).ok()?;
    if is_dot_segment(conversation_id) || rest.iter().any(|id| SegmentForm::of(id) == SegmentForm::Elsewhere) {
        return None;
    }
    let fixed = ["v3", "conversations", conversation_id];
    url.path_segments_mut().ok()?.pop_if_empty().extend(fixed.iter().chain(rest));
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    Some(url)
}

/// Whether an activity id makes the path of `activities/<id>` that of the conversation's history.
pub(super) fn names_history(id: &str) -> bool {
    without_parameters(id).eq_ignore_ascii_case("history")
}

/// Whether some server removes a segment with this text, or the one before it.
fn is_dot_segment(text: &str) -> bool {
    let name = without_parameters(text).to_ascii_lowercase().replace("%2e", ".");
    matches!(name.as_str(), "." | "..") || (name.is_empty() && !text.is_empty())
}

/// Some servers take what follows a semicolon for a parameter and not for a part of the segment.
fn without_parameters(segment: &str) -> &str {
    segment.split_once(';').map_or(segment, |(name, _)| name)
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
    fn an_id_with_separators_is_encoded_and_no_server_may_read_another_path() {
        for (id, form) in [
            ("a", SegmentForm::One),
            ("29:1;b..", SegmentForm::One),
            ("...", SegmentForm::One),
            ("a/b", SegmentForm::Several),
            ("a\\b/", SegmentForm::Several),
            ("/", SegmentForm::Elsewhere),
            ("..", SegmentForm::Elsewhere),
            ("a/../b", SegmentForm::Elsewhere),
        ] {
            assert_eq!(SegmentForm::of(id), form, "{id}");
        }
        let expected = format!("{PARENT}v3/conversations/c/activities/a%2Fb%5Cc");
        assert_eq!(url("c", &["activities", "a/b\\c"], ""), Some(expected));
    }

    #[test]
    fn the_history_is_recognized_in_every_spelling() {
        assert!(["history", "HISTORY", "history;x"].into_iter().all(names_history));
        assert!(!["histories", "x;history", ""].into_iter().any(names_history));
    }

    #[test]
    fn an_id_that_leads_elsewhere_gives_no_url() {
        for id in
            ["", "/", "\\/", ".", "..", "%2e%2e", ".%2E", "../..", "..;x", ".;", ";x", "a/..;x", "..\\a", "%2E%2e;"]
        {
            assert_eq!(url("c", &["activities", id], ""), None, "{id}");
        }
        assert_eq!(url("..", &["activities"], ""), None);
        assert_eq!(url("%2E", &["activities"], ""), None);
        assert_eq!(url("..;x", &["activities"], ""), None);
    }
}
