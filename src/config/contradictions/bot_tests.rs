//! Settings of bots that contradict each other: parents' entries, and the invokes that carry a sign-in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::tests::warnings_of;
use crate::config::test_samples::{
    ENDPOINT, MINIMAL, SCOPES, SECRET_LINE, TENANTS, changed, expect_problem, problem_of, read,
};

const APP: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "99999999-9999-4999-8999-999999999999";

/// Two entries of one parent: the settings of the first, the app id, channel and settings of the second.
fn two_callers(first: &str, app_id: &str, channel: &str, second: &str) -> String {
    let entry = |app_id: &str, channel: &str, settings: &str| {
        format!(
            "[[bots.help-desk.callers]]\napp_id = {app_id:?}\ntenant = {OTHER:?}\nservice_urls = [\"https://p.example/\"]\n\
             channels = [{channel:?}]\n{settings}\n"
        )
    };
    changed(ENDPOINT, &format!("{ENDPOINT}\n{}{}", entry(OTHER, "msteams", first), entry(app_id, channel, second)))
}

#[test]
fn entries_of_one_parent_that_disagree_about_its_users_are_a_problem() {
    const VOUCHES: &str = "vouches_for_channel_users = true";
    let place = "bots.help-desk.callers[1].vouches_for_channel_users: ";
    for (first, second) in [(VOUCHES, ""), ("", VOUCHES)] {
        let problem = problem_of(&two_callers(first, OTHER, "msteams", second));
        assert!(problem.starts_with(&format!("{place}contradicts callers[0]")), "{problem}");
    }
    let another = OTHER.replace('9', "8");
    for fine in [
        two_callers(VOUCHES, OTHER, "msteams", VOUCHES),
        two_callers(VOUCHES, OTHER, "directline", ""),
        two_callers(VOUCHES, &another, "msteams", ""),
    ] {
        assert!(read(&fine).is_ok(), "{fine}");
    }
    let own = problem_of(&two_callers("", APP, "msteams", VOUCHES));
    assert!(own.starts_with(&format!("{place}vouches for the bot itself")), "{own}");
}

const INVOKES: &str = "sign_in_invokes = [\"adaptive_card\", \"message_extension\"]";

#[test]
fn sign_in_invokes_need_a_connection_whose_tokens_they_carry() {
    let with_invokes = format!("{ENDPOINT}\n{INVOKES}");
    assert_eq!(warnings_of(ENDPOINT, &with_invokes), [""; 0]);
    let alone =
        format!("[bots.alone]\napp_id = \"{OTHER}\"\nendpoint = \"http://127.0.0.1:4000/\"\n{INVOKES}\n{MINIMAL}");
    let problem = problem_of(&alone);
    assert!(problem.starts_with("bots.alone.sign_in_invokes: needs a connection"), "{problem}");
    assert!(problem.contains("bot = \"alone\""), "{problem}");
    let oidc = format!(
        "{alone}\n[identity_providers.other]\nkind = \"oidc\"\nissuer = \"https://id.example.com\"\n\
         [connections.other]\nbot = \"alone\"\nidentity_provider = \"other\"\nclient_id = \"c\"\n{SECRET_LINE}\nscopes = [\"openid\"]\n"
    );
    let problem = problem_of(&oidc);
    assert!(problem.starts_with("bots.alone.sign_in_invokes: is for Teams, whose tokens are Entra's"), "{problem}");
}

#[test]
fn sign_in_invokes_warn_of_connections_that_accept_the_same_tokens() {
    let text = changed(ENDPOINT, &format!("{ENDPOINT}\n{INVOKES}"));
    let twin = format!("{text}\n[connections.mail]\nbot = \"help-desk\"\n{SECRET_LINE}\n{SCOPES}\n{TENANTS}\n");
    let warnings: Vec<_> = read(&twin).unwrap().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("bots.help-desk.sign_in_invokes: finds the connection"), "{warnings:?}");
    assert!(warnings[0].contains("\"graph\" and \"mail\""), "{warnings:?}");
    let cards_only = twin.replace(INVOKES, "sign_in_invokes = [\"adaptive_card\"]");
    assert!(read(&cards_only).unwrap().warnings.is_empty(), "a card's invoke names its connection");
    let own_app = format!("{twin}client_id = \"{OTHER}\"\n");
    assert!(read(&own_app).unwrap().warnings.is_empty());
}

#[test]
fn sign_in_invokes_of_a_bot_whose_parents_do_not_speak_for_teams_are_a_warning() {
    let with = |channel: &str| {
        let entry = format!(
            "{INVOKES}\n[[bots.help-desk.callers]]\napp_id = {OTHER:?}\ntenant = \"22222222-2222-4222-8222-222222222222\"\n\
             service_urls = [\"https://parent.example.com/\"]\nchannels = [{channel:?}]"
        );
        warnings_of(ENDPOINT, &format!("{ENDPOINT}\n{entry}"))
    };
    let warnings = with("directline");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("bots.help-desk.sign_in_invokes: is for invokes of Teams"), "{warnings:?}");
    assert_eq!(with("MsTeams"), [""; 0]);
}

#[test]
fn sign_in_invokes_and_a_written_forward_are_suspicious_together() {
    let with = |lines: &str| warnings_of(ENDPOINT, &format!("{ENDPOINT}\n{INVOKES}\n{lines}"));
    let warnings = with("after_exchange = \"forward\"");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("bots.help-desk.sign_in_invokes: takes the tokens and codes out"), "{warnings:?}");
    for fine in ["after_exchange = \"notify\"", "after_exchange = \"none\"", "sdk = \"teams\""] {
        assert_eq!(with(fine), [""; 0], "{fine}");
    }
    let twice = format!("{ENDPOINT}\nsign_in_invokes = [\"adaptive_card\", \"adaptive_card\"]");
    assert!(warnings_of(ENDPOINT, &twice)[0].contains("twice"));
    let unknown = format!("{ENDPOINT}\nsign_in_invokes = [\"card\"]");
    expect_problem(ENDPOINT, &unknown, "bots.help-desk.sign_in_invokes");
}
