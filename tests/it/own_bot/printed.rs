//! What `bot-sso dev` prints.

use std::collections::BTreeSet;

use crate::harness::NOWHERE;
use crate::harness::development::Development;

/// Starts a stage with a bot on `sdk`, and reads everything about it.
fn start_for(sdk: Option<&str>) -> Development {
    let url = format!("http://{NOWHERE}/api/messages");
    let mut options = vec!["--bot", url.as_str()];
    options.extend(sdk.into_iter().flat_map(|sdk| ["--sdk", sdk]));
    let mut development = Development::start_with(&options);
    development.read_to(|line, _| line.starts_with("The bot own-bot does not answer"));
    development
}

#[test]
fn the_first_line_is_one_address_and_the_walkthrough_is_printed_only_on_request() {
    for (options, walks) in
        [(&["--bot", "http://127.0.0.1:9/api/messages"] as &[&str], false), (&["--walkthrough"], true)]
    {
        let mut development = Development::start_with(options);
        let is_end = |line: &str| line.contains("said-123456") || line.contains("does not answer at");
        development.read_to(|line, _| is_end(line));
        let first = development.printed[0].clone();
        assert!(first.starts_with("http://127.0.0.1:") && first.matches("http").count() == 1, "{first}");
        let commands = development.printed.iter().any(|line| line.contains("curl "));
        assert_eq!(commands, walks, "{:#?}", development.printed);
        let longest = development.printed.iter().map(|line| line.chars().count()).max();
        assert!(longest < Some(130), "{longest:?}");
    }
}

#[test]
fn each_sdk_gets_its_settings_by_the_names_that_it_reads() {
    let own_names: [(&str, &[&str]); 6] = [
        ("botbuilder", &["MicrosoftAppId", "MicrosoftAppType", "OAuthUrl", "ToBotFromChannelTokenIssuer", "CallerId"]),
        ("botbuilder-python", &["APP_ID", "APP_TYPE", "OAUTH_URL", "TO_BOT_FROM_CHANNEL_TOKEN_ISSUER", "CALLER_ID"]),
        ("agents", &["CONNECTIONS__SERVICE_CONNECTION__SETTINGS__CLIENTID", "TOKEN_SERVICE_ENDPOINT"]),
        ("agents-js", &["clientId", "tenantId", "authType", "authorityEndpoint", "TOKEN_SERVICE_ENDPOINT"]),
        ("teams", &["CLIENT_ID", "TENANT_ID", "OAUTH_URL", "ToBotFromChannelOpenIdMetadataUrl"]),
        ("teams-ai", &["MicrosoftAppId", "OAuthUrl", "TOKEN_EXCHANGE_URI"]),
    ];
    for (sdk, expected) in own_names {
        let development = start_for(Some(sdk));
        let block = development.block();
        let names: BTreeSet<&str> = block.iter().map(|(name, _)| *name).collect();
        for name in
            expected.iter().chain(&["PORT", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "CONNECTION_NAME", "GRAPH_URL"])
        {
            assert!(names.contains(name), "{sdk}: {name} in {names:?}");
        }
        let gateway = development.gateway();
        assert!(block.iter().any(|(_, value)| value == gateway), "{sdk}: the Token Service in {block:?}");
        assert!(block.iter().any(|(_, value)| value == "9b17d2e4-3c58-4f60-8a91-2d4e6f80a1b3"), "{sdk}: {block:?}");
        let switches_off = development.printed.iter().any(|line| line.contains("jwt_authorization_middleware"));
        assert_eq!(switches_off, sdk == "agents");
        let longest = development.printed.iter().map(|line| line.chars().count()).max();
        assert!(longest < Some(130), "{longest:?}");
    }
}

#[test]
fn without_an_sdk_the_common_settings_are_printed_and_the_sdks_are_named() {
    let development = start_for(None);
    let block = development.block();
    for name in ["BOT_APP_ID", "BOT_APP_SECRET", "TOKEN_SERVICE", "CHANNEL_ISSUER", "CHANNEL_OPENID_METADATA"] {
        assert!(block.iter().any(|(known, _)| *known == name), "{name} in {block:?}");
    }
    let all = development.printed.join("\n");
    assert!(all.contains("botbuilder, botbuilder-python, agents, agents-js, teams, teams-ai"), "{all}");
}
