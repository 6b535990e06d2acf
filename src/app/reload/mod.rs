//! Reloads the configuration while it is served: as a whole, or not at all.
//!
//! Owns the order of a reload, and what of a configuration needs a restart. It deliberately builds nothing itself: services,
//! doors and routes are built by the functions that built those of the start.

mod renewal;
mod restart;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::renewal::{FilesReadAgain, RenewableSecrets, report_caller_secrets, report_credentials};
pub(super) use self::renewal::{RenewableFiles, RenewableMail};
use self::restart::find_restarts;
use super::credentials::CredentialEnds;
use super::doors::{DoorSources, Doors, open_doors};
use super::metrics::{name_served, show_key_sets};
use super::readiness::{LastingChecks, build_readiness};
use super::routes::{LastingRoutes, ListenerRoutes, ReplaceableRoutes, RouteSources};
use super::services::{Services, rebuild_services};
use crate::config::{Configuration, Problems};
use crate::domain::{Bot, ReloadCalls, ReloadProblem, ReloadReport};
use crate::observability::{AuditEntry, AuditEvent};

/// Reloads the configuration. There is one in a process, and it makes one reload after the other.
pub(super) struct Reloader {
    pub(super) files: Arc<RenewableFiles>,
    /// `None` if no mail is sent.
    pub(super) mail: Option<RenewableMail>,
    pub(super) served: ServedConfiguration,
    pub(super) routes: ServedRoutes,
    pub(super) lasting_routes: LastingRoutes,
    pub(super) checks: LastingChecks,
    pub(super) calls: ReloadCalls,
    pub(super) credential_ends: CredentialEnds,
}

/// A configuration with what was built from it.
pub(super) struct ServedConfiguration {
    pub(super) config: Configuration,
    pub(super) services: Services,
    pub(super) doors: Doors,
}

/// What was built from a configuration that is not served yet.
struct BuiltConfiguration {
    services: Services,
    doors: Doors,
    routes: ListenerRoutes,
}

/// The routes that the listeners serve; `None` where there is no such listener.
pub(super) struct ServedRoutes {
    pub(super) public: Arc<ReplaceableRoutes>,
    pub(super) token_service: Option<Arc<ReplaceableRoutes>>,
    pub(super) operations: Option<Arc<ReplaceableRoutes>>,
    pub(super) health: Option<Arc<ReplaceableRoutes>>,
}

impl ServedRoutes {
    fn replace(&self, routes: ListenerRoutes) {
        let ListenerRoutes { public, token_service, operations, health } = routes;
        self.public.replace(public);
        let others = [(&self.token_service, token_service), (&self.operations, operations), (&self.health, health)];
        for (listener, routes) in others {
            if let (Some(listener), Some(routes)) = (listener, routes) {
                listener.replace(routes);
            }
        }
    }
}

