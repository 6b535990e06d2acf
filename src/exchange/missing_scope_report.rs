use super::granted_scopes::withheld_scopes;
use crate::domain::{Connection, UserToken};
use crate::observability::conceal;

/// Logs one line if the issuer granted fewer scopes than `connection` asks for, which it has to state
/// (RFC 6749 §3.3, §5.1).
pub fn report_missing_scopes(token: &UserToken, connection: &Connection, correlation_id: &str) {
    let missing = withheld_scopes(connection, token.granted_scope.as_deref());
    if missing.is_empty() {
        return;
    }
    tracing::warn!(
        correlation_id,
        bot = connection.holder.as_str(),
        connection = connection.name.as_str(),
        user = %conceal(&token.user),
        missing = missing.join(" "),
        hint = "the bot gets the token all the same; the user or an administrator did not consent to everything, or the \
                issuer does not grant it to this client",
        "the issuer granted fewer scopes than the connection asks for"
    );
}
