//! A user who has forgotten the password sets another one.

use super::setting::{
    EVERYTHING, NEW_PASSWORD, SelfService, assert_leads_with_flow, fill_in, fill_in_and_follow, form_of, link_of,
};
use crate::directory::browser::Arrival;
use crate::directory::fixture::{ADA, MARKET, Person, SHOP, TICKETS};

const CHANGED: Person = Person { email: ADA.email, password: NEW_PASSWORD, name: ADA.name };

#[tokio::test]
async fn a_user_sets_a_new_password_by_the_link_of_a_message_and_goes_on_to_the_app() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut other = service.browser();
    other.sign_in(&TICKETS, &ADA).await;
    let mut browser = service.browser();
    let login = browser.get(&SHOP.authorization(&[])).await;
    let url = link_of(&login, "forgot-password").unwrap();
    let page = fill_in_and_follow(&mut browser, &url, &[("username", ADA.email)]).await;
    assert!(page.answer.text().contains("Look into your mailbox"), "{}", page.answer.text());
    assert!(link_of(&page.answer, "sign-in").is_some());
    assert_ne!(other.sign_in_silently(&TICKETS).await.code, "", "nothing has ended by asking");

    let link = service.mailbox.wait_for(ADA.email, 1).await.link();
    let refused = fill_in(&mut browser, &link, &[("password", "short")]).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let done = fill_in_and_follow(&mut browser, &link, &[("password", NEW_PASSWORD)]).await;
    assert!(done.answer.text().contains("Your password is changed"), "{}", done.answer.text());
    assert_eq!(other.authorize(&TICKETS, &[]).await.status, 200, "the session of the other browser has ended");

    let sign_in = link_of(&done.answer, "sign-in").unwrap();
    let login = browser.get(&sign_in).await;
    let old = browser.log_in(&sign_in, &login, ADA.email, ADA.password).await;
    assert_eq!(old.status, 401);
    let answer = browser.log_in(&sign_in, &login, ADA.email, NEW_PASSWORD).await;
    let arrival = Arrival::of(&answer, &SHOP);
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    assert_ne!(service.browser().sign_in(&TICKETS, &CHANGED).await.code, "");
    let notice = service.mailbox.wait_for(ADA.email, 2).await;
    assert!(!notice.text.contains("/link/") && !notice.subject.contains(ADA.name), "{notice:?}");
    service.directories.audited("directory_password_reset", Some(&id)).await;
}

#[tokio::test]
async fn an_app_on_the_sdk_gets_its_user_back_by_the_flow() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "forgot_password", &[("language", "en")]);
    let page = fill_in_and_follow(&mut browser, &url, &[("username", ADA.email)]).await;
    assert_leads_with_flow(&link_of(&page.answer, "application").unwrap(), &SHOP, "forgot_password");
    assert_eq!(link_of(&page.answer, "sign-in"), None, "the app has asked for no sign-in");
    let link = service.mailbox.wait_for(ADA.email, 1).await.link();
    let done = fill_in_and_follow(&mut browser, &link, &[("password", NEW_PASSWORD)]).await;
    assert_leads_with_flow(&link_of(&done.answer, "application").unwrap(), &SHOP, "forgot_password");
}

#[tokio::test]
async fn a_stranger_does_not_learn_whether_there_is_a_user() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let url = SelfService::page(&SHOP, "forgot_password", &[]);
    let mut answers = Vec::new();
    for login in [ADA.email, "nobody@contoso.example", "no address", "<b>"] {
        let mut browser = service.browser();
        let answer = fill_in(&mut browser, &url, &[("username", login)]).await;
        let headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
            .cloned()
            .collect();
        let page = browser.visit(answer.location()).await;
        let nonce = page.answer.header("content-security-policy").unwrap().split('\'').nth(3).unwrap().to_owned();
        let shown = page.answer.text().replace(&nonce["nonce-".len()..], "");
        answers.push((answer.status, headers, answer.text(), page.answer.status, shown));
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    service.mailbox.wait_for(ADA.email, 1).await;
    assert!(service.mailbox.list("nobody@contoso.example").is_empty());
}

#[tokio::test]
async fn the_operators_own_page_for_a_new_password_gets_a_context() {
    let lines = format!("{EVERYTHING}actions = {{ reset_password = \"https://shop.example.com/reset?x=1\" }}\n");
    let service = SelfService::with(&lines).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "forgot_password", &[]);
    fill_in(&mut browser, &url, &[("username", ADA.email)]).await;
    let link = service.mailbox.wait_for(ADA.email, 1).await.link();
    let page = browser.get(&link).await;
    assert_eq!((page.status, form_of(&page).fields.iter().any(|field| field.kind == "password")), (200, false));
    let answer = browser.send_form(&link, &form_of(&page), &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let location = url::Url::parse(answer.location()).unwrap();
    assert!(answer.location().starts_with("https://shop.example.com/reset?x=1&context="), "{location}");
    let context = location.query_pairs().find(|(name, _)| name == "context").unwrap().1.into_owned();
    let body = serde_json::json!({ "context": context });
    let path = "/cloud_directory/forgot_password/confirmation_result";
    let told = service.directories.manage(&MARKET, "POST", path, &body).await;
    assert_eq!((told.status, &told.json()["uuid"]), (200, &id.into()), "{}", told.text());
}
