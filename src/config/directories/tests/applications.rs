use std::process::Command;

use super::{DESK, PUBLIC_KEY, SAMPLE, SHOP, accepted, changed, expect, expect_warning, line_of, samples, with};
use crate::config::{Environment, parse_in};
use crate::domain::ApplicationKind;

const PLACE: &str = "directories.market.applications";

#[test]
fn an_application_has_its_key_as_id_and_name_unless_they_are_written() {
    let applications = accepted(SAMPLE).directories[0].settings.applications.clone();
    let [desk, shop] = applications.as_slice() else { panic!("two applications") };
    assert_eq!((shop.client_id.as_str(), shop.name.as_str()), ("shop", "shop"));
    assert_eq!((shop.kind, shop.secrets.len()), (ApplicationKind::RegularWebApp, 1));
    assert_eq!((desk.kind, desk.secrets.len()), (ApplicationKind::SinglePageApp, 0));
    assert_eq!(desk.redirect_uris, ["https://desk.example.com"]);
    let named = accepted(&with(SHOP, "client_id = \"1.a_B~\"\nname = \"The shop\""));
    let shop = &named.directories[0].settings.applications[1];
    assert_eq!((shop.client_id.as_str(), shop.name.as_str()), ("1.a_B~", "The shop"));
}

#[test]
fn an_application_that_cannot_be_used_is_a_problem() {
    let line = line_of("secret_sha256");
    for (text, place, what) in [
        (with(SHOP, "client_id = \"a:b\""), "shop.client_id", "is no id for a caller"),
        (with(SHOP, "name = \"\""), "shop.name", "is no name for an application"),
        (with(SHOP, "type = \"native\""), "shop.type", "unknown word"),
        (changed(&format!("{line}\n"), ""), "shop.secret_sha256", "bot-sso keys secret prints"),
        (with(DESK, line), "desk.secret_sha256", "can keep no secret"),
        (with(SHOP, "client_id = \"bot-sso.account\""), "shop.client_id", "bot-sso's own applications"),
        (with(SHOP, "client_id = \"Bot-SSO.x\""), "shop.client_id", "bot-sso's own applications"),
        (with(DESK, "client_id = \"shop\""), "shop.client_id", "is also the client id of the application \"desk\""),
        (with(DESK, "assertion_key_file = \"shop-key.pem\""), "desk.assertion_key_file", "leave it out"),
        (with(SHOP, "redirect_urls = []"), "shop.redirect_urls", "did you mean redirect_uris?"),
    ] {
        expect(&text, &format!("{PLACE}.{place}"), what);
    }
    let section = |index: usize| format!("[directories.market.applications.a{index}]\ntype = \"singlepageapp\"\n");
    let many = |count: usize| format!("{SAMPLE}\n{}", (0..count).map(section).collect::<String>());
    assert_eq!(accepted(&many(198)).directories[0].settings.applications.len(), 200);
    expect(&many(199), PLACE, "has 201 applications: write at most 200");
}

#[test]
fn a_secret_that_an_administrator_has_too_is_warned_of() {
    let hash = "3f1d7a9c5e8b2460f1c3a5e7092b4d6f8a1c3e5072946b8d0f2a4c6e81305d7b";
    let text = changed(line_of("secret_sha256"), &format!("secret_sha256 = [{hash:?}]"));
    let text = text.replace(SHOP, &format!("{SHOP}client_id = \"store\"\n"));
    let what = "is the hash at directories.market.administrators[0].token_sha256[0], too";
    expect_warning(&text, &format!("{PLACE}.shop.secret_sha256[0]"), what);
}

#[test]
fn the_key_of_assertions_is_a_public_key_in_pem() {
    let key = accepted(&with(SHOP, "assertion_key_file = \"shop-key.pem\"")).directories[0].settings.applications[1]
        .assertion_key
        .clone();
    assert_eq!(key.as_deref(), Some(PUBLIC_KEY));
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{arguments}");
        output.stdout
    };
    let public = |private: &[u8]| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key.pem");
        std::fs::write(&file, private).unwrap();
        openssl(&format!("pkey -pubout -in {}", file.display()))
    };
    let weak = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    let strong = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let curve = openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384");
    let edwards = openssl("genpkey -algorithm ED25519");
    let no_key = "holds no key that assertions are checked with";
    for (content, what) in [
        (public(&strong), None),
        (public(&weak), Some(no_key)),
        (public(&curve), Some(no_key)),
        (public(&edwards), Some(no_key)),
        (strong, Some("holds a private key")),
        (b"nothing".to_vec(), Some("holds no public key")),
        (vec![0xff, 0xfe], Some("holds no public key")),
    ] {
        let directory = samples();
        std::fs::write(directory.path().join("other.pem"), &content).unwrap();
        let text = with(SHOP, "assertion_key_file = \"other.pem\"");
        let read = parse_in(directory.path(), &text, &Environment::of([("", ""); 0]));
        match what {
            None => assert!(read.is_ok(), "{read:?}"),
            Some(what) => assert!(read.unwrap_err().to_string().contains(what), "{what}"),
        }
    }
    expect(
        &with(SHOP, "assertion_key_file = \"absent.pem\""),
        &format!("{PLACE}.shop.assertion_key_file"),
        "cannot be read",
    );
}

#[test]
fn an_application_is_told_of_ended_sessions_on_a_host_of_its_redirect_uris() {
    let at = |uri: &str| with(SHOP, &format!("backchannel_logout_uri = {uri:?}"));
    let uri = "https://shop.example.com:8443/logout?from=directory";
    let shop = accepted(&at(uri)).directories[0].settings.applications[1].clone();
    assert_eq!(shop.backchannel_logout_uri.as_deref(), Some(uri));
    let place = format!("{PLACE}.shop.backchannel_logout_uri");
    for (uri, what) in [
        ("https://desk.example.com/logout", "is on no host of the application's redirect URIs"),
        ("https://169.254.169.254/", "is on no host of the application's redirect URIs"),
        ("http://shop.example.com/logout", "write https"),
        ("http://127.0.0.1/logout", "write https"),
        ("https://shop.example.com/*", "write each address in full"),
        ("https://shop.example.com/#x", "has a fragment"),
        ("https://me:hunter2@shop.example.com/", "holds a user name or password"),
        ("ftp://shop.example.com/", "is not an http(s) address"),
    ] {
        expect(&at(uri), &place, what);
    }
    let shared = "redirect_uris = [\"https://all.example.com/callback\"]";
    let listed = with(super::DIRECTORY, shared);
    let told = format!("{SHOP}backchannel_logout_uri = \"https://all.example.com/logout\"\n");
    accepted(&listed.replace(SHOP, &told));
}
