//! Methods of [`Claims`] for the tokens of agents (docs/protocols/agent-identity.md §3).

use crate::token_validation::claims::Claims;
use crate::token_validation::issuer::is_guid;

/// The facet of an actor or a subject that is an agent identity.
const AGENT_IDENTITY: u32 = 11;
/// The facet of a subject that is an agent user.
const AGENT_USER: u32 = 13;

impl Claims {
    /// The app id of the blueprint, in lower case, if an agent identity has obtained the token.
    pub(super) fn blueprint_id(&self) -> Option<String> {
        let blueprint = self.text("xms_par_app_azp").filter(|id| is_guid(id))?;
        self.has_facet("xms_act_fct", AGENT_IDENTITY).then(|| blueprint.to_ascii_lowercase())
    }

    /// Whether the token's user is an agent user. Without the facet the user is a human, and the agent acts on behalf of that user.
    pub(super) fn is_of_agent_user(&self) -> bool {
        self.text("idtyp") == Some("user") && self.has_facet("xms_sub_fct", AGENT_USER)
    }
}
