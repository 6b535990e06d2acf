use crate::domain::{Connection, UserToken};
use crate::observability::conceal;

/// Scopes that say how the user signs in. Issuers leave them out of `scope`, because they grant nothing at a resource
/// (OpenID Connect Core §5.4, §11).
const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Requests all permissions of an application. The response names the single permissions instead.
const ALL_PERMISSIONS: &str = ".default";

/// Logs one line if the issuer granted fewer scopes than `connection` asks for, which it has to state
/// (RFC 6749 §3.3, §5.1).
pub fn report_missing_scopes(token: &UserToken, connection: &Connection, correlation_id: &str) {
    let missing = find_missing_scopes(&connection.scopes, token.granted_scope.as_deref());
    if missing.is_empty() {
        return;
    }
    tracing::warn!(
        correlation_id,
        bot = connection.bot.as_str(),
        connection = connection.name.as_str(),
        user = %conceal(&token.user),
        missing = missing.join(" "),
        hint = "the bot gets the token all the same; the user or an administrator did not consent to everything, or the \
                issuer does not grant it to this client",
        "the issuer granted fewer scopes than the connection asks for"
    );
}

/// The scopes of `asked` that `granted` lacks. None if the issuer states no scopes: then it granted all of them.
fn find_missing_scopes<'a>(asked: &'a [String], granted: Option<&str>) -> Vec<&'a str> {
    let Some(granted) = granted else { return Vec::new() };
    let granted: Vec<&str> = granted.split_ascii_whitespace().map(permission_of).collect();
    let is_granted = |scope: &str| granted.iter().any(|name| name.eq_ignore_ascii_case(permission_of(scope)));
    let is_sign_in = |scope: &str| SIGN_IN_SCOPES.iter().any(|name| name.eq_ignore_ascii_case(scope));
    let is_named = |scope: &str| !is_sign_in(scope) && permission_of(scope) != ALL_PERMISSIONS;
    asked.iter().map(String::as_str).filter(|scope| is_named(scope) && !is_granted(scope)).collect()
}

/// The permission within a scope: Entra answers `https://graph.microsoft.com/User.Read` with `User.Read` or with the whole.
fn permission_of(scope: &str) -> &str {
    let Some((_, rest)) = scope.split_once("://") else { return scope };
    rest.rsplit_once('/').map_or(scope, |(_, permission)| permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_were_asked_for_and_not_granted_are_missing() {
        for (asked, granted, missing) in [
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
            ("User.Read", Some(""), "User.Read"),
            ("User.Read", None, ""),
        ] {
            let asked: Vec<String> = asked.split(' ').map(str::to_owned).collect();
            assert_eq!(find_missing_scopes(&asked, granted).join(" "), missing, "{asked:?} {granted:?}");
        }
    }
}
