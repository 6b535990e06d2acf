use crate::domain::{Connection, ProviderKind};
use crate::identity_provider::RedeemedToken;

/// Scopes that say how the user signs in. Issuers leave them out of `scope`, because they grant nothing at a resource
/// (`OpenID` Connect Core §5.4, §11).
const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Requests all permissions of an application. The response names the single permissions instead.
const ALL_PERMISSIONS: &str = ".default";

/// The scopes of [`Connection::required_granted_scopes`] that `token` was not granted, in their order.
///
/// A response without `scope` grants what was requested (RFC 6749 §5.1). `is_refresh` says that the request named no
/// scope; then it is what was granted before, which was checked then (RFC 6749 §6).
#[must_use]
pub fn missing_scopes<'a>(connection: &'a Connection, token: &RedeemedToken, is_refresh: bool) -> Vec<&'a str> {
    let required = connection.required_granted_scopes.iter().map(String::as_str);
    let granted: Vec<&str> = match &token.granted_scope {
        Some(granted) => split(granted),
        None if is_refresh => return Vec::new(),
        None => connection.scopes.iter().map(String::as_str).collect(),
    };
    required.filter(|required| !is_among(connection.provider_kind, required, &granted)).collect()
}

/// The scopes of [`Connection::scopes`] that `granted`, a response's `scope`, lacks; none if the response states no
/// scope. Scopes that a response does not name, whatever was granted, are not missing.
#[must_use]
pub fn withheld_scopes<'a>(connection: &'a Connection, granted: Option<&str>) -> Vec<&'a str> {
    let Some(granted) = granted.map(split) else { return Vec::new() };
    let kind = connection.provider_kind;
    let is_named = |scope: &str| !(is_sign_in(kind, scope) || kind == ProviderKind::Entra && asks_for_all(scope));
    let asked = connection.scopes.iter().map(String::as_str);
    asked.filter(|scope| is_named(scope) && !is_among(kind, scope, &granted)).collect()
}

/// Whether a caller may name `scope` when it asks for a token of `connection`: the connection requests it, or it only says how
/// a user signs in. MSAL adds scopes of the second kind to every request; they change nothing here. They are compared exactly:
/// `api://other/openid` names a permission of another API, for which the caller would wrongly be given a token.
#[must_use]
pub fn may_be_asked_for(connection: &Connection, scope: &str) -> bool {
    let requested: Vec<&str> = connection.scopes.iter().map(String::as_str).collect();
    SIGN_IN_SCOPES.contains(&scope) || is_among(connection.provider_kind, scope, &requested)
}

/// The scopes of a response. RFC 6749 §3.3 separates them by spaces.
fn split(scope: &str) -> Vec<&str> {
    scope.split_ascii_whitespace().collect()
}

fn is_among(kind: ProviderKind, scope: &str, granted: &[&str]) -> bool {
    granted.iter().any(|granted| is_same(kind, scope, granted))
}

/// Whether two scopes are the same one, by the rule of docs/connections.md §Scopes that were not granted: with regard to
/// letter case (RFC 6749 §3.3), but Entra disregards it, and names a scope with or without its resource.
fn is_same(kind: ProviderKind, one: &str, other: &str) -> bool {
    if kind != ProviderKind::Entra {
        return one == other;
    }
    let names_one_resource = one.contains("://") != other.contains("://");
    one.eq_ignore_ascii_case(other)
        || names_one_resource && permission_of(one).eq_ignore_ascii_case(permission_of(other))
}

fn is_sign_in(kind: ProviderKind, scope: &str) -> bool {
    SIGN_IN_SCOPES.iter().any(|name| is_same(kind, scope, name))
}

fn asks_for_all(scope: &str) -> bool {
    permission_of(scope).eq_ignore_ascii_case(ALL_PERMISSIONS)
}

