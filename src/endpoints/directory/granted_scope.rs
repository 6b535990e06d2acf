/// What every grant of a directory has, as App ID's tokens do: `APIStrategy` of its SDK demands `appid_default`
/// (docs/protocols/app-id.md §Tokens).
const GRANTED: &str =
    "openid appid_default appid_readprofile appid_readuserattr appid_writeuserattr appid_authenticated";

/// What a request may ask for beyond that.
const OPTIONAL: [&str; 2] = ["profile", "email"];

/// Every scope that a directory grants, for its metadata.
pub(super) fn list_scopes() -> Vec<&'static str> {
    GRANTED.split(' ').chain(OPTIONAL).collect()
}

/// The scope of a grant for a request with the scope `requested`. A scope that this service does not know is left out, and the
/// answer to the token request says what was granted (RFC 6749 §3.3).
pub(super) fn grant_scope(requested: Option<&str>) -> String {
    let asks_for =
        |scope: &&str| requested.is_some_and(|words| words.split_ascii_whitespace().any(|word| word == *scope));
    let extra = OPTIONAL.into_iter().filter(asks_for);
    std::iter::once(GRANTED).chain(extra).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_has_the_scopes_of_the_sdk_and_known_ones_that_were_asked_for() {
        assert_eq!(grant_scope(None), GRANTED);
        assert_eq!(grant_scope(Some("openid")), GRANTED);
        assert_eq!(grant_scope(Some("admin  email email profiles")), format!("{GRANTED} email"));
    }
}
