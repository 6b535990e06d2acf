//! The line about a bot whose settings do not fit the SDK that it calls with.

use serde_json::Value;

use crate::harness::{Harness, Options, logs};

const AGENTS_JS: &str = "agents-sdk-js/1.8.1 nodejs/v20.20.2 linux-x64/6.18";
const TEAMS: &str = "teams.ts[apps]/2.0.16";

/// Calls `GetTokenStatus` with this `User-Agent`.
async fn call_with(harness: &Harness, bearer: &str, user_agent: &str) -> u16 {
    let authorization = format!("Bearer {bearer}");
    let headers = [("authorization", authorization.as_str()), ("user-agent", user_agent)];
    let path = "/api/usertoken/GetTokenStatus?userId=29:ada&channelId=msteams";
    harness.send("GET", path, &headers, Vec::new()).await.status
}

/// The lines about settings that do not fit since the log had `length` bytes.
fn advice(harness: &Harness, length: usize) -> Vec<Value> {
    let complaints = logs::complaints_of(&harness.tag, length);
    complaints.into_iter().filter(|line| line.get("setting").is_some()).collect()
}

#[tokio::test]
async fn there_is_one_line_for_each_bot_and_sdk_until_the_process_ends() {
    let mut harness = Harness::start().await;
    let (demo, silent) = (harness.bot_token("demo").await, harness.bot_token("demo-none").await);
    let logged = logs::length();
    for bearer in [&demo, &silent] {
        for user_agent in [AGENTS_JS, TEAMS, AGENTS_JS, TEAMS] {
            assert_eq!(call_with(&harness, bearer, user_agent).await, 200);
        }
    }
    let lines = advice(&harness, logged);
    // `none` fits a bot on the Teams SDK.
    let told: Vec<_> =
        lines.iter().map(|line| (line["bot"].as_str().unwrap(), line["sdk"].as_str().unwrap())).collect();
    assert_eq!(told, [("demo", "agents-js"), ("demo", "teams"), ("demo-none", "agents-js")], "{lines:#?}");
    assert_eq!(lines[1]["hint"], "write bots.demo.after_exchange = \"forward\"");

    harness.restart(&Options::default()).await;
    let logged = logs::length();
    assert_eq!(call_with(&harness, &demo, TEAMS).await, 200);
    assert_eq!(advice(&harness, logged).len(), 1, "again after a restart");
}

#[tokio::test]
async fn nothing_is_said_of_an_unknown_program_or_of_a_caller_that_is_not_authenticated() {
    let harness = Harness::start().await;
    let demo = harness.bot_token("demo").await;
    let logged = logs::length();
    for user_agent in ["", "curl/8.5.0", "python-requests/2.34.2", "agents-sdk", "Mozilla/5.0"] {
        assert_eq!(call_with(&harness, &demo, user_agent).await, 200, "{user_agent}");
    }
    assert_eq!(call_with(&harness, "x.y.z", AGENTS_JS).await, 401);
    assert!(advice(&harness, logged).is_empty(), "{:#?}", advice(&harness, logged));
    assert_eq!(call_with(&harness, &demo, AGENTS_JS).await, 200);
    assert_eq!(advice(&harness, logged).len(), 1, "the refused call has not used up the line");
}

#[tokio::test]
async fn a_refusal_style_is_named_only_where_the_bot_gets_the_invoke() {
    let bot = "refusal_style = \"ok_without_token\"";
    for (after_exchange, setting) in [("none", None), ("forward", Some("bots.demo.refusal_style"))] {
        let harness = Harness::with(Options { after_exchange, bot, ..Options::default() }).await;
        let (demo, logged) = (harness.bot_token("demo").await, logs::length());
        assert_eq!(call_with(&harness, &demo, TEAMS).await, 200);
        let lines = advice(&harness, logged);
        assert_eq!(lines.first().map(|line| line["setting"].as_str().unwrap()), setting, "{after_exchange}");
    }
}
