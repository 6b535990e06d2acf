#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::token_validation::testing::{BOT, CHANNEL, OTHER_TENANT, TEAMS, TENANT, TestIssuer, header, key, with};

pub(super) const CALLER: &str = "c0ffee00-0000-4000-8000-000000000001";

/// A validator that trusts the channel (key `channel-1`) and one tenant of Entra (key `entra-1`), on two listeners.
pub(super) struct Fixture {
    channel: TestIssuer,
    entra: TestIssuer,
    validator: CallerTokenValidator,
}

impl Fixture {
    fn new() -> Self {
        Self::with_platforms(Vec::new())
    }

    /// A validator that knows these platforms, and so the agents.
    pub(super) fn with_platforms(agent_platforms: Vec<String>) -> Self {
        let (channel, entra) = (TestIssuer::start(), TestIssuer::start());
        let validator = CallerTokenValidator::new(
            vec![channel.channel()],
            vec![EntraCallers { trust: entra.entra(), tenants: vec![TENANT.to_uppercase()], agent_platforms }],
            channel.clock.clone(),
        );
        Self { channel, entra, validator }
    }

    fn channel_claims(&self) -> Value {
        let now = self.channel.now();
        json!({"iss": CHANNEL, "aud": BOT, "exp": now + 3600, "nbf": now - 60, "serviceurl": "https://smba.example/emea/"})
    }

    fn app_claims(&self) -> Value {
        let now = self.channel.now();
        json!({"iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": BOT, "exp": now + 3600,
            "nbf": now - 60, "iat": now - 60, "tid": TENANT, "ver": "2.0", "azp": CALLER, "azpacr": "1", "idtyp": "app",
            "oid": "o", "sub": "o"})
    }

    async fn channel(&self, changes: Value) -> Result<VerifiedCaller, CallerTokenError> {
        let token = key(0).sign(&header("channel-1"), &with(self.channel_claims(), changes));
        self.validator.validate(&token).await
    }

    pub(super) async fn app(&self, changes: Value) -> Result<VerifiedCaller, CallerTokenError> {
        let token = key(0).sign(&header("entra-1"), &with(self.app_claims(), changes));
        self.validator.validate(&token).await
    }

    fn fetches(&self) -> usize {
        self.channel.published.fetches() + self.entra.published.fetches()
    }
}

fn refused(check: &'static str) -> Result<VerifiedCaller, CallerTokenError> {
    Err(CallerTokenError::Invalid { check })
}

#[actix_web::test]
async fn a_channel_and_an_app_are_told_apart_and_described() {
    let fixture = Fixture::new();
    let channel = VerifiedCaller::Channel(Arc::new(ChannelClaims {
        audience: BOT.into(),
        service_url: "https://smba.example/emea/".into(),
        endorsements: vec!["msteams".to_owned()].into(),
    }));
    assert_eq!(fixture.channel(json!({})).await.unwrap(), channel);
    let app = VerifiedCaller::App(Arc::new(AppClaims {
        audience: BOT.into(),
        app_id: CALLER.into(),
        tenant_id: TENANT.into(),
        blueprint_id: None,
    }));
    assert_eq!(fixture.app(json!({"azp": CALLER.to_uppercase()})).await.unwrap(), app);
    let v1 = json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0", "azp": null, "appid": CALLER,
        "azpacr": null, "appidacr": 2});
    assert_eq!(fixture.app(v1).await.unwrap(), app);
}

#[actix_web::test]
async fn a_repeated_token_causes_no_second_fetch_but_its_time_is_checked_again() {
    let fixture = Fixture::new();
    let token = key(0).sign(&header("channel-1"), &fixture.channel_claims());
    for _ in 0..5 {
        assert!(fixture.validator.validate(&token).await.is_ok());
    }
    assert_eq!(fixture.fetches(), 1);
    fixture.channel.clock.advance(std::time::Duration::from_secs(3600 + 285));
    assert!(fixture.validator.validate(&token).await.is_ok());
    fixture.channel.clock.advance(std::time::Duration::from_secs(20));
    assert_eq!(fixture.validator.validate(&token).await, Err(CallerTokenError::Expired));
}

#[actix_web::test]
async fn a_cached_signature_result_ends_when_its_key_is_withdrawn() {
    let fixture = Fixture::new();
    let token = key(0).sign(&header("channel-1"), &fixture.channel_claims());
    assert!(fixture.validator.validate(&token).await.is_ok());
    fixture.channel.published.set_keys(&[key(1).jwk("channel-2", &json!({"endorsements": ["msteams"]}))]);
    let by_new_key = key(1).sign(&header("channel-2"), &fixture.channel_claims());
    assert!(fixture.validator.validate(&by_new_key).await.is_ok());
    assert_eq!(fixture.validator.validate(&token).await, Err(CallerTokenError::KeyNotKnownYet));
    fixture.channel.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(fixture.validator.validate(&token).await, refused("signature"));
}

