use serde_json::{Value, json};

use crate::dev::tenant::User;

/// The id of a user in the stage's channel, as in `from.id` of an activity.
pub(in crate::dev) fn channel_user_id(user: &User) -> String {
    format!("29:{}", user.oid)
}

/// A user in the form in which the connector lists the members of a conversation.
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
