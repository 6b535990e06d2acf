//! What other sites, other users and other directories try at the account page.

use super::setting::{account, ada_at_shop, buttons, page, page_form, press, signed_in_to, started};
use crate::directory::fixture::{ADA, BEN, CAMPUS, LIBRARY, MARKET, SHOP};
use crate::directory::sessions::is_asked;

#[tokio::test]
async fn a_form_of_another_site_or_another_session_ends_nothing() {
    let (directories, _) = started().await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    let (mut other, _) = ada_at_shop(&directories).await;
    let (mut of_ben, _) = signed_in_to(&directories, &SHOP, &BEN).await;
    let shown = page(&mut browser).await;
    let session = buttons(&shown, "session").remove(1);
    let token_of_ben = page_form(&page(&mut of_ben).await).value("form_token").to_owned();
    let token_of_other = page_form(&page(&mut other).await).value("form_token").to_owned();
    let sign_out = format!("{}/sign-out", account());
    let token_of_sign_out = page_form(&browser.get(&sign_out).await).value("form_token").to_owned();
    for token in ["", "x", &token_of_ben, &token_of_other, &token_of_sign_out] {
        let answer = browser.post(&account(), &[("session", &session), ("form_token", token)]).await;
        assert!(answer.status == 403 && answer.text().contains("Nothing was changed"), "{token}: {}", answer.text());
        if *token != *token_of_sign_out {
            assert_eq!(browser.post(&sign_out, &[("form_token", token)]).await.status, 403, "{token}");
        }
    }
    let own = page_form(&shown).value("form_token").to_owned();
    assert_eq!(browser.post(&sign_out, &[("form_token", &own)]).await.status, 403, "each form has a token of its own");
    // Without the browser's cookies the token is worth nothing.
    let stranger = directories.browser().post(&account(), &[("session", &session), ("form_token", &own)]).await;
    assert!(stranger.status == 303 && stranger.location().contains("/authorization?"), "{}", stranger.text());
    assert!(!is_asked(&mut other, &SHOP).await && !is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn a_form_that_names_what_is_another_users_ends_nothing() {
    let (directories, _) = started().await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    let (mut of_ben, tokens) = signed_in_to(&directories, &SHOP, &BEN).await;
    let session_of_ben = buttons(&page(&mut of_ben).await, "session").remove(0);
    let shown = page(&mut browser).await;
    for (name, value) in [
        ("session", session_of_ben.as_str()),
        ("application", SHOP.client_id),
        ("holder", "demo"),
        ("holder", "-"),
        ("holder", "add-in/files"),
    ] {
        assert_eq!(press(&mut browser, &shown, name, value).await.status, 303, "{name} {value}");
    }
    assert!(!is_asked(&mut of_ben, &SHOP).await);
    assert!(directories.is_active(&SHOP, tokens["access_token"].as_str().unwrap()).await);
    let form = page_form(&shown);
    let token = form.value("form_token");
    for fields in [
        vec![("form_token", token)],
        vec![("form_token", token), ("session", &session_of_ben), ("application", SHOP.client_id)],
        vec![("form_token", token), ("session", "a"), ("session", "b")],
        vec![("form_token", token), ("form_token", token), ("session", "a")],
    ] {
        assert_eq!(browser.post(&account(), &fields).await.status, 403, "{fields:?}");
    }
}

#[tokio::test]
async fn a_session_of_another_directory_opens_no_page_and_its_form_ends_nothing() {
    let (directories, _) = started().await;
    directories.create_user(&CAMPUS, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&LIBRARY, &ADA).await;
    // A copy of the cookie under the path and the name of the other directory.
    let mut forged = browser.clone();
    for cookie in &mut forged.cookies {
        cookie.name = cookie.name.replace(CAMPUS.tenant, MARKET.tenant);
        cookie.path = cookie.path.replace(CAMPUS.tenant, MARKET.tenant);
    }
    let answer = forged.get(&account()).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let of_campus = page_form(&browser.get(&CAMPUS.oauth("/account")).await).value("form_token").to_owned();
    let (mut of_market, _) = ada_at_shop(&directories).await;
    let session = buttons(&page(&mut of_market).await, "session").remove(0);
    let answer = of_market.post(&account(), &[("session", &session), ("form_token", &of_campus)]).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(!is_asked(&mut of_market, &SHOP).await);
}

#[tokio::test]
async fn a_link_cannot_make_a_user_believe_to_be_signed_out() {
    let (directories, _) = started().await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    for query in ["", "?everywhere=1"] {
        let answer = browser.get(&format!("{}/signed-out{query}", account())).await;
        assert_eq!((answer.status, answer.location()), (303, format!("{}?language=en", account()).as_str()));
    }
}

#[tokio::test]
async fn no_caller_can_be_the_applications_own_page() {
    let (directories, _) = started().await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    let issuer = directories.issuer(&MARKET);
    let redirect_uri = format!("{issuer}/account");
    let query = |redirect: &str| {
        let pairs = [("client_id", "bot-sso.account"), ("response_type", "code"), ("redirect_uri", redirect)];
        format!("{}?{}", MARKET.oauth("/authorization"), crate::directory::fixture::encoded(&pairs))
    };
    // Its code leads to the page alone: the directory's own addresses are for other applications.
    for other in
        [SHOP.redirect_uri, "https://evil.example/account", &format!("{redirect_uri}/"), &format!("{redirect_uri}?x=1")]
    {
        assert_eq!(browser.get(&query(other)).await.status, 400, "{other}");
    }
    let sent = browser.get(&query(&redirect_uri)).await;
    let code = sent.location().split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", &redirect_uri)];
    let own = crate::directory::fixture::TestApp { client_id: "bot-sso.account", secret: None, ..SHOP };
    assert_eq!(directories.token(&own, &fields).await.status, 401);
    let with_secret = crate::directory::fixture::TestApp { secret: Some(""), ..own };
    assert_eq!(directories.token(&with_secret, &fields).await.status, 401);
    // The page has used the code up, and shows it in no address.
    let back = browser.get(sent.location()).await;
    assert!(back.status == 303 && !back.location().contains("code"), "{} {}", back.status, back.text());
}
