use actix_web::http::header::{HeaderMap, USER_AGENT};

use crate::domain::Sdk;

/// A text that the `User-Agent` of an SDK contains.
pub(super) struct UserAgentMark {
    pub(super) text: &'static str,
    pub(super) sdk: Sdk,
}

const fn mark(text: &'static str, sdk: Sdk) -> UserAgentMark {
    UserAgentMark { text, sdk }
}

/// The marks of the known SDKs; the first one that a `User-Agent` contains counts. It is the table of
/// docs/point-your-bot-at-it.md §How bot-sso recognises an SDK.
pub(super) const USER_AGENT_MARKS: [UserAgentMark; 11] = [
    // It stands before the mark of the SDK that the library is built on.
    mark("teamsai-js/", Sdk::TeamsAi),
    mark("botframework-Token/token", Sdk::BotBuilderPython),
    mark("botframework-token/", Sdk::BotBuilder),
    mark("Microsoft-BotFramework/", Sdk::BotBuilder),
    mark("agents-sdk-js/", Sdk::AgentsJs),
    mark("agents-sdk-py/", Sdk::Agents),
    mark("agents-sdk-net/", Sdk::Agents),
    mark("Microsoft-Agent-SDK/", Sdk::Agents),
    mark("teams.ts[", Sdk::Teams),
    mark("teams.py[", Sdk::Teams),
    mark("teams.net[", Sdk::Teams),
];

/// The SDK that has sent these headers; `None` if it is not known.
pub(super) fn recognise_sdk(headers: &HeaderMap) -> Option<Sdk> {
    let user_agent = headers.get(USER_AGENT)?.to_str().ok()?;
    USER_AGENT_MARKS.iter().find(|mark| user_agent.contains(mark.text)).map(|mark| mark.sdk)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// The `User-Agent` of each SDK's client of the Token Service, as its package has sent it.
    const SENT: [(&str, Option<Sdk>); 9] = [
        ("botframework-token/4.0.0  core-rest-pipeline/1.24.0 Node/20.20.2 (Linux 6.18; x64)", Some(Sdk::BotBuilder)),
        ("botframework-token/4.0.0 teamsai-js/1.7.4 core-rest-pipeline/1.24.0 Node/20.20.2", Some(Sdk::TeamsAi)),
        ("python/3.11.7 (Linux-6.18-x86_64) msrest/0.7.1 botframework-Token/token", Some(Sdk::BotBuilderPython)),
        ("agents-sdk-js/1.8.1 nodejs/v20.20.2 linux-x64/6.18", Some(Sdk::AgentsJs)),
        ("agents-sdk-py/unknown python/3.11.7 linux-x86_64/6.18", Some(Sdk::Agents)),
        ("teams.ts[apps]/2.0.16", Some(Sdk::Teams)),
        ("teams.py[apps]/2.1.1", Some(Sdk::Teams)),
        ("python-requests/2.34.2", None),
        ("", None),
    ];

    #[test]
    fn an_sdk_is_recognised_by_what_its_package_sends() {
        let recognise = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(USER_AGENT, HeaderValue::from_str(value).unwrap());
            recognise_sdk(&headers)
        };
        for (sent, sdk) in SENT {
            assert_eq!(recognise(sent), sdk, "{sent}");
        }
        assert_eq!(recognise_sdk(&HeaderMap::new()), None);
    }

    /// The cells of the rows of the table below the heading `heading`, without the head of the table.
    fn rows_below(heading: &str) -> Vec<Vec<&'static str>> {
        let guide = include_str!("../../../docs/point-your-bot-at-it.md");
        let below = guide.split(heading).nth(1).unwrap();
        let rows = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
        let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
        rows.skip(2).map(cells).collect()
    }

    fn unquoted(cell: &str) -> &str {
        cell.trim_matches('`')
    }

    #[test]
    fn the_guides_table_of_user_agents_is_this_table() {
        let rows = rows_below("\n### How bot-sso recognises an SDK\n");
        let of_guide: Vec<_> = rows.iter().map(|row| [unquoted(row[0]), unquoted(row[1])]).collect();
        let of_code: Vec<_> = USER_AGENT_MARKS.iter().map(|mark| [mark.text, mark.sdk.name()]).collect();
        assert_eq!(of_guide, of_code);
    }

    #[test]
    fn the_guides_table_of_settings_has_the_presets() {
        let rows = rows_below("\n## The SDKs and their settings\n");
        for sdk in Sdk::ALL {
            let fits = |row: &&Vec<&str>| unquoted(row[2]) == sdk.name();
            let of_sdk: Vec<_> = rows.iter().filter(fits).collect();
            assert!(!of_sdk.is_empty(), "{sdk:?}");
            for row in of_sdk {
                let presets = [sdk.preset_continuation().name(), sdk.preset_refusal_style().name()];
                assert_eq!([unquoted(row[3].split(',').next().unwrap()), unquoted(row[4])], presets, "{row:?}");
            }
        }
    }
}
