//! Sign-in in a browser: authorization URLs, codes, issuers of responses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn taking(tenants: TenantPolicy, scopes: &[&str]) -> Connection {
    let exchange = ExchangePolicy { tenants, ..connection().exchange };
    Connection { exchange, scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), ..connection() }
}

#[actix_web::test]
async fn authorize_url_names_the_tenant_and_binds_the_response_to_the_sign_in() {
    let stand = Stand::new([]);
    let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
    let challenge = crate::domain::ClaimsChallenge::parse(r#"{"access_token":{"acrs":{"value":"c1"}}}"#).unwrap();
    let (state, nonce) = (Secret::from("the-state"), Secret::from("the-nonce"));
    let request = AuthorizationRequest {
        redirect_uri: &redirect_uri,
        state: &state,
        nonce: &nonce,
        code_challenge: "the-challenge",
        ask_consent: true,
        choose_account: false,
        asks_anew: false,
        claims: Some(&challenge),
        tenant: None,
    };
    let single = taking(TenantPolicy::Listed(vec![TENANT_ID.into()]), &["User.Read", "Profile", "offline_access"]);
    let url = stand.entra.authorize_url(&single, request).await.unwrap();
    assert_eq!(url.path(), format!("/{TENANT_ID}/oauth2/v2.0/authorize"));
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let expected = [
        ("client_id", "client-1"),
        ("response_type", "code"),
        ("redirect_uri", "https://sso.example/.auth/web/redirect"),
        ("scope", "User.Read Profile offline_access openid"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", "the-challenge"),
        ("code_challenge_method", "S256"),
        ("claims", challenge.as_str()),
        ("response_mode", "query"),
        ("prompt", "consent"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    let any = Connection { continuous_access: true, ..taking(TenantPolicy::AnyOrganization, &["User.Read"]) };
    let plain = AuthorizationRequest { ask_consent: false, claims: None, ..request };
    let url = stand.entra.authorize_url(&any, plain).await.unwrap();
    assert_eq!(url.path(), "/organizations/oauth2/v2.0/authorize");
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(query["claims"], r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    assert_eq!(query.get("prompt"), None);

    let chosen = AuthorizationRequest { choose_account: true, tenant: Some(TENANT_ID), ..request };
    let url = stand.entra.authorize_url(&any, chosen).await.unwrap();
    assert_eq!(url.path(), format!("/{TENANT_ID}/oauth2/v2.0/authorize"));
    let prompts: Vec<_> = url.query_pairs().filter(|(name, _)| name == "prompt").map(|(_, value)| value).collect();
    assert_eq!(prompts, ["select_account"], "one value, although consent is wanted, too");
}

#[test]
fn a_sign_in_goes_to_the_given_tenant_or_where_the_connection_alone_says() {
    let (other, personal) = ("33333333-3333-4333-8333-333333333333", PERSONAL_ACCOUNTS_TENANT);
    let listed = |tenants: &[&str]| TenantPolicy::Listed(tenants.iter().map(|tenant| (*tenant).to_owned()).collect());
    for (tenants, given, segment) in [
        (listed(&[TENANT_ID]), None, TENANT_ID),
        (listed(&[TENANT_ID, other]), None, "organizations"),
        (listed(&[TENANT_ID, other]), Some(other), other),
        (listed(&[personal]), None, "consumers"),
        (listed(&[TENANT_ID, personal]), None, "common"),
        (listed(&[TENANT_ID, personal]), Some(TENANT_ID), TENANT_ID),
        (listed(&[TENANT_ID, personal]), Some(personal), "consumers"),
        (TenantPolicy::AnyOrganization, None, "organizations"),
        (TenantPolicy::AnyOrganization, Some(other), other),
        (TenantPolicy::AnyAccount, None, "common"),
        (TenantPolicy::AnyAccount, Some(other), other),
        (TenantPolicy::AnyAccount, Some("../evil"), "common"),
    ] {
        let connection = taking(tenants, &["User.Read"]);
        assert_eq!(super::super::sign_in_segment(&connection, given), segment, "{given:?}");
    }
}

#[actix_web::test]
async fn code_is_redeemed_in_the_sign_in_tenant_and_the_response_has_an_id_token() {
    let answer = r#"{"token_type":"Bearer","access_token":"B","expires_in":3600,"id_token":"a.b.c"}"#;
    let stand = Stand::new([Scripted(200, None, answer)]);
    let token = redeem_code(&stand).await.unwrap();
    assert_eq!(token.id_token.unwrap().expose(), "a.b.c");
    let seen = stand.peer.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.path, "/organizations/oauth2/v2.0/token");
    assert!(!seen.headers.contains_key("x-anchormailbox"), "the user is not known yet");
    let form: HashMap<&str, &str> = seen.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("grant_type", "authorization_code"),
        ("client_id", "client-1"),
        ("client_secret", "s3cret"),
        ("code", "the-code"),
        ("code_verifier", "the-verifier"),
        ("redirect_uri", "https://sso.example/.auth/web/redirect"),
        ("scope", "User.Read Mail.Read openid profile"),
    ];
    assert_eq!(form, HashMap::from(expected));
}

#[actix_web::test]
async fn authorization_response_with_a_foreign_iss_is_refused() {
    let stand = Stand::new([]);
    for (iss, admitted) in [
        (None, true),
        (Some(format!("https://login.example/{TENANT_ID}/v2.0")), true),
        (Some(format!("https://login.example/{TENANT_ID}/v2.0/")), false),
        (Some("https://login.example/common/v2.0".to_owned()), false),
        (Some(format!("https://evil.example/{TENANT_ID}/v2.0")), false),
        (Some(String::new()), false),
    ] {
        assert_eq!(stand.entra.admits_issuer(iss.as_deref()).await, Ok(admitted), "{iss:?}");
    }
}

const OTHER: &str = "99999999-2222-4333-8444-555555555555";

/// The code grant of a sign-in, redeemed at `stand`.
async fn redeem_code(stand: &Stand) -> Result<RedeemedToken, RedeemError> {
    let redirect_uri = Url::parse("https://sso.example/.auth/web/redirect").unwrap();
    let (code, code_verifier) = (Secret::from("the-code"), Secret::from("the-verifier"));
    let grant = Grant::AuthorizationCode {
        code: &code,
        code_verifier: &code_verifier,
        redirect_uri: &redirect_uri,
        throttled_as: "ada",
        tenant: None,
    };
    let deadline = Instant::now() + Duration::from_secs(8);
    let attempt = Attempt { correlation_id: "c-1".into(), deadline, claims: None };
    stand.entra.redeem(&connection(), grant, attempt).await
}

#[actix_web::test]
async fn code_is_sent_once_whatever_the_issuer_answers() {
    let passing = r#"{"error":"invalid_grant","error_codes":[90033]}"#;
    for scripted in [Scripted(503, None, ""), Scripted(500, None, "<html>"), Scripted(400, None, passing)] {
        let stand = Stand::new([scripted]);
        assert_eq!(failure(redeem_code(&stand).await), RedeemFailure::Transient);
        assert_eq!(stand.calls(), 1);
    }
}

#[actix_web::test]
async fn issuer_of_external_id_names_its_tenant_in_host_and_path() {
    let mut stand = Stand::new([]);
    stand.entra.settings.issuer = "https://{tenantid}.ciamlogin.com/{tenantid}/v2.0".into();
    for (iss, admitted) in [
        (format!("https://{TENANT_ID}.ciamlogin.com/{TENANT_ID}/v2.0"), true),
        (format!("https://{TENANT_ID}.ciamlogin.com/{OTHER}/v2.0"), false),
        (format!("https://contoso.ciamlogin.com/{TENANT_ID}/v2.0"), false),
        (format!("https://{TENANT_ID}.ciamlogin.com/{TENANT_ID}/v2.0/"), false),
    ] {
        assert_eq!(stand.entra.admits_issuer(Some(&iss)).await, Ok(admitted), "{iss}");
    }
    stand.entra.settings.issuer = format!("https://{TENANT_ID}.ciamlogin.com/{TENANT_ID}/v2.0");
    let own = stand.entra.settings.issuer.clone();
    assert_eq!(stand.entra.admits_issuer(Some(&own)).await, Ok(true));
    assert_eq!(stand.entra.admits_issuer(Some(&own.replace(TENANT_ID, OTHER))).await, Ok(false));
}
