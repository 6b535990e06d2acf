use serde_json::{Value, json};

use super::facts::StageFacts;
use crate::dev::tenant::{AddInEntry, BackEndCredential, BackEndEntry, GRAPH_AUDIENCE, ServiceRoleEntry};

/// The path at which the gateway serves clients written for `office-addin-sso`.
pub(super) const USER_DATA_PATH: &str = "/getuserdata";

/// The members of the manifest with the callers that are no bots: add-ins, back ends, and apps with a service role.
pub(super) fn back_end_members(facts: &StageFacts, gateway: &str) -> [(String, Value); 3] {
    let directory = &facts.directory;
    let add_ins = directory.add_ins.iter().map(|add_in| add_in_member(add_in, gateway));
    let back_ends = directory.back_ends.iter().map(|back_end| back_end_member(facts, back_end, gateway));
    let apps = directory.service_role_apps.iter().map(|app| app_member(facts, app, gateway));
    [
        ("add_ins".to_owned(), add_ins.collect()),
        ("back_ends".to_owned(), back_ends.collect()),
        ("apps".to_owned(), apps.collect()),
    ]
}

/// `downstream_url` is a base: the path of the API follows it.
fn add_in_member(add_in: &AddInEntry, gateway: &str) -> Value {
    let base = format!("{gateway}/api/add-ins/{}", add_in.name);
    json!({
        "name": add_in.name,
        "client_id": add_in.client_id,
        "scope": add_in.scope(),
        "identity_url": format!("{base}/identity"),
        "downstream_url": format!("{base}/downstream"),
        "token_url": format!("{base}/token"),
        "user_data_url": format!("{gateway}{USER_DATA_PATH}"),
        "caller": {"client_id": add_in.caller.client_id, "client_secret": add_in.caller.secret},
    })
}

/// A back end has a secret, or a private key with its id.
fn back_end_member(facts: &StageFacts, back_end: &BackEndEntry, gateway: &str) -> Value {
    let mut member = json!({
        "name": back_end.name,
        "client_id": back_end.client_id,
        "issuer": gateway,
        "token_endpoint": token_endpoint(gateway),
        "introspection_endpoint": format!("{gateway}/oauth2/introspect"),
        "revocation_endpoint": format!("{gateway}/oauth2/revoke"),
        "subject_scope": facts.directory.subject_scope(back_end),
        "audience": GRAPH_AUDIENCE,
        "scopes": back_end.scopes,
    });
    let proof = match back_end.credential {
        BackEndCredential::Secret(secret) => vec![("client_secret", secret)],
        BackEndCredential::PrivateKey => {
            let key = &facts.back_end_key;
            vec![("private_key_pem", key.private_key_pem.as_str()), ("kid", key.kid.as_str())]
        }
    };
    if let Value::Object(members) = &mut member {
        members.extend(proof.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    }
    member
}

fn app_member(facts: &StageFacts, app: &ServiceRoleEntry, gateway: &str) -> Value {
    let users = app.users(&facts.directory.users);
    json!({
        "app_id": app.app_id,
        "service_token": app.service_token,
        "base_url": gateway,
        "login_url": app_login_url(gateway, app),
        "login_origins": login_origins(facts),
        "users": users.iter().map(|entry| json!({
            "user_id": entry.user_id,
            "user": entry.user,
            "linked": entry.is_linked,
        })).collect::<Vec<_>>(),
    })
}

/// The gateway's token endpoint for back ends.
pub(super) fn token_endpoint(gateway: &str) -> String {
    format!("{gateway}/oauth2/token")
}

/// The address at which the users of an app sign in. It takes `from_url`.
pub(in crate::dev) fn app_login_url(gateway: &str, app: &ServiceRoleEntry) -> String {
    format!("{gateway}/api/apps/{}/auth/sso/login", app.app_id)
}

/// The origins to which such a sign-in may lead back: the stage's own, which has a page for each app.
pub(super) fn login_origins(facts: &StageFacts) -> Vec<String> {
    vec![facts.addresses.http_base.clone()]
}

/// The stage's page of an app.
pub(in crate::dev) fn app_page(facts: &StageFacts, app: &ServiceRoleEntry) -> String {
    format!("{}/apps/{}", facts.addresses.http_base, app.app_id)
}
