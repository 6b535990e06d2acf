use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::UserProfile;
use crate::domain::{DirectoryUser, ProviderIdentity, Timestamp, UserEmail, UserNames, UserStatus};
use crate::endpoints::directory::management::Refused;
use crate::protocol::iso_8601;

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A user as an administrator writes it: the part of SCIM's user that App ID reads.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::endpoints::directory::management) struct UserToWrite {
    /// The user name, unique in the directory in any letter case.
    user_name: Option<String>,
    /// The e-mail addresses, at most ten, each unique in the directory.
    emails: Option<Vec<EmailToWrite>>,
    /// The name as it is displayed.
    display_name: Option<String>,
    name: Option<NameToWrite>,
    /// Whether the user may sign in. Of a user who exists it stays as it is if it is absent.
    active: Option<bool>,
    /// Whether the address was confirmed. Of a user who exists it stays as it is if it is absent.
    status: Option<StatusToWrite>,
    /// The password. A user who exists keeps the present one if it is absent.
    password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct EmailToWrite {
    /// The address.
    value: String,
    /// Whether it is the address for messages; the first one is if none says so.
    primary: Option<bool>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NameToWrite {
    given_name: Option<String>,
    family_name: Option<String>,
    /// Read if there is no `displayName`.
    formatted: Option<String>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum StatusToWrite {
    /// The address was not confirmed.
    Pending,
    /// It was.
    Confirmed,
}

/// A user as App ID writes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::endpoints::directory::management) struct UserBody {
    schemas: [&'static str; 1],
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<NameBody>,
    active: bool,
    /// `PENDING` or `CONFIRMED`.
    status: &'static str,
    /// The end of a lock that wrong passwords have caused, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<i64>,
    emails: Vec<EmailBody>,
    /// Who the user is at other identity providers; absent if at none. An addition to App ID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identities: Vec<IdentityBody>,
    meta: UserMeta,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NameBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct EmailBody {
    value: String,
    primary: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserMeta {
    /// `User`.
    resource_type: &'static str,
    created: String,
    last_modified: String,
}

/// Who a user is at another identity provider.
#[derive(Serialize, ToSchema)]
struct IdentityBody {
    /// The name of the provider.
    provider: String,
    /// The issuer of the id: a URL, or `entra:` and the tenant id.
    issuer: String,
    /// The person's id there: `sub`, or the object id at Entra.
    id: String,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserListBody {
    schemas: [&'static str; 1],
    /// The number of users that match in all.
    total_results: usize,
    /// The number of users in this answer.
    items_per_page: usize,
    /// The place of the first of them, from 1 on.
    start_index: usize,
    /// The users.
    #[serde(rename = "Resources")]
    resources: Vec<UserBody>,
}

impl UserToWrite {
    /// The password, taken out.
    pub(in crate::endpoints::directory::management) fn take_password(&mut self) -> Option<crate::domain::Secret> {
        self.password.take().map(crate::domain::Secret::new)
    }

    /// The profile to store.
    pub(in crate::endpoints::directory::management) fn into_profile(self) -> Result<UserProfile, Refused> {
        let mut emails: Vec<UserEmail> =
            self.emails.unwrap_or_default().into_iter().map(EmailToWrite::into_email).collect();
        match emails.iter().filter(|email| email.primary).count() {
            0 => emails.iter_mut().take(1).for_each(|first| first.primary = true),
            1 => {}
            _ => return Err(Refused::Value("Only one e-mail address can be primary.".into())),
        }
        let NameToWrite { given_name, family_name, formatted } = self.name.unwrap_or_default();
        Ok(UserProfile {
            user_name: self.user_name,
            emails,
            names: UserNames { display: self.display_name.or(formatted), given: given_name, family: family_name },
            active: self.active,
            status: self.status.map(|status| match status {
                StatusToWrite::Pending => UserStatus::Pending,
                StatusToWrite::Confirmed => UserStatus::Confirmed,
            }),
        })
    }
}

impl EmailToWrite {
    fn into_email(self) -> UserEmail {
        UserEmail { value: self.value, primary: self.primary.unwrap_or(false) }
    }
}

impl UserBody {
    /// `user` as it is at `now`.
    pub(in crate::endpoints::directory::management) fn new(user: DirectoryUser, now: Timestamp) -> Self {
        let UserNames { display, given, family } = user.names;
        let has_name = given.is_some() || family.is_some();
        Self {
            schemas: [USER_SCHEMA],
            id: user.id,
            user_name: user.user_name,
            display_name: display,
            name: has_name.then_some(NameBody { given_name: given, family_name: family }),
            active: user.active,
            status: match user.status {
                UserStatus::Pending => "PENDING",
                UserStatus::Confirmed => "CONFIRMED",
            },
            locked_until: user.locked_until.filter(|end| *end > now).map(Timestamp::unix_millis),
            emails: user
                .emails
                .into_iter()
                .map(|email| EmailBody { value: email.value, primary: email.primary })
                .collect(),
            identities: user.identities.into_iter().map(IdentityBody::from).collect(),
            meta: UserMeta {
                resource_type: "User",
                created: iso_8601(user.created_at),
                last_modified: iso_8601(user.modified_at),
            },
        }
    }
}

impl From<ProviderIdentity> for IdentityBody {
    fn from(identity: ProviderIdentity) -> Self {
        let ProviderIdentity { provider, key, .. } = identity;
        Self { provider, issuer: key.issuer().to_owned(), id: key.subject().to_owned() }
    }
}

impl UserListBody {
    /// `users` from the `start_index`-th on, counted from 1, of `total` in all.
    pub(super) fn new(users: Vec<UserBody>, start_index: usize, total: usize) -> Self {
        Self {
            schemas: [LIST_SCHEMA],
            total_results: total,
            items_per_page: users.len(),
            start_index,
            resources: users,
        }
    }
}
