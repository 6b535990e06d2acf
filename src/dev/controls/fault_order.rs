use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::order_body::{Flexible, bad, read};
use crate::dev::calls::GrantKind;
use crate::dev::faults::{Fault, FaultRule, FaultSwitches};
use crate::dev::tenant::Directory;

/// `fault` is one of `none`, `throttled`, `unavailable`, `hang`, `slow`, `plain_text`, `html`, `invalid_json`, `empty`,
/// `odd_expires_in`, `answer`, `keys_unavailable`.
#[derive(Deserialize)]
struct FaultOrder {
    fault: String,
    retry_after: Option<Flexible>,
    millis: Option<Flexible>,
    expires_in: Option<Value>,
    status: Option<Flexible>,
    content_type: Option<String>,
    body: Option<String>,
    user: Option<String>,
    times: Option<Flexible>,
    /// A grant's name, or `any`; on-behalf-of if absent.
    grant: Option<String>,
}

/// `POST /dev/faults`.
pub(super) async fn faults(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    faults: Data<FaultSwitches>,
) -> HttpResponse {
    let Some(mut order) = read::<FaultOrder>(&request, &body) else { return bad("fault is missing") };
    match order.fault.as_str() {
        "none" => faults.clear(),
        "keys_unavailable" => faults.set_keys_unavailable(true),
        _ => match rule(&directory, &mut order) {
            Ok(rule) => faults.add(rule),
            Err(problem) => return bad(problem),
        },
    }
    HttpResponse::NoContent().finish()
}

fn rule(directory: &Directory, order: &mut FaultOrder) -> Result<FaultRule, &'static str> {
    let mut rule = FaultRule::new(fault(order)?);
    if let Some(grant) = order.grant.take() {
        rule = rule.for_grant(match grant.as_str() {
            "any" => None,
            name => Some(serde_json::from_value::<GrantKind>(json!(name)).map_err(|_| "there is no such grant")?),
        });
    }
    if let Some(user) = order.user.take() {
        rule = rule.for_user(directory.find_user(&user).ok_or("there is no such user")?.oid);
    }
    if let Some(times) = order.times.take() {
        rule = rule.times(Flexible::small(Some(times)).ok_or("times is not a number")?);
    }
    Ok(rule)
}

fn fault(order: &mut FaultOrder) -> Result<Fault, &'static str> {
    let retry_after = Flexible::small(order.retry_after.take());
    Ok(match order.fault.as_str() {
        "throttled" => Fault::Throttled { retry_after },
        "unavailable" => Fault::Unavailable { retry_after },
        "hang" => Fault::Hang,
        "slow" => Fault::Slow { millis: Flexible::small(order.millis.take()).ok_or("millis is missing")? },
        "plain_text" => Fault::PlainText,
        "html" => Fault::Html,
        "invalid_json" => Fault::InvalidJson,
        "empty" => Fault::Empty,
        "odd_expires_in" => Fault::OddExpiresIn(order.expires_in.take().unwrap_or(Value::Null)),
        "answer" => Fault::Answer {
            status: Flexible::small(order.status.take()).ok_or("status is missing")?,
            content_type: order.content_type.take().unwrap_or_else(|| "application/json".to_owned()),
            body: order.body.take().unwrap_or_default(),
        },
        _ => return Err("there is no such fault"),
    })
}
