use serde_json::json;

use super::request::GrantRequest;
use crate::dev::tenant::directory::{User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::{Resource, ScopeRequest};

/// The user, or refusal 50057 if the account is disabled.
pub(super) fn require_enabled<'u>(request: &GrantRequest<'_>, user: &'u User) -> Result<&'u User, EntraRefusal> {
    if request.services.stories.of(user) == UserScenario::Disabled {
        return Err(EntraRefusal::invalid_grant(50_057, "The user account is disabled."));
    }
    Ok(user)
}

/// The scope of a request, which must have one.
pub(super) fn parse_required_scope<'a>(request: &GrantRequest<'a>) -> Result<ScopeRequest<'a>, EntraRefusal> {
    ScopeRequest::parse(&request.services.directory, request.form.get("scope")?)
}

/// The id of the conditional access policy that the claims challenge names.
const ACCESS_POLICY_ID: &str = "a5d1c7e2-3f40-4b6a-8c9d-2e1f0a9b8c7d";

/// Refusal 50076: the user has to use MFA. It has a claims challenge.
pub(super) fn mfa_refusal() -> EntraRefusal {
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": [ACCESS_POLICY_ID]}}});
    let text = "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
                use multi-factor authentication to access the resource.";
    EntraRefusal::invalid_grant(50_076, text).with_suberror("basic_action").with_claims(&claims)
}

/// Refuses with 65001 if the scope is of an API that the user has not consented to, though it needs consent of its own. Other
/// clients than the API's own are concerned: that one is checked as the client.
pub(super) fn check_consent_to_api(
    request: &GrantRequest<'_>,
    user: &User,
    scope: &ScopeRequest<'_>,
) -> Result<(), EntraRefusal> {
    match scope.resource {
        Resource::App(api) if !request.services.consents.allow_api(user, api) => {
            Err(consent_refusal(request.client.name, request.client.client_id))
        }
        _ => Ok(()),
    }
}

/// Refusal 65001: the user has not consented.
pub(super) fn consent_refusal(client_name: &str, client_id: &str) -> EntraRefusal {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{client_id}' named '{client_name}'. \
         Send an interactive authorization request for this user and resource."
    );
    EntraRefusal::invalid_grant(65_001, text).with_suberror("consent_required")
}
