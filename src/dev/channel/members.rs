use serde_json::{Value, json};

use crate::dev::tenant::User;

/// The id under which the stage's channel knows a user.
pub(in crate::dev) fn channel_user_id(user: &User) -> String {
    format!("29:{}", user.oid)
}

/// A user as the connector shows members of a conversation.
pub(super) fn member_json(user: &User) -> Value {
    json!({
        "id": channel_user_id(user),
        "name": user.display_name,
        "aadObjectId": user.oid,
        "objectId": user.oid,
        "tenantId": user.tid,
        "userPrincipalName": user.principal_name,
    })
}
