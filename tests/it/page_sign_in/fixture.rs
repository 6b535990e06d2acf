//! An application with two add-ins and three apps, whose users the stage's tenant signs in.

use std::fmt::Write as _;

use bot_sso::dev::GrantKind;
use bot_sso::domain::SecretHash;
use serde_json::Value;
use url::Url;

use crate::harness::{Answer, Browser, Harness, Options, Surroundings, logs};

/// The application's address for browsers, unless it is reachable.
const UNREACHABLE: &str = "http://127.0.0.1:1";
/// The origins of the panes of the add-in `files`. The add-in `single` has the first one alone.
pub const PANE: &str = "https://pane.example";
pub const OTHER_PANE: &str = "https://other-pane.example";
/// The origins of the front ends of all apps.
pub const FRONT: &str = "https://front.example";
pub const LOCAL_FRONT: &str = "http://127.0.0.1:4";
const CALLER_SECRET: &str = "the-secret-of-the-middle-tier";

/// The doors, relative to the application.
pub const DIALOG: &str = "/api/add-ins/files/sign-in?origin=https%3A%2F%2Fpane.example";

/// The parameters of one login at an app.
pub fn login(app: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/api/apps/{app}/auth/sso/login?{query}")
}

/// Options of an application with add-ins and apps over the stage of `surroundings`.
pub fn options(surroundings: &Surroundings, reachable: bool) -> Options {
    let directory = surroundings.stage.directory();
    let connection = directory.connections.iter().find(|entry| entry.bot == "demo" && entry.name == "graph").unwrap();
    let base = if reachable { &surroundings.base } else { UNREACHABLE };
    for path in ["add-ins/files/sign-in", "add-ins/single/sign-in"] {
        surroundings.stage.allow_redirect(connection.client_id, &format!("{base}/api/{path}/callback"));
    }
    for app in ["coded", "queried", "other"] {
        let uri = format!("{base}/api/apps/{app}/auth/sso/callback");
        surroundings.stage.allow_redirect(connection.client_id, &uri);
    }
    let client = format!(
        "client_id = \"{client}\"\nclient_secret = {{ env = \"PAGE_SECRET\" }}\ntenants = [\"{tenant}\"]\nscopes = {scopes:?}\n",
        client = connection.client_id,
        tenant = directory.main_tenant_id(),
        scopes = connection.scopes,
    );
    let hash = SecretHash::of(CALLER_SECRET).to_text();
    let callers = format!("callers = [{{ client_id = \"middle-tier\", secret_sha256 = [\"{hash}\"] }}]\n");
    let resource = connection.exchange_scope.rsplit_once('/').unwrap().0;
    let mut appended = format!(
        "[add_ins.files]\n{client}{callers}resource = \"{resource}\"\norigins = [\"{PANE}\", \"{OTHER_PANE}\"]\n\
         [add_ins.single]\n{client}resource = \"{resource}\"\norigins = [\"{PANE}\"]\n\
         [connections.front]\n{client}"
    );
    for (app, redirect_token) in [("coded", "code"), ("queried", "query"), ("other", "query")] {
        let _ = write!(
            appended,
            "[apps.{app}]\nservice_token_sha256 = [\"{hash}\"]\nconnection = \"front\"\n\
             login_origins = [\"{FRONT}\", \"{LOCAL_FRONT}\"]\nredirect_token = \"{redirect_token}\"\n",
            hash = SecretHash::of(app).to_text(),
        );
    }
    let environment = vec![("PAGE_SECRET".to_owned(), connection.client_secret.to_owned())];
    Options { appended, environment, reachable, operations: true, ..Options::default() }
}

pub async fn start() -> Harness {
    start_with_options().await.0
}

/// The harness, and the options with which it can be started again.
pub async fn start_with_options() -> (Harness, Options) {
    let surroundings = Surroundings::start().await;
    let options = options(&surroundings, false);
    (surroundings.run(&options).await, options)
}

/// Begins at `door`; returns the identity provider's address.
pub async fn begin(browser: &mut Browser<'_>, door: &str) -> Url {
    let answer = browser.get(door).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    Url::parse(answer.location()).unwrap()
}

/// Begins at `door` and signs `user` in; returns the address that the browser is sent back to.
pub async fn come_back(browser: &mut Browser<'_>, door: &str, user: &str) -> String {
    let authorize = begin(browser, door).await;
    browser.log_in(&authorize, user).await
}

/// Signs `user` in from `door` on; returns the address that the return leads to.
pub async fn arrive(browser: &mut Browser<'_>, door: &str, user: &str) -> String {
    let callback = come_back(browser, door, user).await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    answer.location().to_owned()
}

/// What the pages of a dialog tell the pane: the message and the origin that gets it. `None` if a page tells nothing.
pub fn told(page: &Answer) -> Option<(Value, String)> {
    let message = attribute(page, "data-message")?;
    Some((serde_json::from_str(&message).unwrap(), attribute(page, "data-origin").unwrap()))
}

fn attribute(page: &Answer, name: &str) -> Option<String> {
    let text = page.text();
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next().unwrap();
    Some(value.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&"))
}

/// The value of a parameter in the query of `url`; panics if it occurs twice.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let values: Vec<_> =
        url.query_pairs().filter(|(other, _)| other == name).map(|(_, value)| value.into_owned()).collect();
    assert!(values.len() <= 1, "{url}");
    values.into_iter().next()
}

/// How often the tenant took an authorization code.
pub fn redeemed_codes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::AuthorizationCode)
}

pub fn key_of(harness: &Harness, name: &str) -> String {
    let user = harness.user(name);
    format!("{}@{}", user.oid, user.tid)
}

/// The answer to the middle tier of the add-in `files`, which asks for the token of `user` silently.
pub async fn ask_silently(harness: &Harness, user: &str) -> Answer {
    let assertion = harness.user_token(user, "graph").await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", "middle-tier"),
        ("client_secret", CALLER_SECRET),
        ("assertion", &assertion),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    harness.send("POST", "/api/add-ins/files/token", &headers, body.into_bytes()).await
}

/// Asserts a page with a message and a reference; the log line with that reference names `reason` and has a hint.
pub fn assert_notice(case: &str, answer: &Answer, status: u16, reason: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{case}: {text}");
    assert!(text.contains("<h1>") && text.contains("Reference: "), "{case}: {text}");
    assert!(answer.header("location").is_none(), "{case}");
    assert_kept_nowhere(case, answer);
    let reference = text.split_once("Reference: ").unwrap().1.split('<').next().unwrap().to_owned();
    let lines = logs::lines_of(&reference);
    let is_told =
        |line: &Value| line.to_string().contains(&format!("\"{reason}\"")) && line.to_string().contains("\"hint\"");
    assert!(lines.iter().any(is_told), "{case}: {lines:?}");
}

/// Asserts that no cache keeps the answer, no page frames it, and no other site learns its address.
pub fn assert_kept_nowhere(case: &str, answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{case}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{case}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{case}: {policy}");
}

/// Asserts that `text` has no token of the identity provider: those are JWTs.
pub fn assert_no_token(case: &str, text: &str) {
    assert!(!text.contains("eyJ"), "{case}: {text}");
}