// Attack cases 4–14 of docs/protocols/bot-auth-and-skills.md §9.
#[actix_web::test]
async fn forged_tokens_are_refused() {
    let fixture = Fixture::new();
    let claims = fixture.channel_claims();
    let good = key(0).sign(&header("channel-1"), &claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"channel-1"}"#);
    let hs_header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"channel-1"}"#);
    let hs_signed = format!("{hs_header}.{payload}");
    let by_public_key = jsonwebtoken::EncodingKey::from_secret(key(0).public_pem.as_bytes());
    let mac = jsonwebtoken::crypto::sign(hs_signed.as_bytes(), &by_public_key, jsonwebtoken::Algorithm::HS256).unwrap();
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[0] ^= 1;
    let crit = with(header("channel-1"), json!({"crit": ["b64"], "b64": false}));
    let embedded =
        with(header("unknown"), json!({"jwk": key(1).jwk("unknown", &json!({})), "jku": "https://evil.example/"}));
    for (case, token, check) in [
        ("none, trailing dot", format!("{none}.{payload}."), "alg"),
        ("none, two parts", format!("{none}.{payload}"), "form"),
        ("HS256 with the public key", format!("{hs_signed}.{mac}"), "alg"),
        ("another key's signature", key(1).sign(&header("channel-1"), &claims), "signature"),
        ("flipped bit", format!("{signed}.{}", URL_SAFE_NO_PAD.encode(flipped)), "signature"),
        ("no signature", format!("{signed}."), "signature"),
        ("padded signature", format!("{good}=="), "signature"),
        ("crit", key(0).sign(&crit, &claims), "crit"),
        ("embedded key", key(1).sign(&embedded, &claims), "signature"),
        ("path as kid", key(0).sign(&header("../../x"), &claims), "signature"),
        ("no kid", key(0).sign(&json!({"alg": "RS256"}), &claims), "kid"),
        ("1 MiB kid", key(0).sign(&header(&"k".repeat(1 << 20)), &claims), "form"),
        (
            "20 KiB token",
            key(0).sign(&header("channel-1"), &with(claims.clone(), json!({"pad": "x".repeat(15_000)}))),
            "form",
        ),
        ("Entra key for the channel", key(0).sign(&header("entra-1"), &claims), "signature"),
        ("channel key for Entra", key(0).sign(&header("channel-1"), &fixture.app_claims()), "signature"),
        ("nothing", String::new(), "form"),
    ] {
        // So that the key set is fetched again for each unknown name.
        fixture.channel.clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(fixture.validator.validate(&token).await, refused(check), "{case}");
    }
    assert!(fixture.validator.validate(&good).await.is_ok(), "and the genuine one still passes");
}

#[actix_web::test]
async fn a_token_signed_by_an_unusable_key_is_refused() {
    let fixture = Fixture::new();
    let mut short = key(0).jwk("short", &json!({}));
    short["n"] = json!(URL_SAFE_NO_PAD.encode([0xff_u8; 128]));
    fixture.channel.published.set_keys(&[
        short,
        key(0).jwk("enc", &json!({"use": "enc"})),
        json!({"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"}),
        key(0).jwk("good", &json!({})),
    ]);
    for key_id in ["short", "enc", "ec"] {
        let token = key(0).sign(&header(key_id), &fixture.channel_claims());
        assert_eq!(fixture.validator.validate(&token).await, refused("signature"), "{key_id}");
    }
}

// Cases 16, 17 and rule 13.
#[actix_web::test]
async fn times_are_checked_by_our_clock() {
    let fixture = Fixture::new();
    let now = fixture.channel.now();
    for (exp, check) in [
        (json!(null), "exp"),
        (json!("1e10"), "exp"),
        (json!(1e308), "exp"),
        (json!(-5), "exp"),
        (json!([now + 60]), "exp"),
        (json!(true), "exp"),
        (json!(now + 49 * 3600), "exp"),
    ] {
        assert_eq!(fixture.channel(json!({"exp": exp})).await, refused(check), "{exp}");
    }
    let endless = json!({"exp": now + 60 * 3600, "nbf": null});
    assert_eq!(fixture.channel(endless).await, refused("exp"), "a long life without a beginning");
    let ago = |seconds: i64| json!({"exp": now - seconds, "nbf": now - 7200});
    assert_eq!(fixture.channel(ago(305)).await, Err(CallerTokenError::Expired));
    assert!(fixture.channel(ago(290)).await.is_ok(), "within the skew");
    assert_eq!(fixture.channel(json!({"nbf": now + 310})).await, refused("nbf"));
    assert!(fixture.channel(json!({"nbf": now + 290})).await.is_ok());
    assert_eq!(fixture.channel(json!({"iat": now + 310})).await, refused("iat"));
    assert!(fixture.channel(json!({"nbf": null})).await.is_ok());
    let float = json!(f64::from(u32::try_from(now).unwrap()) + 100.5);
    assert!(fixture.channel(json!({"exp": float})).await.is_ok());
}

