use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::GrantKind;
use super::faults::{Fault, FaultRule};
use super::keys::SigningKey;
use super::state::{SharedState, State};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/dev/calls", web::get().to(calls))
        .route("/dev/calls/reset", web::post().to(reset_calls))
        .route("/dev/keys/rotate", web::post().to(rotate_keys))
        .route("/dev/consent", web::post().to(consent))
        .route("/dev/sessions", web::post().to(sessions))
        .route("/dev/faults", web::post().to(faults));
}

async fn calls(state: SharedState) -> HttpResponse {
    HttpResponse::Ok().json(state.calls.snapshot())
}

async fn reset_calls(state: SharedState) -> HttpResponse {
    state.calls.reset();
    HttpResponse::NoContent().finish()
}

async fn rotate_keys(state: SharedState) -> HttpResponse {
    match rotate(&state).await {
        Ok(kid) => HttpResponse::Ok().json(json!({ "kid": kid })),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Makes a new signing key for the tenants; answers its id.
pub(super) async fn rotate(state: &State) -> Result<String, super::error::StageError> {
    let keys = SigningKey::generate_many(1).await?;
    let key = keys.first().ok_or_else(|| super::error::StageError::KeyMaterial("no key was made".to_owned()))?;
    state.tenant_keys.rotate(key);
    Ok(key.kid().to_owned())
}

#[derive(Deserialize)]
struct ConsentOrder {
    user: String,
    /// Client id of the app consented to; all apps if absent.
    client: Option<String>,
}

async fn consent(request: HttpRequest, body: Bytes, state: SharedState) -> HttpResponse {
    let Some(order) = read::<ConsentOrder>(&request, &body) else { return bad("user is missing") };
    let Some(user) = state.directory.find_user(&order.user) else { return bad("there is no such user") };
    match order.client {
        Some(client_id) => state.consent(user, &client_id),
        None => state.directory.apps.iter().for_each(|app| state.consent(user, app.client_id)),
    }
    HttpResponse::NoContent().finish()
}

/// Everything may be left out. `refresh_in` in seconds, 0 for none.
#[derive(Deserialize)]
struct SessionOrder {
    refresh_in: Option<Flexible>,
    /// Whether a refresh token is good once: `true` or `"true"`.
    single_use: Option<Value>,
    /// A user whose refreshes demand MFA from now on.
    demand_mfa: Option<String>,
    /// A user whose refreshes do so no more.
    relent: Option<String>,
    /// A user whose refresh tokens are good no more.
    revoke: Option<String>,
}

async fn sessions(request: HttpRequest, body: Bytes, state: SharedState) -> HttpResponse {
    let Some(order) = read::<SessionOrder>(&request, &body) else { return bad("that cannot be read") };
    let named = [&order.demand_mfa, &order.relent, &order.revoke];
    if named.into_iter().flatten().any(|name| state.directory.find_user(name).is_none()) {
        return bad("there is no such user");
    }
    let oid_of = |name: &Option<String>| Some(state.directory.find_user(name.as_deref()?)?.oid);
    if let Some(seconds) = Flexible::small::<i64>(order.refresh_in) {
        state.sessions.set_refresh_in((seconds > 0).then_some(seconds));
    }
    if let Some(single_use) = order.single_use {
        state.sessions.set_single_use_refresh_tokens(single_use == true || single_use == "true");
    }
    if let Some(oid) = oid_of(&order.demand_mfa) {
        state.sessions.set_demands_mfa(oid, true);
    }
    if let Some(oid) = oid_of(&order.relent) {
        state.sessions.set_demands_mfa(oid, false);
    }
    if let Some(oid) = oid_of(&order.revoke) {
        state.login.revoke(oid);
    }
    HttpResponse::NoContent().finish()
}

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

/// A number, which a form can only write as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flexible {
    Number(u64),
    Text(String),
}

impl Flexible {
    fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }

    fn small<T: TryFrom<u64>>(value: Option<Self>) -> Option<T> {
        value.and_then(Self::number).and_then(|number| T::try_from(number).ok())
    }
}

async fn faults(request: HttpRequest, body: Bytes, state: SharedState) -> HttpResponse {
    let Some(mut order) = read::<FaultOrder>(&request, &body) else { return bad("fault is missing") };
    match order.fault.as_str() {
        "none" => state.faults.clear(),
        "keys_unavailable" => state.faults.set_keys_unavailable(true),
        _ => match rule(&state, &mut order) {
            Ok(rule) => state.faults.add(rule),
            Err(problem) => return bad(problem),
        },
    }
    HttpResponse::NoContent().finish()
}

fn rule(state: &State, order: &mut FaultOrder) -> Result<FaultRule, &'static str> {
    let mut rule = FaultRule::new(fault(order)?);
    if let Some(grant) = order.grant.take() {
        rule = rule.for_grant(match grant.as_str() {
            "any" => None,
            name => Some(serde_json::from_value::<GrantKind>(json!(name)).map_err(|_| "there is no such grant")?),
        });
    }
    if let Some(user) = order.user.take() {
        rule = rule.for_user(state.directory.find_user(&user).ok_or("there is no such user")?.oid);
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

/// A body that is JSON or a form.
fn read<T: serde::de::DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Option<T> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if media_type.starts_with("application/json") {
        return serde_json::from_slice(body).ok();
    }
    let members =
        url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    serde_json::from_value(Value::Object(members.collect())).ok()
}

fn bad(problem: &'static str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": {"code": "BadArgument", "message": problem}}))
}
