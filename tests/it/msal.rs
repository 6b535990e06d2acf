//! Unmodified MSAL libraries complete the on-behalf-of grant against the local tenant, which tests the stage and not the
//! application; and one of them is the source of the tokens that an add-in's pane presents.

use bot_sso::dev::{GrantKind, Stage, StageOptions};
use bot_sso::domain::{SystemClock, SystemEntropy};
use serde_json::{Value, json};

use crate::harness::development::Development;
use crate::harness::peers::{Peer, Program};
use crate::harness::serve_stage;

const GRAPH_SCOPE: &str = "https://graph.microsoft.com/User.Read";

struct Run {
    printed: Value,
    stage: Stage,
    _directory: tempfile::TempDir,
}

/// Runs a script as the bot `demo` against a stage of its own. `ca_variable` is the variable that names the stage's CA
/// file to the script's runtime.
async fn run(program: Program, ca_variable: &str) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let options = StageOptions {
        http_port: 0,
        https_port: 0,
        directory: directory.path().to_owned(),
        clock: std::sync::Arc::new(SystemClock),
        entropy: std::sync::Arc::new(SystemEntropy),
    };
    let stage = Stage::start(options, serve_stage).await.unwrap();
    let label = format!("msal-{}", program.script);
    let mut environment = environment(&stage);
    environment.push((ca_variable, stage.ca_file().display().to_string()));
    let printed = Peer::start(&program, &label, &environment).finish().await;
    assert_eq!(printed.len(), 1, "{printed:?}");
    Run { printed: printed[0].clone(), stage, _directory: directory }
}

fn environment(stage: &Stage) -> Vec<(&'static str, String)> {
    let (directory, http) = (stage.directory(), stage.http_base());
    let tenant = directory.main_tenant_id();
    let connection = directory.connections.iter().find(|entry| entry.bot == "demo" && entry.name == "graph").unwrap();
    let credentials = |name: &str| {
        let user = directory.find_user(name).unwrap();
        json!({ "name": user.principal_name, "password": user.password })
    };
    let users = json!({ "signs_in": credentials("ada"), "lacks_consent": credentials("cleo"), "needs_mfa": credentials("dan") });
    let certificate = stage.client_certificate();
    vec![
        ("STAGE_AUTHORITY", format!("{}/{tenant}", stage.https_base())),
        ("STAGE_TOKEN_ENDPOINT", format!("{http}/{tenant}/oauth2/v2.0/token")),
        ("STAGE_GRAPH_ME", format!("{http}/graph/v1.0/me")),
        ("STAGE_CLIENT_ID", connection.client_id.to_owned()),
        ("STAGE_CLIENT_SECRET", connection.client_secret.to_owned()),
        ("STAGE_CERTIFICATE_FILE", certificate.certificate_file.display().to_string()),
        ("STAGE_KEY_FILE", certificate.key_file.display().to_string()),
        ("STAGE_USER_CLIENT_ID", directory.clients[0].client_id.to_owned()),
        ("STAGE_EXCHANGE_SCOPE", connection.exchange_scope.clone()),
        ("STAGE_SCOPE", GRAPH_SCOPE.to_owned()),
        ("STAGE_USERS", users.to_string()),
    ]
}

/// Both libraries report the same facts, and the scripts give them the same names.
fn assert_stories(run: &Run) {
    let Run { printed, stage, .. } = run;
    for credential in ["secret", "certificate"] {
        let result = &printed[credential];
        assert_eq!(result["signed_in_as"], "Ada Lovelace", "{credential}: {printed}");
        assert_eq!(result["account"], "ada@contoso.example", "{credential}: {printed}");
        assert_eq!(result["token_type"], "Bearer", "{credential}: {printed}");
        let scopes = result["scopes"].as_array().unwrap();
        assert!(scopes.iter().any(|scope| scope.as_str().unwrap().ends_with("User.Read")), "{credential}: {printed}");
    }
    assert_eq!(printed["no_consent"]["error"], "invalid_grant", "{printed}");
    assert_eq!(printed["no_consent"]["suberror"], "consent_required", "{printed}");
    assert_eq!(printed["no_consent"]["number"].to_string().trim_matches('"'), "65001", "{printed}");
    assert!(printed["no_consent"]["message"].as_str().unwrap().contains("AADSTS65001"), "{printed}");
    let claims: Value = serde_json::from_str(printed["mfa"]["claims"].as_str().unwrap()).unwrap();
    assert!(claims["access_token"].is_object(), "{printed}");
    assert_eq!(printed["mfa"]["number"].to_string().trim_matches('"'), "50076", "{printed}");
    for refused in ["no_consent", "mfa"] {
        assert!(printed[refused]["correlation_id"].is_string(), "{refused}: {printed}");
    }
    let calls = stage.calls().snapshot();
    let seen: Vec<_> = calls.requests.iter().filter(|request| request.grant == GrantKind::OnBehalfOf).collect();
    let proofs: Vec<_> = seen.iter().map(|request| request.client_proof.unwrap_or("refused")).collect();
    assert_eq!(proofs, ["secret", "certificate", "secret", "secret"]);
    assert_eq!(calls.graph, 2);
}

#[tokio::test]
async fn msal_for_node_completes_the_on_behalf_of_grant_and_understands_refusals() {
    let run = run(Program { peer: "msal", script: "obo.mjs" }, "NODE_EXTRA_CA_CERTS").await;
    assert_stories(&run);
}

#[tokio::test]
async fn msal_for_python_completes_the_on_behalf_of_grant_and_understands_refusals() {
    let run = run(Program { peer: "msal", script: "obo.py" }, "REQUESTS_CA_BUNDLE").await;
    assert_stories(&run);
}

#[tokio::test]
async fn msal_for_node_gets_the_token_with_which_a_pane_calls_the_add_in() {
    let development = Development::start_with(&[]);
    let manifest = development.manifest().await;
    let add_in = &manifest["add_ins"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = |list: &str, name: &str| {
        let entries = manifest[list].as_array().unwrap().iter();
        entries.into_iter().find(|entry| entry["name"] == name).unwrap().clone()
    };
    let ada = named("users", "ada");
    let environment = [
        ("STAGE_AUTHORITY", development.address("local tenant").trim_end_matches("/v2.0").to_owned()),
        ("NODE_EXTRA_CA_CERTS", development.address("its CA file").to_owned()),
        ("OFFICE_CLIENT_ID", text(&named("clients", "office")["client_id"])),
        ("ADD_IN_SCOPE", text(&add_in["scope"])),
        ("USER_NAME", text(&ada["name"])),
        ("USER_PASSWORD", text(&ada["password"])),
        ("IDENTITY_URL", text(&add_in["identity_url"])),
        ("DOWNSTREAM_URL", text(&add_in["downstream_url"])),
    ];
    let program = Program { peer: "msal", script: "add_in.mjs" };
    let printed = Peer::start(&program, "msal-add-in", &environment).finish().await;
    let [printed] = &printed[..] else { panic!("{printed:?}") };
    assert_eq!(
        (&printed["account"], &printed["from_cache"]),
        (&json!("ada@contoso.example"), &json!(true)),
        "{printed}"
    );
    assert_eq!((&printed["identity"]["status"], &printed["me"]["status"]), (&json!(200), &json!(200)), "{printed}");
    assert_eq!(printed["identity"]["body"]["oid"], ada["oid"], "{printed}");
    assert_eq!(printed["me"]["body"]["id"], ada["oid"], "{printed}");
    assert_eq!(printed["id_token"]["status"], 401, "an ID token is no token for the add-in: {printed}");
}
