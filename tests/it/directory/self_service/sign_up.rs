//! Strangers become users.

use serde_json::json;

use super::setting::{
    EVERYTHING, NEW_EMAIL, NEW_PASSWORD, SelfService, assert_leads_with_flow, fill_in, fill_in_and_follow, form_of,
    link_of,
};
use crate::directory::browser::Arrival;
use crate::directory::fixture::{ADA, CATALOGUE, MARKET, Person, SHOP, TICKETS, claims};

const GRACE: Person = Person { email: NEW_EMAIL, password: NEW_PASSWORD, name: "Grace" };
const TYPED: [(&str, &str); 3] = [("email", NEW_EMAIL), ("name", "Grace Hopper"), ("password", NEW_PASSWORD)];

fn required() -> String {
    format!("{EVERYTHING}confirmation = \"required\"\n")
}

#[tokio::test]
async fn a_new_user_is_signed_in_at_once_where_no_address_has_to_be_confirmed() {
    let service = SelfService::with(EVERYTHING).await;
    let mut browser = service.browser();
    let page = browser.visit(&SHOP.authorization(&[("response_type", "sign_up")])).await;
    assert!(page.url.path().ends_with("/cloud_directory/sign_up"), "{}", page.url);
    let answer = browser.send_form(page.url.as_str(), &form_of(&page.answer), &TYPED).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let arrival = Arrival::of(&answer, &SHOP);
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    let tokens = service.directories.redeem(&SHOP, &arrival.code).await;
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id_token["email"], &id_token["name"]), (&json!(NEW_EMAIL), &json!("Grace Hopper")));
    assert_ne!(browser.sign_in_silently(&TICKETS).await.code, "", "the session is that of every sign-in");
    assert_ne!(service.browser().sign_in(&SHOP, &GRACE).await.code, "", "the password is good");
}

#[tokio::test]
async fn a_new_user_who_has_to_confirm_the_address_signs_in_after_the_link_and_not_before() {
    let service = SelfService::with(&required()).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "sign_up", &SHOP.request(&[]));
    let page = fill_in_and_follow(&mut browser, &url, &TYPED).await;
    assert_eq!(page.answer.status, 200, "{}", page.answer.text());
    assert!(page.answer.text().contains("Look into your mailbox"), "{}", page.answer.text());
    let sign_in = link_of(&page.answer, "sign-in").unwrap();
    let login = browser.get(&sign_in).await;
    let early = browser.log_in(&sign_in, &login, NEW_EMAIL, NEW_PASSWORD).await;
    assert_eq!((early.status, early.header("location")), (401, None));

    let link = service.mailbox.wait_for(NEW_EMAIL, 1).await.link();
    let confirmed = fill_in_and_follow(&mut browser, &link, &[]).await;
    assert!(confirmed.answer.text().contains("Your e-mail address is confirmed"), "{}", confirmed.answer.text());
    // The page leads on to the sign-in that the app had begun.
    let sign_in = link_of(&confirmed.answer, "sign-in").unwrap();
    let login = browser.get(&sign_in).await;
    let answer = browser.log_in(&sign_in, &login, NEW_EMAIL, NEW_PASSWORD).await;
    let arrival = Arrival::of(&answer, &SHOP);
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    assert_ne!(arrival.code, "");
}

#[tokio::test]
async fn an_app_on_the_sdk_is_told_by_the_flow_that_a_sign_up_has_ended() {
    let service = SelfService::with(&required()).await;
    let mut browser = service.browser();
    let page = browser.visit(&SHOP.authorization(&[("response_type", "sign_up")])).await;
    let page = fill_in_and_follow(&mut browser, page.url.as_str(), &TYPED).await;
    assert_leads_with_flow(&link_of(&page.answer, "application").unwrap(), &SHOP, "sign_up");
}

#[tokio::test]
async fn an_address_that_another_user_has_gets_the_same_answer() {
    let service = SelfService::with(&required()).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    let mut answers = Vec::new();
    for email in [NEW_EMAIL, ADA.email] {
        let mut browser = service.browser();
        let answer = fill_in(&mut browser, &url, &[("email", email), ("password", "a-password-of-somebody")]).await;
        let headers = answer.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
        answers.push((answer.status, headers.cloned().collect::<Vec<_>>(), answer.text()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 303);
    let told = service.mailbox.wait_for(ADA.email, 1).await;
    assert!(!told.text.contains("/link/"), "the owner is told, and gets no link: {}", told.text);
    assert_ne!(service.browser().sign_in(&SHOP, &ADA).await.code, "", "the owner's password stays");
}

#[tokio::test]
async fn a_double_click_signs_up_once_and_both_answers_are_good() {
    let service = SelfService::with(EVERYTHING).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "sign_up", &SHOP.request(&[]));
    let form = form_of(&browser.get(&url).await);
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.send_form(&url, &form, &TYPED), other.send_form(&url, &form, &TYPED));
    let codes = [Arrival::of(&first, &SHOP).code, Arrival::of(&second, &SHOP).code];
    assert_ne!(codes[0], codes[1]);
    for code in codes {
        service.directories.redeem(&SHOP, &code).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_said_and_what_was_typed_stays_but_for_the_password() {
    let service = SelfService::with(EVERYTHING).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "sign_up", &[("language", "de")]);
    for (typed, status, text) in [
        ([("email", NEW_EMAIL), ("password", "short")], 400, "8 bis 128 Zeichen"),
        ([("email", "no-address"), ("password", NEW_PASSWORD)], 400, "keine E-Mail-Adresse"),
        ([("email", NEW_EMAIL), ("password", "")], 400, "Füllen Sie alle Felder aus"),
        ([("email", ""), ("password", NEW_PASSWORD)], 400, "Füllen Sie alle Felder aus"),
    ] {
        let answer = fill_in(&mut browser, &url, &typed).await;
        assert_eq!(answer.status, status, "{typed:?} {}", answer.text());
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
        let form = form_of(&answer);
        assert_eq!((form.value("email"), form.value("password")), (typed[0].1, ""), "{typed:?}");
    }
}

#[tokio::test]
async fn a_taken_user_name_is_told_since_users_choose_it() {
    let service = SelfService::with_market("identity_field = \"userName\"", EVERYTHING, "").await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    let typed = [("username", "grace"), ("email", NEW_EMAIL), ("password", NEW_PASSWORD)];
    assert_eq!(fill_in(&mut browser, &url, &typed).await.status, 303);
    let typed = [("username", "Grace"), ("email", "other@contoso.example"), ("password", NEW_PASSWORD)];
    let answer = fill_in(&mut browser, &url, &typed).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(answer.text().contains("This user name is taken"), "{}", answer.text());
}

#[tokio::test]
async fn a_page_without_a_server_signs_up_by_pkce() {
    let service = SelfService::with(EVERYTHING).await;
    let mut browser = service.browser();
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let more = [("response_type", "sign_up"), ("code_challenge", challenge), ("code_challenge_method", "S256")];
    let page = browser.visit(&CATALOGUE.authorization(&more)).await;
    let answer = browser.send_form(page.url.as_str(), &form_of(&page.answer), &TYPED).await;
    assert_ne!(Arrival::of(&answer, &CATALOGUE).code, "");
}
