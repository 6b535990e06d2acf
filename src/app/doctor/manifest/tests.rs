#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::{Manifest, ManifestApplication, compare};
use crate::app::doctor::selection::Selection;
use crate::app::doctor::{DoctorCheck, Finding, Verdict};
use crate::config::{Configuration, Environment, parse};

const CLIENT: &str = "11111111-1111-4111-8111-111111111111";
const URI: &str = "api://sso.example.com/botid-11111111-1111-4111-8111-111111111111";

/// The minimal sample, whose files are in `folder`.
fn configuration(change: impl Fn(&str) -> String) -> Configuration {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("bot-sso.keys");
    crate::sealing::KeyRing::generate(&crate::domain::SystemClock, &crate::domain::SystemEntropy)
        .create_file(&keys)
        .unwrap();
    let text = change(include_str!("../../../../fixtures/config/minimal.toml"));
    let mut table: toml::Table = text.parse().unwrap();
    let section = toml::Table::from_iter([("file".to_owned(), keys.to_str().unwrap().into())]);
    table.insert("keys".to_owned(), section.into());
    parse(&table.to_string(), &Environment::of([("GRAPH_CLIENT_SECRET", "hunter2")])).unwrap()
}

fn compare_text(text: &str) -> Vec<Finding> {
    let config = configuration(str::to_owned);
    let selection = Selection::of(&config);
    compare(&Manifest::read(text).unwrap(), "manifest.json", &config, &selection)
}

fn teams(id: &str, resource: &str, domain: &str, bot: &str) -> String {
    serde_json::json!({
        "manifestVersion": "1.17",
        "webApplicationInfo": { "id": id, "resource": resource },
        "validDomains": ["token.botframework.com", domain],
        "bots": [{ "botId": bot, "scopes": ["personal"] }],
    })
    .to_string()
}

