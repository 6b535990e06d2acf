//! The options that choose a stage's bots, connections and users.

use serde_json::Value;

use crate::harness::development::Development;

/// Runs `bot-sso dev` with options that it must refuse, and returns what it says.
fn refuse(options: &[&str]) -> String {
    let output = Development::run(options);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{options:?}: {complaint}");
    complaint
}

/// A file with `text`, below a directory that lives as long as the second value.
fn file_with(text: &str) -> (String, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stage.toml");
    std::fs::write(&path, text).unwrap();
    (path.display().to_string(), directory)
}

fn print_config(options: &[&str]) -> String {
    let output = Development::run(&[options, &["--print-config"]].concat());
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The facts of a manifest that do not depend on the ports.
fn facts(manifest: &Value) -> Vec<Value> {
    let mut facts = ["bots", "connections", "users", "agents", "clients"].map(|name| manifest[name].clone());
    for bot in facts[0].as_array_mut().unwrap() {
        bot["messages_url"].take();
    }
    facts.into()
}

#[test]
fn a_bot_on_another_machine_is_refused_before_anything_starts() {
    let remote = "http://192.0.2.7:3999/api/messages";
    let refused = refuse(&["--bot", remote]);
    assert!(refused.contains("--bot: ") && refused.contains("--allow-remote-bot"), "{refused}");
    let (file, _directory) = file_with(&format!("[[bots]]\nname = \"far\"\nendpoint = \"{remote}\"\n"));
    let refused = refuse(&["--config", &file]);
    assert!(refused.contains("bots[0].endpoint: ") && refused.contains("--allow-remote-bot"), "{refused}");
    let allowed = Development::start_with(&["--bot", remote, "--allow-remote-bot"]);
    assert!(allowed.printed[0].ends_with("/?bot=own-bot"));
}

#[test]
fn a_wrong_option_or_key_is_refused_with_the_right_one() {
    for (options, complaint) in [
        (&["--bot", "127.0.0.1:3999"] as &[&str], "http://127.0.0.1:3999/api/messages"),
        (&["--bot", "http://127.0.0.1:3999/", "--sdk", "agentsjs"], "agents-js"),
        (&["--bot", "http://127.0.0.1:3999/", "--app-id", "7"], "--app-id"),
        (&["--sdk", "botbuilder"], "--bot"),
        (&["--config", "/nowhere/stage.toml"], "/nowhere/stage.toml"),
    ] {
        let refused = refuse(options);
        assert!(refused.contains(complaint), "{options:?}: {refused}");
    }
    for (text, complaint) in [
        (
            "[[bots]]\nname = \"a\"\nendpiont = \"x\"",
            "bots[0].endpiont: unknown key \"endpiont\": did you mean endpoint?",
        ),
        (
            "[[bots]]\nname = \"a\"\nsdk = \"agents-python\"",
            "bots[0].sdk: unknown word \"agents-python\": did you mean agents?",
        ),
        ("[[user]]\nname = \"a\"", "user: unknown key \"user\": did you mean users?"),
        ("[[users]]\nname = \"a\"\nstory = \"guets\"", "did you mean guest?"),
    ] {
        let (file, _directory) = file_with(text);
        let refused = refuse(&["--config", &file]);
        assert!(refused.contains(complaint), "{text}: {refused}");
    }
}

#[test]
fn a_bot_on_a_port_of_the_stage_is_refused() {
    let refused = refuse(&["--port", "3978", "--bot", "http://localhost:3978/api/messages"]);
    assert!(refused.contains("PORT=3999"), "{refused}");
}

#[tokio::test]
async fn the_printed_stage_starts_the_same_stage() {
    for options in [&[] as &[&str], &["--bot", "http://127.0.0.1:3999/api/messages", "--sdk", "teams"]] {
        let printed = print_config(options);
        let (file, _directory) = file_with(&printed);
        assert_eq!(print_config(&["--config", &file]), printed);
        let (original, copy) = (Development::start_with(options), Development::start_with(&["--config", &file]));
        assert_eq!(facts(&copy.manifest().await), facts(&original.manifest().await), "{options:?}");
    }
}

#[tokio::test]
async fn a_stage_file_chooses_bots_connections_and_users() {
    let (file, _directory) = file_with(
        "[[bots]]\nname = \"mine\"\n\n[[connections]]\nbot = \"mine\"\nname = \"mail\"\n\
         scopes = [\"https://graph.microsoft.com/Mail.Read\"]\n\n[[users]]\nname = \"zoe\"\nstory = \"lacks consent\"\n",
    );
    let manifest = Development::start_with(&["--config", &file]).manifest().await;
    let names = |list: &str| {
        let entries = manifest[list].as_array().unwrap().iter();
        entries.map(|entry| entry["name"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((names("bots"), names("connections"), names("users")), (vec!["mine"], vec!["mail"], vec!["zoe"]));
    assert_eq!(
        (&manifest["users"][0]["story"], &manifest["users"][0]["password"]),
        (&"lacks consent".into(), &"zoe-password".into())
    );
}
