//! `config`, `completions`, `man` and `--version`.

use std::process::Output;

use super::setting::{Setting, bot_sso, stderr, stdout, write_with_mode};

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    stdout(output)
}

fn config_show(setting: &Setting) -> Output {
    setting.call(&["config", "show", "--config", setting.path("bot-sso.toml").to_str().unwrap()])
}

#[test]
fn the_samples_are_printed_as_they_are_in_the_source() {
    for (arguments, file) in
        [(&["config", "sample"][..], "full.toml"), (&["config", "sample", "--minimal"], "minimal.toml")]
    {
        let sample = std::fs::read_to_string(format!("fixtures/config/{file}")).unwrap();
        assert_eq!(succeeded(&bot_sso(arguments)), sample);
    }
}

#[tokio::test]
async fn the_effective_configuration_has_defaults_and_no_secret_and_is_accepted_by_check() {
    let setting = Setting::new().await;
    let shown = succeeded(&config_show(&setting));
    assert!(shown.contains("# body_limit_bytes = 524288"), "{shown}");
    assert!(!shown.contains("secret-of-the-local-stage"), "{shown}");
    let copy = setting.path("shown.toml");
    std::fs::write(&copy, &shown).unwrap();
    let checked = setting.call(&["check", "--config", copy.to_str().unwrap()]);
    assert!(succeeded(&checked).contains("ok\n"), "{checked:?}");
}

#[tokio::test]
async fn a_configuration_with_problems_is_not_shown_and_each_problem_is_named() {
    let mut setting = Setting::new().await;
    setting.set("server.public_ulr", "https://sso.example.com");
    let refused = config_show(&setting);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("server.public_ulr: "), "{refused:?}");
}

#[test]
fn each_command_has_a_manual_page_and_the_shells_complete_it() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("man1");
    succeeded(&bot_sso(&["man", "--to", to.to_str().unwrap()]));
    for page in ["bot-sso.1", "bot-sso-serve.1", "bot-sso-config-show.1", "bot-sso-keys-create.1", "bot-sso-admin.1"] {
        let text = std::fs::read_to_string(to.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(succeeded(&bot_sso(&["man"])).contains(".TH bot-sso 1"));
    for shell in ["bash", "zsh", "fish"] {
        let script = succeeded(&bot_sso(&["completions", shell]));
        assert!(script.contains("completions") && script.contains("sample"), "{shell}");
    }
    assert_eq!(bot_sso(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn the_version_says_that_a_debug_build_is_of_no_commit() {
    let version = succeeded(&bot_sso(&["--version"]));
    assert_eq!(version, concat!("bot-sso ", env!("CARGO_PKG_VERSION"), " (debug build)\n"));
}

#[tokio::test]
async fn files_of_root_that_the_group_of_the_process_may_read_are_accepted() {
    use std::os::unix::fs::MetadataExt as _;
    let setting = Setting::new().await;
    let keys = setting.path("bot-sso.keys");
    let ring = std::fs::read_to_string(&keys).unwrap();
    write_with_mode(&keys, &ring, 0o440);
    let is_of_root = std::fs::metadata(&keys).unwrap().uid() == 0;
    assert_eq!(setting.run("check").status.success(), is_of_root);
    write_with_mode(&keys, &ring, 0o444);
    assert!(!setting.run("check").status.success());
}
