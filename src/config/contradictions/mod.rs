//! Settings that are valid one by one and contradict each other.
//!
//! Owns the comparison of sections with each other: listeners, bots' endpoints, parents and skills, exchange URIs,
//! resources, agents' tenants, what add-ins call, callers' hashes, files. It deliberately judges no value alone; the sections do that before.

mod agents;
mod back_ends;
mod callers;
mod connections;
mod listeners;
mod mail;
mod sign_in_invokes;
mod skills;

#[cfg(test)]
mod bot_tests;
#[cfg(test)]
mod tests;

pub(in crate::config) use listeners::ListenAddress;

use std::time::Duration;

use listeners::OwnAddresses;

use super::back_ends::ValidatedBackEnds;
use super::review::{Place, Review};
use super::sections::{BotCredentialsSection, KeysSection, OutboundSection, Server, StoreSection};
use super::{AuditSection, ConnectionSection, DirectorySection};
use crate::domain::{Bot, Skill};

/// The validated sections that are compared. A section with a problem is `None`, and is compared with nothing.
pub(in crate::config) struct ComparedSections<'a> {
    pub(in crate::config) server: Option<&'a Server>,
    /// The addresses of all listeners, whatever else their sections have.
    pub(in crate::config) listeners: &'a [ListenAddress],
    pub(in crate::config) bots: &'a [Bot],
    pub(in crate::config) connections: &'a [ConnectionSection],
    pub(in crate::config) skills: &'a [Skill],
    pub(in crate::config) back_ends: &'a ValidatedBackEnds,
    pub(in crate::config) directories: &'a [DirectorySection],
    /// The cloud's Microsoft Graph.
    pub(in crate::config) graph: &'a str,
    pub(in crate::config) has_operations: bool,
    pub(in crate::config) has_mail: bool,
    pub(in crate::config) credentials: &'a [BotCredentialsSection],
    pub(in crate::config) outbound: Option<&'a OutboundSection>,
    pub(in crate::config) store: Option<&'a StoreSection>,
    pub(in crate::config) keys: Option<&'a KeysSection>,
    pub(in crate::config) audit: Option<&'a AuditSection>,
}

impl ComparedSections<'_> {
    /// Reports every pair of settings that contradict each other, and warns of pairs that are only suspicious.
    pub(in crate::config) fn compare(&self, review: &mut Review<'_>) {
        listeners::compare(self.listeners, review);
        listeners::check_public_url(self.server, review);
        let own = OwnAddresses { bots: self.bots, server: self.server, listeners: self.listeners };
        for bot in self.bots {
            listeners::check_endpoint(bot, own, review);
            callers::check(bot, review);
            agents::check(bot, self.connections, review);
            sign_in_invokes::check(bot, self.connections, review);
        }
        let neighbours = connections::Neighbours { bots: self.bots, connections: self.connections };
        for section in self.connections {
            connections::check(section, neighbours, review);
        }
        let comparison = skills::SkillComparison {
            own,
            connections: self.connections,
            skills: self.skills,
            credentials: self.credentials,
        };
        skills::check(comparison, review);
        let comparison = back_ends::BackEndComparison {
            own,
            back_ends: self.back_ends,
            directories: self.directories,
            graph: self.graph,
            has_operations: self.has_operations,
        };
        back_ends::check(comparison, review);
        mail::check(self.directories, self.has_mail, review);
        self.compare_files(review);
        self.compare_times(review);
    }

    fn compare_files(&self, review: &mut Review<'_>) {
        let (Some(store), Some(keys)) = (self.store, self.keys) else { return };
        let file = store.file().map(|file| &file.path);
        if file == Some(&keys.file) {
            let message = "is the file of the key ring, too (keys.file): write a file of its own, as \"bot-sso.db\"";
            review.report(&Place::section("store").key("path"), message.to_owned());
        }
        let Some(AuditSection::File(audit)) = self.audit else { return };
        if Some(audit) == file || *audit == keys.file {
            let message =
                "is the file of the store or of the key ring, too: write a file of its own, as \"audit.jsonl\"";
            review.report(&Place::section("audit").key("file"), message.to_owned());
        }
    }

    fn compare_times(&self, review: &mut Review<'_>) {
        let Some(outbound) = self.outbound else { return };
        if outbound.bot_timeout <= outbound.connect_timeout {
            let longer = outbound.connect_timeout.saturating_add(Duration::from_secs(10)).as_millis();
            let message = format!(
                "is not longer than connect_timeout_ms, so a bot that is slow to connect to has no time to answer: write \
                 {longer}, or a shorter connect_timeout_ms"
            );
            review.warn(&Place::section("outbound").key("bot_timeout_ms"), message);
        }
    }
}
