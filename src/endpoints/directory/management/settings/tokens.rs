use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{AdministratorRole, TokenSettings};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, SettingsNote, ok};
use crate::endpoints::directory::management::description::{changing_settings, reading, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/config/tokens";
/// What is stated of anonymous tokens, which are never issued.
const ANONYMOUS_SECONDS: u32 = 2_592_000;

/// `GET …/config/tokens`.
pub(in super::super) const GET: Operation = Operation {
    method: Method::Get,
    path: PATH,
    route: |route| route.to(read),
    description: || {
        let answer = Answer::json::<TokensConfiguration>("The lives.");
        reading("GetTokensConfig", "The lives of a directory's tokens.").answer(200, answer)
    },
};

/// `PUT …/config/tokens`.
pub(in super::super) const PUT: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(replace),
    description: || {
        let described = changing_settings("PutTokensConfig", "Replaces the lives of a directory's tokens.")
            .note("A value that is left out goes back to its default. Tokens that were issued keep their lives.")
            .json_body::<NewTokensConfiguration>(true, "The lives.")
            .answer(200, Answer::json::<TokensConfiguration>("The lives as they are now."));
        with_body_errors(described)
    },
};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokensConfiguration {
    access: TokenLife,
    refresh: SwitchedTokenLife,
    anonymous_access: SwitchedTokenLife,
}

#[derive(Serialize, ToSchema)]
struct TokenLife {
    /// Seconds that access and ID tokens are valid.
    expires_in: u32,
}

#[derive(Serialize, ToSchema)]
struct SwitchedTokenLife {
    /// Whether such tokens are issued. Anonymous tokens never are.
    enabled: bool,
    /// Seconds that such a token is valid.
    expires_in: u32,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewTokensConfiguration {
    access: Option<NewTokenLife>,
    refresh: Option<NewTokenLife>,
    /// Cannot be enabled.
    anonymous_access: Option<NewTokenLife>,
    /// Must be empty: claims cannot be chosen.
    #[schema(value_type = Option<Vec<Object>>)]
    id_token_claims: Option<Vec<Value>>,
    /// Must be empty: claims cannot be chosen.
    #[schema(value_type = Option<Vec<Object>>)]
    access_token_claims: Option<Vec<Value>>,
}

#[derive(Default, Deserialize, ToSchema)]
struct NewTokenLife {
    /// Whether such tokens are issued.
    enabled: Option<bool>,
    /// Access tokens: 300 to 86400 seconds; refresh tokens: 86400 to 7776000.
    expires_in: Option<u32>,
}

impl From<&TokenSettings> for TokensConfiguration {
    fn from(settings: &TokenSettings) -> Self {
        Self {
            access: TokenLife { expires_in: settings.access_seconds },
            refresh: SwitchedTokenLife { enabled: settings.refresh_enabled, expires_in: settings.refresh_seconds },
            anonymous_access: SwitchedTokenLife { enabled: false, expires_in: ANONYMOUS_SECONDS },
        }
    }
}

impl NewTokensConfiguration {
    fn read(self) -> Result<TokenSettings, Refused> {
        let refused = |text: &'static str| Err(Refused::Value(text.into()));
        if self.anonymous_access.is_some_and(|anonymous| anonymous.enabled == Some(true)) {
            return refused("anonymousAccess.enabled cannot be true: there are no anonymous users.");
        }
        if [self.id_token_claims, self.access_token_claims].iter().flatten().any(|claims| !claims.is_empty()) {
            return refused("idTokenClaims and accessTokenClaims must be empty: claims cannot be chosen.");
        }
        let (defaults, access) = (TokenSettings::default(), self.access.unwrap_or_default());
        let refresh = self.refresh.unwrap_or_default();
        let settings = TokenSettings {
            access_seconds: access.expires_in.unwrap_or(defaults.access_seconds),
            refresh_enabled: refresh.enabled.unwrap_or(defaults.refresh_enabled),
            refresh_seconds: refresh.expires_in.unwrap_or(defaults.refresh_seconds),
        };
        if !TokenSettings::ACCESS_SECONDS.contains(&settings.access_seconds) {
            return refused("access.expires_in must be from 300 to 86400.");
        }
        if !TokenSettings::REFRESH_SECONDS.contains(&settings.refresh_seconds) {
            return refused("refresh.expires_in must be from 86400 to 7776000.");
        }
        Ok(settings)
    }
}

async fn read(http: HttpRequest, door: web::Data<ManagementDoor>) -> HttpResponse {
    match ManagementCall::begin(&http, &door, AdministratorRole::Reader).await {
        Ok(call) => ok().json(TokensConfiguration::from(&call.settings().tokens)),
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
    let wanted: NewTokensConfiguration = read_json(http, payload, door.limits).await?;
    let wanted = wanted.read()?;
    let note = SettingsNote::of(AuditEvent::DirectorySettingsUpdated, "tokens");
    let changed = call.change_settings(note, move |settings| {
        settings.tokens = wanted;
        Ok(TokensConfiguration::from(&settings.tokens))
    });
    Ok(ok().json(changed.await?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(body: &str) -> Result<TokenSettings, Refused> {
        serde_json::from_str::<NewTokensConfiguration>(body).unwrap().read()
    }

    #[test]
    fn lives_are_bounded_and_default_when_left_out() {
        assert_eq!(read("{}"), Ok(TokenSettings::default()));
        let set = read(r#"{"access":{"expires_in":300},"refresh":{"enabled":false},"idTokenClaims":[]}"#).unwrap();
        assert_eq!((set.access_seconds, set.refresh_enabled, set.refresh_seconds), (300, false, 2_592_000));
        for refused in [
            r#"{"access":{"expires_in":299}}"#,
            r#"{"access":{"expires_in":86401}}"#,
            r#"{"refresh":{"expires_in":86399}}"#,
            r#"{"refresh":{"expires_in":7776001}}"#,
            r#"{"anonymousAccess":{"enabled":true}}"#,
            r#"{"accessTokenClaims":[{"source":"roles"}]}"#,
        ] {
            assert!(matches!(read(refused), Err(Refused::Value(_))), "{refused}");
        }
    }
}