// Cases 18 and 20.
#[actix_web::test]
async fn audience_is_one_string_and_issuers_are_compared_exactly() {
    let fixture = Fixture::new();
    for aud in [json!(null), json!(""), json!([BOT]), json!([BOT, "x"]), json!({"a": BOT}), json!(7)] {
        assert_eq!(fixture.channel(json!({"aud": aud})).await, refused("aud"), "{aud}");
    }
    let before = fixture.fetches();
    for iss in [
        json!("https://api.botframework.com/"),
        json!("http://api.botframework.com"),
        json!("HTTPS://API.BOTFRAMEWORK.COM"),
        json!("https://api.botframework.com\0"),
        json!("https://api.b\u{043e}tframework.com"),
        json!([CHANNEL]),
        json!(null),
        json!(""),
        json!("https://login.microsoftonline.com/common/v2.0"),
        json!("https://evil.example/{tenantid}/v2.0"),
        json!("https://login.microsoftonline.com/{tenantid}/v2.0"),
        json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0/")),
        json!(format!("https://login.microsoftonline.com.evil.example/{TENANT}/v2.0")),
    ] {
        assert_eq!(fixture.channel(json!({"iss": iss})).await, refused("iss"), "{iss}");
    }
    assert_eq!(fixture.fetches(), before, "an unknown issuer causes no call");
}

#[actix_web::test]
async fn a_channel_token_without_a_service_url_is_refused() {
    let fixture = Fixture::new();
    for claim in [json!(null), json!(""), json!(["https://x/"])] {
        assert_eq!(fixture.channel(json!({"serviceurl": claim})).await, refused("serviceurl"), "{claim}");
    }
}

// Cases 22–25, rules 10, 11, 20.
#[actix_web::test]
async fn tenant_key_and_version_of_an_app_token_must_be_consistent() {
    let fixture = Fixture::new();
    let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    assert_eq!(
        fixture.app(json!({"iss": issuer(OTHER_TENANT), "tid": OTHER_TENANT})).await,
        refused("tid"),
        "foreign tenant"
    );
    assert_eq!(fixture.app(json!({"iss": issuer(OTHER_TENANT)})).await, refused("tid"), "tid and iss differ");
    assert_eq!(fixture.app(json!({"tid": null})).await, refused("tid"));
    assert_eq!(fixture.app(json!({"tid": "common"})).await, refused("tid"));
    assert_eq!(fixture.app(json!({"TID": OTHER_TENANT})).await, refused("form"));
    for ver in [json!(null), json!("3.0"), json!(2), json!("1.0")] {
        assert_eq!(fixture.app(json!({"ver": ver})).await, refused("ver"), "{ver}");
    }
    assert_eq!(fixture.app(json!({"appid": "another"})).await, refused("azp"), "both are there and differ");
    assert!(fixture.app(json!({"appid": CALLER.to_uppercase()})).await.is_ok(), "both are there and agree");
    assert_eq!(fixture.app(json!({"azp": null})).await, refused("azp"));
    let v1 = json!({"iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0"});
    assert_eq!(fixture.app(v1).await, refused("azp"), "v1 needs appid");
    let by_personal = key(1).sign(&header("personal"), &fixture.app_claims());
    assert_eq!(fixture.validator.validate(&by_personal).await, refused("iss"), "a key of another tenant");
}

