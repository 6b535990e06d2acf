//! The settings of a connection, and codes that are sent once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn with_prompt(prompt: Option<&str>) -> Stand {
    let settings = GenericSettings { prompt: prompt.map(str::to_owned), ..GenericSettings::default() };
    Stand::with_settings(settings, |_| {})
}

#[actix_web::test]
async fn prompt_is_the_configured_one_and_consent_where_the_sign_in_needs_it() {
    for (configured, scopes, ask_consent, sent) in [
        (None, ["openid"], false, None),
        (None, ["offline_access"], false, Some("consent")),
        (Some(""), ["offline_access"], false, None),
        (Some(""), ["offline_access"], true, Some("consent")),
        (Some("login"), ["offline_access"], false, Some("login")),
        (Some("login select_account"), ["openid"], true, Some("login select_account consent")),
        (Some("consent"), ["openid"], true, Some("consent")),
    ] {
        let query = with_prompt(configured).authorize(&scopes, ask_consent).await.unwrap();
        assert_eq!(query.get("prompt").map(String::as_str), sent, "{configured:?} {scopes:?} {ask_consent}");
    }
}

#[actix_web::test]
async fn authorize_params_are_added_to_our_own() {
    let parameters = [("audience", "https://api.example/?a=b"), ("ui_locales", "de fr")];
    let authorize_params = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let stand = Stand::with_settings(GenericSettings { authorize_params, ..GenericSettings::default() }, |_| {});
    let query = stand.authorize(&["openid"], false).await.unwrap();
    assert_eq!((query["audience"].as_str(), query["ui_locales"].as_str()), ("https://api.example/?a=b", "de fr"));
    assert_eq!((query["client_id"].as_str(), query["state"].as_str()), ("the client", "s"));
}

#[actix_web::test]
async fn configured_method_sends_the_secret_whatever_the_document_offers() {
    for (method, in_form) in [(SecretMethod::Post, true), (SecretMethod::Basic, false)] {
        let settings = GenericSettings { secret_method: Some(method), ..GenericSettings::default() };
        let stand = Stand::with_settings(settings, |_| {});
        stand
            .describe(&json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}));
        stand.redeem_code().await.unwrap();
        let (sent, authorization) = stand.asked();
        assert_eq!((sent.contains_key("client_secret"), authorization.is_none()), (in_form, in_form), "{method:?}");
        stand.refresh(&stand.issuer).await.unwrap();
        assert_eq!(stand.asked().0.contains_key("client_secret"), in_form, "{method:?}");
    }
}

#[actix_web::test]
async fn code_is_sent_once_and_a_refresh_token_again_after_a_fault() {
    let stand = Stand::new();
    *stand.peer.answer.lock().unwrap() = (503, json!({"error": "server_error"}));
    assert_eq!(stand.redeem_code().await.unwrap_err().failure, RedeemFailure::Transient);
    assert_eq!(stand.peer.asked.lock().unwrap().len(), 1);
    assert_eq!(stand.refresh(&stand.issuer).await.unwrap_err().failure, RedeemFailure::Transient);
    assert_eq!(stand.peer.asked.lock().unwrap().len(), 4, "three times more");
}

#[actix_web::test]
async fn code_is_sent_once_to_a_server_that_hangs_up_afterwards() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            *counted.lock().unwrap() += 1;
            let _ = tokio::io::AsyncReadExt::read(&mut connection, &mut [0; 4096]).await;
        }
    });
    let token_endpoint = Url::parse(&format!("http://{address}/token")).unwrap();
    let stand = Stand::with(|settings| settings.token_endpoint = Some(token_endpoint));
    assert_eq!(stand.redeem_code().await.unwrap_err().failure, RedeemFailure::Transient);
    assert_eq!(*requests.lock().unwrap(), 1);
}

#[actix_web::test]
async fn long_id_token_is_passed_on_to_be_judged() {
    let stand = Stand::new();
    let long = "a".repeat(100_000);
    *stand.peer.answer.lock().unwrap() = (200, json!({"token_type": "Bearer", "access_token": "A", "id_token": long}));
    assert_eq!(stand.redeem_code().await.unwrap().id_token.unwrap().expose().len(), 100_000);
}
