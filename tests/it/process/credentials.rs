//! Credentials as an operator uses them: `check --online`, and SIGHUP for every kind.

use super::setting::{Setting, stdout};
use crate::harness::write_private;

const STRANGERS_CERTIFICATE: &str = include_str!("../../../fixtures/credentials/client-certificate.pem");
const STRANGERS_KEY: &str = include_str!("../../../fixtures/credentials/client-key.pem");

/// Writes a certificate and its key where the setting names them: the one that the stage has registered or, without
/// `registered`, a stranger's.
fn write_pair(setting: &Setting, registered: bool) {
    let own = setting.harness.stage.client_certificate();
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let (certificate, key) = if registered {
        (read(&own.certificate_file), read(&own.key_file))
    } else {
        (STRANGERS_CERTIFICATE.to_owned(), STRANGERS_KEY.to_owned())
    };
    std::fs::write(setting.path("client.pem"), certificate).unwrap();
    write_private(&setting.path("client.key"), &key);
}

const PAIR: &str = "{ certificate = { file = \"client.pem\", key_file = \"client.key\" } }";

fn identity(setting: &Setting, name: &str) -> &'static str {
    let identities = &setting.harness.stage.directory().identities;
    identities.iter().find(|identity| identity.name == name).unwrap().client_id
}

fn name_the_endpoint(setting: &mut Setting) {
    let endpoint = format!("{}/msi/token", setting.harness.stage.http_base());
    setting.set_variable("IDENTITY_ENDPOINT", &endpoint);
    setting.set_variable("IDENTITY_HEADER", "of this machine");
}

#[tokio::test]
async fn check_online_tries_each_credential_alone_and_names_the_refused_ones() {
    let mut setting = Setting::new().await;
    name_the_endpoint(&mut setting);
    write_pair(&setting, true);
    let assertion = setting.path("assertion.jwt");
    setting.harness.stage.write_assertion(&assertion, &setting.harness.stage.workload_claims()).await.unwrap();
    let gateway = identity(&setting, "gateway");
    setting.set_variable("RIGHT", setting.harness.stage.directory().connections[0].client_secret);
    let right = format!(
        "{PAIR}, {{ assertion_file = \"assertion.jwt\" }}, {{ managed_identity = {{ client_id = \"{gateway}\" }} }}, \
         {{ secret = {{ env = \"RIGHT\" }} }}"
    );
    setting.set_credentials("demo-graph", &right);
    let itself: toml::Table = format!("credentials = [{{ managed_identity = {{}} }}, {right}]").parse().unwrap();
    setting.set("bots.demo.credentials", itself["credentials"].clone());
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for line in [
        "connections.demo-graph credentials[0] (certificate): accepted",
        "connections.demo-graph credentials[1] (assertion_file): accepted",
        "connections.demo-graph credentials[2] (managed_identity): accepted",
        "connections.demo-graph credentials[3] (secret): accepted",
        "connections.demo-mail credentials[0] (secret): accepted",
        "bots.demo credentials[0] (managed_identity): accepted",
        "bots.demo credentials[1] (certificate): accepted",
        "bots.demo credentials[4] (secret): accepted",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    assert!(!said.contains("refused"), "{said}");

    // A credential that is accepted does not hide one that is refused.
    write_pair(&setting, false);
    let stranger = identity(&setting, "stranger");
    setting.set_variable("WRONG", "a secret that was withdrawn");
    let wrong = format!(
        "{{ secret = {{ env = \"RIGHT\" }} }}, {PAIR}, {{ secret = {{ env = \"WRONG\" }} }}, \
         {{ managed_identity = {{ client_id = \"{stranger}\" }} }}"
    );
    setting.set_credentials("demo-graph", &wrong);
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (line, hint) in [
        ("connections.demo-graph credentials[0] (secret): accepted", ""),
        (
            "connections.demo-graph credentials[1] (certificate): refused: AADSTS700027 ",
            "upload the current certificate",
        ),
        ("connections.demo-graph credentials[2] (secret): refused: AADSTS7000215 ", "the secret's value (not its id)"),
        ("connections.demo-graph credentials[3] (managed_identity): refused: AADSTS700213 ", "presented subject"),
    ] {
        assert!(said.lines().any(|said| said.starts_with(line) && said.contains(hint)), "{line}{hint}\n{said}");
    }
    assert!(!said.contains("withdrawn") && !said.contains("eyJ") && !said.contains("local-stage"), "{said}");
}

#[tokio::test]
async fn check_online_distinguishes_an_outage_from_a_refusal() {
    let setting = Setting::new().await;
    setting.harness.stage.shutdown().await;
    let output = setting.check_online();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("connections.demo-graph credentials[0] (secret): unknown: the token endpoint"), "{said}");
    assert!(setting.run("check").status.success(), "without --online nobody is asked");
}

#[tokio::test]
async fn a_new_certificate_is_used_after_sighup_and_one_without_its_key_changes_nothing() {
    let mut setting = Setting::new().await;
    write_pair(&setting, false);
    setting.set_credentials("demo-graph", PAIR);
    let mut service = setting.serve().await;
    let answer = setting.exchange("Ada", "x").await;
    assert!(answer.status == 400 && answer.detail().starts_with("misconfigured:"), "{}", answer.detail());

    // The new certificate is there; its key is still missing.
    write_pair(&setting, true);
    write_private(&setting.path("client.key"), STRANGERS_KEY);
    service.signal("HUP");
    service.wait_for_line("the old credentials stay").await;
    let complaint = service.wait_for_line("connections.demo-graph.credentials[0].certificate.key_file").await;
    assert_eq!(complaint["level"], "ERROR");

    write_pair(&setting, true);
    service.signal("HUP");
    service.wait_for_line("the client credentials were read again").await;
    let answer = setting.exchange("Ada", "y").await;
    assert_eq!(answer.status, 200, "{}", answer.detail());
    let key_line = STRANGERS_KEY.lines().nth(2).unwrap();
    assert!(!service.lines().join("\n").contains(key_line));
}

#[tokio::test]
async fn every_kind_of_credential_can_replace_another_at_sighup() {
    let mut setting = Setting::new().await;
    name_the_endpoint(&mut setting);
    write_pair(&setting, false);
    setting.set_credentials("demo-graph", PAIR);
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "w").await.status, 400);
    let assertion = setting.path("assertion.jwt");
    setting.harness.stage.write_assertion(&assertion, &setting.harness.stage.workload_claims()).await.unwrap();
    let gateway = identity(&setting, "gateway");
    let secret = setting.secret_in_file("demo-graph", setting.harness.stage.directory().connections[0].client_secret);
    let kinds = [
        ("Ada", "{ assertion_file = \"assertion.jwt\" }".to_owned()),
        ("Ben", format!("{{ managed_identity = {{ client_id = \"{gateway}\" }} }}")),
        ("Gus", format!("{PAIR}, {{ secret = {{ file = \"{}\" }} }}", secret.display())),
    ];
    for (user, credentials) in kinds {
        setting.set_credentials("demo-graph", &credentials);
        setting.write();
        service.forget_lines();
        service.signal("HUP");
        service.wait_for_line("the client credentials were read again").await;
        let answer = setting.exchange(user, user).await;
        assert_eq!(answer.status, 200, "{credentials}: {}", answer.detail());
    }
}