/// The permission within a scope of Entra: the part after the resource.
fn permission_of(scope: &str) -> &str {
    let Some((_, rest)) = scope.split_once("://") else { return scope };
    rest.rsplit_once('/').map_or(scope, |(_, permission)| permission)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::test_samples::sample_connection;
    use crate::domain::{Secret, Timestamp};

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn connection(kind: ProviderKind, scopes: &[&str], required: &[&str]) -> Connection {
        Connection { required_granted_scopes: owned(required), ..sample_connection("tickets", kind, scopes) }
    }

    fn missing(kind: ProviderKind, required: &[&str], granted: Option<&str>, is_refresh: bool) -> Vec<String> {
        let connection = connection(kind, &["openid", "tickets.read"], required);
        let token = RedeemedToken {
            access_token: Secret::from("a"),
            expires_at: Timestamp::from_unix_seconds(0),
            granted_scope: granted.map(str::to_owned),
            refresh_token: None,
            refresh_at: None,
            id_token: None,
        };
        owned(&missing_scopes(&connection, &token, is_refresh))
    }

    #[test]
    fn a_caller_may_name_what_the_connection_requests_and_the_bare_scopes_of_a_sign_in() {
        let entra = connection(ProviderKind::Entra, &["https://graph.microsoft.com/User.Read"], &[]);
        for scope in ["https://graph.microsoft.com/User.Read", "User.Read", "openid", "offline_access"] {
            assert!(may_be_asked_for(&entra, scope), "{scope}");
        }
        for scope in ["Mail.Send", "api://other/User.Read", "api://other/openid", "https://other.example/email", ""] {
            assert!(!may_be_asked_for(&entra, scope), "{scope}");
        }
        let other = connection(ProviderKind::OpenIdConnect, &["tickets.read"], &[]);
        assert!(may_be_asked_for(&other, "tickets.read") && may_be_asked_for(&other, "email"));
        for scope in ["Tickets.read", "Email", "https://other.example/email"] {
            assert!(!may_be_asked_for(&other, scope), "{scope}");
        }
    }

    #[test]
    fn scopes_of_other_providers_are_compared_exactly() {
        let missing = |required: &[&str], granted| missing(ProviderKind::OpenIdConnect, required, granted, false);
        assert!(missing(&["tickets.read"], Some("openid  tickets.read")).is_empty());
        assert_eq!(missing(&["tickets.read", "openid"], Some("openid Tickets.read")), ["tickets.read"]);
        assert_eq!(missing(&["tickets.read"], Some("")), ["tickets.read"]);
        assert!(missing(&[], Some("")).is_empty());
    }

    #[test]
    fn a_response_without_scope_grants_what_was_requested() {
        assert!(missing(ProviderKind::OpenIdConnect, &["tickets.read"], None, false).is_empty());
        assert_eq!(missing(ProviderKind::OpenIdConnect, &["tickets.write"], None, false), ["tickets.write"]);
        assert!(missing(ProviderKind::OpenIdConnect, &["tickets.write"], None, true).is_empty());
    }

    #[test]
    fn entras_scopes_are_compared_without_their_resource_where_one_side_has_none() {
        let missing = |required: &[&str], granted| missing(ProviderKind::Entra, required, Some(granted), false);
        let full = "profile https://graph.microsoft.com/User.Read";
        assert!(missing(&["user.read"], full).is_empty());
        assert!(missing(&["https://graph.microsoft.com/user.read"], "User.Read openid").is_empty());
        assert_eq!(missing(&["api://other/User.Read"], full), ["api://other/User.Read"]);
        assert_eq!(missing(&["Mail.Read"], full), ["Mail.Read"]);
    }

    #[test]
    fn scopes_that_were_asked_for_and_not_granted_are_withheld() {
        for (asked, granted, withheld) in [
            ("User.Read Mail.Read", Some("User.Read"), "Mail.Read"),
            ("User.Read Mail.Read", Some("openid profile mail.read https://graph.microsoft.com/User.Read"), ""),
            (
                "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Read",
                Some("User.Read"),
                "https://graph.microsoft.com/Mail.Read",
            ),
            ("openid profile email offline_access calendar", Some("openid"), "calendar"),
            ("openid offline_access", Some("calendar"), ""),
            ("https://graph.microsoft.com/.default offline_access", Some("User.Read"), ""),
            ("api://1b7f/access_as_user", Some("api://1b7f/access_as_user"), ""),
            ("api://other/User.Read", Some("https://graph.microsoft.com/User.Read"), "api://other/User.Read"),
            ("User.Read", Some(""), "User.Read"),
            ("User.Read", None, ""),
        ] {
            let asked: Vec<&str> = asked.split(' ').collect();
            let connection = connection(ProviderKind::Entra, &asked, &[]);
            assert_eq!(withheld_scopes(&connection, granted).join(" "), withheld, "{asked:?} {granted:?}");
        }
    }

    #[test]
    fn a_scope_is_withheld_exactly_if_it_would_be_missing_as_a_required_one() {
        let scopes = ["User.Read", "https://graph.microsoft.com/user.read", "api://x/User.Read", "tickets.read"];
        for kind in [ProviderKind::Entra, ProviderKind::OpenIdConnect] {
            for asked in scopes {
                for granted in scopes {
                    let is_withheld = !withheld_scopes(&connection(kind, &[asked], &[]), Some(granted)).is_empty();
                    let is_missing = !missing(kind, &[asked], Some(granted), false).is_empty();
                    assert_eq!(is_withheld, is_missing, "{kind:?}: {asked} of {granted}");
                }
            }
        }
    }
}
