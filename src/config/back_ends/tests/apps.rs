use super::{accepted, expect, expect_warning};
use crate::domain::RedirectToken;

const CONNECTION: &str = "connection = \"graph\"";
const ORIGINS: &str = "login_origins = [\"https://app.example.com\"]";

#[test]
fn the_switches_of_an_app_are_read_and_the_dangerous_ones_are_warned_of() {
    let strict = accepted(
        CONNECTION,
        &format!("{CONNECTION}\nservice_only = \"deny\"\ncross_user = \"deny\"\nredirect_token = \"code\""),
    );
    assert!(!strict.apps[0].app.allows_service_only && !strict.apps[0].app.allows_cross_user);
    assert_eq!(strict.apps[0].app.redirect_token, RedirectToken::Code);
    let place = "apps.app1";
    let cross_user = format!("{CONNECTION}\ncross_user = \"allow\"");
    expect_warning(CONNECTION, &cross_user, &format!("{place}.cross_user"), "read the token of any other");
    let query = format!("{CONNECTION}\nredirect_token = \"query\"");
    expect_warning(CONNECTION, &query, &format!("{place}.redirect_token"), "browsers and proxies keep");
    for (line, at, what) in [
        ("cross_user = \"yes\"", "cross_user", "unknown word \"yes\" (write one of: allow, deny)"),
        ("service_only = true", "service_only", "write"),
        ("redirect_token = \"fragment\"", "redirect_token", "write one of: code, query"),
    ] {
        expect(CONNECTION, &format!("{CONNECTION}\n{line}"), &format!("{place}.{at}"), what);
    }
}

#[test]
fn an_app_names_a_connection_that_keeps_its_users_signed_in() {
    expect(CONNECTION, "connection = \"grap\"", "apps.app1.connection", "did you mean \"graph\"?");
    let scopes = "\"offline_access\"]";
    expect_warning(&format!(", {scopes}"), "]", "apps.app1.connection", "asks for no refresh token");
}

#[test]
fn an_app_whose_users_nobody_can_link_is_warned_of() {
    expect_warning(ORIGINS, "", "apps.app1.login_origins", "so no user of the app can be linked");
    let operations = "[operations]\nadmin_token = { env = \"GRAPH_CLIENT_SECRET\" }";
    // The token is too short, which is a problem of its own.
    expect(ORIGINS, operations, "operations.admin_token", "must be at least 16 visible ASCII characters");
    expect(ORIGINS, "login_origins = [\"https://app.example.com/\"]", "apps.app1.login_origins[0]", "is no origin");
    let code = format!("{CONNECTION}\nredirect_token = \"code\"");
    accepted(CONNECTION, &code);
}
