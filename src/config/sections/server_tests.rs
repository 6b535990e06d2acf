//! Where bot-sso listens, and under which address and certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::config::test_samples::{
    ENDPOINT, MINIMAL, OWN_TENANT, PUBLIC_URL, SECRET, changed, directory, expect_problem, problem_of, read,
};
use crate::config::{Environment, parse_in};

#[test]
fn the_public_address_is_the_root_of_an_https_host() {
    for (url, complaint) in [
        ("http://sso.example.com", "is plain http"),
        ("https://sso.example.com/sso", "has a path"),
        ("https://sso.example.com?x=1", "has a path"),
        ("sso.example.com", "is not an address"),
        ("https://sso.example.com/#x", "has a fragment"),
    ] {
        expect_problem(
            PUBLIC_URL,
            &format!("public_url = {url:?}"),
            &format!("server.public_url: {url:?} {complaint}"),
        );
    }
    assert!(read(&changed(PUBLIC_URL, "public_url = \"http://127.0.0.1:3978\"")).is_ok());
    expect_problem(PUBLIC_URL, "", "server.public_url: is missing");
    let problem = problem_of(&changed(PUBLIC_URL, "public_url = \"https://me:hunter2@sso.example.com\""));
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn listeners_are_ip_addresses_with_ports() {
    let with = |listen: &str| changed(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {listen}"));
    assert!(problem_of(&with("[\"localhost:3978\"]")).starts_with("server.listen[0]: "));
    assert!(problem_of(&with("[]")).starts_with("server.listen: is empty"));
    assert!(read(&with("[\"[::1]:0\"]")).is_ok());
}

#[test]
fn a_certificate_comes_with_its_own_key() {
    let directory = directory();
    let other = rcgen::generate_simple_self_signed(vec!["other.example.com".to_owned()]).unwrap();
    let key = directory.path().join("other.key");
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let with = |certificate: &str, key: &str| {
        let tls = format!("{MINIMAL}\n[server.tls]\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n");
        parse_in(directory.path(), &tls, &Environment::of([SECRET]))
    };
    assert!(with("certificate.pem", "certificate.key").is_ok());
    for (certificate, key, start) in [
        ("certificate.pem", "other.key", "server.tls.key_file: does not fit"),
        ("certificate.pem", "calendar.secret", "server.tls.key_file: holds no private key"),
        ("certificate.key", "certificate.key", "server.tls.certificate_file: holds no certificate"),
        ("none.pem", "certificate.key", "server.tls.certificate_file: "),
    ] {
        let problems = with(certificate, key).unwrap_err().to_string();
        assert!(problems.starts_with(start), "{problems}");
    }
}

#[test]
fn the_emulator_is_allowed_on_loopback_listeners_only() {
    let allowed =
        changed(ENDPOINT, &format!("{ENDPOINT}\nallow_emulator = true\ntenant = \"{}\"", OWN_TENANT.to_uppercase()));
    let bot = &read(&allowed).unwrap().bots[0];
    let fixed = ["d6d49420-f39b-4df7-a1dc-d59a935871db", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"];
    assert_eq!(bot.emulator_tenants, [fixed[0], fixed[1], OWN_TENANT]);
    assert!(read(&allowed).unwrap().app_token_tenants().iter().any(|tenant| tenant == fixed[1]));
    assert!(read(MINIMAL).unwrap().bots[0].emulator_tenants.is_empty(), "off by default");
    for (listen, address) in
        [("[\"0.0.0.0:3978\"]", "0.0.0.0:3978"), ("[\"127.0.0.1:3978\", \"192.0.2.1:3978\"]", "192.0.2.1:3978")]
    {
        let text = allowed.replace(PUBLIC_URL, &format!("{PUBLIC_URL}\nlisten = {listen}"));
        let problem = problem_of(&text);
        assert!(problem.starts_with("bots.help-desk.allow_emulator: is for the emulator on this machine"), "{problem}");
        assert!(problem.contains(address) && problem.contains("127.0.0.1:3978"), "{problem}");
    }
}

#[test]
fn the_emulator_and_a_trusted_proxy_exclude_each_other() {
    let text = changed(ENDPOINT, &format!("{ENDPOINT}\nallow_emulator = true"));
    let text = text.replace(PUBLIC_URL, &format!("{PUBLIC_URL}\ntrusted_proxies = [\"127.0.0.1\"]"));
    assert!(problem_of(&text).contains("server.trusted_proxies"));
}
