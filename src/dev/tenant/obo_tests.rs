#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use futures_util::future::{Either, select};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::dev::test_client::{Fixture, GRAPH_SCOPE, OBO_GRANT_TYPE, decode_claims, decode_part};
use crate::dev::{Fault, FaultRule, GrantKind, Signer};
use crate::domain::Clock;

#[tokio::test]
async fn the_protected_resource_accepts_an_exchanged_token() {
    let fixture = Fixture::start().await;
    let assertion = fixture.get_exchangeable_token("ada", "graph").await;
    let directory = fixture.stage.directory();
    let (ada, bot) = (directory.find_user("ada").unwrap(), &directory.bots[0]);
    let claims = decode_claims(&assertion);
    assert_eq!(claims["aud"], bot.app_id);
    assert_eq!(claims["scp"], "access_as_user");
    assert_eq!(claims["iss"], fixture.stage.v2_issuer(ada.tid));
    assert_eq!((claims["oid"].as_str(), claims["ver"].as_str()), (Some(ada.oid), Some("2.0")));
    assert_eq!(claims["azp"], directory.clients[0].client_id);

    let more = [("scope", "https://graph.microsoft.com/User.Read openid profile offline_access"), ("client_info", "1")];
    let answer = fixture.exchange(&assertion, &more).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["expires_in"], 3599);
    assert!(answer.json["refresh_token"].is_string() && answer.json["id_token"].is_string());
    let token = answer.text_member("access_token");
    assert_eq!(decode_claims(token)["aud"], "https://graph.microsoft.com");
    let me = fixture.get_as(&format!("{}/graph/v1.0/me", fixture.stage.https_base()), token).await;
    assert_eq!((me.status, me.text_member("displayName"), me.text_member("id")), (200, "Ada Lovelace", ada.oid));
    assert_eq!(fixture.get_as(&format!("{}/graph/v1.0/me", fixture.stage.http_base()), &assertion).await.status, 401);

    let calls = fixture.stage.calls();
    assert_eq!(calls.count(GrantKind::OnBehalfOf), 1);
    assert_eq!(calls.count_for_user(GrantKind::OnBehalfOf, ada.oid), 1);
    fixture.stage.reset_calls();
    assert_eq!(calls.snapshot().token_endpoint, 0);
}

#[tokio::test]
async fn an_exchange_is_answered_by_the_scenario_of_its_user() {
    let fixture = Fixture::start().await;
    let bot_id = fixture.stage.directory().bots[0].app_id;
    for user in ["ada", "ben", "gus"] {
        let answer = fixture.exchange(&fixture.get_exchangeable_token(user, "graph").await, &[]).await;
        assert_eq!(answer.status, 200, "{user}: {}", answer.text);
    }
    let gus = decode_claims(&fixture.get_exchangeable_token("gus", "graph").await);
    let home = fixture.stage.directory().find_user("gus").unwrap().home_tid;
    assert_eq!((gus["tid"].as_str(), gus["acct"].as_i64()), (Some(fixture.tenant()), Some(1)));
    assert_eq!(gus["idp"], fixture.stage.v1_issuer(home));

    let disabled = fixture.exchange(&fixture.get_exchangeable_token("eve", "graph").await, &[]).await;
    assert_eq!(
        (disabled.status, disabled.text_member("error"), disabled.aadsts_number()),
        (400, "invalid_grant", 50_057)
    );

    let mfa = fixture.exchange(&fixture.get_exchangeable_token("dan", "graph").await, &[]).await;
    assert_eq!((mfa.status, mfa.aadsts_number(), mfa.text_member("suberror")), (400, 50_076, "basic_action"));
    let claims: Value = serde_json::from_str(mfa.text_member("claims")).unwrap();
    assert_eq!(claims["access_token"]["capolids"]["essential"], true);

    let cleo = fixture.get_exchangeable_token("cleo", "graph").await;
    let consent = fixture.exchange(&cleo, &[]).await;
    assert_eq!(
        (consent.status, consent.aadsts_number(), consent.text_member("suberror")),
        (400, 65_001, "consent_required")
    );
    for member in ["error_description", "timestamp", "trace_id", "correlation_id"] {
        assert!(consent.json[member].is_string(), "{member}");
    }
    fixture.stage.consent("cleo", bot_id).unwrap();
    assert_eq!(fixture.exchange(&cleo, &[]).await.status, 200);
    fixture.stage.forget_consents();
    assert_eq!(fixture.exchange(&cleo, &[]).await.aadsts_number(), 65_001);
    let consented = fixture.form(&format!("{}/dev/consent", fixture.stage.http_base()), &[("user", "cleo")]).await;
    assert_eq!(consented.status, 204);
    assert_eq!(fixture.exchange(&cleo, &[]).await.status, 200);
}

