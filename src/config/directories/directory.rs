use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::config::review::{Context, Place, Review};
use crate::domain::{Application, ApplicationKind, Directory, DirectorySettings, ManagedBy, TenantId};

use super::administrators::{RawAdministrator, administrators};
use super::application::{RawApplication, applications, refuse_backchannel_addresses};
use super::passwords::RawPasswords;
use super::providers::{RawLoginProvider, login_providers};
use super::redirect_uris::{Brought, redirect_uris};
use super::section::DirectorySection;
use super::self_service::RawSelfService;
use super::settings::{RawIdentityField, RawSso, RawTokens};

/// The seconds of a day.
const DAY: u64 = 86_400;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(in crate::config) struct RawDirectory {
    tenant_id: Option<String>,
    managed: RawManagedBy,
    administrators: Vec<RawAdministrator>,
    redirect_uris: Vec<String>,
    identity_field: RawIdentityField,
    signing_key_days: Option<u64>,
    absolute_lifetime_seconds: Option<u64>,
    sdk_all_sessions: bool,
    sso: RawSso,
    tokens: RawTokens,
    passwords: RawPasswords,
    self_service: RawSelfService,
    applications: BTreeMap<String, RawApplication>,
    providers: BTreeMap<String, RawLoginProvider>,
    prompts_with_other_providers: bool,
}

/// What a directory needs to know of other sections.
#[derive(Clone, Copy)]
pub(super) struct DirectorySurroundings<'a> {
    /// The public address of the server, if it has no problem.
    pub(super) public_url: Option<&'a Url>,
    pub(super) context: &'a Context,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawManagedBy {
    #[default]
    Api,
    File,
}

impl RawDirectory {
    /// The tenant id as it is written; that of a directory without one is its name.
    pub(in crate::config) fn written_tenant(&self) -> Option<&str> {
        self.tenant_id.as_deref()
    }

    pub(super) fn validate(
        mut self,
        name: &str,
        surroundings: DirectorySurroundings<'_>,
        review: &mut Review<'_>,
        place: &Place,
    ) -> Option<DirectorySection> {
        self.warn_of_unused(review, place);
        let tenant = self.take_tenant(name, review, place);
        let at = place.key("signing_key_days");
        let days = review.number(self.signing_key_days, 90, &(1..=730), &at);
        let lifetime = self.absolute_lifetime_seconds.map(|seconds| {
            review.number(Some(seconds), seconds, &(60..=31_536_000), &place.key("absolute_lifetime_seconds"))
        });
        let at = place.key("administrators");
        let administrators = administrators(std::mem::take(&mut self.administrators), review, &at);
        let (managed_by, sdk_all_sessions) = (self.managed, self.sdk_all_sessions);
        let prompts_with_login_providers = self.prompts_with_other_providers;
        let providers = std::mem::take(&mut self.providers);
        let providers = login_providers(providers, name, surroundings.context, review, place);
        let application_keys: Vec<String> = self.applications.keys().cloned().collect();
        let settings = self.validate_settings(review, place);
        if let Some(settings) = settings.as_ref().filter(|_| managed_by == RawManagedBy::File) {
            warn_of_missing_addresses(settings, &application_keys, review, place);
        }
        let (tenant, providers) = (tenant?, providers?);
        let issuer = issuer(surroundings.public_url?, &tenant);
        let directory = Directory {
            name: name.to_owned(),
            own_applications: vec![Application::account_page(&issuer)],
            issuer,
            tenant,
            managed_by: match managed_by {
                RawManagedBy::Api => ManagedBy::Api,
                RawManagedBy::File => ManagedBy::File,
            },
            absolute_lifetime_seconds: lifetime.map_or(Some(None), |seconds| seconds.map(Some))?,
            sdk_all_sessions,
            signing_key_lifetime_seconds: days?.saturating_mul(DAY),
            administrators: administrators?,
            login_providers: providers.providers,
            prompts_with_login_providers,
        };
        let login_connections = providers.connections;
        let section = DirectorySection { directory, settings: settings?, application_keys, login_connections };
        refuse_backchannel_addresses(&section, review, &place.key("applications"));
        Some(section)
    }

