//! The commands that `bot-sso dev --walkthrough` prints for add-ins, back ends and apps.

use std::process::Command;

use crate::harness::development::Development;

#[tokio::test]
async fn the_printed_commands_for_add_ins_back_ends_and_apps_run_and_show_what_the_text_says() {
    let mut development = Development::start_with(&["--walkthrough"]);
    development.read_to(|line, _| line.contains("/auth/sso/login?from_url="));
    // The users of the apps are linked when the manifest is there.
    development.manifest().await;
    let printed = development.printed.iter().skip_while(|line| !line.starts_with("# An Office add-in"));
    let commands: Vec<_> = printed.filter(|line| !line.starts_with('#')).map(String::as_str).collect();
    let output = Command::new("sh").arg("-euc").arg(commands.join("\n")).output().unwrap();
    let (said, complaints) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && complaints.is_empty(), "{said}\n{complaints}");
    let lines: Vec<&str> = said.lines().collect();
    let expected = [
        "\"preferred_username\":\"ada@contoso.example\"",
        "\"displayName\":\"Ada Lovelace\"",
        "ada-budget.xlsx",
        "\"error\"",
        "\"displayName\":\"Ada Lovelace\"",
        "\"access_token\":",
        "\"active\":true",
        "\"access_token\":",
    ];
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{expected}: {said}");
    }
    let longest = development.printed.iter().map(|line| line.chars().count()).max();
    assert!(longest < Some(130), "{longest:?}");
}
