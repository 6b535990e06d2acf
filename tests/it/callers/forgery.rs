//! Forged tokens (cases 4 to 14), and key sets that also hold keys of other kinds.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bot_sso::dev::Signer;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Fixture, invalid};
use crate::harness::raw::ScriptedServer;
use crate::harness::tokens::{claims_of, part_of};

const PARENT: &str = "c0ffee00-0000-4000-8000-000000000001";
const TENANT: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
const OTHER_TENANT: &str = "d2a9c4e6-7f81-4b3a-a5c7-1e2f3a4b5c60";

/// An issuer whose private key the tests hold, so that they can sign unusual tokens correctly.
struct Forge {
    key: EncodingKey,
    public_pem: String,
    public_der: Vec<u8>,
    modulus: String,
    exponent: String,
}

impl Forge {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let pem = |label: &str, der: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        };
        let public = pair.public_key();
        Self {
            key: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
            public_pem: pem("RSA PUBLIC KEY", public.as_ref()),
            public_der: public.as_ref().to_vec(),
            modulus: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            exponent: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        }
    }

    fn jwk(&self, more: Value) -> Value {
        with(json!({ "kty": "RSA", "use": "sig", "n": self.modulus, "e": self.exponent }), more)
    }

    fn publish(&self) -> ScriptedServer {
        let mut short = [0xff_u8; 128].to_vec();
        short[0] = 0x80;
        let keys = json!({ "keys": [
            self.jwk(json!({ "kid": "good" })),
            self.jwk(json!({ "kid": "enc", "use": "enc" })),
            self.jwk(json!({ "kid": "ps", "alg": "PS256" })),
            self.jwk(json!({ "kid": "" })),
            self.jwk(json!({})),
            json!({ "kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA", "use": "sig" }),
            self.jwk(json!({ "kid": "short", "n": URL_SAFE_NO_PAD.encode(short) })),
            self.jwk(json!({ "kid": "elsewhere", "issuer": format!("https://forge.example/{OTHER_TENANT}/v2.0") })),
        ] })
        .to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", keys.len());
        ScriptedServer::answering(head + &keys)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_by(Algorithm::RS256, &self.key, header, claims)
    }

    #[allow(clippy::unused_self, reason = "reads as what it is for")]
    fn sign_by(&self, algorithm: Algorithm, key: &EncodingKey, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// A gateway that trusts the forge as it trusts Entra and admits one parent bot, and valid claims of that bot's token.
async fn fixture_and_claims(keys: &ScriptedServer) -> (Fixture, Value) {
    fixture_with_issuer(keys, "authenticates_callers = true").await
}

async fn fixture_with_issuer(keys: &ScriptedServer, believes: &str) -> (Fixture, Value) {
    let appended = format!(
        "[identity_providers.forge]\n{believes}\nauthority = \"http://127.0.0.1:1\"\nissuer = \"https://forge.example/{{tenantid}}/v2.0\"\n\
         v1_issuer = \"https://forge.example/{{tenantid}}/\"\njwks_url = \"{}\"\n\
         token_endpoint = \"http://127.0.0.1:1/{{tenant}}/token\"\nallow_insecure_http = true\n\
         [[bots.demo.callers]]\napp_id = \"{PARENT}\"\ntenant = \"{TENANT}\"\n\
         service_urls = [\"http://127.0.0.1/\"]\nchannels = [\"msteams\"]\n",
        keys.url("/keys")
    );
    // With two identity providers, every connection has to name its own.
    let options = crate::harness::Options {
        appended,
        connection: String::from("identity_provider = \"entra\""),
        ..crate::harness::Options::default()
    };
    let fixture = Fixture::with(crate::harness::Harness::with(options).await).await;
    let now = fixture.harness.now();
    let claims = json!({
        "iss": format!("https://forge.example/{TENANT}/v2.0"), "aud": fixture.harness.bot_app_id("demo"),
        "iat": now, "nbf": now, "exp": now + 3600, "tid": TENANT, "ver": "2.0", "azp": PARENT, "azpacr": "1",
        "idtyp": "app", "oid": "o", "sub": "o",
    });
    (fixture, claims)
}

fn with(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("members are an object") };
    object.as_object_mut().unwrap().extend(more);
    object
}