#[tokio::test]
async fn an_assertion_that_is_not_valid_is_refused_with_entras_number() {
    let fixture = Fixture::start().await;
    let directory = fixture.stage.directory();
    let ada = fixture.get_exchangeable_token("ada", "graph").await;
    let expired = fixture.password_grant("ada", "graph", &[("stage_lifetime", "-10")]).await;
    assert_eq!(fixture.exchange(expired.text_member("access_token"), &[]).await.aadsts_number(), 500_133);
    fixture.clock.advance(Duration::from_secs(3700));
    assert_eq!(fixture.exchange(&ada, &[]).await.aadsts_number(), 500_133);

    let with_id_token = fixture.password_grant("ada", "graph", &[]).await.text_member("access_token").to_owned();
    let broken = format!("{}AAAA", &with_id_token[..with_id_token.len() - 4]);
    assert_eq!(fixture.exchange(&broken, &[]).await.aadsts_number(), 50_013);
    assert_eq!(fixture.exchange("nonsense", &[]).await.aadsts_number(), 50_027);

    let other_app = fixture.get_exchangeable_token("ada", "legacy").await;
    assert_eq!(fixture.exchange(&other_app, &[]).await.aadsts_number(), 500_131);
    let other_tenant = fixture.get_exchangeable_token("fay", "graph").await;
    assert_eq!(fixture.exchange(&other_tenant, &[]).await.aadsts_number(), 50_013);

    let id_token = fixture.exchange(&with_id_token, &[("scope", "openid")]).await;
    assert_eq!(fixture.exchange(id_token.text_member("id_token"), &[]).await.aadsts_number(), 240_002);
    let bot = &directory.bots[0];
    let scope = format!("{}/.default", bot.app_id);
    let app = [
        ("grant_type", "client_credentials"),
        ("client_id", bot.app_id),
        ("client_secret", bot.app_secret),
        ("scope", &scope),
    ];
    let app_token =
        fixture.form(&fixture.token_url(fixture.tenant()), &app).await.text_member("access_token").to_owned();
    let claims = decode_claims(&app_token);
    assert_eq!(
        (claims["aud"].as_str(), claims["idtyp"].as_str(), claims["azpacr"].as_str()),
        (Some(bot.app_id), Some("app"), Some("1"))
    );
    assert_eq!(claims["oid"], claims["sub"]);
    assert_eq!(fixture.exchange(&app_token, &[]).await.aadsts_number(), 50_027);

    let fields = [
        ("grant_type", OBO_GRANT_TYPE),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", bot.app_id),
        ("client_secret", bot.app_secret),
        ("assertion", &with_id_token),
        ("scope", GRAPH_SCOPE),
    ];
    assert_eq!(fixture.form(&fixture.token_url("common"), &fields).await.aadsts_number(), 9_001_023);
    assert_eq!(fixture.form(&fixture.token_url("organizations"), &fields).await.status, 200);
    assert_eq!(fixture.form(&fixture.token_url("nowhere"), &fields).await.aadsts_number(), 90_002);
    assert_eq!(
        fixture.exchange(&with_id_token, &[("scope", "User.Read api://botid-unknown/x")]).await.aadsts_number(),
        500_011
    );
    let mixed = format!("User.Read {}", directory.connections[0].exchange_scope);
    assert_eq!(fixture.exchange(&with_id_token, &[("scope", &mixed)]).await.aadsts_number(), 700_022);
}

