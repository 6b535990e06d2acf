use crate::domain::Secret;
use crate::token_validation::read_unverified_audiences;

/// The audiences of tokens for Microsoft Graph: its app id, and its address in each cloud (docs/protocols/entra-obo.md §2).
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
const GRAPH_ADDRESSES: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Whether `raw`, which has been refused, names Microsoft Graph as its audience: a mistake that its sender can mend by
/// requesting another scope. The audience is not verified.
#[must_use]
pub fn is_for_microsoft_graph(raw: &Secret) -> bool {
    read_unverified_audiences(raw.expose()).iter().any(|audience| {
        let address = audience.strip_suffix('/').unwrap_or(audience);
        audience.eq_ignore_ascii_case(GRAPH_APP_ID)
            || GRAPH_ADDRESSES.iter().any(|known| address.eq_ignore_ascii_case(known))
    })
}
