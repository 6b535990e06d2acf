//! The parameters of the token endpoint: what each may be, and how often it may be stated.

use super::fixture::{
    ACCESS_TOKEN, BILLING_SECRET, BackEnds, GRAPH, JWT_BEARER, ORDERS_SECRET, TOKEN_EXCHANGE, assert_error, basic,
    exchange_form,
};

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const READ: &str = "https://graph.microsoft.com/User.Read";

#[tokio::test]
async fn each_parameter_of_an_exchange_has_its_own_error() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let accepted: [&[(&str, &str)]; 9] = [
        &[],
        &[("audience", GRAPH)],
        &[("resource", GRAPH)],
        &[("audience", GRAPH), ("resource", GRAPH), ("audience", GRAPH)],
        &[("scope", READ)],
        &[("scope", "User.Read")],
        &[("scope", "openid email")],
        &[("requested_token_type", ACCESS_TOKEN)],
        &[("actor_token", ""), ("scope", ""), ("unknown", "x")],
    ];
    for more in accepted {
        let answer = back_ends.exchange(&subject, more).await;
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.text());
    }
    let refused: [(&[(&str, &str)], &str); 14] = [
        (&[("audience", "https://vault.azure.net")], "invalid_target"),
        (&[("resource", "https://vault.azure.net")], "invalid_target"),
        (&[("audience", GRAPH), ("audience", "https://vault.azure.net")], "invalid_target"),
        (&[("audience", "https://graph.microsoft.com/")], "invalid_target"),
        (&[("scope", "https://graph.microsoft.com/Directory.ReadWrite.All")], "invalid_scope"),
        (&[("scope", "User.Read Mail.Send")], "invalid_scope"),
        (&[("scope", "openid2 User.Read")], "invalid_scope"),
        (&[("scope", "api://other.example/openid User.Read")], "invalid_scope"),
        (&[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request"),
        (&[("requested_token_type", JWT)], "invalid_request"),
        (&[("actor_token", "x"), ("actor_token_type", JWT)], "invalid_request"),
        (&[("actor_token_type", JWT)], "invalid_request"),
        (&[("scope", READ), ("scope", READ)], "invalid_request"),
        (&[("subject_token", subject.as_str())], "invalid_request"),
    ];
    for (more, error) in refused {
        assert_error(&back_ends.exchange(&subject, more).await, 400, error);
    }
    assert_eq!(back_ends.harness.exchanges(), 1);
}

#[tokio::test]
async fn a_client_that_adds_the_scopes_of_sign_ins_to_its_own_gets_a_token_by_each_grant() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let scope = format!("{READ} openid profile offline_access");
    let by_exchange = back_ends.exchange(&subject, &[("scope", &scope)]).await;
    assert_eq!(by_exchange.status, 200, "{}", by_exchange.text());
    let form = [
        ("grant_type", JWT_BEARER),
        ("assertion", subject.as_str()),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &scope),
    ];
    let by_assertion = back_ends.post_as_orders("/oauth2/token", &form).await;
    assert_eq!(by_assertion.status, 200, "{}", by_assertion.text());
}

#[tokio::test]
async fn the_type_of_the_users_token_must_be_named_and_known() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    for (token_type, is_accepted) in [
        (ACCESS_TOKEN, true),
        (JWT, true),
        ("urn:ietf:params:oauth:token-type:id_token", false),
        ("urn:ietf:params:oauth:token-type:saml2", false),
        ("access_token", false),
        ("", false),
    ] {
        let form = [("grant_type", TOKEN_EXCHANGE), ("subject_token", &subject), ("subject_token_type", token_type)];
        let answer = back_ends.post_as_orders("/oauth2/token", &form).await;
        if is_accepted {
            assert_eq!(answer.status, 200, "{token_type}: {}", answer.text());
        } else {
            assert_error(&answer, 400, "invalid_request");
        }
    }
    let forms: [&[(&str, &str)]; 3] = [
        &[("grant_type", TOKEN_EXCHANGE), ("subject_token_type", ACCESS_TOKEN)],
        &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")],
        &[("subject_token", &subject), ("subject_token_type", ACCESS_TOKEN)],
    ];
    for form in forms {
        assert_error(&back_ends.post_as_orders("/oauth2/token", form).await, 400, "invalid_request");
    }
    for grant in ["password", "authorization_code", "refresh_token", "Client_Credentials"] {
        let answer = back_ends.post_as_orders("/oauth2/token", &[("grant_type", grant)]).await;
        assert_error(&answer, 400, "unsupported_grant_type");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let back_ends = BackEnds::start().await;
    let authorization = basic("billing", BILLING_SECRET);
    let post = async |content_type: &str, body: Vec<u8>| {
        let headers = [("content-type", content_type), ("authorization", authorization.as_str())];
        back_ends.harness.send("POST", "/oauth2/introspect", &headers, body).await
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(&format!("{form}; charset=UTF-8"), b"token=x".to_vec()).await.status, 200);
    for (content_type, body) in [
        ("application/json", &b"{\"token\":\"x\"}"[..]),
        ("multipart/form-data; boundary=x", b"token=x"),
        (&format!("{form}; charset=utf-16"), b"token=x"),
        (form, b"token=%ff"),
        (form, b"token=x%00"),
        (form, &b"a=1&".repeat(65)),
        (form, b"token=x&token=x"),
        (form, b"token=x&other=1&other=2"),
        (form, b"token="),
        (form, b""),
    ] {
        assert_error(&post(content_type, body.to_vec()).await, 400, "invalid_request");
    }
    let large = vec![b'x'; 600 * 1024];
    assert_error(&post(form, large).await, 413, "invalid_request");
    let get = back_ends.harness.send("GET", "/oauth2/token", &[], Vec::new()).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn credentials_in_a_query_are_not_read() {
    let back_ends = BackEnds::start().await;
    let subject = back_ends.subject("Ada").await;
    let query = [("client_id", "billing"), ("client_secret", BILLING_SECRET)];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let answer = back_ends.post(&format!("/oauth2/token?{query}"), None, &exchange_form(&subject)).await;
    assert_error(&answer, 401, "invalid_client");
    assert!(
        !crate::harness::logs::text().contains(BILLING_SECRET) && !crate::harness::logs::text().contains(ORDERS_SECRET)
    );
}
