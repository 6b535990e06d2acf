//! Checks every section in the order of what sections need of each other, and compares the valid ones.

use std::collections::{BTreeSet, HashMap};

use super::back_ends::{self, OtherSections, RawBackEnds, ValidatedBackEnds};
use super::connections;
use super::contradictions::{ComparedSections, ListenAddress};
use super::differences::WrittenSections;
use super::directories::{refuse_names_of_providers, validate_directories, written_directories};
use super::identity_providers::{self, ValidatedProviders};
use super::reading::RawConfiguration;
use super::review::{Conclusion, Context, Review};
use super::sections::{self, ValidatedBots, validate_bots};
use super::{
    AuditSection, ChannelStatuses, ChannelTrustSection, Configuration, ConnectionSection, DirectorySection,
    KeysSection, LimitsSection, LoggingSection, MailSection, OperationsSection, OutboundSection, PasswordHashesSection,
    Server, SignInSection, StoreSection, TokenServiceSection, TracesSection,
};
use crate::domain::{ChannelId, Skill};

/// The sections, checked one by one. A section with a problem is `None`, or has less than is written.
struct ValidatedSections {
    server: Option<Server>,
    outbound: Option<OutboundSection>,
    channels: Option<ChannelTrustSection>,
    token_service: TokenServiceSection,
    sign_in: Option<SignInSection>,
    providers: ValidatedProviders,
    bots: ValidatedBots,
    /// Those of bots, and those that only apps and back ends name.
    connections: Vec<ConnectionSection>,
    back_ends: ValidatedBackEnds,
    directories: Vec<DirectorySection>,
    password_hashes: Option<PasswordHashesSection>,
    skills: Vec<Skill>,
    statuses: HashMap<ChannelId, ChannelStatuses>,
    operations: Option<OperationsSection>,
    has_operations: bool,
    mail: Option<MailSection>,
    has_mail: bool,
    limits: Option<LimitsSection>,
    store: Option<StoreSection>,
    keys: Option<KeysSection>,
    logging: LoggingSection,
    audit: Option<AuditSection>,
    traces: Option<TracesSection>,
}