fn header(more: Value) -> Value {
    with(json!({ "alg": "RS256", "typ": "JWT", "kid": "good" }), more)
}

/// Tokens with `claims` and a wrong header, each with the check that refuses it.
fn tokens_with_wrong_headers(forge: &Forge, claims: &Value) -> Vec<(&'static str, String, &'static str)> {
    let signed = |more: Value| forge.sign(&header(more), claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}", part(&header(json!({ "alg": "none" }))), part(claims));
    let mac = |secret: &[u8]| {
        let key = EncodingKey::from_secret(secret);
        forge.sign_by(Algorithm::HS256, &key, &header(json!({ "alg": "HS256" })), claims)
    };
    let good = signed(json!({}));
    let (body, signature) = good.rsplit_once('.').unwrap();
    let mut altered = claims.clone();
    altered["azp"] = "c0ffee00-0000-4000-8000-000000000002".into();
    let swapped = format!("{}.{}.{signature}", part(&header(json!({}))), part(&altered));
    let embedded = json!({ "kid": "mine", "jwk": Forge::new().jwk(json!({ "kid": "mine" })) });
    let stranger = Forge::new();
    vec![
        ("4, trailing dot", format!("{none}."), "alg"),
        ("4, two parts", none.clone(), "form"),
        ("4, None", signed(json!({ "alg": "None" })), "alg"),
        ("5, PEM", mac(forge.public_pem.as_bytes()), "alg"),
        ("5, DER", mac(&forge.public_der), "alg"),
        ("6", stranger.sign(&header(json!({})), claims), "signature"),
        ("6, other payload", swapped, "signature"),
        ("6, no signature", format!("{body}."), "signature"),
        (
            "rule 6, PS256",
            forge.sign_by(Algorithm::PS256, &forge.key, &header(json!({ "alg": "PS256" })), claims),
            "alg",
        ),
        (
            "rule 6, RS512",
            forge.sign_by(Algorithm::RS512, &forge.key, &header(json!({ "alg": "RS512" })), claims),
            "alg",
        ),
        ("rule 6, alg absent", signed(json!({ "alg": null })), "alg"),
        ("8", signed(json!({ "crit": ["b64"], "b64": false })), "crit"),
        ("8, empty", signed(json!({ "crit": [] })), "crit"),
        ("11, absent", signed(json!({ "kid": null })), "kid"),
        ("11, empty", signed(json!({ "kid": "" })), "kid"),
        ("11, number", signed(json!({ "kid": 7 })), "kid"),
        ("11, long", signed(json!({ "kid": "k".repeat(1000) })), "kid"),
        ("11, path", signed(json!({ "kid": "../../x" })), "signature"),
        ("embedded key", stranger.sign(&header(embedded), claims), "signature"),
        ("13, EC", signed(json!({ "kid": "ec" })), "signature"),
        ("13, enc", signed(json!({ "kid": "enc" })), "signature"),
        ("rule 7, key for PS256", signed(json!({ "kid": "ps" })), "signature"),
        ("14", signed(json!({ "kid": "short" })), "signature"),
        ("rule 11, key of another tenant", signed(json!({ "kid": "elsewhere" })), "iss"),
        ("rule 5, four parts", format!("{good}.x"), "form"),
        ("rule 5, padded", format!("{good}=="), "signature"),
        ("rule 5, one part", String::from("x"), "form"),
        ("rule 5, not JSON", format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode("x"), part(claims)), "form"),
    ]
}

// Cases 4 to 14.
#[tokio::test]
async fn a_token_with_a_forged_header_is_refused_even_if_its_signature_is_valid() {
    let forge = Forge::new();
    let keys = forge.publish();
    let (fixture, claims) = fixture_and_claims(&keys).await;
    for (case, token, check) in tokens_with_wrong_headers(&forge, &claims) {
        // So that the key set is fetched again for each unknown name.
        fixture.harness.clock.advance(Duration::from_secs(10));
        fixture.assert_refuses(case, &token, &fixture.exchange, invalid(check)).await;
    }
    fixture.assert_no_effect();
    let activity = fixture.exchange_with(|activity| activity["serviceUrl"] = "http://127.0.0.1/".into());
    let signed = |more: Value| forge.sign(&header(more), &claims);
    let ignored = json!({ "jku": "https://evil.example/", "x5u": "https://evil.example/", "x5c": ["AA"] });
    fixture.assert_admits("rule 6, ignored members", &signed(ignored), &activity).await;
    fixture.assert_admits("the genuine one", &signed(json!({})), &activity).await;
    let names_without_usable_key = 7;
    assert!(keys.requests().len() <= 1 + names_without_usable_key, "{} fetches", keys.requests().len());
}