impl Reloader {
    /// Reads the configuration file, and everything that it names, again. Certificates, keys and secrets are renewed if they
    /// can be read; everything else is applied if nothing is in the way of any of it.
    pub(super) async fn reload(&mut self) -> ReloadReport {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || files.read_again()).await;
        let mut report = match read {
            Ok(FilesReadAgain { config: None, renewed }) => {
                ReloadReport { is_applied: true, renewed, ..ReloadReport::default() }
            }
            Ok(FilesReadAgain { config: Some(Err(problems)), renewed }) => {
                ReloadReport { problems: list_problems(&problems), renewed, ..ReloadReport::default() }
            }
            Ok(FilesReadAgain { config: Some(Ok(config)), renewed }) => {
                let mut report = self.apply(config).await;
                report.renewed.splice(0..0, renewed);
                report
            }
            Err(_) => {
                ReloadReport { problems: vec![internal("the files could not be read")], ..ReloadReport::default() }
            }
        };
        report.is_applied = report.problems.is_empty();
        log(&report);
        report
    }

    async fn apply(&mut self, config: Configuration) -> ReloadReport {
        self.credential_ends.replace(config.credential_ends.clone());
        let differences = self.served.config.list_differences(&config);
        let mut problems = find_restarts(&differences, &self.served.config, &config);
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let secrets = RenewableSecrets { services: &self.served.services, mail: self.mail.as_ref() };
        if problems.is_empty() && !differences.is_empty() {
            match self.build(&config).await {
                Ok(built) => {
                    let renewed = self.serve(config, built);
                    return ReloadReport { differences, renewed, ..ReloadReport::default() };
                }
                Err(problem) => problems.push(problem),
            }
        }
        // Nothing else is applied, or there is nothing else.
        let renewed = secrets.renew(&config);
        ReloadReport { differences, problems, renewed, is_applied: false }
    }

    /// Builds everything that can fail. What is served stays as it is.
    async fn build(&self, config: &Configuration) -> Result<BuiltConfiguration, ReloadProblem> {
        let before = &self.served;
        let lasting = &before.services.lasting;
        lasting.permit_hosts(&[&before.config, config]);
        let built = self.build_over(config).await;
        if built.is_err() {
            lasting.permit_hosts(&[&before.config]);
        }
        built
    }

    async fn build_over(&self, config: &Configuration) -> Result<BuiltConfiguration, ReloadProblem> {
        let before = &self.served;
        let services = rebuild_services(config, &before.services)
            .map_err(|error| ReloadProblem { path: String::new(), message: error.to_string() })?;
        let bots: Vec<&Bot> = services.registrations.bots().map(AsRef::as_ref).collect();
        services.speakers.recall(bots.into_iter()).await.map_err(|error| {
            tracing::error!(%error, "a reload needs the store, which failed");
            internal("the store failed: try again when it works")
        })?;
        let readiness = build_readiness(self.checks.of(&services));
        let sources = DoorSources { config, services: &services, reloads: &self.calls, earlier: Some(&before.doors) };
        let doors = open_doors(&sources, readiness);
        let metrics = &services.metrics;
        let routes =
            ListenerRoutes::build(&RouteSources { config, doors: &doors, metrics, lasting: &self.lasting_routes });
        let tried = routes.clone();
        match tokio::task::spawn_blocking(move || tried.can_be_built()).await {
            Ok(true) => Ok(BuiltConfiguration { services, doors, routes }),
            Ok(false) | Err(_) => Err(internal("the routes could not be built: report this as a bug")),
        }
    }

    /// Serves `built` from now on, at all listeners. Requests that are under way are finished as they began.
    fn serve(&mut self, config: Configuration, built: BuiltConfiguration) -> Vec<&'static str> {
        let BuiltConfiguration { services, doors, routes } = built;
        services.metrics.add_names(&name_served(&config));
        show_key_sets(&services.metrics, &services.key_sets.list());
        self.routes.replace(routes);
        services.lasting.permit_hosts(&[&config]);
        self.served = ServedConfiguration { config, services, doors };
        let ServedConfiguration { config, services, .. } = &self.served;
        let mut renewed = report_credentials();
        renewed.extend(report_caller_secrets(services));
        renewed.extend(RenewableSecrets { services, mail: self.mail.as_ref() }.renew_of_process(config));
        renewed
    }
}

fn list_problems(problems: &Problems) -> Vec<ReloadProblem> {
    let problem = |path: &str, message: &str| ReloadProblem { path: path.to_owned(), message: message.to_owned() };
    problems.0.iter().map(|found| problem(&found.path, &found.message)).collect()
}

fn internal(message: &str) -> ReloadProblem {
    ReloadProblem { path: String::new(), message: message.to_owned() }
}

/// Writes to the log and the audit stream what came of a reload: a line for each difference and each problem.
fn log(report: &ReloadReport) {
    for ReloadProblem { path, message } in &report.problems {
        tracing::error!(path, "{message}");
    }
    for difference in &report.differences {
        if report.is_applied {
            tracing::info!(difference, "the configuration has changed");
            AuditEntry::new(AuditEvent::Reloaded).detail(difference).write();
        } else {
            tracing::warn!(difference, "not applied");
        }
    }
    match (report.is_applied, report.differences.is_empty()) {
        (true, true) => tracing::info!("the configuration was reloaded: nothing has changed in it"),
        (true, false) => tracing::info!(differences = report.differences.len(), "the configuration was reloaded"),
        (false, true) => tracing::error!(
            problems = report.problems.len(),
            "the configuration was not reloaded: the old one and the old credentials stay"
        ),
        (false, false) => tracing::error!(
            problems = report.problems.len(),
            "the configuration was not reloaded: the old one stays; certificates, keys and credentials were read again"
        ),
    }
}
