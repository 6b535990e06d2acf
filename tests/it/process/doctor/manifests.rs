//! Manifests of Teams apps and of Office add-ins.

use super::case::{Case, DEMO, check_cases, failed, ok, warning};
use super::healthy;

const OTHER: &str = "99999999-9999-4999-8999-999999999999";

macro_rules! teams {
    ($id:literal, $resource:literal, $domain:literal, $bot:literal) => {
        Some(concat!(
            "{\"webApplicationInfo\": {\"id\": \"",
            $id,
            "\", \"resource\": \"",
            $resource,
            "\"}, \"validDomains\": [\"",
            $domain,
            "\"], \"bots\": [{\"botId\": \"",
            $bot,
            "\"}]}"
        ))
    };
}

macro_rules! office {
    ($resource:literal, $scopes:literal) => {
        Some(concat!(
            "<OfficeApp><VersionOverrides><WebApplicationInfo><Id>{add-in}</Id><Resource>",
            $resource,
            "</Resource><Scopes>",
            $scopes,
            "</Scopes></WebApplicationInfo></VersionOverrides></OfficeApp>"
        ))
    };
}

/// An add-in instead of a bot.
const ADD_IN: Case = Case { arguments: &["--connection", "add_ins.files"], ..DEMO };

pub const CASES: &[Case] = &[
    Case {
        manifest: teams!("{client}", "{uri}", "*.0.0.1", "{bot}"),
        lines: &[
            ok("manifest_id", "is the client id of connections.demo-graph"),
            ok("manifest_resource", "is connections.demo-graph.token_exchange_uri"),
            ok("manifest_domains", "127.0.0.1 is among them"),
            ok("manifest_bot", "is the app id of bots.demo"),
        ],
        ..DEMO
    },
    Case {
        manifest: teams!("99999999-9999-4999-8999-999999999999", "{uri}", "token.botframework.com", "{client}0"),
        lines: &[
            failed("manifest_id", OTHER, "write one of "),
            failed("manifest_domains", "is not listed: token.botframework.com", "add \"127.0.0.1\" to validDomains"),
            failed("manifest_bot", "is the app id of no bot that was looked at", "(bots.demo)"),
        ],
        ..DEMO
    },
    Case {
        manifest: teams!("{client}", "api://another.example", "127.0.0.1", "{bot}"),
        lines: &[failed("manifest_resource", "api://another.example is not connections.demo-", "resourcematchfailed")],
        ..DEMO
    },
    // Another connection of the same client has the URI, and one without it is not a failure.
    Case {
        settings: &[(
            "connections.second",
            "{ bot = \"demo\", name = \"second\", scopes = [\"User.Read\", \"offline_access\"], tenants = \"any_organization\", \
             token_exchange_uri = \"api://another.example\", client_secret = { env = \"WRONG_SECRET\" } }",
        )],
        arguments: &["--bot", "demo"],
        manifest: teams!("{client}", "api://another.example", "127.0.0.1", "{bot}"),
        lines: &[
            ok("manifest_resource", "api://another.example is connections.second.token_exchange_uri"),
            warning("manifest_resource", "api://another.example is not connections.demo-", "resourcematchfailed"),
        ],
        ..DEMO
    },
    Case {
        manifest: office!("{resource}", "<Scope>openid</Scope><Scope>profile</Scope>"),
        lines: &[
            ok("manifest_id", "is the client id of add_ins.files"),
            ok("manifest_resource", "is add_ins.files.resource"),
            ok("manifest_scopes", "openid profile"),
        ],
        ..ADD_IN
    },
    Case {
        manifest: office!("api://another.example", "<Scope>profile</Scope>"),
        lines: &[
            failed("manifest_resource", "api://another.example is not add_ins.files.resource", "its host is that of"),
            failed("manifest_scopes", "profile", "add openid: Office gives a page no token without it"),
        ],
        ..ADD_IN
    },
    Case {
        manifest: Some("<OfficeApp/>"),
        lines: &[failed("manifest_id", "is missing, so clients get no token", "add <WebApplicationInfo> with Id")],
        ..ADD_IN
    },
];

#[tokio::test]
async fn each_mistake_of_a_manifest_has_a_line_that_says_what_to_change() {
    let mut setting = healthy().await;
    let text = setting.harness.stage.configuration("http://127.0.0.1:3978", "127.0.0.1:0", setting.directory.path());
    let table: toml::Table = text.parse().unwrap();
    setting.set("add_ins.files", table["add_ins"]["files"].clone());
    check_cases(&mut setting, CASES).await;
}
