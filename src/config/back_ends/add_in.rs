use serde::Deserialize;

use crate::config::connections::{ConnectionHolder, ConnectionSection, WrittenClient};
use crate::config::credentials::RawCredential;
use crate::config::review::{Context, Place, Review, SecretReference, WordOrList, exchange_uri};
use crate::domain::{AddIn, AddInName, AudienceRule, Downstream, ErrorConvention, HolderName, UserData};

use super::client::{ClientSection, RawClient};
use super::downstream::RawDownstream;
use super::origins::origins;
use super::user_data::{RawErrors, RawUserData};

/// An Office add-in, and the server-side callers that may have its tokens.
#[derive(Clone, Debug)]
pub struct AddInSection {
    /// The validated add-in.
    pub add_in: AddIn,
    /// The callers that may have the token of a user whose bootstrap token they present.
    pub callers: Vec<ClientSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawAddIn {
    client_id: Option<String>,
    client_secret: Option<SecretReference>,
    credentials: Option<Vec<RawCredential>>,
    identity_provider: Option<String>,
    tenants: Option<WordOrList>,
    required_scopes: Option<Vec<String>>,
    authorized_clients: Vec<String>,
    allow_v1: bool,
    resource: Option<String>,
    scopes: Option<Vec<String>>,
    required_granted_scopes: Vec<String>,
    continuous_access: bool,
    downstream: Option<RawDownstream>,
    user_data: Option<RawUserData>,
    errors: Option<RawErrors>,
    origins: Vec<String>,
    callers: Vec<RawClient>,
}

/// What an add-in calls on behalf of its users.
struct Called {
    downstream: Option<Downstream>,
    user_data: Option<UserData>,
}

impl RawAddIn {
    /// The add-in and its only connection.
    pub(super) fn validate(
        mut self,
        name: AddInName,
        context: &Context,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<(AddInSection, ConnectionSection)> {
        let resource = self.resource.take().map(|text| exchange_uri(text, review, &place.key("resource")));
        let called = self.take_called(review, place);
        let errors = self.errors.map(ErrorConvention::from).unwrap_or_default();
        let origins = origins(&self.origins, review, &place.key("origins"));
        self.warn_of_no_callers(review, place);
        let callers = self.take_callers(review, &place.key("callers"));
        let mut connection = self.validate_client(&name, context, review, place)?;
        let client_id = connection.connection.client_id.clone();
        let resource = resource.unwrap_or_else(|| Some(format!("api://{client_id}")))?;
        let rule = AudienceRule::Uri(resource.clone());
        let audiences = &mut connection.connection.exchange.audiences;
        audiences.extend((!audiences.contains(&rule)).then_some(rule));
        let Called { downstream, user_data } = called?;
        let add_in = AddIn {
            name,
            client_id,
            resource,
            connection: connection.connection.name.clone(),
            downstream,
            user_data,
            errors,
            origins,
        };
        Some((AddInSection { add_in, callers: callers? }, connection))
    }

    /// Pages are on another origin than bot-sso, and servers need an entry.
    fn warn_of_no_callers(&self, review: &mut Review<'_>, place: &Place) {
        let at = place.key("origins");
        if self.origins.is_empty() && self.callers.is_empty() && !review.is_reported(&at) {
            let message = "is missing, so no page of the add-in may call from a browser: write the origins of its pages, as \
                           [\"https://addin.example.com\"]";
            review.warn(&at, message.to_owned());
        }
    }

    fn take_called(&mut self, review: &mut Review<'_>, place: &Place) -> Option<Called> {
        let downstream = self.downstream.take().map(|raw| raw.validate(review, &place.key("downstream")));
        let known = downstream.as_ref().and_then(Option::as_ref);
        let user_data = self.user_data.take().map(|raw| raw.validate(known, review, &place.key("user_data")));
        if user_data.is_some() && downstream.is_none() && !review.is_reported(&place.key("downstream")) {
            let message = "has no data to show without downstream: write it beside it, or leave user_data out";
            review.report(&place.key("user_data"), message.to_owned());
        }
        if self.scopes.is_none() && !review.is_reported(&place.key("scopes")) {
            let users = [("downstream", downstream.is_some()), ("callers", !self.callers.is_empty())];
            if let Some((key, _)) = users.iter().find(|(_, is_written)| *is_written) {
                let message =
                    format!("is missing, and {key} needs tokens: write [\"https://graph.microsoft.com/User.Read\"]");
                review.report(&place.key("scopes"), message);
            }
        }
        Some(Called {
            downstream: downstream.map_or(Some(None), |valid| valid.map(Some))?,
            user_data: user_data.map_or(Some(None), |valid| valid.map(Some))?,
        })
    }

    fn take_callers(&mut self, review: &mut Review<'_>, place: &Place) -> Option<Vec<ClientSection>> {
        let raw = std::mem::take(&mut self.callers).into_iter().enumerate();
        let validated: Vec<_> = raw.map(|(index, one)| one.validate(review, &place.index(index))).collect();
        let callers: Vec<ClientSection> = validated.into_iter().collect::<Option<_>>()?;
        for (index, caller) in callers.iter().enumerate() {
            if callers.iter().take(index).any(|earlier| earlier.client_id == caller.client_id) {
                let message = format!(
                    "{:?} is the client id of an earlier caller, too: write both hashes there",
                    caller.client_id
                );
                review.report(&place.index(index).key("client_id"), message);
            }
        }
        Some(callers)
    }

    fn validate_client(
        self,
        name: &AddInName,
        context: &Context,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<ConnectionSection> {
        let at = place.key("identity_provider");
        let identity_provider = if let Some(other) =
            self.identity_provider.as_ref().filter(|name| context.is_oidc(name))
        {
            let message = format!(
                "{other:?} is of kind \"oidc\", and Office gives add-ins tokens of Entra: write one of kind \"entra\""
            );
            review.report(&at, message);
            None
        } else {
            context.entra_provider(self.identity_provider, review, &at)
        };
        let client = WrittenClient {
            client_id: self.client_id,
            client_secret: self.client_secret,
            credentials: self.credentials,
            tenants: self.tenants,
            required_scopes: self.required_scopes,
            authorized_clients: self.authorized_clients,
            allow_v1: self.allow_v1,
            scopes: self.scopes,
            required_granted_scopes: self.required_granted_scopes,
            continuous_access: self.continuous_access,
            client_auth: None,
        };
        let owner =
            ConnectionHolder { table: "add_ins", key: name.as_str().to_owned(), holder: HolderName::from(name) };
        client.validate(owner, identity_provider, context, review, place)
    }
}
