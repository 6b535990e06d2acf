use std::ops::RangeInclusive;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{AdministratorRole, LockoutPolicy, PasswordExpiration, PasswordPolicy};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/cloud_directory/advanced_password_management";

/// `GET …/config/cloud_directory/advanced_password_management`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<PasswordManagement>("The rules. A rule that is off has no `config`.");
        reading("GetCloudDirectoryAdvancedPasswordManagement", "The rules on passwords of a directory.")
            .answer(200, answer)
    },
};

/// `PUT …/config/cloud_directory/advanced_password_management`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let id = "SetCloudDirectoryAdvancedPasswordManagement";
        let described = changing_settings(id, "Replaces the rules on passwords of a directory.")
            .note("A rule that is left out is off. `enabled: false` on top switches all rules off and keeps them.")
            .json_body::<PasswordManagement>(true, "The rules.")
            .answer(200, Answer::json::<PasswordManagement>("The rules as they are now."));
        with_body_errors(described)
    },
};

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PasswordManagement {
    advanced_password_management: PasswordRules,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct PasswordRules {
    /// Whether the rules hold.
    enabled: bool,
    password_reuse: ReuseRule,
    prevent_password_with_username: SwitchedRule,
    password_expiration: ExpirationRule,
    lock_out_policy: LockOutRule,
    min_password_change_interval: IntervalRule,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
struct SwitchedRule {
    enabled: bool,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
struct ReuseRule {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<ReuseNumber>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReuseNumber {
    /// How many of the last passwords may not be used again, 1 to 8.
    max_password_reuse: u8,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
struct ExpirationRule {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<ExpirationNumber>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExpirationNumber {
    /// The days that a password is valid, 1 to 90.
    days_to_expire: u8,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
struct LockOutRule {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<LockOutNumbers>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LockOutNumbers {
    /// Seconds that the user is locked, 60 to 86400.
    lock_out_time_sec: u32,
    /// The wrong passwords in a row that lock the user, 1 to 10.
    num_of_attempts: u8,
}

#[derive(Default, Serialize, Deserialize, ToSchema)]
struct IntervalRule {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<IntervalNumber>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IntervalNumber {
    /// The hours that must pass between two changes by the user, 1 to 720.
    min_hours_to_change_password: u16,
}

impl From<&PasswordPolicy> for PasswordManagement {
    fn from(policy: &PasswordPolicy) -> Self {
        let reuse = policy.reuse.map(|number| ReuseNumber { max_password_reuse: number });
        let expiration = policy.expiration.map(|rule| ExpirationNumber { days_to_expire: rule.days });
        let lock_out = policy
            .lockout
            .map(|rule| LockOutNumbers { lock_out_time_sec: rule.seconds, num_of_attempts: rule.attempts });
        let interval =
            policy.min_hours_between_changes.map(|hours| IntervalNumber { min_hours_to_change_password: hours });
        Self {
            advanced_password_management: PasswordRules {
                enabled: policy.advanced,
                password_reuse: ReuseRule { enabled: reuse.is_some(), config: reuse },
                prevent_password_with_username: SwitchedRule { enabled: policy.prevents_user_name },
                password_expiration: ExpirationRule { enabled: expiration.is_some(), config: expiration },
                lock_out_policy: LockOutRule { enabled: lock_out.is_some(), config: lock_out },
                min_password_change_interval: IntervalRule { enabled: interval.is_some(), config: interval },
            },
        }
    }
}

impl PasswordManagement {
    /// Writes these rules over `policy`.
    fn apply(self, policy: &mut PasswordPolicy) -> Result<Self, Refused> {
        let rules = self.advanced_password_management;
        let reuse = require(rules.password_reuse.enabled, rules.password_reuse.config, "passwordReuse")?;
        let expiration =
            require(rules.password_expiration.enabled, rules.password_expiration.config, "passwordExpiration")?;
        let lock_out = require(rules.lock_out_policy.enabled, rules.lock_out_policy.config, "lockOutPolicy")?;
        let interval = rules.min_password_change_interval;
        let interval = require(interval.enabled, interval.config, "minPasswordChangeInterval")?;
        let reuse = reuse.map(|config| config.max_password_reuse);
        let days = expiration.map(|config| config.days_to_expire);
        let hours = interval.map(|config| config.min_hours_to_change_password);
        in_range(reuse, PasswordPolicy::REUSE, "maxPasswordReuse must be from 1 to 8.")?;
        in_range(days, PasswordPolicy::EXPIRATION_DAYS, "daysToExpire must be from 1 to 90.")?;
        in_range(hours, PasswordPolicy::HOURS_BETWEEN_CHANGES, "minHoursToChangePassword must be from 1 to 720.")?;
        if let Some(numbers) = &lock_out {
            in_range(
                Some(numbers.num_of_attempts),
                PasswordPolicy::LOCKOUT_ATTEMPTS,
                "numOfAttempts must be from 1 to 10.",
            )?;
            in_range(
                Some(numbers.lock_out_time_sec),
                PasswordPolicy::LOCKOUT_SECONDS,
                "lockOutTimeSec must be from 60 to 86400.",
            )?;
        }
        policy.advanced = rules.enabled;
        policy.reuse = reuse;
        policy.prevents_user_name = rules.prevent_password_with_username.enabled;
        policy.expiration = days.map(|days| PasswordExpiration { days });
        policy.lockout = lock_out
            .map(|numbers| LockoutPolicy { attempts: numbers.num_of_attempts, seconds: numbers.lock_out_time_sec });
        policy.min_hours_between_changes = hours;
        Ok(Self::from(&*policy))
    }
}

/// The numbers of a rule that is on.
fn require<T>(enabled: bool, config: Option<T>, rule: &str) -> Result<Option<T>, Refused> {
    match (enabled, config) {
        (false, _) => Ok(None),
        (true, Some(config)) => Ok(Some(config)),
        (true, None) => Err(Refused::Syntax(format!("The member {rule}.config is missing.").into())),
    }
}

fn in_range<T: PartialOrd>(value: Option<T>, range: RangeInclusive<T>, otherwise: &'static str) -> Result<(), Refused> {
    if value.is_none_or(|value| range.contains(&value)) { Ok(()) } else { Err(Refused::Value(otherwise.into())) }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(PasswordManagement::from(&call.settings().passwords)),
        Err(refused) => refused.respond(),
    }
}

async fn replace(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    replace_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn replace_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let wanted: PasswordManagement = read_json(http, payload, door.limits).await?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "advanced_password_management");
    let changed = call.change_settings(note, |settings| wanted.apply(&mut settings.passwords));
    Ok(ok().json(changed.await?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn apply(rules: &str) -> Result<PasswordPolicy, Refused> {
        let body = format!(r#"{{"advancedPasswordManagement":{rules}}}"#);
        let mut policy = PasswordPolicy::default();
        serde_json::from_str::<PasswordManagement>(&body).unwrap().apply(&mut policy)?;
        Ok(policy)
    }

    #[test]
    fn rules_are_read_within_their_ranges_and_written_as_they_were_read() {
        let whole = r#"{"enabled":true,"passwordReuse":{"enabled":true,"config":{"maxPasswordReuse":8}},
            "preventPasswordWithUsername":{"enabled":true},
            "passwordExpiration":{"enabled":true,"config":{"daysToExpire":90}},
            "lockOutPolicy":{"enabled":true,"config":{"lockOutTimeSec":60,"numOfAttempts":10}},
            "minPasswordChangeInterval":{"enabled":true,"config":{"minHoursToChangePassword":720}}}"#;
        let policy = apply(whole).unwrap();
        assert_eq!((policy.reuse, policy.min_hours_between_changes), (Some(8), Some(720)));
        let written = serde_json::to_value(PasswordManagement::from(&policy)).unwrap();
        let expected: serde_json::Value = serde_json::from_str(whole).unwrap();
        assert_eq!(written["advancedPasswordManagement"], expected);
        assert_eq!(apply("{}"), Ok(PasswordPolicy::default()));
        for (from, to) in [
            (":8}", ":9}"),
            (":8}", ":0}"),
            (":90}", ":91}"),
            (":60,", ":59,"),
            (":60,", ":86401,"),
            (":10}", ":11}"),
            (":720}", ":721}"),
        ] {
            assert!(matches!(apply(&whole.replace(from, to)), Err(Refused::Value(_))), "{to}");
        }
        assert!(matches!(apply(r#"{"passwordReuse":{"enabled":true}}"#), Err(Refused::Syntax(_))));
    }
}
