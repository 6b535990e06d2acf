use crate::domain::{GRANTED_SCOPES, OPTIONAL_SCOPES};

/// Every scope that a directory grants, for its metadata.
pub(super) fn list_scopes() -> Vec<&'static str> {
    GRANTED_SCOPES.into_iter().chain(OPTIONAL_SCOPES).collect()
}

/// The scope of a grant for a request with the scope `requested`. A scope that this service does not know is left out, and the
/// answer to the token request says what was granted (RFC 6749 §3.3).
pub(super) fn grant_scope(requested: Option<&str>) -> String {
    let asks_for =
        |scope: &&str| requested.is_some_and(|words| words.split_ascii_whitespace().any(|word| word == *scope));
    let extra = OPTIONAL_SCOPES.into_iter().filter(asks_for);
    GRANTED_SCOPES.into_iter().chain(extra).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_has_the_scopes_of_the_sdk_and_known_ones_that_were_asked_for() {
        let granted =
            "openid appid_default appid_readprofile appid_readuserattr appid_writeuserattr appid_authenticated";
        assert_eq!(grant_scope(None), granted);
        assert_eq!(grant_scope(Some("openid")), granted);
        assert_eq!(grant_scope(Some("admin  email email profiles")), format!("{granted} email"));
    }
}
