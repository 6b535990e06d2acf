use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::directory_page::{Shown, described, fingerprint, settings_form, to_minutes};
use super::fields::Fields;
use super::frame::PageError;
use super::templates::ShownSettings;
use super::{DirectoryPages, LIST_PATH, OperatorAct, PageResult};
use crate::accounts::{DirectoryView, SettingsChangeError};
use crate::domain::SsoSettings;
use crate::inbound::{Answer, ChangeLost, Method, Operation, perform_change, redirect_browser};
use crate::observability::AuditEvent;

/// The longest inactivity that the page sets, in minutes. The management API sets any number of seconds.
const MAX_MINUTES: u32 = 10_080;

/// `POST /admin/directories/{tenant}`.
pub(super) const CHANGE: Operation = Operation {
    method: Method::Post,
    path: "/admin/directories/{tenant}",
    route: |route| route.to(change),
    description: || {
        described("ChangeDirectory", "Changes single sign-on of a directory, or the rows of the form.")
            .form_body::<SettingsForm>("The form of the page.")
            .answer(200, Answer::html("The form with a row more or less; nothing is stored."))
            .answer(400, Answer::html("A value cannot be set."))
            .answer(
                409,
                Answer::html("The settings have changed since the page was opened, or the configuration manages them."),
            )
            .answer(415, Answer::html("The body is no form."))
    },
};

#[derive(Deserialize, ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read by name")]
struct SettingsForm {
    /// `on`, if single sign-on is.
    active: Option<String>,
    /// Minutes without a use after which a session ends, 1 to 10080.
    minutes: String,
    /// Where a logout may lead; the field may be there several times.
    uri: Option<String>,
    /// `save`, `add`, or `remove-` and the number of a row.
    action: String,
    /// Which settings the page showed.
    shown: String,
    /// The token of the form.
    form_token: String,
}

/// Why the settings of a form are not stored.
enum FormRefusal {
    /// The settings have changed since the page was opened.
    Stale,
    /// A value is out of its range.
    Value(String),
    Page(PageError),
}

impl From<ChangeLost> for FormRefusal {
    fn from(lost: ChangeLost) -> Self {
        Self::Page(lost.into())
    }
}

async fn change(http: HttpRequest, payload: web::Payload, pages: web::Data<DirectoryPages>) -> HttpResponse {
    pages.change_settings(&http, payload).await.unwrap_or_else(|error| pages.refuse(&http, error))
}

impl DirectoryPages {
    async fn change_settings(&self, http: &HttpRequest, payload: web::Payload) -> PageResult {
        if !self.is_signed_in(http) {
            return Err(PageError::SignedOut);
        }
        let view = self.find_directory(http)?;
        let fields = self.read_form(http, payload, &settings_form(view.directory.tenant.as_str())).await?;
        let mut typed = ShownSettings::read(&fields)?;
        let action = fields.find("action").ok_or(PageError::Incomplete)?;
        if action == "save" {
            return self.save(http, &view, typed).await;
        }
        if action == "add" {
            typed.addresses.push(String::new());
        } else if let Some(row) = action.strip_prefix("remove-").and_then(|row| row.parse::<usize>().ok()) {
            let mut rows = 0..;
            typed.addresses.retain(|_| rows.next() != Some(row));
        } else {
            return Err(PageError::Incomplete);
        }
        let message = "The list has changed here only: press Save to store it.";
        let shown = Shown { status: StatusCode::OK, settings: typed, message, problem: String::new() };
        self.show_directory(http, &view, shown).await
    }

