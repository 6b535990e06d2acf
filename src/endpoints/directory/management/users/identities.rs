use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::UserBody;
use super::{of_one, read_user_id};
use crate::accounts::UserChangeError;
use crate::domain::{AdministratorRole, ProviderIdentity, UserKey};
use crate::endpoints::directory::management::body::read_json;
use crate::endpoints::directory::management::call::{ManagementCall, ok};
use crate::endpoints::directory::management::description::{changing, error, with_body_errors};
use crate::endpoints::directory::management::{ManagementDoor, Refused};
use crate::inbound::{Answer, Method, Operation, perform_change};
use crate::observability::AuditEvent;

const PATH: &str = "/management/v4/{tenant}/cloud_directory/Users/{id}/identities";
/// The beginning of the issuer of a person at Entra.
const ENTRA: &str = "entra:";
/// The longest issuer and the longest id, in bytes (OpenID Connect Core §2: `sub` has at most 255 characters).
const MAX_BYTES: usize = 255;

/// `PUT …/cloud_directory/Users/{id}/identities`.
pub(in super::super) const LINK: Operation = Operation {
    method: Method::Put,
    path: PATH,
    route: |route| route.to(link),
    description: || {
        let described = of_one(changing("LinkUserIdentity", "Lets a user sign in as a person at another identity provider."))
            .note("An addition to App ID. A sign-in there as this person is one of the user from then on. Compare the person's id before, never a name or an address.")
            .json_body::<IdentityToChange>(true, "The person at the provider.")
            .answer(200, Answer::json::<UserBody>("The user as it is now."))
            .answer(409, error("The person is another user of the directory."));
        with_body_errors(described)
    },
};

/// `DELETE …/cloud_directory/Users/{id}/identities`.
pub(in super::super) const UNLINK: Operation = Operation {
    method: Method::Delete,
    path: PATH,
    route: |route| route.to(unlink),
    description: || {
        let described = of_one(changing(
            "UnlinkUserIdentity",
            "Takes a person at another identity provider from a user.",
        ))
        .note("An addition to App ID. Sessions and tokens stay. It is refused if the user could not sign in any more.")
        .json_body::<IdentityToChange>(true, "The person at the provider.")
        .answer(200, Answer::json::<UserBody>("The user as it is now."));
        with_body_errors(described)
    },
};

#[derive(Deserialize, ToSchema)]
struct IdentityToChange {
    /// The name of the provider in the directory's configuration.
    provider: String,
    /// The issuer of the id: `iss` of the provider's ID tokens, or `entra:` and the tenant id.
    issuer: String,
    /// The person's id there: `sub`, or the object id at Entra.
    id: String,
}

impl IdentityToChange {
    /// The person, by the key that a sign-in gives.
    fn key(&self) -> Result<UserKey, Refused> {
        let Self { issuer, id, .. } = self;
        let is_text = |text: &str| (1..=MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if let Some(tenant) = issuer.strip_prefix(ENTRA) {
            let is_guid =
                |text: &str| Uuid::try_parse(text).is_ok_and(|guid| guid.to_string().eq_ignore_ascii_case(text));
            if is_guid(tenant) && is_guid(id) {
                return Ok(UserKey::entra(id, tenant));
            }
            return Err(Refused::Value(
                "A person at Entra has an issuer entra:<tenant id> and an object id, both GUIDs.".into(),
            ));
        }
        let is_url = issuer.starts_with("https://") || issuer.starts_with("http://");
        if is_url && is_text(issuer) && is_text(id) {
            return Ok(UserKey::from_parts(issuer, id));
        }
        Err(Refused::Value("issuer must be a URL or entra:<tenant id>, and id a text of at most 255 bytes.".into()))
    }
}

async fn link(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    link_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn unlink(http: HttpRequest, payload: web::Payload, door: web::Data<ManagementDoor>) -> HttpResponse {
    unlink_and_reply(&http, payload, &door).await.unwrap_or_else(Refused::respond)
}

async fn link_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_user_id(http)?;
    let person: IdentityToChange = read_json(http, payload, door.limits).await?;
    let mut providers = call.view.directory.login_providers.iter();
    if !providers.any(|provider| provider.name == person.provider) {
        return Err(Refused::Value("provider must be the name of one of the directory's identity providers.".into()));
    }
    let (key, provider) = (person.key()?, person.provider);
    let user = perform_change(async move {
        let identity = ProviderIdentity { key, provider: provider.clone(), is_proven: false };
        let linked = call.door.parts.users.link_identity(call.tenant(), &id, identity).await;
        let user = linked.map_err(|error| match error {
            UserChangeError::Taken => Refused::Conflict("The person is another user of the directory.".into()),
            other => other.into(),
        })?;
        call.audit_user_detail(AuditEvent::DirectoryIdentityLinked, &id, &provider);
        Ok::<_, Refused>(user)
    });
    Ok(ok().json(UserBody::new(user.await?, door.ambient.now())))
}

async fn unlink_and_reply(
    http: &HttpRequest,
    payload: web::Payload,
    door: &web::Data<ManagementDoor>,
) -> Result<HttpResponse, Refused> {
    let call = ManagementCall::begin(http, door, AdministratorRole::Writer).await?;
    let id = read_user_id(http)?;
    let person: IdentityToChange = read_json(http, payload, door.limits).await?;
    let (key, provider) = (person.key()?, person.provider);
    let user = perform_change(async move {
        let unlinked = call.door.parts.users.unlink_identity(call.tenant(), &id, &key).await?;
        let user = unlinked.ok_or(Refused::NotFound("The directory has no user with this id and this identity."))?;
        call.audit_user_detail(AuditEvent::DirectoryIdentityUnlinked, &id, &provider);
        Ok::<_, Refused>(user)
    });
    Ok(ok().json(UserBody::new(user.await?, door.ambient.now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(issuer: &str, id: &str) -> Option<UserKey> {
        let person = IdentityToChange { provider: "any".to_owned(), issuer: issuer.to_owned(), id: id.to_owned() };
        person.key().ok()
    }

    #[test]
    fn a_person_has_the_key_that_a_sign_in_gives() {
        let (oid, tid) = ("aaaaaaaa-0000-4000-8000-00000000000A", "22222222-2222-4222-8222-222222222222");
        assert_eq!(key(&format!("entra:{tid}"), oid), Some(UserKey::entra(oid, tid)));
        let issuer = "https://issuer.example/realm";
        assert_eq!(key(issuer, "ada@example"), Some(UserKey::from_parts(issuer, "ada@example")));
        for (issuer, id) in [
            ("entra:contoso", oid),
            (&format!("entra:{tid}"), "ada"),
            (tid, oid),
            ("cloud_directory:market", "5f0c"),
            (issuer, ""),
            (issuer, "a\nb"),
            (issuer, &"x".repeat(256)),
            ("", "ada"),
        ] {
            assert_eq!(key(issuer, id), None, "{issuer} {id}");
        }
    }
}
