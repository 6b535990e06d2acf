//! What the log says of users whose subject is an e-mail address (docs/security.md §What the log says of users).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::fixture::{CLIENT, CLIENT_SECRET, OidcProvider};
use super::{code_on, sign_in_behind_the_card};
use crate::harness::{Harness, Options, activities, logs, write_private};

const EDITH: &str = "edith@elsewhere.example";

#[tokio::test]
async fn a_subject_that_is_an_address_is_in_no_line_and_one_digest_joins_the_lines_about_its_user() {
    let oidc_provider = OidcProvider::start("logged-users").await;
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("tickets.secret");
    write_private(&secret, CLIENT_SECRET);
    let appended = format!(
        "[identity_providers.elsewhere]\nkind = \"oidc\"\nissuer = \"{}\"\n[connections.tickets]\nbot = \"demo\"\n\
         identity_provider = \"elsewhere\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"openid\", \"profile\", \"offline_access\"]\n",
        oidc_provider.issuer,
        secret.display()
    );
    let connection = "identity_provider = \"entra\"".to_owned();
    let harness = Harness::with(Options { appended, connection, operations: true, ..Options::default() }).await;
    let before = logs::length();

    let message = activities::message(&harness, &harness.user("Ada"), "hello");
    let (mut browser, page) = sign_in_behind_the_card(&oidc_provider, &harness, &message, EDITH).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let page = browser.submit(&page, &[("decision", "continue")]).await;
    let page = browser.get(page.location.unwrap()).await;
    let code = code_on(&page).to_owned();
    let [user, name, channel] = [("userId", "29:ada"), ("connectionName", "tickets"), ("channelId", "msteams")];
    assert_eq!(harness.get_token_as("demo", &[user, name, channel, ("code", &code)]).await.status, 200);
    harness.clock.advance(Duration::from_mins(6));
    assert_eq!(harness.get_token_as("demo", &[user, name, channel]).await.status, 200, "refreshed");
    let key = format!("{EDITH}@{}", oidc_provider.issuer.replacen("http:", "https:", 1));
    let escaped: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    assert_eq!(harness.sign_out_everywhere(&escaped).await.status, 200);

    let said = logs::since(before);
    assert!(!logs::text().contains("edith"), "{said}");
    let issuer = format!("@{}", oidc_provider.issuer);
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let text_of = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let lines: Vec<[String; 2]> = lines
        .iter()
        .map(|line| [text_of(line, "user"), text_of(line, "message")])
        .filter(|[user, _]| user.ends_with(&issuer))
        .collect();
    let messages: BTreeSet<&str> = lines.iter().map(|[_, message]| message.as_str()).collect();
    for message in ["a browser sign-in was completed", "a token was refreshed"] {
        assert!(messages.contains(message), "{messages:?}");
    }
    let users: BTreeSet<&str> = lines.iter().map(|[user, _]| user.as_str()).collect();
    assert_eq!(users.len(), 1, "{users:?}");
    assert!(users.iter().all(|user| user.starts_with("digest:")), "{users:?}");
}
