//! What the running service says of itself, on the operator's listener of the configuration.

use serde_json::Value;

use crate::app::{DoctorCheck, Finding};
use crate::cli::admin::{Call, OperatorListener};
use crate::config::Configuration;
use crate::domain::UserKey;

/// Asks the running service for its checks of readiness, and for what it keeps of `user`.
pub(super) async fn ask(configuration: &Configuration, user: Option<&UserKey>) -> Vec<Finding> {
    let subject = "running service";
    if configuration.operations.is_none() {
        let seen = "not asked: the configuration has no section [operations]";
        return vec![Finding::skipped(DoctorCheck::Service, subject, seen)];
    }
    let listener = match OperatorListener::of(configuration) {
        Ok(listener) => listener,
        Err(error) => return vec![Finding::failed(DoctorCheck::Service, subject, format!("{error:#}"))],
    };
    let Some(ready) = listener.ask_readiness().await else {
        let seen = "does not answer on operations.listen: it does not run, or not with this configuration";
        return vec![Finding::skipped(DoctorCheck::Service, subject, seen)];
    };
    let mut findings = list_checks(&ready);
    if let Some(user) = user {
        findings.push(list_kept(&listener, user).await);
    }
    findings
}

/// The checks of `/readyz` (docs/operating.md §Health).
fn list_checks(ready: &Value) -> Vec<Finding> {
    let checks = ready.get("checks").and_then(Value::as_object).into_iter().flatten();
    checks.map(|(name, check)| judge(name, check)).collect()
}

fn judge(name: &str, result: &Value) -> Finding {
    let check = match name {
        "store" => DoctorCheck::Store,
        "key_ring" => DoctorCheck::KeyRing,
        _ => DoctorCheck::Service,
    };
    let subject = format!("running service, {name}");
    let text = |member: &str| result.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_required = result.get("required").and_then(Value::as_bool) == Some(true);
    match (text("status").as_str(), is_required) {
        ("ok", _) => Finding::ok(check, subject, "ok"),
        (_, true) => {
            Finding::failed(check, subject, text("detail")).advise("docs/operating.md, Health, says when it fails")
        }
        (_, false) => {
            Finding::warning(check, subject, text("detail")).advise("docs/operating.md, Health, says when it fails")
        }
    }
}

async fn list_kept(listener: &OperatorListener, user: &UserKey) -> Finding {
    let subject = format!("user {user}, in the running service");
    let key = user.to_string();
    let call = Call { method: "GET", path: &["admin", "users", &key] };
    let overview = match listener.call(&call).await {
        Ok(overview) => overview,
        Err(error) => return Finding::skipped(DoctorCheck::User, subject, format!("not known: {error:#}")),
    };
    let counts = ["tokens", "sessions", "pins", "offers"].into_iter().filter_map(|name| {
        let count = overview.get(name)?.as_array()?.len();
        (count > 0).then(|| format!("{name} {count}"))
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() {
        return Finding::ok(
            DoctorCheck::User,
            subject,
            "nothing is kept: the user has not signed in, or has signed out",
        );
    }
    Finding::ok(DoctorCheck::User, subject, format!("kept: {}", counts.join(", ")))
}
