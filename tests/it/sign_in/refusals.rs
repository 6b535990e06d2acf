//! Bad input, attacks, and a user who goes back in the browser: each ends on a page that names the problem.

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule};
use futures_util::future::join_all;

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness, Options, logs};

#[tokio::test]
async fn a_link_that_belongs_to_no_card_shows_an_error_page() {
    let harness = Harness::start().await;
    let resource = card(&harness).await;
    let good = resource["signInLink"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
    for bad in ["", "x", &good[1..], &good.replace(|_| true, "0"), "<script>alert(1)</script>"] {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("signin", bad).finish();
        let answer = harness.browser().get(&format!("/api/oauth/signin?{query}")).await;
        assert_notice(bad, &answer, 410, "LinkUnknown");
        assert!(!answer.text().contains("alert(1)") && answer.header("set-cookie").is_none());
    }
    assert_notice(
        "twice",
        &harness.browser().get(&format!("/api/oauth/signin?signin={good}&signin={good}")).await,
        410,
        "LinkUnknown",
    );
    for spelled in [
        format!("/API/OAuth/SignIn?SignIn={good}"),
        format!("/api/oauth/signin?signin={good}%26code_challenge%3Dabc"),
        format!("/api/oauth/signin?signin={good}&code_challenge=abc"),
    ] {
        assert_eq!(harness.browser().get(&spelled).await.status, 302, "{spelled}");
    }
    harness.clock.advance(Duration::from_mins(15));
    assert_notice(
        "late",
        &harness.browser().get(&format!("/api/oauth/signin?signin={good}")).await,
        410,
        "LinkUnknown",
    );
}

#[tokio::test]
async fn a_state_is_accepted_only_in_its_own_browser_within_fifteen_minutes() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;

    let mut stranger = harness.browser();
    assert_notice("no cookie", &stranger.get(&callback).await, 403, "OtherBrowser");
    stranger.begin(&card(&harness).await).await;
    assert_notice("another browser's cookie", &stranger.get(&callback).await, 403, "OtherBrowser");
    let name = browser.cookies.keys().next().unwrap().clone();
    stranger.cookies.insert(name, "not a secret of ours".to_owned());
    assert_notice("a made-up cookie", &stranger.get(&callback).await, 403, "OtherBrowser");
    let forged = callback.replace("state=", "state=0");
    assert_notice("a malformed state", &browser.get(&forged).await, 410, "StateUnknown");
    let made_up = format!("/.auth/web/redirect?code=x&state={}", "0123456789abcdef".repeat(4));
    assert_notice("a made-up state", &browser.get(&made_up).await, 410, "StateUnknown");
    let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let as_last_step = format!("/api/oauth/PostSignInCallback?signin={state}");
    assert_notice("a state where the last step is", &browser.get(&as_last_step).await, 410, "StateUnknown");
    assert_notice("no state", &browser.get("/.auth/web/redirect?code=x").await, 410, "StateUnknown");

    let sent_on = browser.get(&callback).await;
    assert_eq!(sent_on.status, 302, "nothing was used up by others: {}", sent_on.text());
    assert_notice("no cookie, after its use", &harness.browser().get(&callback).await, 403, "OtherBrowser");
    assert_notice("another browser's cookie, after its use", &stranger.get(&callback).await, 403, "OtherBrowser");

    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    harness.clock.advance(Duration::from_mins(16));
    assert_notice("late", &browser.get(&callback).await, 410, "StateUnknown");
}

#[tokio::test]
async fn the_last_step_is_accepted_only_in_its_own_browser() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    let mut stranger = harness.browser();
    assert_notice("no cookie", &stranger.get(&last).await, 403, "OtherBrowser");
    assert_notice("no cookie", &stranger.post(&last, &[("decision", "continue")]).await, 403, "OtherBrowser");
    stranger.begin(&card(&harness).await).await;
    assert_notice("other cookie", &stranger.post(&last, &[("decision", "cancel")]).await, 403, "OtherBrowser");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:2"] {
        let form: &[_] = &[("decision", "continue")];
        let answer = browser.request("POST", &last, &[("origin", origin)], Some(form)).await;
        assert_notice(origin, &answer, 403, "OtherBrowser");
    }
    assert_notice("no decision", &browser.post(&last, &[("decision", "perhaps")]).await, 400, "FormUnreadable");
    let (long, twice) = ("x".repeat(600 * 1024), [("decision", "continue"), ("decision", "cancel")]);
    assert_notice("too long", &browser.post(&last, &[("decision", &long)]).await, 400, "FormUnreadable");
    assert_notice("two decisions", &browser.post(&last, &twice).await, 400, "FormUnreadable");
    let handle = last.rsplit('=').next().unwrap();
    let as_state = format!("/.auth/web/redirect?code=x&state={handle}");
    assert_notice("the last step as a state", &browser.get(&as_state).await, 410, "StateUnknown");
    for _ in 0..2 {
        assert_eq!(browser.get(&last).await.status, 200, "looking uses nothing up");
    }
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    for form in [&[("decision", "continue")], &[("decision", "cancel")]] {
        assert_notice("another browser, afterwards", &stranger.post(&last, form).await, 403, "OtherBrowser");
    }
    assert_notice("another browser, afterwards", &stranger.get(&last).await, 403, "OtherBrowser");
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 200, "the code is still good");
}

