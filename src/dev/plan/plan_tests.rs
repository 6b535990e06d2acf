#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::{BotHosts, OwnBot, add_own_bot, read_stage_file, write_stage_file};
use crate::dev::tenant::{Directory, FABRIKAM_ID, StageEntries};
use crate::domain::Sdk;

const OWN: &str = "http://127.0.0.1:3999/api/messages";

fn read(text: &str) -> Result<StageEntries, String> {
    read_stage_file(text, BotHosts::Loopback)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn with_own_bot(endpoint: &str, hosts: BotHosts) -> Result<StageEntries, String> {
    let mut entries = StageEntries::fixed();
    let own = OwnBot { endpoint: endpoint.to_owned(), app_id: None, sdk: Some(Sdk::AgentsJs) };
    add_own_bot(&mut entries, own, hosts).map_err(|problems| problems[0].to_string())?;
    Ok(entries)
}

#[test]
fn a_written_stage_is_read_as_the_same_stage() {
    for entries in [StageEntries::fixed(), with_own_bot(OWN, BotHosts::Loopback).unwrap()] {
        let text = write_stage_file(&entries).unwrap();
        let read = read(&text).unwrap();
        assert_eq!(read, entries, "{text}");
        assert_eq!(write_stage_file(&read).unwrap(), text);
    }
    assert_eq!(read("").unwrap(), StageEntries::fixed());
}

#[test]
fn names_are_enough_and_everything_else_has_a_default() {
    let entries = read(
        "[[bots]]\nname = \"mine\"\nendpoint = \"http://localhost:3999/api/messages\"\n\
         [[users]]\nname = \"ada\"\n[[users]]\nname = \"gil\"\nstory = \"guest\"\n",
    )
    .unwrap();
    let (bot, connection) = (&entries.bots[0], &entries.connections[0]);
    assert_eq!((entries.bots.len(), entries.connections.len(), entries.users.len()), (1, 1, 2));
    assert_eq!((connection.bot, connection.name, connection.client_id), ("mine", "graph", bot.app_id));
    assert_eq!(connection.token_exchange_uri, format!("api://botid-{}", bot.app_id));
    assert!(bot.app_secret.ends_with("secret-of-the-local-stage"), "{}", bot.app_secret);
    let (ada, guest) = (&entries.users[0], &entries.users[1]);
    assert_eq!((ada.password, ada.principal_name), ("ada-password", "ada@contoso.example"));
    assert_eq!((guest.home_tid, guest.principal_name), (FABRIKAM_ID, "gil@fabrikam.example"));
    let directory = Directory::of(entries);
    assert!(directory.agents.is_empty(), "agents come with the bots that are their blueprints");
    assert_eq!(directory.users.len(), 2);
}

#[test]
fn a_problem_names_its_place() {
    for (text, problem) in [
        (
            "[[bots]]\nname = \"a\"\nendpiont = \"x\"",
            "bots[0].endpiont: unknown field `endpiont`, expected one of `name`, `endpoint`",
        ),
        ("[[bot]]\nname = \"a\"", "bot: unknown field `bot`"),
        ("bots = 3", "bots: invalid type: integer `3`"),
        (
            "[[bots]]\nname = \"a\"\nsdk = \"agentsjs\"",
            "bots[0].sdk: unknown variant `agentsjs`, expected one of `botbuilder`",
        ),
        ("[[users]]\nname = \"a\"\nstory = \"sings in\"", "users[0].story: unknown variant `sings in`"),
        ("[[bots]]\nname = \"a b\"", "bots[0].name: \"a b\" is no name"),
        ("[[bots]]\nname = \"a\"\napp_id = \"7\"", "bots[0].app_id: \"7\" is no GUID"),
        ("[[bots]]\nname = \"a\"\n[[bots]]\nname = \"A\"", "bots[1].name: another bot is called"),
        ("users = []", "users: has no user"),
        ("bots = []", "bots: has no bot"),
        (
            "[[connections]]\nbot = \"nobody\"\nname = \"graph\"",
            "connections[0].bot: there is no bot \"nobody\": write one of demo,",
        ),
        ("[[users]]\nname = \"a\"\n[[users]]\nname = \"a\"", "users[0].name: another user"),
        ("[[users]]\nname = \"helper-user\"", "users[0].name: another user"),
        ("[[users]]\nname = \"a\"\nstory = \"agent user\"", "users[0].story: only agents"),
        ("[[users]]\nname = \"a\"\nstory = \"personal account\"", "users[0].story: a guest belongs to"),
        ("[[users]]\nname = \"a\"\ntenant = \"personal\"\nstory = \"guest\"", "users[0].story: a guest belongs to"),
        ("[[bots]]\nname = \"a\"\napp_id = \"1fec8e78-bce4-4aaf-ab1b-5451cc387264\"", "bots[0].app_id: 1fec8e78"),
        (
            "[[connections]]\nbot = \"demo\"\nname = \"g\"\ntoken_exchange_uri = \"https://x\"",
            "connections[0].token_exchange_uri: ",
        ),
        ("[[connections]]\nbot = \"demo\"\nname = \"g\"\nv1_tokens = true", "connections[0].client_id: "),
        ("bots = ", "line 1: "),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.starts_with(problem), "{text}\n{found}");
    }
    let all = read("[[bots]]\nname = \"\"\nendpoint = \"x\"\n[[users]]\nname = \"?\"").unwrap_err();
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn a_bot_on_another_machine_is_refused_unless_it_is_allowed() {
    for remote in [
        "http://192.168.1.7:3999/api/messages",
        "https://bot.example.com/api/messages",
        "http://0.0.0.0:3999/api/messages",
        "http://127.0.0.1.evil.example/api/messages",
        "http://169.254.169.254/api/messages",
    ] {
        let refused = with_own_bot(remote, BotHosts::Loopback).unwrap_err();
        assert!(refused.starts_with("--bot: ") && refused.contains("--allow-remote-bot"), "{refused}");
        let in_file = read(&format!("[[bots]]\nname = \"a\"\nendpoint = \"{remote}\"")).unwrap_err();
        assert!(in_file.starts_with("bots[0].endpoint: ") && in_file.contains("--allow-remote-bot"), "{in_file}");
        assert!(with_own_bot(remote, BotHosts::Any).is_ok(), "{remote}");
    }
    for here in [OWN, "http://localhost:1/x", "http://[::1]:3999/api/messages", "http://127.9.9.9/"] {
        assert!(with_own_bot(here, BotHosts::Loopback).is_ok(), "{here}");
    }
    for wrong in
        ["127.0.0.1:3999", "ftp://127.0.0.1/", "http://me@127.0.0.1/", "http://127.0.0.1/#x", "", "/api/messages"]
    {
        assert!(with_own_bot(wrong, BotHosts::Any).is_err(), "{wrong}");
    }
}

#[test]
fn an_own_bot_has_an_app_id_that_nothing_else_has() {
    let own = |app_id: &str| {
        let mut entries = StageEntries::fixed();
        let own = OwnBot { endpoint: OWN.to_owned(), app_id: Some(app_id.parse().unwrap()), sdk: None };
        add_own_bot(&mut entries, own, BotHosts::Loopback).map(|()| entries)
    };
    let entries = own("ABCDEF00-1111-4222-8333-444455556666").unwrap();
    assert_eq!(entries.bots.last().unwrap().app_id, "abcdef00-1111-4222-8333-444455556666");
    for taken in [StageEntries::fixed().bots[1].app_id, StageEntries::fixed().connections.last().unwrap().client_id] {
        assert_eq!(own(taken).unwrap_err()[0].place, "--app-id", "{taken}");
    }
    let mut twice = with_own_bot(OWN, BotHosts::Loopback).unwrap();
    let again = OwnBot { endpoint: OWN.to_owned(), app_id: None, sdk: None };
    assert_eq!(add_own_bot(&mut twice, again, BotHosts::Loopback).unwrap_err()[0].place, "--bot");
}

#[test]
fn the_stage_file_of_the_guide_is_one() {
    let guide = include_str!("../../../docs/playground.md");
    let sample = guide.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let entries = read(sample).unwrap_or_else(|problems| panic!("{problems}\n{sample}"));
    assert_eq!((entries.bots[0].sdk, entries.users[0].name), (Some(Sdk::AgentsJs), "zoe"));
}
