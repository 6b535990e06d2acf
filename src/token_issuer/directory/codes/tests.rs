#![allow(clippy::unwrap_used)]
use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{AuthorizationCodeStore, CodeChallenge, CodeContent, TakenCode};
use crate::domain::{SecretHash, SignInMethod, Timestamp};
use crate::records::Records;
use crate::records::testing::{GatedStore, throwaway_replicas};
use crate::token_issuer::directory::testing::TestDirectory;

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn content() -> CodeContent {
    CodeContent {
        client_id: "shop".to_owned(),
        redirect_uri: "https://shop.example.com/callback?a=b".to_owned(),
        user_id: "u".to_owned(),
        scope: "openid appid_default".to_owned(),
        nonce: Some("n".to_owned()),
        challenge: CodeChallenge::read(CHALLENGE, Some("S256")),
        session_id: None,
        method: SignInMethod::Password,
        auth_time: Timestamp::from_unix_seconds(1_700_000_000),
        ended_sessions: 1,
        revoked_grants: 2,
        grant_id: "g".to_owned(),
    }
}

fn codes_of(test: &TestDirectory) -> AuthorizationCodeStore {
    AuthorizationCodeStore::new(&test.storage.records, test.ambient())
}

fn is_unknown(taken: &TakenCode) -> bool {
    matches!(taken, TakenCode::Unknown)
}

fn replayed_grant(taken: TakenCode) -> Option<String> {
    match taken {
        TakenCode::Replayed { client_id, grant_id, .. } => {
            assert_eq!(client_id, "shop");
            Some(grant_id)
        }
        TakenCode::Fresh(_) | TakenCode::Unknown => None,
    }
}

#[tokio::test]
async fn a_code_gives_what_it_was_issued_for_once() {
    let test = TestDirectory::new();
    let (codes, tenant) = (codes_of(&test), &test.directory.tenant);
    let code = codes.issue(tenant, content()).await.unwrap();
    let TakenCode::Fresh(taken) = codes.take(tenant, "shop", code.expose()).await.unwrap() else { unreachable!() };
    assert_eq!(format!("{taken:?}"), format!("{:?}", content()));
    let again = codes.take(tenant, "shop", code.expose()).await.unwrap();
    assert_eq!(replayed_grant(again).as_deref(), Some("g"));
    test.storage.clock.advance(Duration::from_hours(23));
    let late = codes_of(&test).take(tenant, "shop", code.expose()).await.unwrap();
    assert_eq!(replayed_grant(late).as_deref(), Some("g"), "a replay is noticed for a day");
    assert!(is_unknown(&codes.take(tenant, "mail", code.expose()).await.unwrap()), "no other app ends the grant");
}