    async fn save(&self, http: &HttpRequest, view: &DirectoryView, mut typed: ShownSettings) -> PageResult {
        let tenant = &view.directory.tenant;
        typed.addresses.retain(|address| !address.trim().is_empty());
        match self.store(OperatorAct::new(http, tenant), &typed).await {
            Ok(()) => Ok(redirect_browser(StatusCode::SEE_OTHER, &format!("{LIST_PATH}/{tenant}?saved=1"))),
            Err(FormRefusal::Page(error)) => Err(error),
            Err(FormRefusal::Value(problem)) => {
                let shown = Shown { status: StatusCode::BAD_REQUEST, settings: typed, message: "", problem };
                self.show_directory(http, view, shown).await
            }
            Err(FormRefusal::Stale) => {
                let view = self.find_directory(http)?;
                let shown = Shown {
                    status: StatusCode::CONFLICT,
                    settings: ShownSettings::of(&view.settings.sso),
                    message: "",
                    problem: "The settings have changed since you opened the page, and yours are not saved. The form \
                              shows those that are in effect now."
                        .to_owned(),
                };
                self.show_directory(http, &view, shown).await
            }
        }
    }

    /// Stores the settings of the form, and notes it in the audit stream.
    async fn store(&self, act: OperatorAct, typed: &ShownSettings) -> Result<(), FormRefusal> {
        let minutes = typed.minutes.trim().parse().ok().filter(|minutes| (1..=MAX_MINUTES).contains(minutes));
        let Some(minutes) = minutes else {
            return Err(FormRefusal::Value(format!("Minutes of inactivity: write a number from 1 to {MAX_MINUTES}.")));
        };
        let wanted = WantedSettings {
            is_active: typed.is_active,
            minutes,
            addresses: typed.addresses.iter().map(|address| address.trim().to_owned()).collect(),
            shown: typed.fingerprint.clone(),
        };
        let directories = self.operated.directories.clone();
        perform_change(async move {
            let changed = directories.change(&act.tenant, |settings| wanted.apply(&mut settings.sso)).await;
            changed.map_err(|error| match error {
                SettingsChangeError::Refused(refusal) => refusal,
                SettingsChangeError::ManagedByFile => FormRefusal::Page(PageError::ManagedByFile),
                SettingsChangeError::TooManyApplications => FormRefusal::Page(PageError::Incomplete),
                SettingsChangeError::TooManyAddresses => FormRefusal::Value(
                    "The directory and its applications may have 2000 addresses together.".to_owned(),
                ),
                SettingsChangeError::Store(error) => {
                    FormRefusal::Page(PageError::failed("the settings of a directory cannot be stored", &error))
                }
            })?;
            act.audit(AuditEvent::DirectorySsoUpdated).detail("cloud_directory_sso").write();
            let (correlation_id, tenant) = (&act.correlation_id, act.tenant.as_str());
            tracing::info!(correlation_id, tenant, "the operator changed single sign-on of a directory");
            Ok(())
        })
        .await
    }
}

/// The settings that the operator has typed.
struct WantedSettings {
    is_active: bool,
    minutes: u32,
    addresses: Vec<String>,
    /// The settings that the page showed.
    shown: String,
}

impl WantedSettings {
    fn apply(self, settings: &mut SsoSettings) -> Result<(), FormRefusal> {
        if fingerprint(settings) != self.shown {
            return Err(FormRefusal::Stale);
        }
        settings.is_active = self.is_active;
        // Seconds that the management API has set stay unless the operator changes the minutes.
        if to_minutes(settings.inactivity_timeout_seconds) != self.minutes {
            settings.inactivity_timeout_seconds = self.minutes * 60;
        }
        settings.logout_redirect_uris = self.addresses;
        settings.check().map_err(|fault| FormRefusal::Value(fault.to_string()))
    }
}

impl ShownSettings {
    fn read(fields: &Fields) -> Result<Self, PageError> {
        Ok(Self {
            is_active: fields.find("active") == Some("on"),
            minutes: fields.find("minutes").ok_or(PageError::Incomplete)?.to_owned(),
            addresses: fields.list("uri").map(str::to_owned).collect(),
            fingerprint: fields.find("shown").ok_or(PageError::Incomplete)?.to_owned(),
        })
    }
}
