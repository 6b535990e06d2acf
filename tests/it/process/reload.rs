//! SIGHUP and `POST /admin/reload` while users are being served: the configuration is applied as a whole, or not at all
//! (docs/operating.md §Reload).

use serde_json::{Value, json};

use super::operations::{FIRST, port_of, with_operations};
use super::setting::{Service, Setting, stdout};
use crate::harness::{Behaviour, Gate, activities};

const APPLIED: &str = "the configuration was reloaded";
const REFUSED: &str = "the configuration was not reloaded";

/// The status of an exchange at `bot` for its connection `graph`.
async fn exchange_at(setting: &Setting, bot: &str, user: &str, id: &str) -> u16 {
    let token = setting.harness.user_token_for(bot, user, "graph").await;
    let activity = activities::exchange(&setting.harness, &setting.harness.user(user), id, &token);
    setting.harness.post_to(bot, &activity).await.status
}

/// Takes the bot `demo-none` and its connection out of the file; returns both.
fn take_out(setting: &mut Setting) -> [toml::Value; 2] {
    [setting.remove("bots.demo-none"), setting.remove("connections.demo-none-graph")]
}

/// The differences that the log lists.
fn logged(service: &Service, message: &str) -> Vec<String> {
    let lines = service.lines().into_iter().filter(|line| line.contains(message));
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    lines.filter_map(|line| Some(line["difference"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_bot_that_is_added_answers_and_one_that_is_removed_is_refused() {
    let mut setting = Setting::new().await;
    let [bot, connection] = take_out(&mut setting);
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let before = exchange_at(&setting, "demo-none", "Ada", "1").await;
    assert!(matches!(before, 401 | 403 | 404), "{before}");

    setting.set("bots.demo-none", bot);
    setting.set("connections.demo-none-graph", connection);
    setting.reload(&mut service, APPLIED).await;
    let applied = logged(&service, "the configuration has changed");
    assert_eq!(applied, ["bots.demo-none: added", "connections.demo-none-graph: added"]);
    assert_eq!(exchange_at(&setting, "demo-none", "Ada", "2").await, 200);
    let query = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams")];
    assert_eq!(setting.harness.get_token_as("demo-none", &query).await.status, 200);
    assert_eq!(setting.get_token("Ada").await, 200, "what was kept before is handed out");

    take_out(&mut setting);
    setting.reload(&mut service, APPLIED).await;
    let after = exchange_at(&setting, "demo-none", "Ada", "3").await;
    assert!(matches!(after, 401 | 403 | 404), "{after}");
    assert_ne!(setting.harness.get_token_as("demo-none", &query).await.status, 200);
    assert_eq!(setting.exchange("Ben", "y").await.status, 200);

    setting.reload(&mut service, "nothing has changed in it").await;
    service.stop().await;
}

#[tokio::test]
async fn a_token_of_a_connection_that_changed_is_not_handed_out() {
    let mut setting = Setting::new().await;
    let mut service = setting.serve().await;
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    assert_eq!(setting.get_token("Ada").await, 200);
    setting.set("connections.demo-graph.scopes", vec!["https://graph.microsoft.com/Mail.Read", "offline_access"]);
    setting.reload(&mut service, APPLIED).await;
    assert_eq!(logged(&service, "the configuration has changed"), ["connections.demo-graph: scopes changed"]);
    assert_eq!(setting.get_token("Ada").await, 404);
    service.stop().await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_all_its_problems_are_listed() {
    let mut setting = Setting::new().await;
    let [bot, connection] = take_out(&mut setting);
    let mut service = setting.serve().await;
    setting.set("bots.demo-none", bot);
    setting.set("connections.demo-none-graph", connection);
    setting.set("bots.demo.endpoint", "nonsense");
    setting.set("connections.demo-graph.scopes", Vec::<String>::new());
    setting.reload(&mut service, REFUSED).await;
    let problems: Vec<Value> = service
        .lines()
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["level"] == "ERROR")
        .map(|line| line["path"].clone())
        .collect();
    assert!(problems.contains(&json!("bots.demo.endpoint")), "{problems:?}");
    assert!(problems.contains(&json!("connections.demo-graph.scopes")), "{problems:?}");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    let added = exchange_at(&setting, "demo-none", "Ada", "1").await;
    assert!(matches!(added, 401 | 403 | 404), "{added}");
    service.stop().await;
}

#[tokio::test]
async fn a_change_that_needs_a_restart_is_refused_with_everything_beside_it() {
    let mut setting = Setting::new().await;
    let [bot, connection] = take_out(&mut setting);
    let mut service = setting.serve().await;
    setting.set("bots.demo-none", bot);
    setting.set("connections.demo-none-graph", connection);
    setting.set("server.listen", vec!["127.0.0.1:1"]);
    setting.reload(&mut service, REFUSED).await;
    let problem = service.wait_for_line("restart to apply").await;
    assert_eq!(problem["path"], "server.listen", "{problem}");
    assert_eq!(logged(&service, "not applied").len(), 3);
    let added = exchange_at(&setting, "demo-none", "Ada", "1").await;
    assert!(matches!(added, 401 | 403 | 404), "{added}");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_duplicate_after_a_reload_joins_the_exchange_that_began_before_it() {
    let mut setting = Setting::new().await;
    let endpoint = setting.harness.bot.endpoint();
    setting.set("bots.demo-forward.endpoint", endpoint);
    let removed = take_out(&mut setting);
    let mut service = setting.serve().await;
    let gate = Gate::default();
    setting.harness.bot.behave(Behaviour::answering(200, "{}").behind(&gate));
    let token = setting.harness.user_token_for("demo-forward", "Ada", "graph").await;
    let activity = activities::exchange(&setting.harness, &setting.harness.user("Ada"), "x", &token);
    let (leads, joins) = (setting.harness.post_to("demo-forward", &activity), async {
        setting.harness.bot.wait_for(1).await;
        let [bot, connection] = removed;
        let mut table: toml::Table = setting.text().parse().unwrap();
        table["bots"].as_table_mut().unwrap().insert("demo-none".to_owned(), bot);
        table["connections"].as_table_mut().unwrap().insert("demo-none-graph".to_owned(), connection);
        std::fs::write(setting.path("bot-sso.toml"), table.to_string()).unwrap();
        service.forget_lines();
        service.signal("HUP");
        service.wait_for_line(APPLIED).await;
        let duplicate = setting.harness.post_to("demo-forward", &activity);
        let opened = async {
            // The answer of another bot shows that requests of this moment have been taken in.
            assert_eq!(exchange_at(&setting, "demo-none", "Ben", "y").await, 200);
            gate.open();
        };
        tokio::join!(duplicate, opened).0
    });
    let (first, second) = tokio::join!(leads, joins);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(setting.harness.bot.received().len(), 1, "the bot got the exchange once");
    service.stop().await;
}

/// Calls `POST /admin/reload`.
async fn call(setting: &Setting, port: &str, bearer: &str) -> (u16, Value) {
    let (url, authorization) = (format!("http://127.0.0.1:{port}/admin/reload"), format!("Bearer {bearer}"));
    let answer = setting.harness.send("POST", &url, &[("authorization", &authorization)], Vec::new()).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

#[tokio::test]
async fn the_operators_call_reloads_and_answers_with_differences_and_problems() {
    let mut setting = with_operations("127.0.0.1:0").await;
    let mut service = setting.serve().await;
    let port = port_of(&service);
    assert_eq!(call(&setting, &port, "a-guess-of-the-admin-token").await.0, 401);
    let (status, report) = call(&setting, &port, FIRST).await;
    assert_eq!((status, &report["applied"], &report["differences"]), (200, &json!(true), &json!([])), "{report}");

    setting.set("limits.user_exchanges_per_minute", 77);
    setting.write();
    let (_, report) = call(&setting, &port, FIRST).await;
    assert_eq!(report["applied"], true, "{report}");
    assert_eq!(report["differences"], json!(["limits: added"]), "{report}");
    assert!(report["renewed"].as_array().unwrap().contains(&json!("key_ring")), "{report}");

    let operations = format!("127.0.0.1:{port}");
    setting.set("limits.user_exchanges_per_minute", 78);
    setting.write();
    let applied = setting.admin(&["reload"], &operations, &[]);
    let said = "limits: user_exchanges_per_minute changed\nThe configuration is applied.\nRead again: key_ring";
    assert!(applied.status.success() && stdout(&applied).starts_with(said), "{applied:?}");

    setting.set("limits.user_exchanges_per_minute", "many");
    setting.write();
    let (status, report) = call(&setting, &port, FIRST).await;
    assert_eq!((status, &report["applied"]), (200, &json!(false)), "{report}");
    assert_eq!(report["problems"][0]["path"], "limits.user_exchanges_per_minute", "{report}");
    assert_eq!(setting.exchange("Ada", "x").await.status, 200);
    service.wait_for_line(REFUSED).await;
    service.stop().await;
}
