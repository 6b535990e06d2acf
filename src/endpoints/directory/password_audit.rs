use std::net::IpAddr;

use crate::accounts::{DirectoryView, PasswordCheck, ReachedLimit, RefusedSignIn, SignInRefusal};
use crate::inbound::SampledLines;
use crate::observability::{AuditEntry, AuditEvent, DirectoryCount, DirectoryCounts, conceal};

/// What the log, the audit stream and the metrics say of the check of a password, wherever the user has typed it. What the user has
/// typed stays out of all of them.
#[derive(Clone, Copy)]
pub(super) struct PasswordAudit<'a> {
    /// Where it is counted.
    pub(super) counts: &'a DirectoryCounts,
    /// Chooses the lines about refusals that strangers can cause without end.
    pub(super) lines: &'a SampledLines,
    /// The directory.
    pub(super) view: &'a DirectoryView,
    /// The client id of the application, if the user has come from one.
    pub(super) application: Option<&'a str>,
    /// The id of the request.
    pub(super) correlation_id: &'a str,
    /// The address that the request came from.
    pub(super) client: Option<IpAddr>,
    /// `password_grant` if the application has sent the password; `None` for our page.
    pub(super) detail: Option<&'static str>,
}

impl PasswordAudit<'_> {
    /// Counts `outcome`, logs it and writes its entry. A busy machine is no event of a user's.
    pub(super) fn write(&self, outcome: &PasswordCheck) {
        self.counts.add(&self.view.directory.name, find_count(outcome));
        match outcome {
            PasswordCheck::Accepted(user) => {
                let entry = self.begin(AuditEvent::DirectorySignedIn, Some(&user.id));
                self.detail.map_or(entry.clone(), |detail| entry.detail(detail)).write();
                self.log_accepted(&user.id);
            }
            PasswordCheck::Refused(refusal) => self.note_refusal(refusal),
            PasswordCheck::Expired { user_id } => {
                self.begin(AuditEvent::DirectorySignInRefused, Some(user_id)).detail("password_expired").write();
                self.log_refused("Expired", Some(user_id));
            }
            PasswordCheck::Unconfirmed { user_id } => {
                self.begin(AuditEvent::DirectorySignInRefused, Some(user_id)).detail("unconfirmed").write();
                self.log_refused("Unconfirmed", Some(user_id));
            }
            PasswordCheck::TooMany { reached, user_id, .. } => {
                // The stream has the limit once, and not each sign-in that it refuses.
                if let Some(limit) = reached {
                    let entry = self.begin(AuditEvent::DirectorySignInsLimited, user_id.as_deref());
                    entry.detail(name_limit(*limit)).write();
                }
                self.log_limited("TooMany", user_id.as_deref());
            }
            PasswordCheck::Busy => self.log_limited("Busy", None),
        }
    }

    fn note_refusal(&self, refusal: &SignInRefusal) {
        let SignInRefusal { reason, user_id, has_locked } = refusal;
        let user_id = user_id.as_deref();
        self.begin(AuditEvent::DirectorySignInRefused, user_id).detail(name_reason(*reason)).write();
        self.log_refused(&format!("{reason:?}"), user_id);
        if *has_locked {
            let event = AuditEvent::DirectoryUserLocked;
            self.begin(event, user_id).write();
            let user = self.conceal(user_id);
            let seconds = self.view.settings.passwords.lockout.map(|lockout| lockout.seconds);
            let (correlation_id, tenant, application) = self.context();
            let security = event.is_security();
            tracing::warn!(
                correlation_id,
                tenant,
                application,
                user,
                seconds,
                security,
                "wrong passwords have locked a user"
            );
        }
    }

    fn log_accepted(&self, user_id: &str) {
        let ((correlation_id, tenant, application), user) = (self.context(), self.conceal(Some(user_id)));
        tracing::info!(correlation_id, tenant, application, user, "a user of a directory signed in");
    }

    fn log_refused(&self, code: &str, user_id: Option<&str>) {
        let ((correlation_id, tenant, application), user) = (self.context(), self.conceal(user_id));
        tracing::info!(correlation_id, tenant, application, user, code, "a sign-in was refused");
    }

    /// Logs a refusal that costs its sender nothing: the first ones of an address only.
    fn log_limited(&self, code: &str, user_id: Option<&str>) {
        let Some(refusals) = self.lines.note(self.client) else { return };
        let ((correlation_id, tenant, application), user) = (self.context(), self.conceal(user_id));
        tracing::warn!(correlation_id, tenant, application, user, code, refusals, "a sign-in was refused");
    }

    /// The id of the request, the tenant id, and the client id of the application.
    fn context(&self) -> (&str, &str, Option<&str>) {
        (self.correlation_id, self.view.directory.tenant.as_str(), self.application)
    }

    fn conceal(&self, user_id: Option<&str>) -> Option<String> {
        user_id.map(|id| conceal(&self.view.directory.user_key(id)).to_string())
    }

    fn begin(&self, event: AuditEvent, user_id: Option<&str>) -> AuditEntry<'_> {
        let directory = &self.view.directory;
        let mut entry = AuditEntry::new(event).tenant(&directory.tenant);
        if let Some(application) = self.application {
            entry = entry.application(application);
        }
        let entry = entry.correlation_id(self.correlation_id).client(self.client);
        user_id.map_or(entry.clone(), |id| entry.user(&directory.user_key(id)))
    }
}

const fn name_limit(limit: ReachedLimit) -> &'static str {
    match limit {
        ReachedLimit::OfUser => "user",
        ReachedLimit::OfAddress => "address",
    }
}

const fn find_count(outcome: &PasswordCheck) -> DirectoryCount {
    match outcome {
        PasswordCheck::Accepted(_) => DirectoryCount::SignInAccepted,
        PasswordCheck::Refused(_) | PasswordCheck::Unconfirmed { .. } => DirectoryCount::SignInRefused,
        PasswordCheck::Expired { .. } => DirectoryCount::SignInExpired,
        PasswordCheck::TooMany { .. } => DirectoryCount::SignInLimited,
        PasswordCheck::Busy => DirectoryCount::SignInBusy,
    }
}

const fn name_reason(reason: RefusedSignIn) -> &'static str {
    match reason {
        RefusedSignIn::UnknownUser => "unknown_user",
        RefusedSignIn::WrongPassword => "wrong_password",
        RefusedSignIn::Locked => "locked",
        RefusedSignIn::NotActive => "not_active",
        RefusedSignIn::Limited => "user_limited",
    }
}
