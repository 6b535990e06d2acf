/// What the Agent 365 platform and the agents of a bot's blueprint may do (default deny,
/// docs/protocols/agent-identity.md §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent365 {
    /// The tenants (lower-case GUIDs) whose agents are served. The tenant issues the platform's tokens and the agents'.
    pub tenants: Vec<String>,
    /// The `serviceUrl` of the platform's activities must lie at or below one of these addresses. The first label of a
    /// host may be `*`, which stands for one label.
    pub service_urls: Vec<String>,
    /// The app ids (lower-case GUIDs) of the agents; `None` if the operator lists none. Then the platform may write to
    /// every agent of the blueprint, and no agent may call the Token Service.
    pub agents: Option<Vec<String>>,
}

impl Agent365 {
    /// Whether the agents of `tenant_id`, a lower-case GUID, are served.
    #[must_use]
    pub fn serves_tenant(&self, tenant_id: &str) -> bool {
        self.tenants.iter().any(|tenant| tenant == tenant_id)
    }

    /// Whether the platform may send activities to the agent `app_id`; `None` if the activity does not name its agent.
    #[must_use]
    pub fn admits_activities_for(&self, app_id: Option<&str>) -> bool {
        match (&self.agents, app_id) {
            (None, _) => true,
            (Some(_), Some(app_id)) => self.lists(app_id),
            (Some(_), None) => false,
        }
    }

    /// Whether `agents` lists `app_id`, compared as a GUID.
    #[must_use]
    pub fn lists(&self, app_id: &str) -> bool {
        self.agents.iter().flatten().any(|listed| listed.eq_ignore_ascii_case(app_id))
    }
}
