use serde_json::json;

use super::request::GrantRequest;
use crate::dev::tenant::directory::{User, UserScenario};
use crate::dev::tenant::refusal::EntraRefusal;
use crate::dev::tenant::scopes::ScopeRequest;

/// 50057, or the user.
pub(super) fn require_enabled(user: &User) -> Result<&User, EntraRefusal> {
    if user.scenario == UserScenario::Disabled {
        return Err(EntraRefusal::invalid_grant(50_057, "The user account is disabled."));
    }
    Ok(user)
}

/// The scope of a request that must have one.
pub(super) fn required_scope<'a>(request: &GrantRequest<'a>) -> Result<ScopeRequest<'a>, EntraRefusal> {
    ScopeRequest::parse(&request.services.directory, request.form.get("scope")?)
}

/// The authentication context that policies ask for here.
const ACCESS_POLICY_ID: &str = "a5d1c7e2-3f40-4b6a-8c9d-2e1f0a9b8c7d";

/// 50076 in full.
pub(super) fn mfa_required() -> EntraRefusal {
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": [ACCESS_POLICY_ID]}}});
    let text = "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
                use multi-factor authentication to access the resource.";
    EntraRefusal::invalid_grant(50_076, text).with_suberror("basic_action").with_claims(&claims)
}

/// 65001 in full.
pub(super) fn consent_required(client_name: &str, client_id: &str) -> EntraRefusal {
    let text = format!(
        "The user or administrator has not consented to use the application with ID '{client_id}' named '{client_name}'. \
         Send an interactive authorization request for this user and resource."
    );
    EntraRefusal::invalid_grant(65_001, text).with_suberror("consent_required")
}