#[tokio::test]
async fn parallel_requests_for_the_same_step_share_one_outcome() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let answers = join_all((0..4).map(|_| async { browser.tab().get(&callback).await })).await;
    let last = answers[0].location().to_owned();
    assert!(answers.iter().all(|answer| answer.status == 302 && answer.location() == last), "{answers:?}");
    assert_eq!(harness.stage.calls().count(bot_sso::dev::GrantKind::AuthorizationCode), 1);
    let form = [("decision", "continue")];
    let answers = join_all((0..4).map(|_| async { browser.tab().post(&last, &form).await })).await;
    let codes: Vec<_> = answers.iter().map(Answer::code).collect();
    assert!(codes.iter().all(|code| *code == codes[0]));
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &codes[0]).await.status, 200);
}

#[tokio::test]
async fn a_proven_sign_in_expires_after_fifteen_minutes_and_its_code_after_ten() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    harness.clock.advance(Duration::from_mins(15));
    assert_notice("late", &browser.get(&last).await, 410, "StateUnknown");
    assert_notice("late", &browser.post(&last, &[("decision", "continue")]).await, 410, "StateUnknown");
    let code = browser.finish(&card(&harness).await, "Ada").await.code();
    harness.clock.advance(Duration::from_mins(10));
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 404);
}

#[tokio::test]
async fn a_callback_with_a_repeated_parameter_is_refused() {
    let harness = Harness::start().await;
    for extra in ["iss=https%3A%2F%2Fa.example&iss=https%3A%2F%2Fb.example", "ISS=https%3A%2F%2Fevil.example"] {
        let mut browser = harness.browser();
        let authorize = browser.begin(&card(&harness).await).await;
        let callback = browser.log_in(&authorize, "Ada").await;
        let answer = browser.get(&format!("{callback}&{extra}")).await;
        assert_notice(extra, &answer, 400, "IssuerMismatch");
    }
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let answer = browser.get(&format!("{callback}&code=another")).await;
    assert_notice("two codes", &answer, 403, "ProviderRefused");
    assert_eq!(harness.stage.calls().count(bot_sso::dev::GrantKind::AuthorizationCode), 0);
}

#[tokio::test]
async fn a_code_is_refused_for_another_channel_user_or_bot() {
    let harness = Harness::start().await;
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    for (channel, user) in [("webchat", "wc-2"), ("directline", WEB_CHAT_USER), ("msteams", "29:ben")] {
        assert_eq!(redeem(&harness, channel, user, &code).await.status, 404, "{channel} {user}");
    }
    let query =
        [("userId", WEB_CHAT_USER), ("connectionName", "graph"), ("channelId", "webchat"), ("code", code.as_str())];
    assert_eq!(harness.get_token_as("demo-none", &query).await.status, 404, "another bot");
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 200);
}

#[tokio::test]
async fn parallel_redemptions_of_a_code_get_the_same_token() {
    let harness = Harness::start().await;
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    let answers = join_all((0..8).map(|_| redeem(&harness, "webchat", WEB_CHAT_USER, &code))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json() == answers[0].json()), "{answers:?}");
    assert_eq!(harness.get_token("webchat", WEB_CHAT_USER, "graph").await.status, 200);
}

/// Mallory, the attacker, sends the link of their own card to Ada.
#[tokio::test]
async fn a_victim_of_an_attackers_link_sees_which_bot_asks_and_the_attacker_gets_no_token() {
    let harness = Harness::start().await;
    for (channel, attacker, resource) in
        [("webchat", WEB_CHAT_USER, card(&harness).await), ("msteams", "29:ben", teams_card(&harness, "Ben").await)]
    {
        let mut victim = harness.browser();
        let last = victim.arrive(&resource, "Ada").await;
        let asked = victim.get(&last).await;
        for said in ["demo", "ada@contoso.example", "If someone sent you the link"] {
            assert!(asked.text().contains(said), "{said}: {}", asked.text());
        }
        assert_eq!(harness.get_token(channel, attacker, "graph").await.status, 404, "asked, not answered");
        assert_eq!(assert_cancelled(victim.post(&last, &[("decision", "cancel")]).await).status, 200);
        let page = victim.finish(&resource, "Ada").await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(
            harness.get_token(channel, attacker, "graph").await.status,
            404,
            "Ada has the code, Mallory has not"
        );
    }
}

/// Asserts the page of a cancelled sign-in, which is not an error page.
fn assert_cancelled(answer: Answer) -> Answer {
    assert!(answer.text().contains("You have cancelled"), "{}", answer.text());
    answer
}

