//! Callers that are no bots: a configuration of them alone, and their secrets, which are read again at SIGHUP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::setting::{Setting, bot_sso, stdout};

/// A secret as `bot-sso keys secret` prints it, and its hash.
struct Drawn {
    secret: String,
    hash: String,
}

fn draw() -> Drawn {
    let output = bot_sso(&["keys", "secret"]);
    assert!(output.status.success(), "{output:?}");
    let said = stdout(&output);
    let find = |label: &str| said.lines().find_map(|line| line.strip_prefix(label)).unwrap().trim().to_owned();
    Drawn { secret: find("secret  "), hash: find("sha256  ") }
}

/// The setting with the back end `orders`, whose secret has this hash.
fn set_back_end(setting: &mut Setting, connection: &str, hash: &str) {
    setting.set("back_ends.orders.client_id", "orders");
    setting.set("back_ends.orders.secret_sha256", vec![hash]);
    setting.set("back_ends.orders.exchange.connection", connection);
}

/// The status of an introspection by the back end `orders` with `secret`.
async fn introspect(setting: &Setting, secret: &str) -> u16 {
    let basic = format!("Basic {}", STANDARD.encode(format!("orders:{secret}")));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}/oauth2/introspect", setting.harness.base);
    setting.harness.send("POST", &url, &headers, b"token=unknown".to_vec()).await.status
}

/// A setting without bots: a back end and an app, which use the client of the stage's first connection.
async fn without_bots(drawn: &Drawn) -> Setting {
    let mut setting = Setting::new().await;
    let table: toml::Table = setting.text().parse().unwrap();
    let mut graph = table["connections"]["demo-graph"].as_table().unwrap().clone();
    for key in ["bot", "name", "aad_resources", "exchange_uris"] {
        graph.remove(key);
    }
    for section in ["bots", "skills", "connections"] {
        setting.remove_section(section);
    }
    setting.set("connections.graph", graph);
    set_back_end(&mut setting, "graph", &drawn.hash);
    setting.set("apps.app1.connection", "graph");
    setting.set("apps.app1.service_token_sha256", vec![draw().hash]);
    setting.set("apps.app1.login_origins", vec!["https://app.example.com"]);
    setting
}

#[tokio::test]
async fn a_configuration_without_bots_is_checked_online_and_served() {
    let drawn = draw();
    let mut setting = without_bots(&drawn).await;
    let checked = setting.check_online();
    let said = stdout(&checked);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let names = |what: &str| said.lines().find(|line| line.trim_start().starts_with(what)).map(str::to_owned);
    assert_eq!(names("back ends").as_deref(), Some("  back ends    orders"), "{said}");
    assert_eq!(names("apps").as_deref(), Some("  apps         app1"), "{said}");
    assert_eq!(names("bots"), None, "{said}");
    assert!(!said.contains("channels keys"), "nothing of channels is needed\n{said}");
    assert_eq!(said.matches("connections.graph credentials[0] (secret)").count(), 1, "one client, asked once\n{said}");
    let service = setting.serve().await;
    assert_eq!(introspect(&setting, &drawn.secret).await, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_drawn_secret_is_accepted_until_sighup_reads_a_file_without_its_hash() {
    let (old, new) = (draw(), draw());
    assert_ne!(old.secret, new.secret);
    let mut setting = Setting::new().await;
    set_back_end(&mut setting, "demo-graph", &old.hash);
    setting.set("audit.output", "stderr");
    let mut service = setting.serve().await;
    assert_eq!(introspect(&setting, &old.secret).await, 200);
    assert_eq!(introspect(&setting, &new.secret).await, 401);

    // Both are accepted while callers change from one to the other.
    for (hashes, of_old) in [(vec![old.hash.as_str(), new.hash.as_str()], 200), (vec![new.hash.as_str()], 401)] {
        setting.set("back_ends.orders.secret_sha256", hashes);
        setting.write();
        service.forget_lines();
        service.signal("HUP");
        service.wait_for_line("the hashes of callers' secrets and the keys of back ends were read again").await;
        let audited = service.wait_for_line("caller_secrets").await;
        assert_eq!(audited["event"], "reloaded", "{audited}");
        assert_eq!(introspect(&setting, &old.secret).await, of_old);
        assert_eq!(introspect(&setting, &new.secret).await, 200);
    }

    // A file with a problem changes nothing.
    setting.set("back_ends.orders.secret_sha256", vec![old.secret.as_str()]);
    setting.write();
    service.signal("HUP");
    service.wait_for_line("the old credentials stay").await;
    assert_eq!(introspect(&setting, &new.secret).await, 200);
    let logged = service.lines().join("\n");
    assert!(!logged.contains(&old.secret) && !logged.contains(&new.secret), "{logged}");
    service.stop().await;
}
