use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use super::refusal::EntraRefusal;
use crate::dev::lock::lock_ignoring_poison;

/// The lifetime of a token for a client that handles continuous access evaluation, in seconds. At Entra it is 20 to 28
/// hours.
pub(in crate::dev) const CONTINUOUS_ACCESS_LIFETIME: i64 = 26 * 3600;

/// Switches for refreshes and for the lifetime of tokens. At the start, everything behaves as at Entra.
#[derive(Debug, Default)]
pub struct SessionSwitches(Mutex<SessionSettings>);

#[derive(Debug, Default)]
struct SessionSettings {
    refresh_in: Option<i64>,
    single_use: bool,
    users_who_need_mfa: BTreeSet<String>,
}

impl SessionSwitches {
    /// Puts `refresh_in` (seconds) into every answer with a user's token. With `None`, only long-lived tokens have it, as at
    /// Entra.
    pub fn set_refresh_in(&self, seconds: Option<i64>) {
        lock_ignoring_poison(&self.0).refresh_in = seconds;
    }

    /// Switches whether a refresh token can be used only once.
    pub fn set_single_use_refresh_tokens(&self, single_use: bool) {
        lock_ignoring_poison(&self.0).single_use = single_use;
    }

    /// Switches whether refreshes of the user with this object id are refused with a claims challenge for MFA.
    pub fn set_demands_mfa(&self, oid: &str, demands: bool) {
        let users = &mut lock_ignoring_poison(&self.0).users_who_need_mfa;
        if demands {
            users.insert(oid.to_owned());
        } else {
            users.remove(oid);
        }
    }

    /// The `refresh_in` of a token that is valid for `lifetime` seconds, if it has one.
    pub(in crate::dev) fn refresh_in(&self, lifetime: i64) -> Option<i64> {
        lock_ignoring_poison(&self.0)
            .refresh_in
            .or_else(|| (lifetime >= CONTINUOUS_ACCESS_LIFETIME).then_some(lifetime / 2))
    }

    pub(in crate::dev) fn are_refresh_tokens_single_use(&self) -> bool {
        lock_ignoring_poison(&self.0).single_use
    }

    pub(in crate::dev) fn demands_mfa(&self, oid: &str) -> bool {
        lock_ignoring_poison(&self.0).users_who_need_mfa.contains(oid)
    }
}

/// Whether the `claims` parameter of a request says that the client handles continuous access evaluation. A challenge in
/// `claims` needs no further check, because a new token always satisfies it.
pub(in crate::dev) fn handles_continuous_access(claims: Option<&str>) -> Result<bool, EntraRefusal> {
    let Some(text) = claims else { return Ok(false) };
    let claims: Value = serde_json::from_str(text).ok().filter(Value::is_object).ok_or_else(|| {
        EntraRefusal::bad_request("invalid_request", 90_014, "The value of 'claims' is not a JSON object.")
    })?;
    let capabilities = claims.pointer("/access_token/xms_cc/values").and_then(Value::as_array);
    let is_cp1 = |capability: &Value| capability.as_str().is_some_and(|text| text.eq_ignore_ascii_case("cp1"));
    Ok(capabilities.is_some_and(|capabilities| capabilities.iter().any(is_cp1)))
}