    fn take_tenant(&mut self, name: &str, review: &mut Review<'_>, place: &Place) -> Option<TenantId> {
        let at = place.key("tenant_id");
        let written = self.tenant_id.take();
        let id = written.as_deref().unwrap_or(name);
        if TenantId::is_valid(id) {
            return Some(TenantId::new(id));
        }
        let write = "write 1 to 64 letters, digits and hyphens";
        let message = match &written {
            Some(id) => format!("{id:?} is no id of a tenant: {write}"),
            None => format!("is missing, and the section's name is no id of a tenant: {write}"),
        };
        if !review.is_reported(&at) {
            review.report(&at, message);
        }
        None
    }

    fn validate_settings(self, review: &mut Review<'_>, place: &Place) -> Option<DirectorySettings> {
        let redirect_uris = redirect_uris(&self.redirect_uris, Brought::Code, review, &place.key("redirect_uris"));
        let sso = self.sso.validate(review, &place.key("sso"));
        let tokens = self.tokens.validate(review, &place.key("tokens"));
        let passwords = self.passwords.validate(review, &place.key("passwords"));
        let self_service = self.self_service.validate(review, &place.key("self_service"));
        let applications = applications(self.applications, review, &place.key("applications"));
        let settings = DirectorySettings {
            sso: sso?,
            redirect_uris,
            tokens: tokens?,
            passwords: passwords?,
            identity_field: self.identity_field.into(),
            applications: applications?,
            self_service,
        };
        let (count, most) = (settings.count_addresses(), DirectorySettings::MAX_ALL_ADDRESSES);
        if count > most {
            let message = format!(
                "has {count} addresses in all lists of the directory and its applications: write at most {most}"
            );
            review.report(place, message);
            return None;
        }
        Some(settings)
    }

    /// Without an administrator the directory gets no users, and the operator's page changes single sign-on alone.
    fn warn_of_unused(&self, review: &mut Review<'_>, place: &Place) {
        let at = place.key("administrators");
        if self.administrators.is_empty() && !review.is_reported(&at) {
            let message = "is missing, so nobody may call the management API, which creates users: write [{ name = \"ops\", role = \
                           \"manager\", token_sha256 = [\"…\"] }] with a hash of bot-sso keys secret";
            review.warn(&at, message.to_owned());
        }
    }
}

/// Warns of lists of addresses that are empty, and that nothing but the file could fill. `keys` are those of the applications, in
/// their order.
fn warn_of_missing_addresses(settings: &DirectorySettings, keys: &[String], review: &mut Review<'_>, place: &Place) {
    for (application, key) in settings.applications.iter().zip(keys) {
        let has_none = settings.redirect_uris.is_empty() && application.redirect_uris.is_empty();
        if has_none && application.kind == ApplicationKind::SinglePageApp {
            let message = "is missing, so nobody can sign in to this page: write [\"https://host/path\"] with the address to which \
                           browsers bring its codes";
            review.warn(&place.key("applications").key(key).key("redirect_uris"), message.to_owned());
        }
    }
    if settings.sso.is_active && settings.sso.logout_redirect_uris.is_empty() {
        let message = "is missing, so no logout of an application is accepted: write [\"https://host/path\"] with the addresses to \
                       which a logout may lead";
        review.warn(&place.key("sso").key("logout_redirect_uris"), message.to_owned());
    }
}

/// The issuer of the directory's tokens, which is the address of its OAuth door.
fn issuer(public_url: &Url, tenant: &TenantId) -> String {
    format!("{}/oauth/v4/{tenant}", public_url.as_str().trim_end_matches('/'))
}