/// Checks every section even if an earlier one has problems, so that all problems are reported. A section is checked
/// after the sections whose values it needs.
pub(super) fn validate(mut raw: RawConfiguration, mut review: Review<'_>) -> Result<Configuration, Box<Review<'_>>> {
    identity_providers::add_default_entra(&mut raw.identity_providers);
    let (context, listeners) = (build_context(&raw, &mut review), collect_listeners(&raw));
    refuse_names_of_providers(&context, &mut review);
    let sections = ValidatedSections::validate(raw, &context, &mut review);
    sections.compare(&context, &listeners, &mut review);
    sections.conclude(&context, review)
}

fn build_context(raw: &RawConfiguration, review: &mut Review<'_>) -> Context {
    let cloud = raw.channels.cloud.unwrap_or_default().defaults();
    review.set_cloud(cloud);
    let connections: BTreeSet<String> = raw.connections.keys().cloned().collect();
    let mut lent_connections = back_ends::named_connections(&raw.back_ends, &raw.apps);
    // A name that no connection has is reported, and may mean any connection without a bot.
    if !lent_connections.is_subset(&connections) {
        lent_connections.extend(connections.iter().cloned());
    }
    Context {
        cloud,
        bots: sections::written_app_ids(&raw.bots),
        identity_providers: identity_providers::written_providers(&raw.identity_providers),
        directories: written_directories(&raw.directories, raw.server.written_public_url()),
        connections,
        lent_connections,
        add_ins: raw.add_ins.keys().cloned().collect(),
    }
}

/// The addresses of all listeners. They are read before the sections are checked, so that a problem elsewhere in a section
/// does not hide one of its address.
fn collect_listeners(raw: &RawConfiguration) -> Vec<ListenAddress> {
    let mut listeners = ListenAddress::of_list("server", &raw.server.written_listen());
    listeners.extend(ListenAddress::of_list("token_service", raw.token_service.written_listen()));
    if let Some(operations) = &raw.operations {
        listeners.extend(ListenAddress::of_text("operations", "listen", &operations.written_listen()));
        let health = operations.written_health_listen();
        listeners.extend(health.and_then(|text| ListenAddress::of_text("operations", "health_listen", text)));
    }
    listeners
}

impl ValidatedSections {
    fn validate(raw: RawConfiguration, context: &Context, review: &mut Review<'_>) -> Self {
        let (server, outbound) = (raw.server.validate(review), raw.outbound.validate(review));
        let channels = raw.channels.validate(context.cloud, review);
        let providers = identity_providers::validate(raw.identity_providers, context.cloud, review);
        let has_callers = !(raw.add_ins.is_empty() && raw.back_ends.is_empty() && raw.apps.is_empty());
        let has_directories = !raw.directories.is_empty();
        let is_for_others = has_callers || has_directories;
        let bots = validate_bots(raw.bots, is_for_others, context, review);
        if let Some(server) = &server {
            server.require_loopback_for(&bots.emulator, review);
        }
        let behind_tls = server.as_ref().is_some_and(|server| server.tls.is_some());
        let connections = connections::validate(raw.connections, context, review);
        let written = RawBackEnds { add_ins: raw.add_ins, back_ends: raw.back_ends, apps: raw.apps };
        let others = OtherSections { connections: &connections, entra: &providers.entra };
        Self {
            token_service: raw.token_service.validate(context.cloud, &bots.tenants, behind_tls, review),
            sign_in: raw.sign_in.validate(context.cloud, review),
            back_ends: written.validate(&others, context, review),
            directories: validate_directories(
                raw.directories,
                server.as_ref().map(|server| &server.public_url),
                context,
                review,
            ),
            password_hashes: raw.password_hashes.validate(has_directories, review),
            skills: sections::validate_skills(raw.skills, context, &bots.tenants, review),
            statuses: sections::validate_statuses(raw.statuses, review),
            limits: raw.limits.validate(review),
            has_operations: raw.operations.is_some(),
            operations: raw.operations.and_then(|operations| operations.validate(behind_tls, review)),
            has_mail: raw.mail.is_some(),
            mail: raw.mail.and_then(|mail| mail.validate(review)),
            store: raw.store.validate(review),
            keys: raw.keys.validate(review),
            logging: raw.logging.validate(review),
            audit: raw.audit.map(|audit| audit.validate(review)),
            traces: raw.traces.and_then(|traces| traces.validate(review)),
            server,
            outbound,
            channels,
            providers,
            bots,
            connections,
        }
    }

    fn compare(&self, context: &Context, listeners: &[ListenAddress], review: &mut Review<'_>) {
        let compared = ComparedSections {
            server: self.server.as_ref(),
            listeners,
            bots: &self.bots.bots,
            connections: &self.connections,
            skills: &self.skills,
            back_ends: &self.back_ends,
            directories: &self.directories,
            graph: context.cloud.graph,
            has_operations: self.has_operations,
            has_mail: self.has_mail,
            credentials: &self.bots.credentials,
            outbound: self.outbound.as_ref(),
            store: self.store.as_ref(),
            keys: self.keys.as_ref(),
            audit: self.audit.as_ref(),
        };
        compared.compare(review);
    }

    /// The configuration, if nothing was reported.
    fn conclude<'r>(self, context: &Context, review: Review<'r>) -> Result<Configuration, Box<Review<'r>>> {
        let (Some(server), Some(outbound), Some(channels)) = (self.server, self.outbound, self.channels) else {
            return Err(Box::new(review));
        };
        let complete = (self.sign_in, self.limits, self.store, self.keys, self.password_hashes);
        let (Some(sign_in), Some(limits), Some(store), Some(keys), Some(password_hashes)) = complete else {
            return Err(Box::new(review));
        };
        let Conclusion { hosts, warnings, credential_ends } = review.conclude()?;
        let ValidatedBackEnds { add_ins, back_ends, apps, connections: of_others } = self.back_ends;
        let mut connections = self.connections;
        connections.retain(|section| !section.belongs_to_none());
        connections.extend(of_others);
        let mut directories = self.directories;
        connections.extend(directories.iter_mut().flat_map(|section| std::mem::take(&mut section.login_connections)));
        Ok(Configuration {
            server,
            outbound,
            channels,
            token_service: self.token_service,
            sign_in,
            identity_providers: self.providers.entra,
            openid_providers: self.providers.openid,
            bots: self.bots.bots,
            bot_credentials: self.bots.credentials,
            connections,
            add_ins,
            back_ends,
            apps,
            directories,
            password_hashes,
            skills: self.skills,
            statuses: self.statuses,
            operations: self.operations,
            mail: self.mail,
            limits,
            store,
            keys,
            logging: self.logging,
            audit: self.audit,
            traces: self.traces,
            warnings,
            credential_ends,
            file: None,
            hosts,
            cloud: context.cloud,
            written: WrittenSections::default(),
        })
    }
}
