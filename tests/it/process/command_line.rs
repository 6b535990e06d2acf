//! `check`, `keys` and `--help`.

use super::setting::{Setting, bot_sso, stderr, stdout, write_with_mode};

#[tokio::test]
async fn check_says_ok_and_summarises_the_configuration() {
    let setting = Setting::new().await;
    let output = setting.run("check");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = stdout(&output);
    for part in ["ok\n", "127.0.0.1:0", "demo, demo-forward, demo-none", "demo-graph"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("secret") && stderr(&output).is_empty(), "{output:?}");
}

#[tokio::test]
async fn check_lists_every_problem_at_once_with_its_path_and_what_to_write() {
    let mut setting = Setting::new().await;
    setting.set("server.public_ulr", "https://sso.example.com");
    setting.set("server.body_limit_bytes", 7);
    setting.set("bots.demo.after_exchange", "notfiy");
    setting.set("connections.demo-graph.client_secret", "in the open");
    setting.set("connections.demo-mail.bot", "dmeo");
    setting.set("connections.demo-legacy.tenants", Vec::<String>::new());
    setting.set("store.durability", "none");
    let secret = setting.secret_in_file("demo-none-graph", "s3cret-in-a-file");
    write_with_mode(&secret, "s3cret-in-a-file", 0o644);
    let keys = setting.path("bot-sso.keys");
    write_with_mode(&keys, &std::fs::read_to_string(&keys).unwrap(), 0o660);

    let output = setting.run("check");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stdout(&output);
    let expected = [
        ("server.public_ulr: ", "public_url"),
        ("server.body_limit_bytes: ", "1024"),
        ("bots.demo.after_exchange: ", "notify"),
        ("connections.demo-graph.client_secret: ", "{ env = \"NAME\" }"),
        ("connections.demo-mail.bot: ", "did you mean \"demo\"?"),
        ("connections.demo-legacy.tenants: ", "any_organization"),
        ("store.durability: ", "full"),
        ("connections.demo-none-graph.client_secret: ", &format!("chmod 600 {}", secret.display())),
        ("keys.file: ", &format!("chmod 600 {}", keys.display())),
    ];
    for (path, remedy) in expected {
        let line = said.lines().find(|line| line.starts_with(path));
        assert!(line.is_some_and(|line| line.contains(remedy)), "{path}{remedy}\n{said}");
    }
    assert_eq!(said.lines().count(), expected.len(), "{said}");
    assert!(!said.contains("in the open") && !said.contains("s3cret"), "{said}");

    let served = setting.run("serve");
    assert_eq!(served.status.code(), Some(1));
    assert!(said.lines().all(|line| stderr(&served).contains(line)), "{served:?}");
}

#[test]
fn check_reports_a_missing_file_and_a_file_that_is_not_toml() {
    let output = bot_sso(&["check", "--config", "/nowhere/bot-sso.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("/nowhere/bot-sso.toml cannot be read: No such file"), "{output:?}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot-sso.toml");
    std::fs::write(&file, "[server]\npublic_url = https://sso.example.com\n").unwrap();
    let output = bot_sso(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("line 2, column "), "{output:?}");
}

#[test]
fn keys_are_created_for_the_owner_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bot-sso.keys");
    let path = file.to_str().unwrap();
    assert!(bot_sso(&["keys", "create", path]).status.success());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let ring = std::fs::read_to_string(&file).unwrap();

    let again = bot_sso(&["keys", "create", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("exists") && stderr(&again).contains("rotate"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ring);

    assert!(bot_sso(&["keys", "rotate", path]).status.success());
    assert_ne!(std::fs::read_to_string(&file).unwrap(), ring);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let missing = bot_sso(&["keys", "rotate", directory.path().join("none").to_str().unwrap()]);
    assert_eq!(missing.status.code(), Some(1));
    let unwritable = bot_sso(&["keys", "create", "/nowhere/bot-sso.keys"]);
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(stderr(&unwritable).contains("/nowhere/bot-sso.keys"), "{unwritable:?}");
    write_with_mode(&file, &ring, 0o644);
    let exposed = bot_sso(&["keys", "rotate", path]);
    assert_eq!(exposed.status.code(), Some(1));
    assert!(stderr(&exposed).contains(&format!("chmod 600 {path}")), "{exposed:?}");
}

#[test]
fn every_command_has_a_help_with_an_example() {
    let cases: [(&[&str], &str); 6] = [
        (&["--help"], "bot-sso dev"),
        (&["serve", "--help"], "bot-sso serve --config"),
        (&["dev", "--help"], "bot-sso dev --port 0"),
        (&["check", "--help"], "bot-sso check --config"),
        (&["keys", "create", "--help"], "bot-sso keys create bot-sso.keys"),
        (&["keys", "rotate", "--help"], "bot-sso keys rotate bot-sso.keys"),
    ];
    for (arguments, example) in cases {
        let output = bot_sso(arguments);
        assert!(output.status.success() && stdout(&output).contains(example), "{arguments:?} {output:?}");
    }
    let keys = bot_sso(&["keys", "--help"]);
    assert!(stdout(&keys).contains("create") && stdout(&keys).contains("rotate"), "{keys:?}");
    let nothing = bot_sso(&[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("Usage"), "{nothing:?}");
}