// Cases 28–30, 35.
#[actix_web::test]
async fn a_users_token_is_refused_as_delegated() {
    let fixture = Fixture::new();
    for (changes, check) in [
        (json!({"scp": "access_as_user", "azp": TEAMS, "idtyp": null, "sub": "pairwise"}), "scp"),
        (json!({"scp": ""}), "scp"),
        (json!({"upn": "a@b"}), "upn"),
        (json!({"preferred_username": "a@b"}), "preferred_username"),
        (json!({"unique_name": "a@b"}), "unique_name"),
        (json!({"nonce": "x"}), "nonce"),
        (json!({"acct": 0}), "acct"),
        (json!({"idtyp": "user"}), "idtyp"),
        (json!({"idtyp": 7}), "idtyp"),
        (json!({"azpacr": "0"}), "azpacr"),
        (json!({"azpacr": 0}), "azpacr"),
        (json!({"azpacr": ["1"]}), "azpacr"),
        (json!({"sub": "another", "idtyp": null}), "oid"),
    ] {
        let expected = Err(CallerTokenError::Delegated { check, audience: BOT.into() });
        assert_eq!(fixture.app(changes.clone()).await, expected, "{changes}");
    }
    assert!(fixture.app(json!({"idtyp": null, "azpacr": null, "oid": null})).await.is_ok());
    assert!(fixture.app(json!({"sub": "another"})).await.is_ok(), "idtyp decides");
    let id_token = json!({"azp": null, "nonce": "n", "preferred_username": "a@b"});
    assert_eq!(fixture.app(id_token).await, refused("azp"), "an ID token is a 401");
    let foreign = json!({"scp": "x", "tid": OTHER_TENANT, "iss": format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0")});
    assert!(matches!(fixture.app(foreign).await, Err(CallerTokenError::Delegated { .. })));
}

#[actix_web::test]
async fn a_users_token_with_a_bad_signature_is_just_invalid() {
    let fixture = Fixture::new();
    let claims = with(fixture.app_claims(), json!({"scp": "access_as_user"}));
    let token = key(1).sign(&header("entra-1"), &claims);
    assert_eq!(fixture.validator.validate(&token).await, refused("signature"));
}

// Case 23: tokens with forged signatures change no trust table and no cache.
#[actix_web::test]
async fn a_flood_of_forgeries_changes_nothing() {
    let fixture = Fixture::new();
    let now = fixture.channel.now();
    assert!(fixture.app(json!({})).await.is_ok());
    let before = fixture.fetches();
    // Ten times what any of the caches holds: the case speaks of 10^5, which only takes longer.
    for n in 0..20_000_u32 {
        let tenant = uuid::Uuid::from_u128(u128::from(n)).hyphenated().to_string();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"), "tid": tenant,
            "exp": now + 60, "aud": BOT});
        let token = format!("{}.{}.c2ln", part(header(&format!("made-up-{n}"))), part(claims));
        assert_eq!(fixture.validator.validate(&token).await, refused("signature"));
    }
    assert!(fixture.fetches() <= before + 1);
    assert!(fixture.app(json!({})).await.is_ok());
}

#[actix_web::test]
async fn a_token_that_differs_in_one_letter_is_another_token() {
    let fixture = Fixture::new();
    let genuine = key(0).sign(&header("channel-1"), &fixture.channel_claims());
    assert!(fixture.validator.validate(&genuine).await.is_ok());
    for position in 0..genuine.len() {
        let letter = genuine.as_bytes()[position];
        // In base64url the last letter of a part has bits that mean nothing: they must be zero.
        for other in [letter ^ 1, letter ^ 4, if letter == b'A' { b'B' } else { b'A' }] {
            let mut altered = genuine.clone().into_bytes();
            altered[position] = other;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            assert!(fixture.validator.validate(&altered).await.is_err(), "{position}: {other}");
        }
        let (before, after) = genuine.split_at(position);
        assert!(fixture.validator.validate(&format!("{before}A{after}")).await.is_err(), "{position}: one more");
        assert!(fixture.validator.validate(&format!("{before}{}", &after[1..])).await.is_err(), "{position}: one less");
    }
    let other = key(0).sign(&header("channel-1"), &with(fixture.channel_claims(), json!({"aud": "other"})));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (genuine, other) = (parts(&genuine), parts(&other));
    for (header, payload, signature) in
        [(&genuine, &other, &genuine), (&genuine, &genuine, &other), (&other, &other, &genuine)]
    {
        let mixed = format!("{}.{}.{}", header[0], payload[1], signature[2]);
        assert_eq!(fixture.validator.validate(&mixed).await, refused("signature"));
    }
}

#[actix_web::test]
async fn two_names_of_the_client_must_agree_whatever_they_are() {
    let fixture = Fixture::new();
    assert!(fixture.app(json!({"appid": CALLER.to_uppercase()})).await.is_ok());
    for appid in [json!("other"), json!(7), json!([CALLER]), json!(""), json!({})] {
        assert_eq!(fixture.app(json!({"appid": appid})).await, refused("azp"), "{appid}");
    }
}

#[actix_web::test]
async fn unreachable_keys_are_neither_yes_nor_no() {
    let fixture = Fixture::new();
    fixture.channel.published.set_status(503);
    assert_eq!(fixture.channel(json!({})).await, Err(CallerTokenError::KeysUnavailable));
    assert!(fixture.app(json!({})).await.is_ok(), "the other issuer is not affected");
}