#[tokio::test]
async fn a_user_who_gives_up_at_the_provider_sees_that_the_sign_in_was_cancelled() {
    let harness = Harness::start().await;
    for (case, resource) in [("web chat", card(&harness).await), ("Teams", teams_card(&harness, "Ada").await)] {
        let mut browser = harness.browser();
        let authorize = browser.begin(&resource).await;
        let callback = browser.give_up(&authorize).await;
        let page = browser.get(&callback).await;
        assert_notice(case, &assert_cancelled(page.clone()), 200, "CancelledByUser");
        let tells_teams = page.text().contains("data-reason=\"CancelledByUser\"");
        assert_eq!(tells_teams, case == "Teams", "{}", page.text());
        assert_eq!(browser.get(resource["signInLink"].as_str().unwrap()).await.status, 302, "{case}: may think again");
    }
}

#[tokio::test]
async fn every_error_of_the_identity_provider_ends_on_a_page() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    for (answer, status, reason) in [
        ("error=server_error&error_description=%3Cscript%3Ealert(1)", 503, "Unavailable"),
        ("error=temporarily_unavailable", 503, "Unavailable"),
        ("error=unauthorized_client", 503, "Misconfigured"),
        ("error=%3Cscript%3Ealert(1)", 403, "ProviderRefused"),
        ("error=consent_required", 403, "ConsentRequired"),
        ("error=access_denied&code=x", 200, "CancelledByUser"),
        ("", 403, "ProviderRefused"),
        ("code=never-issued", 410, "StateUnknown"),
        ("code=x&iss=https%3A%2F%2Fevil.example", 400, "IssuerMismatch"),
        ("error=access_denied&iss=https%3A%2F%2Fevil.example", 400, "IssuerMismatch"),
    ] {
        let authorize = browser.begin(&card(&harness).await).await;
        let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let page = browser.get(&format!("/.auth/web/redirect?state={state}&{answer}")).await;
        assert_notice(answer, &page, status, reason);
        assert!(!page.text().contains("alert(1)"), "{}", page.text());
        let again = browser.get(&format!("/.auth/web/redirect?state={state}&{answer}")).await;
        assert_notice("repeated", &again, status, reason);
    }
}

#[tokio::test]
async fn an_outage_of_the_identity_provider_is_shown_as_unavailable() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    harness.stage.faults().add(FaultRule::new(Fault::Unavailable { retry_after: None }).for_grant(None));
    let page = browser.get(&callback).await;
    assert_notice("outage", &page, 503, "Unavailable");
    assert!(page.header("retry-after").is_some());
}

#[tokio::test]
async fn an_authorization_code_of_another_sign_in_is_not_redeemed() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&card(&harness).await).await;
    let other = harness.browser().begin(&card(&harness).await).await;
    let foreign = browser.log_in(&other, "Ada").await;
    let state = |url: &url::Url| url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let injected = foreign.replace(&state(&other), &state(&authorize));
    // PKCE prevents it: the code belongs to another verifier.
    assert_notice("an injected code", &browser.get(&injected).await, 410, "StateUnknown");
}

#[tokio::test]
async fn one_account_may_begin_only_a_limited_number_of_sign_ins() {
    let appended = "[limits]\nuser_exchanges_per_minute = 2\n".to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let mut browser = harness.browser();
    let resource = card(&harness).await;
    browser.begin(&resource).await;
    browser.begin(&resource).await;
    let page = browser.get(resource["signInLink"].as_str().unwrap()).await;
    assert_notice("throttled", &page, 429, "Throttled");
    assert!(page.header("retry-after").is_some());
    harness.browser().begin(&teams_card(&harness, "Ada").await).await;
}

#[tokio::test]
async fn the_log_holds_no_link_state_or_code() {
    let harness = Harness::start().await;
    let before = logs::length();
    let resource = card(&harness).await;
    let mut browser = harness.browser();
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let last = browser.get(&callback).await.location().to_owned();
    let page = browser.post(&last, &[("decision", "continue")]).await;
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &page.code()).await), harness.user("Ada").oid);
    let written = logs::since(before);
    let pairs: Vec<String> = [authorize.as_str(), &callback.replace("http://127.0.0.1:1", "http://x")]
        .iter()
        .flat_map(|url| url::Url::parse(url).unwrap().query_pairs().into_owned().collect::<Vec<_>>())
        .filter(|(name, _)| ["state", "nonce", "code_challenge", "code"].contains(&name.as_str()))
        .map(|(_, value)| value)
        .collect();
    assert!(pairs.len() >= 5, "{pairs:?}");
    let link = resource["signInLink"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
    let handle = last.rsplit('=').next().unwrap().to_owned();
    let cookie = browser.cookies.values().next().unwrap().clone();
    for secret in pairs.iter().chain([&link, &handle, &cookie]) {
        assert!(!written.contains(secret.as_str()), "{secret}");
    }
}
