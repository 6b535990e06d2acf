use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::command_body::{NumberOrText, bad_argument, parse_body};
use crate::dev::calls::GrantKind;
use crate::dev::faults::{Fault, FaultRule, FaultSwitches};
use crate::dev::tenant::Directory;

/// The body of `POST /dev/faults`. `fault` is one of `none`, `throttled`, `unavailable`, `hang`, `slow`, `plain_text`,
/// `html`, `invalid_json`, `empty`, `challenge`, `odd_expires_in`, `answer` and `keys_unavailable`.
#[derive(Deserialize)]
struct FaultCommand {
    fault: String,
    retry_after: Option<NumberOrText>,
    millis: Option<NumberOrText>,
    expires_in: Option<Value>,
    status: Option<NumberOrText>,
    content_type: Option<String>,
    body: Option<String>,
    user: Option<String>,
    times: Option<NumberOrText>,
    /// The name of a grant, or `any`; on-behalf-of if absent. `graph` for calls of the protected resource.
    grant: Option<String>,
}

/// Answers `POST /dev/faults`: adds a fault, or removes all faults.
pub(super) async fn add_or_clear_faults(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    faults: Data<FaultSwitches>,
) -> HttpResponse {
    let Some(mut command) = parse_body::<FaultCommand>(&request, &body) else {
        return bad_argument("fault is missing");
    };
    match command.fault.as_str() {
        "none" => faults.clear(),
        "keys_unavailable" => faults.set_keys_unavailable(true),
        _ => match build_rule(&directory, &mut command) {
            Ok(rule) => faults.add(rule),
            Err(problem) => return bad_argument(problem),
        },
    }
    HttpResponse::NoContent().finish()
}

fn build_rule(directory: &Directory, command: &mut FaultCommand) -> Result<FaultRule, &'static str> {
    let mut rule = FaultRule::new(build_fault(command)?);
    if let Some(grant) = command.grant.take() {
        rule = match grant.as_str() {
            "graph" => rule.for_graph(),
            "any" => rule.for_grant(None),
            name => rule.for_grant(Some(
                serde_json::from_value::<GrantKind>(json!(name)).map_err(|_| "there is no such grant")?,
            )),
        };
    }
    if let Some(user) = command.user.take() {
        rule = rule.for_user(directory.find_user(&user).ok_or("there is no such user")?.oid);
    }
    if let Some(times) = command.times.take() {
        rule = rule.times(NumberOrText::parse(Some(times)).ok_or("times is not a number")?);
    }
    Ok(rule)
}

fn build_fault(command: &mut FaultCommand) -> Result<Fault, &'static str> {
    let retry_after = NumberOrText::parse(command.retry_after.take());
    Ok(match command.fault.as_str() {
        "throttled" => Fault::Throttled { retry_after },
        "unavailable" => Fault::Unavailable { retry_after },
        "hang" => Fault::Hang,
        "slow" => Fault::Slow { millis: NumberOrText::parse(command.millis.take()).ok_or("millis is missing")? },
        "plain_text" => Fault::PlainText,
        "html" => Fault::Html,
        "invalid_json" => Fault::InvalidJson,
        "empty" => Fault::Empty,
        "challenge" => Fault::Challenge,
        "odd_expires_in" => Fault::OddExpiresIn(command.expires_in.take().unwrap_or(Value::Null)),
        "answer" => Fault::Answer {
            status: NumberOrText::parse(command.status.take()).ok_or("status is missing")?,
            content_type: command.content_type.take().unwrap_or_else(|| "application/json".to_owned()),
            body: command.body.take().unwrap_or_default(),
        },
        _ => return Err("there is no such fault"),
    })
}