#[tokio::test]
async fn a_v1_app_is_issued_v1_tokens_and_can_exchange_them() {
    let fixture = Fixture::start().await;
    let legacy = fixture.stage.directory().connections.iter().find(|entry| entry.v1_tokens).unwrap();
    let assertion = fixture.get_exchangeable_token("ada", "legacy").await;
    let claims = decode_claims(&assertion);
    assert_eq!(claims["aud"], legacy.token_exchange_uri);
    assert_eq!(claims["iss"], fixture.stage.v1_issuer(fixture.tenant()));
    assert_eq!(claims["ver"], "1.0");
    assert!(claims["appid"].is_string() && claims["azp"].is_null());
    let fields = [
        ("grant_type", OBO_GRANT_TYPE),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", legacy.client_id),
        ("client_secret", legacy.client_secret),
        ("assertion", &assertion),
        ("scope", GRAPH_SCOPE),
    ];
    assert_eq!(fixture.form(&fixture.token_url(fixture.tenant()), &fields).await.status, 200);
}

#[tokio::test]
async fn a_client_is_authenticated_by_its_secret_or_its_certificate() {
    let fixture = Fixture::start().await;
    let assertion = fixture.get_exchangeable_token("ada", "graph").await;
    let wrong = fixture.exchange(&assertion, &[("client_secret", "wrong")]).await;
    assert_eq!((wrong.status, wrong.text_member("error"), wrong.aadsts_number()), (401, "invalid_client", 7_000_215));
    assert_eq!(fixture.exchange(&assertion, &[("client_secret", "")]).await.aadsts_number(), 7_000_218);

    let bot = &fixture.stage.directory().bots[0];
    let key = std::fs::read(&fixture.stage.client_certificate().key_file).unwrap();
    let key = EncodingKey::from_rsa_pem(&key).unwrap();
    let now = f64::from(i32::try_from(fixture.clock.now().unix_seconds()).unwrap());
    let endpoint = fixture.token_url(fixture.tenant());
    let alias = endpoint.replace("127.0.0.1", "localhost");
    let sign = |algorithm, sha256: &str, audience: &str, expiry: f64| {
        let mut header = Header::new(algorithm);
        header.x5t_s256 = Some(sha256.to_owned());
        let claims = json!({
            "iss": bot.app_id, "sub": bot.app_id, "aud": audience, "jti": "1", "iat": now + 0.25, "exp": expiry,
        });
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let broken = |assertion: String| format!("{}AAAA", &assertion[..assertion.len() - 4]);
    let thumbprint = fixture.stage.client_certificate().thumbprint_sha256.clone();
    let padded = format!("{thumbprint}=");
    let cases = [
        (sign(Algorithm::PS256, &padded, &endpoint, now + 600.5), None),
        (sign(Algorithm::RS256, &thumbprint, &endpoint, now + 600.5), None),
        (sign(Algorithm::PS256, "another", &endpoint, now + 600.5), Some(700_027)),
        (sign(Algorithm::PS256, &thumbprint, &fixture.token_url("common"), now + 600.5), Some(700_023)),
        (sign(Algorithm::PS256, &thumbprint, &alias, now + 600.5), Some(700_023)),
        (sign(Algorithm::PS256, &thumbprint, &endpoint, now - 600.5), Some(700_024)),
        (sign(Algorithm::RS512, &thumbprint, &endpoint, now + 600.5), Some(50_012)),
        (broken(sign(Algorithm::PS256, &thumbprint, &endpoint, now + 600.5)), Some(50_012)),
        ("nonsense".to_owned(), Some(50_027)),
    ];
    for (client_assertion, refused) in cases {
        let more = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", client_assertion.as_str()),
        ];
        let answer = fixture.exchange(&assertion, &more).await;
        match refused {
            None => {
                assert_eq!(answer.status, 200, "{}", answer.text);
                assert_eq!(decode_claims(answer.text_member("access_token"))["appidacr"], "2");
            }
            Some(code) => assert_eq!((answer.status, answer.aadsts_number()), (401, code)),
        }
    }
}