#[tokio::test]
async fn an_issuer_that_does_not_authenticate_callers_is_refused_for_a_caller() {
    let forge = Forge::new();
    let keys = forge.publish();
    let (fixture, claims) = fixture_with_issuer(&keys, "").await;
    let token = forge.sign(&header(json!({})), &claims);
    fixture.assert_refuses("as a parent", &token, &fixture.exchange, invalid("iss")).await;
    let of_bot = json!({ "aud": "https://api.botframework.com", "azp": fixture.harness.bot_app_id("demo") });
    let token = forge.sign(&header(json!({})), &with(claims, of_bot));
    let (path, authorization) =
        ("/api/usertoken/GetToken?userId=29:ada&connectionName=graph", format!("Bearer {token}"));
    let answer = fixture.harness.send("GET", path, &[("authorization", &authorization)], Vec::new()).await;
    assert_eq!(answer.status, 401, "as a bot at the Token Service");
}

// Case 12.
#[tokio::test]
async fn a_token_signed_by_the_key_of_another_issuer_is_refused() {
    let fixture = Fixture::start().await;
    let demo = fixture.harness.bot_app_id("demo");
    let channel = fixture.harness.channel_token("demo").await;
    let app = fixture.harness.app_token(demo, &format!("api://{demo}/.default")).await;
    let by_entra = fixture.harness.forge(Signer::Tenant, &channel, |_| {});
    fixture.assert_refuses("12", &by_entra, &fixture.exchange, invalid("signature")).await;
    let by_channel = fixture.harness.forge(Signer::Channel, &app, |_| {});
    fixture.assert_refuses("12, the reverse", &by_channel, &fixture.exchange, invalid("signature")).await;
    fixture.assert_no_effect();
}

// Cases 22 and 23.
#[tokio::test]
async fn unsigned_tokens_add_no_trusted_tenant_and_cause_at_most_one_key_fetch() {
    let fixture = Fixture::start().await;
    let demo = fixture.harness.bot_app_id("demo");
    let app = fixture.harness.app_token(demo, &format!("api://{demo}/.default")).await;
    let issuer = fixture.harness.stage.v2_issuer(OTHER_TENANT);
    let foreign = fixture.harness.forge(Signer::Tenant, &app, |claims| {
        claims["tid"] = OTHER_TENANT.into();
        claims["iss"] = issuer.clone().into();
    });
    fixture.assert_refuses("22", &foreign, &fixture.exchange, invalid("tid")).await;
    fixture.harness.channel_token("demo").await;
    let before = fixture.harness.stage.calls().snapshot();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for number in 0..500 {
        let mut claims = claims_of(&foreign);
        let tenant = format!("99999999-9999-4999-8999-{number:012}");
        claims["iss"] = fixture.harness.stage.v2_issuer(&tenant).into();
        claims["tid"] = tenant.into();
        let mut header = part_of(&foreign, 0);
        header["kid"] = format!("unknown-{number}").into();
        let unsigned = format!("{}.{}.c2ln", part(&header), part(&claims));
        let answer = fixture.harness.post_as("demo", &unsigned, &fixture.exchange).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("InvalidToken")), "23, {number}");
    }
    let after = fixture.harness.stage.calls().snapshot();
    assert!(after.tenant_keys <= before.tenant_keys + 1, "one look for an unknown key, not one for each");
    assert_eq!((after.metadata, after.token_endpoint), (before.metadata, before.token_endpoint));
    fixture.assert_refuses("22 again", &foreign, &fixture.exchange, invalid("tid")).await;
    fixture.assert_no_effect();
}