#[test]
fn a_manifest_that_fits_the_configuration_is_ok_in_each_line() {
    for domain in ["sso.example.com", "*.example.com", "SSO.example.com"] {
        let findings = compare_text(&teams(&CLIENT.to_uppercase(), URI, domain, CLIENT));
        assert_eq!(findings.len(), 4, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
    }
}

#[test]
fn each_mistake_of_a_teams_manifest_has_its_line_and_says_what_to_write() {
    let other = "99999999-9999-4999-8999-999999999999";
    for (text, check, seen, advice) in [
        (teams(other, URI, "sso.example.com", CLIENT), DoctorCheck::ManifestId, other, CLIENT),
        (
            teams(CLIENT, "api://botid-x", "sso.example.com", CLIENT),
            DoctorCheck::ManifestResource,
            URI,
            "resourcematchfailed",
        ),
        (
            teams(CLIENT, URI, "example.com", CLIENT),
            DoctorCheck::ManifestDomains,
            "sso.example.com",
            "add \"sso.example.com\"",
        ),
        (teams(CLIENT, URI, "sso.example.com", other), DoctorCheck::ManifestBot, other, CLIENT),
        ("{\"validDomains\": [\"sso.example.com\"]}".to_owned(), DoctorCheck::ManifestId, "is missing", URI),
    ] {
        let findings = compare_text(&text);
        let failed: Vec<&Finding> = findings.iter().filter(|finding| finding.has_failed()).collect();
        assert_eq!(failed.len(), 1, "{findings:?}");
        assert_eq!(failed[0].check, check);
        assert!(failed[0].seen.contains(seen), "{failed:?}");
        assert!(failed[0].advice.as_ref().unwrap().contains(advice), "{failed:?}");
    }
}

#[test]
fn an_exchange_uri_with_a_scope_is_a_warning_and_a_connection_without_one_a_failure() {
    let manifest = Manifest::read(&teams(CLIENT, URI, "sso.example.com", CLIENT)).unwrap();
    let verdict = |change: &dyn Fn(&str) -> String| {
        let config = configuration(change);
        let selection = Selection::of(&config);
        let findings = compare(&manifest, "m", &config, &selection);
        findings.into_iter().find(|finding| finding.check == DoctorCheck::ManifestResource).unwrap().verdict
    };
    assert_eq!(verdict(&|text| text.replace(URI, &format!("{URI}/access_as_user"))), Verdict::Warning);
    assert_eq!(verdict(&|text| text.replace(&format!("token_exchange_uri = \"{URI}\""), "")), Verdict::Failed);
}

#[test]
fn a_resource_of_one_connection_is_a_warning_for_another_connection_of_the_same_client_and_no_failure() {
    let second = format!(
        "[connections.second]\nbot = \"help-desk\"\nname = \"second\"\nclient_id = \"{CLIENT}\"\nscopes = [\"User.Read\"]\n\
         tenants = [\"22222222-2222-4222-8222-222222222222\"]\n\
         token_exchange_uri = \"api://second.example/botid-{CLIENT}\"\nclient_secret = {{ env = \"GRAPH_CLIENT_SECRET\" }}\n"
    );
    let config = configuration(|text| format!("{text}\n{second}"));
    let selection = Selection::of(&config);
    let verdicts = |resource: &str| {
        let manifest = Manifest::read(&teams(CLIENT, resource, "sso.example.com", CLIENT)).unwrap();
        let findings = compare(&manifest, "m", &config, &selection).into_iter();
        let findings = findings.filter(|finding| finding.check == DoctorCheck::ManifestResource);
        findings.map(|finding| finding.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(URI), [Verdict::Ok, Verdict::Warning]);
    assert_eq!(verdicts(&format!("api://second.example/botid-{CLIENT}")), [Verdict::Warning, Verdict::Ok]);
    assert_eq!(verdicts("api://botid-x"), [Verdict::Failed, Verdict::Failed]);
}

const OFFICE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:type="MailApp"><Id>1</Id>
  <VersionOverrides xmlns="http://schemas.microsoft.com/office/mailappversionoverrides" xsi:type="VersionOverridesV1_0">
    <VersionOverrides xmlns="http://schemas.microsoft.com/office/mailappversionoverrides/1.1" xsi:type="VersionOverridesV1_1">
      <WebApplicationInfo><Id>2c3caa80-93f9-425e-8b85-0745f50c0d24</Id>
        <Resource> api://addin.example.com/2c3caa80-93f9-425e-8b85-0745f50c0d24 </Resource>
        <Scopes><Scope>User.Read</Scope><Scope>openid</Scope></Scopes></WebApplicationInfo>
    </VersionOverrides>
  </VersionOverrides>
</OfficeApp>"#;

#[test]
fn the_xml_of_an_office_add_in_and_both_json_forms_are_read() {
    let manifest = Manifest::read(&format!("\u{feff}{OFFICE}")).unwrap();
    let application = ManifestApplication {
        id: Some("2c3caa80-93f9-425e-8b85-0745f50c0d24".to_owned()),
        resource: Some("api://addin.example.com/2c3caa80-93f9-425e-8b85-0745f50c0d24".to_owned()),
        scopes: Some(vec!["User.Read".to_owned(), "openid".to_owned()]),
    };
    assert_eq!(manifest.application, Some(application));
    let unified = Manifest::read("{\"webApplicationInfo\": {\"id\": \"a\", \"resource\": \"api://a\"}}").unwrap();
    assert_eq!(unified.application.unwrap().resource.as_deref(), Some("api://a"));
}

#[test]
fn what_is_no_manifest_says_so() {
    for (text, expected) in [
        ("PK\u{3}\u{4}", "unpack it"),
        ("hello", "is neither"),
        ("{\"bots\": 7}", "is no manifest of a Teams app"),
        ("<html/>", "its root is \"html\""),
        ("<a>", "is no XML"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><OfficeApp>&b;</OfficeApp>", "is no XML"),
    ] {
        let problem = Manifest::read(text).unwrap_err();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}