#[tokio::test]
async fn tokens_of_the_old_key_are_accepted_until_it_is_retired() {
    let fixture = Fixture::start().await;
    let before = fixture.get_exchangeable_token("ada", "graph").await;
    let keys_url = format!("{}/common/discovery/v2.0/keys", fixture.stage.https_base());
    let new_kid = fixture.stage.rotate_keys().await.unwrap();
    let after = fixture.get_exchangeable_token("ada", "graph").await;
    assert_eq!(decode_part(&after, 0)["kid"], new_kid.as_str());
    let listed = fixture.get(&keys_url).await;
    assert_eq!(listed.json["keys"].as_array().unwrap().len(), 2);
    assert_eq!(listed.json["keys"][0]["issuer"], fixture.stage.v2_issuer("{tenantid}"));
    assert_eq!(fixture.exchange(&before, &[]).await.status, 200);

    fixture.stage.retire_old_keys();
    assert_eq!(fixture.get(&keys_url).await.json["keys"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.exchange(&before, &[]).await.aadsts_number(), 50_013);
    assert_eq!(fixture.exchange(&after, &[]).await.status, 200);
    assert_eq!(fixture.stage.calls().snapshot().tenant_keys, 2);

    fixture.stage.faults().set_keys_unavailable(true);
    assert_eq!(fixture.get(&keys_url).await.status, 503);
}

#[tokio::test]
async fn a_fault_changes_only_the_requests_that_its_rule_names() {
    let fixture = Fixture::start().await;
    let (ada, ben) =
        (fixture.get_exchangeable_token("ada", "graph").await, fixture.get_exchangeable_token("ben", "graph").await);
    let ada_oid = fixture.stage.directory().find_user("ada").unwrap().oid;
    let faults = fixture.stage.faults();
    faults.add(FaultRule::new(Fault::Throttled { retry_after: Some(7) }).for_user(ada_oid).times(2));
    assert_eq!(fixture.exchange(&ben, &[]).await.status, 200);
    for _ in 0..2 {
        let answer = fixture.exchange(&ada, &[]).await;
        assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("7")));
    }
    assert_eq!(fixture.exchange(&ada, &[]).await.status, 200);

    faults.add(FaultRule::new(Fault::OddExpiresIn(json!("soon"))).times(1));
    assert_eq!(fixture.exchange(&ada, &[]).await.json["expires_in"], "soon");
    faults.add(FaultRule::new(Fault::Hang));
    let hanging = tokio::time::timeout(Duration::from_millis(300), fixture.exchange(&ada, &[])).await;
    assert!(hanging.is_err());
    faults.clear();

    let switch = format!("{}/dev/faults", fixture.stage.http_base());
    for (fields, status, text) in [
        (vec![("fault", "plain_text"), ("times", "1")], 500, "Server Error 500-599"),
        (vec![("fault", "html"), ("times", "1"), ("user", "ada")], 502, "<html>"),
        (vec![("fault", "empty"), ("times", "1"), ("grant", "any")], 200, ""),
        (vec![("fault", "unavailable"), ("times", "1")], 503, "temporarily_unavailable"),
        (vec![("fault", "answer"), ("status", "418"), ("body", "pot"), ("times", "1")], 418, "pot"),
    ] {
        assert_eq!(fixture.form(&switch, &fields).await.status, 204, "{fields:?}");
        let answer = fixture.exchange(&ada, &[]).await;
        assert_eq!(answer.status, status, "{fields:?}");
        assert!(answer.text.contains(text), "{fields:?}: {}", answer.text);
    }
    assert_eq!(fixture.form(&switch, &[("fault", "unknown")]).await.status, 400);
    let slow = json!({"fault": "slow", "millis": 1000, "times": 1});
    assert_eq!(fixture.post_json_as(&switch, "", &slow).await.status, 204);
    let (slow_answer, other_answer) = (fixture.exchange(&ada, &[]), fixture.form(&switch, &[("fault", "unknown")]));
    let (slow_answer, other_answer) = (std::pin::pin!(slow_answer), std::pin::pin!(other_answer));
    match select(slow_answer, other_answer).await {
        Either::Left(_) => panic!("a slow answer came before the answer of another request"),
        Either::Right((_, slow_answer)) => assert_eq!(slow_answer.await.status, 200),
    }
}

#[tokio::test]
async fn a_hand_made_token_is_refused_for_its_audience_or_its_key() {
    let fixture = Fixture::start().await;
    let claims = json!({"aud": "somebody", "exp": 4_102_444_800_i64, "scp": "x"});
    let token = fixture.stage.sign(Signer::Tenant, &claims).unwrap();
    assert_eq!(fixture.exchange(&token, &[]).await.aadsts_number(), 500_131);
    let channel = fixture.stage.sign(Signer::Channel, &claims).unwrap();
    assert_eq!(fixture.exchange(&channel, &[]).await.aadsts_number(), 50_013);
}