#[tokio::test]
async fn a_code_is_good_for_its_own_app_and_directory_for_a_minute() {
    let test = TestDirectory::new();
    let (codes, tenant) = (codes_of(&test), &test.directory.tenant);
    let code = codes.issue(tenant, content()).await.unwrap();
    let code = code.expose();
    assert!(is_unknown(&codes.take(tenant, "mail", code).await.unwrap()));
    assert!(is_unknown(&codes.take(&test.other.tenant, "shop", code).await.unwrap()));
    for altered in ["", &code[1..], &format!("{code}0"), &code.to_uppercase(), &"0".repeat(64)] {
        if altered != code {
            assert!(is_unknown(&codes.take(tenant, "shop", altered).await.unwrap()), "{altered}");
        }
    }
    assert!(matches!(codes.take(tenant, "shop", code).await.unwrap(), TakenCode::Fresh(_)), "it is still good");

    let late = codes.issue(tenant, content()).await.unwrap();
    test.storage.clock.advance(Duration::from_mins(1));
    assert!(is_unknown(&codes.take(tenant, "shop", late.expose()).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_at_once_one_gets_the_code_and_the_others_are_seen() {
    let test = TestDirectory::new();
    let (codes, tenant) = (codes_of(&test), &test.directory.tenant);
    let code = codes.issue(tenant, content()).await.unwrap();
    let taking: Vec<_> = (0..16)
        .map(|_| {
            let (codes, tenant, code) = (codes.clone(), tenant.clone(), code.clone());
            tokio::spawn(async move { codes.take(&tenant, "shop", code.expose()).await.unwrap() })
        })
        .collect();
    let (mut fresh, mut replayed) = (0, 0);
    for taken in taking {
        match taken.await.unwrap() {
            TakenCode::Fresh(_) => fresh += 1,
            TakenCode::Replayed { .. } => replayed += 1,
            TakenCode::Unknown => {}
        }
    }
    assert_eq!((fresh, replayed), (1, 15));
}

#[tokio::test]
async fn a_caller_that_has_read_a_good_code_does_not_use_it_after_another() {
    let test = TestDirectory::new();
    let gated = GatedStore::new(test.storage.store.clone());
    let records = Records::new(gated.clone(), test.storage.sealer.clone(), test.storage.shared_clock.clone());
    let codes = AuthorizationCodeStore::new(&records, test.ambient());
    let tenant = test.directory.tenant.clone();
    let code = codes.issue(&tenant, content()).await.unwrap();
    let gate = gated.hold_next_get();
    let slow = tokio::spawn({
        let (codes, tenant, code) = (codes.clone(), tenant.clone(), code.clone());
        async move { codes.take(&tenant, "shop", code.expose()).await.unwrap() }
    });
    gate.reached().await;
    assert!(matches!(codes.take(&tenant, "shop", code.expose()).await.unwrap(), TakenCode::Fresh(_)));
    gate.open();
    assert!(replayed_grant(slow.await.unwrap()).is_some());
}

#[tokio::test]
async fn every_code_is_drawn_anew() {
    let test = TestDirectory::new();
    let codes = codes_of(&test);
    let mut drawn = HashSet::new();
    for _ in 0..20 {
        let code = codes.issue(&test.directory.tenant, content()).await.unwrap();
        assert!(drawn.insert(code.expose().to_owned()));
    }
}

/// What `ibmcloud-appid-js` 1.0.3 sends for a verifier.
fn hex_challenge(verifier: &str) -> String {
    STANDARD.encode(SecretHash::of(verifier).to_text())
}

#[test]
fn both_forms_of_s256_are_read_and_fit_their_own_verifier_alone() {
    let appid_js = "0123456789abcdef0123456789abcdef0123456789ab";
    let standard = CodeChallenge::read(CHALLENGE, Some("S256")).unwrap();
    let hex = CodeChallenge::read(&hex_challenge(appid_js), Some("S256")).unwrap();
    assert_eq!(standard, CodeChallenge::S256(CHALLENGE.to_owned()));
    assert_eq!(hex, CodeChallenge::HexS256(hex_challenge(appid_js)));
    assert_eq!(hex_challenge(appid_js).len(), 88);
    assert!(standard.fits(VERIFIER) && hex.fits(appid_js));
    assert!(!standard.fits(appid_js) && !hex.fits(VERIFIER));
    assert!(!standard.fits(CHALLENGE) && !standard.fits("") && !standard.fits(&VERIFIER[1..]));
    assert!(!hex.fits(&SecretHash::of(appid_js).to_text()), "the digest is no verifier");
}

#[test]
fn plain_and_malformed_challenges_are_refused() {
    for method in [None, Some("plain"), Some("s256"), Some("S512"), Some("")] {
        assert_eq!(CodeChallenge::read(CHALLENGE, method), None, "{method:?}");
    }
    let hex = hex_challenge(VERIFIER);
    let upper = STANDARD.encode(SecretHash::of(VERIFIER).to_text().to_uppercase());
    let padded = format!("{CHALLENGE}=");
    let plus = CHALLENGE.replace('-', "+");
    let shapes = [
        "",
        VERIFIER.get(1..).unwrap(),
        &padded,
        &plus,
        hex.trim_end_matches('='),
        &upper,
        &hex[4..],
        "====",
        &STANDARD.encode("g".repeat(64)),
    ];
    for challenge in shapes {
        assert_eq!(CodeChallenge::read(challenge, Some("S256")), None, "{challenge}");
    }
}

#[test]
fn a_verifier_has_43_to_128_unreserved_characters() {
    for (verifier, is_one) in [
        ("a".repeat(42), false),
        ("a".repeat(43), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        (format!("{}-._~", "a".repeat(43)), true),
        (format!("{}+", "a".repeat(43)), false),
        (format!("{} ", "a".repeat(43)), false),
        (format!("{}é", "a".repeat(43)), false),
    ] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        for challenge in [URL_SAFE_NO_PAD.encode(digest.as_ref()), hex_challenge(&verifier)] {
            let challenge = CodeChallenge::read(&challenge, Some("S256")).unwrap();
            assert_eq!(challenge.fits(&verifier), is_one, "{verifier}");
        }
    }
}

proptest! {
    #[test]
    fn no_challenge_or_verifier_panics(challenge in any::<String>(), verifier in any::<String>()) {
        if let Some(read) = CodeChallenge::read(&challenge, Some("S256")) {
            let _ = read.fits(&verifier);
        }
    }

    #[test]
    fn a_verifier_fits_its_own_challenge_and_no_other(one in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
        for challenge in [hex_challenge(&one), {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, one.as_bytes());
            URL_SAFE_NO_PAD.encode(digest.as_ref())
        }] {
            let challenge = CodeChallenge::read(&challenge, Some("S256")).unwrap();
            prop_assert!(challenge.fits(&one));
            prop_assert_eq!(challenge.fits(&other), one == other);
        }
    }
}

#[tokio::test]
async fn a_code_that_two_replicas_take_at_once_is_fresh_at_one_and_replayed_at_the_other() {
    let (test, shared) = (TestDirectory::new(), throwaway_replicas(2).await);
    let [here, there] =
        [0, 1].map(|number| AuthorizationCodeStore::new(shared.replicas.get(number).unwrap(), test.ambient()));
    let tenant = &test.directory.tenant;
    for _ in 0..10 {
        let code = here.issue(tenant, content()).await.unwrap();
        let (one, other) =
            tokio::join!(here.take(tenant, "shop", code.expose()), there.take(tenant, "shop", code.expose()));
        let taken = [one.unwrap(), other.unwrap()];
        assert_eq!(taken.iter().filter(|taken| matches!(taken, TakenCode::Fresh(_))).count(), 1, "{taken:?}");
        let replayed: Vec<String> = taken.into_iter().filter_map(replayed_grant).collect();
        assert_eq!(replayed, ["g"]);
    }
}
