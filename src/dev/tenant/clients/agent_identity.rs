//! Methods of [`FederationChecks`] for agent identities. They have no credentials: an agent identity authenticates with a
//! token for the token exchange that its blueprint has obtained (docs/protocols/agent-identity.md §2).

use super::federation::FederationChecks;
use crate::dev::jwt::text_member;
use crate::dev::tenant::directory::App;
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::TOKEN_EXCHANGE_ID;
use crate::dev::tenant::tokens::agent_subject;

impl FederationChecks {
    /// Checks that `assertion` is a token of the blueprint for the agent identity `agent` in its tenant.
    pub(super) fn check_agent_identity(
        &self,
        agent: &App,
        assertion: Option<&str>,
        tenant: &str,
    ) -> Result<(), EntraRefusal> {
        let Some(assertion) = assertion else {
            return Err(EntraRefusal::invalid_client(
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion'.",
            ));
        };
        let claims = self
            .tokens
            .verify_for(assertion, TOKEN_EXCHANGE_ID)
            .map_err(|_| EntraRefusal::invalid_client(50_012, "Client assertion contains an invalid signature."))?;
        let entry = self.directory.find_agent(agent.client_id);
        let (home, blueprint) = (entry.map_or("", |entry| entry.tenant), agent.blueprint.unwrap_or_default());
        let presented = text_member(&claims, "tid").unwrap_or_default();
        if presented != home || !tenant.eq_ignore_ascii_case(home) {
            let text =
                format!("No matching federated identity record found for presented assertion issuer '{presented}'.");
            return Err(EntraRefusal::invalid_client(700_211, text));
        }
        let is_for_agent = text_member(&claims, "azp") == Some(blueprint)
            && text_member(&claims, "sub") == Some(&agent_subject(home, blueprint, agent.client_id));
        if is_for_agent {
            return Ok(());
        }
        let text = "No matching federated identity record found for presented assertion subject.";
        Err(EntraRefusal::invalid_client(700_213, text))
    }
}
