//! Identity providers of kind `entra`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::config::test_samples::{MINIMAL, TENANTS, problem_of, read};

#[test]
fn identity_addresses_are_https_unless_their_section_says_otherwise() {
    let sections = "[channels]\nissuer = \"http://127.0.0.1:1\"\njwks_url = \"http://127.0.0.1:1/keys\"\n\
        [identity_providers.stand]\nauthority = \"http://stand.test:2\"\n";
    let problems = read(&format!("{sections}{MINIMAL}")).unwrap_err();
    let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["channels.jwks_url", "identity_providers.stand.authority"], "{problems}");
    let insecure = sections.replace("keys\"\n", "keys\"\nallow_insecure_http = true\n");
    let insecure = format!("{insecure}allow_insecure_http = true\n{MINIMAL}");
    let configuration = read(&insecure).unwrap();
    assert_eq!(configuration.plain_http_hosts(), ["127.0.0.1", "stand.test"]);
    let stand = &configuration.identity_providers["stand"];
    assert_eq!(stand.token_endpoint, "http://stand.test:2/{tenant}/oauth2/v2.0/token");
    assert_eq!(configuration.connections[0].connection.identity_provider, "stand", "the only one");
}

#[test]
fn every_identity_address_can_be_set_on_its_own() {
    let section = "[identity_providers.private]\nauthority = \"https://login.example.com\"\n\
        issuer = \"https://issuer.example.com/{tenantid}\"\nv1_issuer = \"https://v1.example.com/{tenantid}/\"\n\
        jwks_url = \"https://keys.example.com/keys\"\ntoken_endpoint = \"https://10.1.2.3/{tenant}/token\"\n";
    let configuration = read(&format!("{section}{MINIMAL}")).unwrap();
    let provider = &configuration.identity_providers["private"];
    assert_eq!(provider.issuer, "https://issuer.example.com/{tenantid}");
    assert_eq!(provider.token_endpoint, "https://10.1.2.3/{tenant}/token");
    assert_eq!(configuration.literal_hosts(), ["10.1.2.3", "127.0.0.1", "keys.example.com", "login.example.com"]);
}

#[test]
fn templates_have_their_placeholder_and_no_other() {
    let with = |line: &str| format!("[identity_providers.entra]\n{line}\n{MINIMAL}");
    for (line, start) in [
        ("issuer = \"https://login.example.com/v2.0\"", "identity_providers.entra.issuer: "),
        ("issuer = \"https://{tenantid}.example.com/{tenant}\"", "identity_providers.entra.issuer: "),
        ("prompt = \"login\"", "identity_providers.entra.prompt: belongs to providers of kind \"oidc\" alone"),
        ("v1_issuer = \"https://sts.example.com/{tenant}/\"", "identity_providers.entra.v1_issuer: "),
        ("token_endpoint = \"https://login.example.com/token\"", "identity_providers.entra.token_endpoint: "),
        ("token_endpoint = \"https://x.example/{tenant}/{policy}\"", "identity_providers.entra.token_endpoint: "),
        ("authority = \"https://login.microsoftonline.com/common\"", "identity_providers.entra.authority: "),
        ("metadata_url = \"https://x.example/{tenant}\"", "identity_providers.entra.metadata_url: "),
        ("kind = \"okta\"", "identity_providers.entra.kind: unknown word"),
    ] {
        let problem = problem_of(&with(line));
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn on_microsofts_login_hosts_an_authority_is_the_host_alone() {
    let with = |authority: &str| format!("[identity_providers.entra]\nauthority = {authority:?}\n{MINIMAL}");
    for (host, path) in [
        ("https://login.microsoftonline.com", "/contoso.onmicrosoft.com"),
        ("https://login.microsoftonline.com", "/contoso.onmicrosoft.com/v2.0"),
        ("https://login.microsoftonline.com", "/contoso.com/"),
        ("https://login.microsoftonline.com", "/Common"),
        ("https://login.microsoftonline.com", "/v2.0"),
        ("https://login.microsoftonline.com", "/oauth2/v2.0/authorize"),
        ("https://login.microsoftonline.us", "/contoso.us"),
        ("https://login.partner.microsoftonline.cn", "/contoso.cn"),
        ("https://contoso.ciamlogin.com", "/contoso.onmicrosoft.com"),
        ("https://sts.windows.net", "/contoso.com/"),
        ("https://login.example.com", "/Common"),
        ("https://login.example.com", "/x?y=1"),
    ] {
        let problem = problem_of(&with(&format!("{host}{path}")));
        assert!(problem.starts_with("identity_providers.entra.authority: "), "{problem}");
        assert!(problem.trim_end().ends_with(&format!("write {host:?}")), "{problem}");
    }
    for fine in
        ["https://login.microsoftonline.com/", "https://LOGIN.microsoftonline.com", "https://stand.example/entra"]
    {
        assert!(read(&with(fine)).is_ok(), "{fine}");
    }
}

#[test]
fn of_several_providers_only_the_clouds_own_authenticates_callers() {
    let believed = |more: &str| {
        let text = format!(
            "{MINIMAL}\n[identity_providers.own]\nauthority = \"https://login.example\"\n{more}\n[identity_providers.entra]\n"
        );
        let text = text.replace(TENANTS, &format!("{TENANTS}\nidentity_provider = \"entra\""));
        let providers = read(&text).unwrap().identity_providers;
        ["entra", "own"].map(|name| providers[name].authenticates_callers)
    };
    assert_eq!(believed(""), [true, false]);
    assert_eq!(believed("authenticates_callers = true"), [true, true]);
}

#[test]
fn an_issuer_names_its_tenant_once_or_several_times_or_is_one_tenants() {
    let tenant = "22222222-2222-4222-8222-222222222222";
    for issuer in [
        "https://{tenantid}.ciamlogin.com/{tenantid}/v2.0".to_owned(),
        format!("https://{tenant}.ciamlogin.com/{{tenantid}}/v2.0"),
        format!("https://{tenant}.ciamlogin.com/{tenant}/v2.0"),
    ] {
        let text = format!("[identity_providers.entra]\nissuer = \"{issuer}\"\n{MINIMAL}");
        assert_eq!(read(&text).unwrap().identity_providers["entra"].issuer, issuer);
    }
}
